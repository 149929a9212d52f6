"""The picture of a sweep: the accuracy against each hyperparameter, and all curves.

Needs matplotlib: pip install 'xpnet[plot]'.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from xpnet.sweep import SweepResult

__all__ = ["plot_sweep"]

_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#999999"
_DECADES = 10.0  # from which range on an axis is logarithmic


def plot_sweep(result: "SweepResult", path: Path | BinaryIO) -> None:
    """Write the validation accuracy against each hyperparameter, and over the epochs, as a PNG.

    The best configuration is orange.
    """
    names = [name for name in result.names if len({str(row[name]) for row in result.rows}) > 1]
    columns = min(3, len(names)) or 1
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4 * columns, 3 * (rows + 1.3)), layout="constrained")
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[*[1] * rows, 1.3])
    best = result.best
    for i, name in enumerate(names):
        _panel(figure.add_subplot(grid[i // columns, i % columns]), result, name, best)
    below = figure.add_subplot(grid[rows, :])
    for number in [row["number"] for row in result.rows]:
        curve = [c for c in result.curves if c["number"] == number]
        is_best = number == best["number"]
        below.plot(
            [c["epoch"] for c in curve],
            [c["val_accuracy"] for c in curve],
            color=_ORANGE if is_best else _GREY,
            lw=2 if is_best else 0.7,
            alpha=1 if is_best else 0.6,
            zorder=3 if is_best else 1,
        )
    below.set_xlabel("epoch")
    below.set_ylabel(f"validation {result.metric}")
    below.grid(alpha=0.25)
    figure.suptitle(
        f"{len(result.rows)} configurations; the best validation {result.metric}, "
        f"{best['val_accuracy']:.3f}, is a maximum over noise",
        fontsize=10,
    )
    figure.savefig(path, dpi=110)


def _panel(axes: Any, result: "SweepResult", name: str, best: dict[str, Any]) -> None:
    """Draw the accuracy of each configuration against one hyperparameter."""
    rows = [row for row in result.rows if math.isfinite(row["val_accuracy"])]
    values = [row[name] for row in rows]
    numeric = all(isinstance(value, int | float) for value in values)
    places = values if numeric else [str(value) for value in values]
    axes.scatter(places, [row["val_accuracy"] for row in rows], color=_BLUE, s=14, alpha=0.6)
    own = best[name] if numeric else str(best[name])
    axes.scatter([own], [best["val_accuracy"]], color=_ORANGE, s=45, zorder=3)
    if numeric and min(values) > 0 and max(values) >= _DECADES * min(values):
        axes.set_xscale("log")
    axes.set_xlabel(name)
    axes.set_ylabel(f"validation {result.metric}")
    axes.grid(alpha=0.25)
