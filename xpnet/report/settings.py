"""How a run was made: hyperparameters, data, versions, seconds."""

import shlex
from typing import Any

from xpnet.report.markup import Child, Markup, tag
from xpnet.report.numbers import count_text, value_text
from xpnet.report.page import Section
from xpnet.report.run_record import RunRecord
from xpnet.run_config import CONFIG

__all__ = ["settings_section", "table_of"]


def settings_section(run: RunRecord) -> Section:
    """Return the section."""
    summary = run.summary
    again = f"python -m xpnet.train --config {shlex.quote(str(run.folder / CONFIG))}"
    content = [
        tag(
            "div",
            table_of("Hyperparameters", run.chosen, "hyperparameters"),
            tag(
                "div",
                table_of("Data", _data(run), "data"),
                table_of("Machine and time", _machine(summary), "machine"),
                table_of("Versions", summary.get("versions", {}), "versions"),
            ),
            class_="grid",
        ),
        tag("p", "The same run again: ", tag("code", again)),
    ]
    return Section("settings", "How it was made", content)


def table_of(title: str, values: dict[str, Any], name: str) -> Markup | None:
    """Return a table of two columns, or None of nothing."""
    if not values:
        return None
    rows = [
        tag("tr", tag("th", key.replace("_", " "), scope="row"), tag("td", value_text(value)))
        for key, value in values.items()
    ]
    return tag("table", tag("caption", title), tag("tbody", rows), class_="pairs", id=name)


def _data(run: RunRecord) -> dict[str, Child]:
    named = {"train": "training", "val": "validation", "test": "test"}
    samples = run.summary.get("samples", {})
    told = ", ".join(f"{number:,} {named.get(part, part)}" for part, number in samples.items())
    values: dict[str, Child] = {"data": run.dataset, "samples": told}
    values["classes"] = ", ".join(run.class_names[:25]) + (
        f" and {len(run.class_names) - 25:,} more" if len(run.class_names) > 25 else ""
    )
    values["source"] = run.summary.get("source") or ""
    return {key: value for key, value in values.items() if value}


def _machine(summary: dict[str, Any]) -> dict[str, Any]:
    if not summary:
        return {}
    values = {"backend": summary["backend"]}
    if isinstance(summary.get("threads"), int):
        values["threads"] = count_text(summary["threads"], "BLAS thread")
    values["training"] = f"{summary['seconds_training']:.2f} s, checks included"
    if isinstance(summary.get("seconds_total"), float):
        values["in all"] = f"{summary['seconds_total']:.2f} s, with reading and writing files"
    return values
