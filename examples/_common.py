"""What the examples with a picture share: their options, their data and their colours."""

import argparse
import dataclasses
import sys
import textwrap
from pathlib import Path

import numpy as np

import xpnet

try:
    from matplotlib.figure import Figure
except ModuleNotFoundError:
    sys.exit(
        "this example draws a picture, and matplotlib is not installed: pip install matplotlib"
    )

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "RED",
    "SKY",
    "Figure",
    "digits",
    "say",
    "start",
]

# Okabe and Ito's, told apart by the colour-blind.
BLACK, GREY = "#000000", "#666666"
BLUE, SKY, GREEN = "#0072b2", "#56b4e9", "#009e73"
ORANGE, RED, PURPLE = "#e69f00", "#d55e00", "#cc79a7"

_SAMPLES = {"train": 4000, "val": 1000, "test": 1000}
_PICTURE_SHAPE = (3, 8, 8)


def start(path: str, description: str) -> tuple[xpnet.data.Dataset, Path]:
    """Return the data, and where the picture goes, as the command line of the example says."""
    name = Path(path).stem
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", help="holds cifar-10-batches-py/; without: the digits")
    parser.add_argument("--out", type=Path, default=Path(f"{name}.png"), help="the picture")
    options = parser.parse_args()
    if options.folder is None:
        return xpnet.data.load("digits"), options.out
    return _shrunk(xpnet.data.load("cifar10", data_dir=options.folder)), options.out


def digits(x: float) -> str:
    """Return a number in three digits."""
    return f"{float(f'{x:.3g}'):,g}"


def say(text: str) -> None:
    """Print an answer, after an empty line."""
    print(f"\n{textwrap.fill(text, 98, break_on_hyphens=False)}")


def _shrunk(data: xpnet.data.Dataset) -> xpnet.data.Dataset:
    """Return some of CIFAR-10's pictures, like the digits of 8 by 8 pixels from 0 to 16.

    A pixel is the mean of 4 by 4. Whitening 3,072 features alone would take most of a minute.
    """
    parts = {}
    for part, count in _SAMPLES.items():
        pictures = data[f"X_{part}"][:count].reshape(-1, 3, 8, 4, 8, 4)
        means = pictures.mean(axis=(3, 5), dtype=np.float32) / 16
        parts[f"X_{part}"] = means.reshape(len(means), -1)
        parts[f"y_{part}"] = data[f"y_{part}"][:count]
    return dataclasses.replace(data, **parts, picture_shape=_PICTURE_SHAPE)
