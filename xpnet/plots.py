"""Pictures of a training: its curves, and what the first layer has learnt.

Needs matplotlib: pip install 'xpnet[plot]'.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from matplotlib.figure import Figure

from xpnet.metrics import Accuracy
from xpnet.thinning import smoothed
from xpnet.weight_grid import weight_grid

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["plot_curves", "plot_weights", "weight_grid"]

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
    above.plot(*smoothed(epochs, loss), color=_BLUE, label="smoothed")
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


def _bottom(scores: list[float]) -> float:
    """Return where the axis of the scores begins: at 0, or below where some are negative."""
    finite = [score for score in scores if math.isfinite(score)]
    if not finite or min(finite) >= 0:
        return 0.0
    return max(min(finite) - 0.05, min(_LOWEST_SCORE, 1.1 * max(finite)))
