"""Pictures of a training: its curves, and what the first layer has learnt.

Needs matplotlib: pip install 'xpnet[plot]'.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from matplotlib.figure import Figure

from xpnet.errors import InputError
from xpnet.metrics import Accuracy

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["plot_curves", "plot_weights", "weight_grid"]

_MOST_PICTURES = 100
_MOST_STRETCHES = 100
_SPIKE = 1000  # times the median: from there on a linear axis shows the spike alone
_LOWEST_SCORE = -1.0  # a first R squared of -1000 would make a line of all others
_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#666666"  # told apart by the colour-blind


def plot_curves(solver: "Solver", path: Path | BinaryIO, title: str) -> None:
    """Write the loss of every step and the two accuracies, over the epochs, as a PNG.

    Of a regression it is R squared, which has no chance level, and whose axis begins below 0.

    Reference: the notes' figure, with the loss smoothed, both axes in epochs, and a line at chance
    instead of one at 0.5.
    """
    figure = Figure(figsize=(8, 8), layout="constrained")
    figure.suptitle(title)
    above, below = figure.subplots(2, 1, sharex=True)
    steps_per_epoch = solver.steps_per_epoch
    loss = np.asarray(solver.loss_history)
    epochs = np.arange(1, len(loss) + 1) / steps_per_epoch
    above.plot(epochs, loss, ".", color=_BLUE, alpha=0.25, markersize=3, label="each step")
    above.plot(*_smoothed(epochs, loss), color=_BLUE, label="smoothed")
    checks = np.asarray(solver.check_steps) / steps_per_epoch
    above.plot(checks, solver.val_loss_history, "-o", color=_ORANGE, markersize=3, label="val")
    above.set_ylabel("loss")
    finite = loss[np.isfinite(loss)]
    if finite.size and finite.min() > 0 and finite.max() > _SPIKE * np.median(finite):
        above.set_yscale("log")
    above.legend(loc="best")
    for history, color, label in (
        (solver.train_acc_history, _BLUE, "train"),
        (solver.val_acc_history, _ORANGE, "val"),
    ):
        below.plot(checks, history, "-o", color=color, markersize=3, label=label)
    if isinstance(solver.metric, Accuracy):
        chance, text = 1.0 / solver.num_classes, f"chance, {1.0 / solver.num_classes:.2g}"
        below.axhline(chance, color=_GREY, linestyle="--", linewidth=1, label=text)
    below.set_ylim(_bottom([*solver.train_acc_history, *solver.val_acc_history]), 1.03)
    below.set_ylabel(solver.metric.name)
    below.set_xlabel("epoch")
    below.legend(loc="best")
    for axes in (above, below):
        axes.grid(alpha=0.25)
    figure.savefig(path, dpi=120)


def plot_weights(
    weights: np.ndarray, picture_shape: tuple[int, int, int], path: Path | BinaryIO, title: str
) -> None:
    """Write the first layer's weights as a grid of pictures, one a hidden unit, as a PNG.

    Args:
        weights: W1 of shape (D, H).
        picture_shape: (channels, height, width) with a product of D, and 1 or 3 channels.
        path: The file.
        title: Above the grid.

    """
    grid = weight_grid(weights, picture_shape)
    height, width = grid.shape[:2]
    inches = min(max(8 * height / width, 2), 12) + 0.6  # a very narrow grid is drawn smaller
    figure = Figure(figsize=(8, inches), layout="constrained")
    axes = figure.subplots()
    axes.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(title)
    figure.savefig(path, dpi=120)


def weight_grid(
    weights: np.ndarray, picture_shape: tuple[int, int, int], padding: int = 2
) -> np.ndarray:
    """Return the weights of the first hundred units as one picture with values of 0 to 1.

    Each unit is stretched over the whole range by itself, so that weak ones are seen too.

    Returns:
        An array of shape (height, width) for one channel, or (height, width, 3), white between
        the units.

    Raises:
        InputError: The weights are not of such pictures.

    """
    channels, height, width = picture_shape
    if channels not in (1, 3) or weights.shape[0] != channels * height * width:
        raise InputError(
            f"weights of {weights.shape[0]} inputs are not pictures of shape {picture_shape} with "
            "1 or 3 channels"
        )
    units = weights.T[:_MOST_PICTURES].reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    low = units.min(axis=(1, 2, 3), keepdims=True)
    span = units.max(axis=(1, 2, 3), keepdims=True) - low
    units = (units - low) / np.where(span > 0, span, 1)
    cell = (height + padding, width + padding)
    square = math.ceil(math.sqrt(len(units) * cell[0] / cell[1]))  # about as wide as it is high
    columns = min(max(square, 1), len(units))
    rows = math.ceil(len(units) / columns)
    grid = np.ones((rows * cell[0] + padding, columns * cell[1] + padding, channels))
    for i, unit in enumerate(units):
        top, left = (n * size + padding for n, size in zip(divmod(i, columns), cell, strict=True))
        grid[top : top + height, left : left + width] = unit
    return grid[..., 0] if channels == 1 else grid


def _bottom(scores: list[float]) -> float:
    """Return where the axis of the scores begins: at 0, or below where some are negative."""
    finite = [score for score in scores if math.isfinite(score)]
    if not finite or min(finite) >= 0:
        return 0.0
    return max(min(finite) - 0.05, min(_LOWEST_SCORE, 1.1 * max(finite)))


def _smoothed(epochs: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of up to a hundred equal stretches: a spike stays in its own."""
    parts = min(_MOST_STRETCHES, len(values))
    halves = (np.array_split(x, parts) for x in (epochs, values))
    middle, mean = ([part.mean() for part in half] for half in halves)
    return np.asarray(middle), np.asarray(mean)
