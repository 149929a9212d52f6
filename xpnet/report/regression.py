"""What a regression predicts against what is true, and what is left over."""

import numpy as np

from xpnet.report.bars import bars
from xpnet.report.figures import figure
from xpnet.report.frame import Frame
from xpnet.report.markup import Markup, tag
from xpnet.report.numbers import number_text
from xpnet.report.scales import Linear
from xpnet.report.scatter import points, straight
from xpnet.report.scored import Scored

__all__ = ["regression_figures"]

_MOST_POINTS = 1000
_MOST_TARGETS = 4
_BINS = 30


def regression_figures(scored: Scored) -> list[Markup]:
    """Return the scatter of predictions and the residuals, for each of the first four targets."""
    targets = range(min(scored.y.shape[1], _MOST_TARGETS))
    several = scored.y.shape[1] > 1
    captions = [_said(scored, k, several=several) for k in targets]
    left_out = scored.y.shape[1] - len(targets)
    more = [f"{left_out} more targets are not drawn."] if left_out > 0 else []
    return [
        figure(
            "predicted",
            [_scatter(scored, k) for k in targets],
            caption=[tag("p", text) for text in [*captions, *more]],
        ),
        figure(
            "residuals",
            [part for k in targets for part in _residuals(scored, k)],
            caption="Predicted minus true, on the validation part. A slope or a funnel in the "
            "points is something that the net has not learnt.",
        ),
    ]


def _said(scored: Scored, k: int, *, several: bool) -> str:
    y, found = scored.y[:, k], scored.scores[:, k]
    error = float(np.sqrt(np.mean((found - y) ** 2)))
    spread = float(y.std())
    of = f"Target {k}: root" if several else "Root"
    return (
        f"{of} mean square residual {number_text(error)}; the targets' standard deviation is "
        f"{number_text(spread)}."
    )


def _shown(scored: Scored) -> np.ndarray:
    """Return some samples, spread evenly."""
    count = len(scored.y)
    return np.unique(np.linspace(0, count - 1, min(count, _MOST_POINTS)).astype(np.int64))


def _scatter(scored: Scored, k: int) -> Markup:
    rows = _shown(scored)
    y, found = scored.y[rows, k], scored.scores[rows, k]
    axis = Linear.over(np.concatenate([y, found]))
    of = f", target {k}" if scored.y.shape[1] > 1 else ""
    frame = Frame(
        axis,
        Linear(axis.low, axis.high),
        f"true{of}, in the data's unit",
        "predicted, likewise",
        400,
    )
    line = straight(frame, (axis.low, axis.low), (axis.high, axis.high))
    label = f"Predicted against true{of}, {len(rows)} samples of the validation part, with the "
    return frame.svg(
        f"{label}line on which they are equal.", points(frame, y, found, "dot s0"), line
    )


def _residuals(scored: Scored, k: int) -> list[Markup]:
    rows = _shown(scored)
    of = f", target {k}" if scored.y.shape[1] > 1 else ""
    residuals = scored.scores[:, k] - scored.y[:, k]
    found = scored.scores[rows, k]
    frame = Frame(
        Linear.over(found), Linear.over(residuals), f"predicted{of}", "residual, in the data's unit"
    )
    zero = straight(frame, (frame.x.low, 0.0), (frame.x.high, 0.0))
    scatter = frame.svg(
        f"Residuals against predictions{of}, with a line at 0.",
        points(frame, found, residuals[rows], "dot s0"),
        zero,
    )
    counts, edges = np.histogram(residuals, bins=_BINS)
    beside = Frame(
        Linear(float(edges[0]), float(edges[-1])),
        Linear.over(counts.astype(np.float64), zero=True),
        f"residual{of}, in the data's unit",
        "samples",
        240,
    )
    said = f"Residuals{of}: mean {number_text(float(residuals.mean()))}, standard deviation "
    said += f"{number_text(float(residuals.std()))}."
    return [scatter, beside.svg(said, bars(beside, edges, counts))]
