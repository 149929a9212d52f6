"""The histograms of a watched training: a picture for each layer, the step across."""

import numpy as np

from xpnet.diagnostics import WatchRecord
from xpnet.report.figures import figure
from xpnet.report.frame import Frame
from xpnet.report.heat_map import heat_map
from xpnet.report.markup import Markup, tag
from xpnet.report.numbers import share_text
from xpnet.report.scales import Linear, Log, Scale

__all__ = ["histograms_figure", "shown_layers", "steps_axis"]

_MOST_COLUMNS = 200
_MOST_LAYERS = 16  # of small charts, and of lines in one
_LABELS = {
    "activations": "standard deviations from the mean",
    "gradients": "|gradient|, log axis",
}
_CAPTIONS = {
    "activations": "Each layer's outputs on a batch, by how far they lie from their mean; what "
    "lies beyond the axis is in its last bin.",
    "gradients": "The sizes of the gradients of each layer's weights. A layer far below the "
    "others hardly learns.",
}


def shown_layers(record: WatchRecord) -> list[int]:
    """Return the layers to draw: all, or of many some, the first and the last among them."""
    count = len(record.layers)
    return sorted(set(np.linspace(0, count - 1, min(count, _MOST_LAYERS)).astype(int).tolist()))


def steps_axis(record: WatchRecord) -> Linear:
    """Return the axis of the looks."""
    return Linear(0.0, max(1.03 * record.steps[-1], 1.0))


def histograms_figure(record: WatchRecord, name: str) -> Markup:
    """Return a picture of each layer's histograms: the step across, the bins upward."""
    first, last = float(record.edges[name][0]), float(record.edges[name][-1])
    y: Scale = Log(10**first, 10**last) if name == "gradients" else Linear(first, last)
    charts = [_chart(record, name, k, y) for k in shown_layers(record)]
    caption = (
        f"{_CAPTIONS[name]} The stronger the colour, the larger the share, by its square root."
    )
    return figure(name, tag("div", charts, class_="small-charts"), caption=caption, wide=True)


def _chart(record: WatchRecord, name: str, k: int, y: Scale) -> Markup:
    """Return the picture of one layer."""
    frame = Frame(steps_axis(record), y, "step", _LABELS[name], 230)
    shares = np.nan_to_num(record.histograms[name][:, k])
    shade = np.sqrt(shares / (float(shares.max()) or 1.0))  # so that the tails are seen too
    ends = frame.across(np.array([0.0, record.steps[-1] or frame.x.high]))
    said = _peak_said(record, name, k)
    chart = heat_map(
        frame,
        shade[_columns(record)].T,
        f"{name}-{k}",
        f"{record.layers[k]}: {said}",
        (float(ends[0]), float(ends[1])),
    )
    return tag("div", tag("h4", record.layers[k]), chart, tag("p", said, class_="quiet small"))


def _columns(record: WatchRecord) -> np.ndarray:
    """Return for each column of a picture the look that it shows: the nearest."""
    steps = np.asarray(record.steps)
    count = int(min(_MOST_COLUMNS, max(steps[-1], 1)))
    middles = steps[-1] * (np.arange(count) + 0.5) / count
    return np.asarray(np.searchsorted((steps[1:] + steps[:-1]) / 2, middles))


def _peak_said(record: WatchRecord, name: str, k: int) -> str:
    """Return in words where most of a layer's values were at the last look."""
    shares = record.histograms[name][-1, k]
    when = f"At step {record.steps[-1]:,},"
    broken = float(record.statistics["nonfinite_share"][-1, k])
    if not np.isfinite(shares).all() or broken > 0:
        return f"{when} {share_text(broken)} of its outputs are NaN or infinite."
    edges, peak = record.edges[name], int(shares.argmax())
    share, low, high = share_text(float(shares[peak])), float(edges[peak]), float(edges[peak + 1])
    if name == "gradients":  # log10
        low, high = 10**low, 10**high
        texts = [f"{value:.1g}" for value in (low, high)]
    else:
        texts = [f"{value:+.1f}" for value in (low, high)]
    if peak == 0:  # with all below, in the gradients what is 0
        where = f"are 0 or below {texts[1]}" if name == "gradients" else f"lie below {texts[1]}"
    elif peak == len(edges) - 2:
        where = f"lie above {texts[0]}"
    else:
        where = f"lie between {texts[0]} and {texts[1]}"
    return f"{when} {share} {where}."
