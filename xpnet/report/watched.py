"""What a watched training has recorded of each layer: activations, gradients, updates."""

import numpy as np

from xpnet.diagnostics import WatchRecord
from xpnet.report.figures import figure
from xpnet.report.frame import Frame
from xpnet.report.heat_map import heat_map
from xpnet.report.line_chart import Line, Reference, legend, line_chart
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.numbers import number_text, share_text
from xpnet.report.scales import Linear, Log, Scale

__all__ = ["watched_figures"]

_MOST_COLUMNS = 200
_MOST_LAYERS = 16  # of small charts, and of lines in one
_COLOURS = 8
_ABOUT_RIGHT = 1e-3  # Stanford CS231n, "Neural Networks Part 3": updates over weights


def watched_figures(record: WatchRecord) -> list[Markup]:
    """Return the figures of a record of a single net with one look or more."""
    found = record.statistics
    own = _layers(record)
    hidden = own[:-1] if len(own) > 1 else own  # scores are neither dead nor saturated
    spread = found["activation_std"]
    ratios = found["update_ratio"]
    norms = found["gradient_norm"]
    parts = [
        _heat_maps(record, "activations"),
        _heat_maps(record, "gradients"),
        _lines(
            "activation-spread",
            record,
            spread,
            own,
            Log.over(spread[:, own]),
            label="standard deviation, log axis",
            said="The standard deviation of each layer's outputs. Lines that part by powers of "
            "ten are activations that vanish or explode by depth.",
        ),
        _lines(
            "gradient-norms",
            record,
            norms,
            own,
            Log.over(norms[:, own]),
            label="norm of the gradient, log axis",
            said="The norm of the gradient of each layer's weights, without regularisation. Lines "
            "that part by powers of ten are gradients that vanish or explode by depth.",
        ),
        _lines(
            "update-ratios",
            record,
            ratios,
            own,
            Log.over(np.append(ratios[:, own], _ABOUT_RIGHT)),
            label="|update| / |weights|, log axis",
            references=[Reference("1e-3, about right", _ABOUT_RIGHT, "chance")],
            said="How much a step changes the weights of each layer, relative to their norm. Far "
            "above 1e-3 the learning rate is too high, far below it too low.",
        ),
        _lines(
            "dead-units",
            record,
            found["dead_share"],
            hidden,
            _shares(),
            label="share of the units",
            said=_dead_said(record, hidden),
        ),
    ]
    if np.nanmax(found["saturated_share"], initial=0.0) > 0:
        parts.append(
            _lines(
                "saturation",
                record,
                found["saturated_share"],
                hidden,
                _shares(),
                label="share of the outputs",
                said="Outputs of sigmoid or tanh where the slope is nearly 0, so that hardly "
                "any gradient goes through.",
            )
        )
    return parts


def _layers(record: WatchRecord) -> list[int]:
    """Return the layers to draw: all, or of many some, the first and the last among them."""
    count = len(record.layers)
    return sorted(set(np.linspace(0, count - 1, min(count, _MOST_LAYERS)).astype(int).tolist()))


def _steps(record: WatchRecord) -> Linear:
    return Linear(0.0, max(1.03 * record.steps[-1], 1.0))


def _shares() -> Linear:
    return Linear(0.0, 1.03)


def _lines(
    name: str,
    record: WatchRecord,
    values: np.ndarray,
    layers: list[int],
    y: Scale,
    *,
    label: str,
    said: str,
    references: list[Reference] | None = None,
) -> Markup:
    """Return a line for each layer, of values (looks, layers)."""
    steps, references = np.asarray(record.steps, dtype=np.float64), references or []
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
        Frame(_steps(record), y, "step", label),
        lines,
        references,
        f"{said} At the last look: {last}.",
    )
    return figure(name, [chart, legend(lines, references)], caption=said)


def _heat_maps(record: WatchRecord, name: str) -> Markup:
    """Return a picture of each layer's histograms: the step across, the bins upward."""
    edges, shares = record.edges[name], record.histograms[name]
    first, last = float(edges[0]), float(edges[-1])
    y: Scale = Linear(first, last)
    what, caption = (
        "standard deviations from the mean",
        (
            "Each layer's outputs on a batch, by how far they lie from their mean; what lies "
            "beyond the axis is in its last bin."
        ),
    )
    if name == "gradients":
        y = Log(10**first, 10**last)
        what, caption = (
            "|gradient|, log axis",
            (
                "The sizes of the gradients of each layer's weights. A layer far below the others "
                "hardly learns."
            ),
        )
    at = _columns(record)
    charts: list[Child] = []
    for k in _layers(record):
        own = np.nan_to_num(shares[:, k])
        largest = float(own.max())
        shade = np.sqrt(own / (largest or 1.0))  # so that the tails are seen too
        label = f"{record.layers[k]}: {_peak_said(record, name, k)}"
        frame = Frame(_steps(record), y, "step", what, 230)
        start = float(frame.across(np.array([0.0]))[0])
        stop = float(frame.across(np.array([float(record.steps[-1])]))[0])
        chart = heat_map(frame, shade[at].T, f"{name}-{k}", label, (start, stop))
        charts.append(
            tag(
                "div",
                tag("h4", record.layers[k]),
                chart,
                tag("p", label.partition(": ")[2], class_="quiet small"),
            )
        )
    caption += " The stronger the colour, the larger the share, by its square root."
    return figure(name, tag("div", charts, class_="small-charts"), caption=caption, wide=True)


def _columns(record: WatchRecord) -> np.ndarray:
    """Return for each column of a picture the look that it shows: the last one until there."""
    steps = np.asarray(record.steps)
    count = int(min(_MOST_COLUMNS, max(steps[-1], 1)))
    right = steps[-1] * np.arange(1, count + 1) / count
    return np.asarray(np.clip(np.searchsorted(steps, right, side="right") - 1, 0, None))


def _peak_said(record: WatchRecord, name: str, k: int) -> str:
    """Return in words where most of a layer's values were at the last look."""
    last = np.nan_to_num(record.histograms[name][-1, k])
    edges, peak = record.edges[name], int(last.argmax())
    low, high = float(edges[peak]), float(edges[peak + 1])
    between = f"{low:+.1f} and {high:+.1f}"
    if name == "gradients":
        between = f"1e{low:.1f} and 1e{high:.1f}"
    return f"at step {record.steps[-1]:,} {share_text(float(last[peak]))} lie between {between}."


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
