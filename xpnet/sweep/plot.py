"""The picture of a sweep: the accuracy against each hyperparameter, and all curves.

Needs matplotlib: pip install 'xpnet[plot]'.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from xpnet.sweep.result import spelt

if TYPE_CHECKING:
    from xpnet.sweep import SweepResult

__all__ = ["plot_sweep"]

_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#999999"
_DECADES = 10.0  # from which range on an axis is logarithmic


def plot_sweep(result: "SweepResult", path: Path | BinaryIO) -> None:
    """Write the validation accuracy against each hyperparameter, and over the epochs, as a PNG.

    The best configuration is orange, with all its seeds and folds.
    """
    names = [name for name in result.names if len({str(row[name]) for row in result.rows}) > 1]
    columns = min(3, len(names)) or 1
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4 * columns, 3 * (rows + 1.3)), layout="constrained")
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[*[1] * rows, 1.3])
    best = set(result.numbers_of(result.best))
    for i, name in enumerate(names):
        _panel(figure.add_subplot(grid[i // columns, i % columns]), result, name, best)
    below = figure.add_subplot(grid[rows, :])
    _curves(below, result, best)
    below.set_xlabel("epoch")
    below.set_ylabel(f"validation {result.metric}")
    below.grid(alpha=0.25)
    number, mean = len(result.configurations), "mean " if result.repeats else ""
    figure.suptitle(
        f"{number:,} configurations, {len(result.rows):,} nets; the best {mean}validation "
        f"{result.metric}, {result.best['val_accuracy']:.3f}, is a maximum over noise",
        fontsize=10,
    )
    figure.savefig(path, dpi=110)


def _curves(axes: Any, result: "SweepResult", best: set[int]) -> None:
    """Draw the validation accuracies over the epochs, with the best in front."""
    lines: dict[int, list[tuple[float, float]]] = {}
    for row in result.curves:
        lines.setdefault(row["number"], []).append((row["epoch"], row["val_accuracy"]))
    others = [line for number, line in lines.items() if number not in best]
    faint = max(0.05, min(0.6, 60 / max(1, len(others))))
    axes.add_collection(LineCollection(others, colors=_GREY, linewidths=0.7, alpha=faint))
    for number in best & set(lines):
        axes.plot(*zip(*lines[number], strict=True), color=_ORANGE, lw=2, zorder=3)
    axes.autoscale_view()


def _panel(axes: Any, result: "SweepResult", name: str, best: set[int]) -> None:
    """Draw the accuracy of each net against one hyperparameter."""
    rows = [row for row in result.rows if math.isfinite(row["val_accuracy"])]
    values = [row[name] for row in rows]
    numeric = all(isinstance(value, int | float) for value in values)
    places = values
    if not numeric:  # at places 0, 1, ..., in the order of their values where they have one
        named = {spelt(value): value for value in values}
        kinds = list(named)
        if all(isinstance(value, list | tuple) for value in named.values()):
            kinds.sort(key=lambda kind: named[kind])
        places = [kinds.index(spelt(value)) for value in values]
        axes.set_xticks(range(len(kinds)), kinds)
    is_best = [row["number"] in best for row in rows]
    for chosen, style in (
        (False, {"color": _BLUE, "s": 14, "alpha": 0.6}),
        (True, {"color": _ORANGE, "s": 45, "zorder": 3}),
    ):
        shown = [i for i, own in enumerate(is_best) if own == chosen]
        axes.scatter([places[i] for i in shown], [rows[i]["val_accuracy"] for i in shown], **style)
    if numeric and min(values) > 0 and max(values) >= _DECADES * min(values):
        axes.set_xscale("log")
    axes.set_xlabel(name)
    axes.set_ylabel(f"validation {result.metric}")
    axes.grid(alpha=0.25)
