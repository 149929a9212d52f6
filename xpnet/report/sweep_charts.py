"""The charts of a sweep: scores against hyperparameters, and all validation curves."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.report.figures import note
from xpnet.report.frame import Frame
from xpnet.report.line_chart import Line, legend, line_chart
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.numbers import count_text, number_text, value_text
from xpnet.report.scales import Linear, Log, Scale
from xpnet.report.scatter import points

if TYPE_CHECKING:
    from xpnet.sweep.result import SweepResult

__all__ = [
    "below_axis",
    "curves_chart",
    "drawn_of",
    "plain_value",
    "score_chart",
    "scores_axis",
]

_DECADES = 10.0  # from which range on an axis is logarithmic
_SPREADS = 3.0  # of the axis, times the distance from the median to the best
_APART = 0.11  # of the axis, from one tick's text to the next
_MOST_CURVES = 300  # behind the best
_MOST_POINTS = 1500
_MOST_LEVELS = 8


def score_chart(result: "SweepResult", name: str) -> Markup:
    """Return the score of each net against one hyperparameter, the best in front."""
    rows = [row for row in result.rows if math.isfinite(row["val_accuracy"])]
    best = set(result.numbers_of(result.best))
    places, x, labels = _places(rows, name)
    y = scores_axis(result)
    said = name.replace("_", " ")
    heading = said + (", log axis" if isinstance(x, Log) else "")
    ticks = () if labels else _levels(np.array(list(places.values())), x)
    frame = Frame(x, y, heading, f"validation {result.metric}", 300, labels, ticks)
    step = max(1, -(-len(rows) // _MOST_POINTS))
    others = [row for row in rows if row["number"] not in best][::step]
    drawn = [
        points(
            frame,
            np.array([places[row["number"]] for row in shown]),
            np.array([row["val_accuracy"] for row in shown]),
            style,
            [_row_said(result, row) for row in shown],
        )
        for shown, style in (
            (others, "dot s0"),
            ([row for row in rows if row["number"] in best], "dot top s1"),
        )
    ]
    label = f"Validation {result.metric} against {said}."
    label += f" The best has {value_text(plain_value(result.best[name]))}."
    return tag("div", tag("h4", said), frame.svg(label, drawn))


def curves_chart(result: "SweepResult") -> Child:
    """Return the validation score of every net over the epochs, the best in front."""
    by_row: dict[int, list[Mapping[str, Any]]] = {}
    for row in result.curves:
        by_row.setdefault(row["number"], []).append(row)
    if not by_row:
        return note("There are no curves: no check was made.")
    best = set(result.numbers_of(result.best))
    others = [number for number in by_row if number not in best]
    step = max(1, -(-len(others) // _MOST_CURVES))
    lines = [_curve("others", by_row[number], "s0 behind") for number in others[::step]]
    style = "s1 thick" if len(best) == 1 else "s1"
    front = [_curve("the best", by_row[k], style, "circle") for k in sorted(best & set(by_row))]
    last = max(float(line.x.max()) for line in [*lines, *front])
    frame = Frame(
        Linear(0.0, max(1.03 * last, 1.0)),
        scores_axis(result),
        "epoch",
        f"validation {result.metric}",
    )
    label = f"Validation {result.metric} of {len(by_row):,} nets over the epochs."
    chart = line_chart(frame, [*lines, *front], [], label)
    return [tag("div", chart, class_="limited"), legend([*lines[:1], *front[:1]], [])]


def plain_value(value: Any) -> Any:
    """Return a list of one number as that number, so that one hidden layer is a size."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _curve(name: str, rows: list[Mapping[str, Any]], style: str, marks: str = "") -> Line:
    x, y = (
        np.array([row[key] for row in rows], dtype=np.float64) for key in ("epoch", "val_accuracy")
    )
    return Line(name, x, y, style, marks)


def _places(
    rows: list[dict[str, Any]], name: str
) -> tuple[dict[int, float], Scale, tuple[str, ...]]:
    """Return where each row stands, by its number, with the axis and the names beside it."""
    values = {row["number"]: plain_value(row[name]) for row in rows}
    if all(isinstance(value, int | float) for value in values.values()):
        places = {number: float(value) for number, value in values.items()}
        found = np.array(list(places.values()))
        if found.min() > 0 and found.max() >= _DECADES * found.min():
            return places, Log.over(found), ()
        levels = set(places.values())  # such as 0, 0.01, 0.1, which no axis of numbers shows
        if not (0 in levels and 2 < len(levels) <= _MOST_LEVELS):
            return places, Linear.over(found), ()
    names = list(dict.fromkeys(value_text(v) for v in sorted(values.values(), key=_order)))
    places = {number: float(names.index(value_text(v))) for number, v in values.items()}
    return places, Linear(-0.5, len(names) - 0.5), tuple(names)


def _order(value: Any) -> tuple[list[float], str]:
    """Return what values are sorted by: numbers, and lists of them, before texts."""
    parts = value if isinstance(value, list | tuple) else [value]
    if all(isinstance(part, int | float) for part in parts):
        return [len(parts), *map(float, parts)], ""
    return [math.inf], value_text(value)


def scores_axis(result: "SweepResult") -> Linear:
    """Return the axis of the scores, on which the better half of the nets has a third or more.

    Those that learnt little would make a line of all others; they stand at its lower edge.
    """
    scores = np.array([row["val_accuracy"] for row in result.rows], dtype=np.float64)
    finite = scores[np.isfinite(scores)]
    if not finite.size:
        return Linear(0.0, 1.0)
    high, low = float(finite.max()), float(finite.min())
    spread = high - float(np.median(finite))
    if spread > 0:
        low = max(low, high - _SPREADS * spread)
    return Linear.over(np.array([low, high]))


def drawn_of(result: "SweepResult") -> str:
    """Return how many of the nets have a point and a curve, where not all have, or ""."""
    count = len(result.rows)
    if count <= _MOST_CURVES:
        return ""
    said = f"Of the {count:,} nets about {_MOST_CURVES:,} curves"
    if count > _MOST_POINTS:
        said += f" and {_MOST_POINTS:,} points"
    return f"{said} are drawn, evenly chosen."


def below_axis(result: "SweepResult") -> str:
    """Return what is to be said of the nets that stand at the lower edge of that axis, or ""."""
    low = scores_axis(result).low
    count = sum(row["val_accuracy"] < low for row in result.rows)
    if not count:
        return ""
    verb = "stands" if count == 1 else "stand"
    return f"{count_text(count, 'net')} below {number_text(low)} {verb} at the lower edge."


def _levels(found: np.ndarray, x: Scale) -> tuple[float, ...]:
    """Return the values as ticks where they are few and apart; of others the axis knows better."""
    levels = np.unique(found)
    if len(levels) > _MOST_LEVELS:
        return ()
    places = x.places(levels)
    if len(levels) > 1 and float(np.diff(places).min()) < _APART:
        return ()
    return tuple(levels.tolist())


def _row_said(result: "SweepResult", row: Mapping[str, Any]) -> str:
    values = ", ".join(f"{n.replace('_', ' ')} {value_text(row[n])}" for n in result.names)
    return f"{number_text(row['val_accuracy'])}: {values}"
