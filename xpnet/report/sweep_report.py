"""report.html of a sweep: which configurations are good, and how each came to its score."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.report.figures import figure, note, scroll
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.numbers import count_text, number_text, value_text
from xpnet.report.page import Section, page, tiles
from xpnet.report.settings import table_of
from xpnet.report.sweep_charts import below_axis, curves_chart, drawn_of, plain_value, score_chart
from xpnet.run_folder import REPORT
from xpnet.whole_files import write_whole

if TYPE_CHECKING:
    from xpnet.sweep.result import SweepResult

__all__ = ["sweep_page", "write_sweep_report"]

_TOP = 10


def write_sweep_report(folder: Path, result: "SweepResult", told: Mapping[str, Any]) -> Path:
    """Write report.html into the folder of a sweep, and return its path.

    Args:
        folder: Of `python -m xpnet.sweep --out`.
        result: What was found.
        told: What summary.json says: `dataset`, `fixed`, the hyperparameters that all have alike,
            `backend` and `versions`, and `remarks`.

    Raises:
        OSError: The file cannot be written.

    """
    path = folder / REPORT
    write_whole(path, sweep_page(result, told))
    return path


def sweep_page(result: "SweepResult", told: Mapping[str, Any]) -> bytes:
    """Return the page of a sweep."""
    dataset = Path(str(told.get("dataset") or "")).stem
    names = [
        name
        for name in result.names
        if name not in result.repeats and len({str(row[name]) for row in result.rows}) > 1
    ]
    title = f"{dataset}: " if dataset else ""
    title += f"a sweep of {count_text(len(result.configurations), 'configuration')}"
    under = f"varied: {', '.join(_said(name) for name in names) or 'nothing'}"
    has_scores = bool(_finite(result.rows))
    charts = [score_chart(result, name) for name in names] if has_scores else []
    scores: Child = tag("div", charts, class_="small-charts")
    if not charts:
        scores = note("There is nothing to compare: no two configurations have a score.")
    below = " ".join(["", below_axis(result), drawn_of(result)])
    remarks = [tag("li", f"{text[:1].upper()}{text[1:]}.") for text in told.get("remarks") or ()]
    figures = [
        figure("hyperparameters", scores, caption=[_SCORES_SAID, below], wide=True),
        figure("curves", curves_chart(result), caption=[_CURVES_SAID, below], wide=True),
        figure("top", _top(result), wide=True),
    ]
    made = tag(
        "div",
        table_of("What all have alike", _alike(told), "fixed"),
        tag(
            "div",
            table_of("Machine and time", _machine(result, told), "machine"),
            table_of("Versions", told.get("versions") or {}, "versions"),
        ),
        class_="grid",
    )
    sections = [
        Section("scores", "Scores", figures),
        Section("settings", "How it was made", made),
    ]
    if remarks:
        sections.insert(0, Section("remarks", "What to make of it", tag("ul", remarks)))
    return page(title, under, tiles(_results(result)), sections)


_SCORES_SAID = (
    "Each point is a net, those of the best configuration are orange. Where the best lies at the "
    "edge of an axis, look beyond it."
)
_CURVES_SAID = "Every net's checks, those of the best configuration in front."


def _alike(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"dataset": told.get("dataset"), **(told.get("fixed") or {})}


def _machine(result: "SweepResult", told: Mapping[str, Any]) -> dict[str, Any]:
    """Return where and how long it was trained; a sweep of an older version has no machine."""
    where = {"backend": told["backend"]} if told.get("backend") else {}
    return {**where, "training": f"{result.seconds:.2f} s, all nets together"}


def _results(result: "SweepResult") -> list[tuple[str, str, str]]:
    """Return the numbers above everything: name, value, and what to know of it."""
    found, good = [], _finite(result.configurations)
    if good:
        best = result.best
        said = "the best, a maximum over noise"
        if result.repeats and best.get("val_std") is not None:
            said = f"the best, the mean of {best['runs']}, ±\N{NO-BREAK SPACE}{best['val_std']:.2g}"
        found.append((f"validation {result.metric}", f"{best['val_accuracy']:.4f}", said))
    else:
        found.append((f"validation {result.metric}", "none", "nothing was learnt"))
    if result.test_accuracy is not None and math.isfinite(result.test_accuracy):
        said = "of the best, taken once"
        found.append((f"test {result.metric}", f"{result.test_accuracy:.4f}", said))
    scores = [row["val_accuracy"] for row in good]
    if scores:
        said = f"of all, from {number_text(min(scores))} to {number_text(max(scores))}"
        found.append(("median", number_text(float(np.median(scores))), said))
    lost = sum(row["diverged_at"] is not None for row in result.rows)
    found.append(("diverged", f"{lost:,}", f"of {count_text(len(result.rows), 'net')}"))
    found.append(("trained for", f"{result.seconds:.1f} s", "all together"))
    return found


def _finite(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows that have a score."""
    return [row for row in rows if math.isfinite(row["val_accuracy"])]


def _said(name: str) -> str:
    return name.replace("_", " ")


def _top(result: "SweepResult") -> Markup:
    """Return the ten best configurations as a table."""
    names = [name for name in result.names if name not in result.repeats]
    of_nets = ["deviation", "nets"] if result.repeats else ["at epoch"]
    heads = ["place", f"validation {result.metric}", *map(_said, names)]
    heads += [f"training {result.metric}", *of_nets, "diverged"]
    rows = []
    for place, row in enumerate(result.top(_TOP), 1):
        cells = [number_text(row["val_accuracy"])]
        cells += [value_text(plain_value(row[name])) for name in names]
        columns = ["val_std", "runs"] if result.repeats else ["epoch"]
        cells += [number_text(row[key]) for key in ("train_accuracy", *columns)]
        if result.repeats:
            cells.append(f"{row['diverged']:,}")
        else:
            cells.append("" if row["diverged_at"] is None else f"at step {row['diverged_at']:,}")
        head = tag("th", place, scope="row")
        rows.append(tag("tr", head, [tag("td", cell) for cell in cells]))
    head = tag("thead", tag("tr", [tag("th", text, scope="col") for text in heads]))
    table = tag("table", head, tag("tbody", rows), class_="numbers")
    return scroll(table, "the best configurations")
