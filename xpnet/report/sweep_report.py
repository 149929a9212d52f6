"""report.html of a sweep: which configurations are good, and how each came to its score."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.report.figures import figure, note, scroll
from xpnet.report.frame import Frame
from xpnet.report.line_chart import Line, legend, line_chart
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.numbers import count_text, number_text, value_text
from xpnet.report.page import page, tiles
from xpnet.report.scales import Linear, Log, Scale
from xpnet.report.scatter import points
from xpnet.report.settings import table_of
from xpnet.run_folder import REPORT
from xpnet.whole_files import write_whole

if TYPE_CHECKING:
    from xpnet.sweep.result import SweepResult

__all__ = ["sweep_page", "write_sweep_report"]

_DECADES = 10.0  # from which range on an axis is logarithmic
_LOWEST_SCORE = -1.0
_MOST_CURVES = 300  # behind the best
_MOST_POINTS = 2000
_TOP = 10
_MOST_LEVELS = 8


def write_sweep_report(folder: Path, result: "SweepResult", told: Mapping[str, Any]) -> Path:
    """Write report.html into the folder of a sweep, and return its path.

    Args:
        folder: Of `python -m xpnet.sweep --out`.
        result: What was found.
        told: `dataset` and `fixed`, the hyperparameters that all have alike.

    Raises:
        OSError: The file cannot be written.

    """
    path = folder / REPORT
    write_whole(path, sweep_page(result, told))
    return path


def sweep_page(result: "SweepResult", told: Mapping[str, Any]) -> bytes:
    """Return the page of a sweep."""
    dataset = Path(str(told.get("dataset") or "")).stem
    names = _varied(result)
    title = f"{dataset}: " if dataset else ""
    title += f"a sweep of {count_text(len(result.rows), 'configuration')}"
    under = f"varied: {', '.join(_said(name) for name in names) or 'nothing'}"
    fixed = told.get("fixed") or {}
    charts = [_panel(result, name) for name in names]
    scores: Child = tag("div", charts, class_="small-charts")
    if not charts or not _finite(result):
        scores = note("There is nothing to compare: no two configurations have a score.")
    parts = [
        tiles(_results(result)),
        tag(
            "section",
            tag("h2", "Scores"),
            figure("hyperparameters", scores, caption=_SCORES_SAID, wide=True),
            figure("curves", _curves(result), caption=_CURVES_SAID, wide=True),
            figure("top", _top(result), wide=True),
        ),
        tag(
            "section",
            tag("h2", "How it was made"),
            table_of("What all have alike", {"dataset": told.get("dataset"), **fixed}, "fixed"),
            id="settings",
        ),
    ]
    return page(title, under, parts)


_SCORES_SAID = (
    "Each point is a configuration, the orange one the best. Where the best lies at the edge of "
    "an axis, look beyond it."
)
_CURVES_SAID = "Every configuration's checks, the best in front."


def _results(result: "SweepResult") -> list[tuple[str, str, str]]:
    """Return the numbers above everything: name, value, and what to know of it."""
    found, good = [], _finite(result)
    if good:
        best = result.best
        said = "the best, a maximum over noise: expect less on new data"
        found.append((f"validation {result.metric}", f"{best['val_accuracy']:.4f}", said))
    else:
        found.append((f"validation {result.metric}", "none", "nothing was learnt"))
    if result.test_accuracy is not None and math.isfinite(result.test_accuracy):
        said = "of the best, taken once"
        found.append((f"test {result.metric}", f"{result.test_accuracy:.4f}", said))
    scores = [row["val_accuracy"] for row in good]
    if scores:
        said = f"from {number_text(min(scores))} to {number_text(max(scores))}"
        found.append(("median", number_text(float(np.median(scores))), said))
    lost = sum(row["diverged_at"] is not None for row in result.rows)
    found.append(("diverged", f"{lost:,}", f"of {len(result.rows):,}"))
    found.append(("trained for", f"{result.seconds:.1f} s", "all together"))
    return found


def _finite(result: "SweepResult") -> list[dict[str, Any]]:
    """Return the rows that have a score."""
    return [
        row
        for row in result.rows
        if row["val_accuracy"] is not None and math.isfinite(row["val_accuracy"])
    ]


def _varied(result: "SweepResult") -> list[str]:
    """Return the hyperparameters that have more than one value."""
    return [name for name in result.names if len({str(row[name]) for row in result.rows}) > 1]


def _said(name: str) -> str:
    return name.replace("_", " ")


def _panel(result: "SweepResult", name: str) -> Markup:
    """Return the score of each configuration against one hyperparameter."""
    rows = _finite(result)
    shown = rows[:: max(1, -(-len(rows) // _MOST_POINTS))]
    places, x, labels = _places(rows, name)
    y = _scores_axis(np.array([row["val_accuracy"] for row in rows]))
    frame = Frame(x, y, _axis_said(name, x), f"validation {result.metric}", 300, labels)
    best = result.best
    at = np.array([places[row["number"]] for row in shown])
    scores = np.array([row["val_accuracy"] for row in shown])
    titles = [_row_said(result, row) for row in shown]
    front = points(
        frame,
        *(np.array([places[best["number"]]]), np.array([best["val_accuracy"]]), "dot top s1"),
        [_row_said(result, best)],
    )
    label = f"Validation {result.metric} against {_said(name)}; the best has "
    label += f"{value_text(best[name])}."
    chart = frame.svg(label, points(frame, at, scores, "dot s0", titles), front)
    return tag("div", tag("h4", _said(name)), chart)


def _axis_said(name: str, x: Scale) -> str:
    return _said(name) + (", log axis" if isinstance(x, Log) else "")


def _places(
    rows: list[dict[str, Any]], name: str
) -> tuple[dict[int, float], Scale, tuple[str, ...]]:
    """Return where each row stands, by its number, with the axis and the names beside it."""
    values = {row["number"]: _plain(row[name]) for row in rows}
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


def _plain(value: Any) -> Any:
    """Return a list of one number as that number, so that one hidden layer is a size."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _order(value: Any) -> tuple[list[float], str]:
    """Return what values are sorted by: numbers, and lists of them, before texts."""
    parts = value if isinstance(value, list | tuple) else [value]
    if all(isinstance(part, int | float) for part in parts):
        return [len(parts), *map(float, parts)], ""
    return [math.inf], value_text(value)


def _scores_axis(scores: np.ndarray) -> Linear:
    """Return an axis around the scores; scores of nets that learnt nothing are not all of it."""
    finite = scores[np.isfinite(scores)]
    if finite.size and finite.min() < _LOWEST_SCORE:
        lowest = min(_LOWEST_SCORE, 1.1 * float(finite.max()))
        return Linear(lowest, max(float(finite.max()), 0.0) + 0.05)
    return Linear.over(scores)


def _row_said(result: "SweepResult", row: Mapping[str, Any]) -> str:
    values = ", ".join(f"{_said(name)} {value_text(row[name])}" for name in result.names)
    return f"{number_text(row['val_accuracy'])}: {values}"


def _curves(result: "SweepResult") -> Child:
    """Return the validation score of every configuration over the epochs."""
    if not result.curves:
        return note("There are no curves: no check was made.")
    number = result.best["number"]
    by_row: dict[int, list[Mapping[str, Any]]] = {}
    for row in result.curves:
        by_row.setdefault(row["number"], []).append(row)
    lines = [
        Line("others", _column(curve, "epoch"), _column(curve, "val_accuracy"), "s0 behind")
        for key, curve in list(by_row.items())[:_MOST_CURVES]
        if key != number
    ]
    own = by_row.get(number, [])
    best = Line(
        "the best", _column(own, "epoch"), _column(own, "val_accuracy"), "s1 thick", "circle"
    )
    everything = np.concatenate([line.y for line in [*lines, best]])
    epochs = np.concatenate([line.x for line in [*lines, best]])
    frame = Frame(
        Linear(0.0, max(1.03 * float(epochs.max(initial=0.0)), 1.0)),
        _scores_axis(everything),
        "epoch",
        f"validation {result.metric}",
    )
    chart = line_chart(
        frame, [*lines, best], [], f"Validation {result.metric} of {len(by_row)} configurations."
    )
    return [tag("div", chart, class_="limited"), legend([*lines[:1], best], [])]


def _column(rows: list[Mapping[str, Any]], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], dtype=np.float64)


def _top(result: "SweepResult") -> Markup:
    """Return the ten best configurations as a table."""
    heads = ["", *map(_said, result.names), f"validation {result.metric}"]
    heads += [f"training {result.metric}", "at epoch", "diverged"]
    rows = []
    for place, row in enumerate(result.top(_TOP), 1):
        cells = [value_text(_plain(row[name])) for name in result.names]
        cells += [number_text(row[name]) for name in ("val_accuracy", "train_accuracy", "epoch")]
        at = row["diverged_at"]
        cells.append("" if at is None else f"at step {at:,}")
        head = tag("th", place, scope="row")
        rows.append(tag("tr", head, [tag("td", cell) for cell in cells]))
    head = tag("thead", tag("tr", [tag("th", text, scope="col") for text in heads]))
    table = tag("table", head, tag("tbody", rows), class_="numbers")
    return scroll(table, "the best configurations")
