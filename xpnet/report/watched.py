"""What a watched training has recorded of each layer: activations, gradients, updates."""

from collections.abc import Sequence

import numpy as np

from xpnet.diagnostics import WatchRecord
from xpnet.report.figures import figure
from xpnet.report.frame import Frame
from xpnet.report.histograms import histograms_figure, shown_layers, steps_axis
from xpnet.report.line_chart import Line, Reference, legend, line_chart
from xpnet.report.markup import Markup
from xpnet.report.numbers import number_text, share_text
from xpnet.report.scales import Linear, Log, Scale

__all__ = ["watched_figures"]

_COLOURS = 8
_ABOUT_RIGHT = 1e-3  # Stanford CS231n, "Neural Networks Part 3": updates over weights


# The statistics that are sizes: the figure, the statistic, its label, and what to make of it.
_SIZES = (
    (
        *("activation-spread", "activation_std", "standard deviation, log axis"),
        "The standard deviation of each layer's outputs. Lines that part by powers of ten are "
        "activations that vanish or explode by depth.",
    ),
    (
        *("gradient-norms", "gradient_norm", "norm of the gradient, log axis"),
        "The norm of the gradient of each layer's weights, without regularisation. Lines that "
        "part by powers of ten are gradients that vanish or explode by depth.",
    ),
    (
        *("update-ratios", "update_ratio", "|update| / |weights|, log axis"),
        "How much a step changes the weights of each layer, relative to their norm. Far above "
        "1e-3 the learning rate is too high, far below it too low.",
    ),
)
_SATURATION = (
    "Outputs of sigmoid or tanh where the slope is nearly 0, so that hardly any gradient goes "
    "through."
)


def watched_figures(record: WatchRecord) -> list[Markup]:
    """Return the figures of a record of a single net with one look or more."""
    parts = [histograms_figure(record, name) for name in ("activations", "gradients")]
    own = shown_layers(record)
    for name, statistic, label, said in _SIZES:
        values = record.statistics[statistic]
        right = [_ABOUT_RIGHT] if name == "update-ratios" else []
        y = Log.over(np.append(values[:, own], right))
        references = [Reference("1e-3, about right", value, "chance") for value in right]
        parts.append(_lines(name, record, values, own, y, label, said, references))
    hidden = own[:-1] if len(own) > 1 else own  # scores are neither dead nor saturated
    shares, said = Linear(0.0, 1.03), _dead_said(record, hidden)
    dead = record.statistics["dead_share"]
    parts.append(_lines("dead-units", record, dead, hidden, shares, "share of the units", said))
    saturated = record.statistics["saturated_share"]
    if np.nanmax(saturated, initial=0.0) > 0:
        label = "share of the outputs"
        parts.append(_lines("saturation", record, saturated, hidden, shares, label, _SATURATION))
    return parts


def _lines(
    name: str,
    record: WatchRecord,
    values: np.ndarray,
    layers: list[int],
    y: Scale,
    label: str,
    said: str,
    references: Sequence[Reference] = (),
) -> Markup:
    """Return a line for each layer, of values (looks, layers)."""
    steps = np.asarray(record.steps, dtype=np.float64)
    lines = [
        Line(
            record.layers[k],
            steps,
            values[:, k].astype(np.float64),
            f"s{i % _COLOURS}{' dashed' if i >= _COLOURS else ''}",
            "circle",
        )
        for i, k in enumerate(layers)
    ]
    last = "; ".join(f"{record.layers[k]} {number_text(float(values[-1, k]))}" for k in layers)
    chart = line_chart(
        Frame(steps_axis(record), y, "step", label),
        lines,
        references,
        f"{said} At the last look: {last}.",
    )
    return figure(name, [chart, legend(lines, references)], caption=said)


def _dead_said(record: WatchRecord, layers: list[int]) -> str:
    """Return what the last look found dead, on the validation part where that was asked."""
    said = "Units that are 0 for every sample of the batch."
    whole = record.statistics["validation_dead_share"]
    asked = np.flatnonzero(np.isfinite(whole[:, layers]).all(axis=1))
    if len(asked):
        row = whole[asked[-1]]
        found = ", ".join(f"{record.layers[k]} {share_text(float(row[k]))}" for k in layers)
        said += f" On the whole validation part, at step {record.steps[asked[-1]]:,}: {found}."
    return said
