"""The checks of a training in numbers."""

import numpy as np

from xpnet.report.figures import figure, scroll
from xpnet.report.markup import Markup, tag
from xpnet.report.numbers import number_text
from xpnet.report.run_record import RunRecord

__all__ = ["checks_figure"]

_MOST_ROWS = 9


def checks_figure(run: RunRecord) -> Markup:
    """Return the numbers of the checks: of many some, with the first, the last and the best."""
    history = run.history
    count = len(history.check_steps)
    shown = set(np.linspace(0, count - 1, min(count, _MOST_ROWS)).astype(int).tolist())
    shown |= set() if history.best is None else {history.best}
    heads = ["step", "epoch", f"training {run.metric}", f"validation {run.metric}"]
    heads.append("validation loss")
    rows = [
        tag(
            "tr",
            tag("th", f"{history.check_steps[i]:,.0f}", scope="row"),
            [
                tag("td", number_text(float(column[i])))
                for column in (history.check_epochs, history.train, history.val, history.val_loss)
            ],
            class_="best" if i == history.best else None,
        )
        for i in sorted(shown)
    ]
    head = tag("thead", tag("tr", [tag("th", text, scope="col") for text in heads]))
    table = tag("table", head, tag("tbody", rows), class_="numbers")
    said = f"{len(shown)} of {count} checks" if len(shown) < count else "All checks"
    said += "." if history.best is None else "; the best in bold."
    return figure("checks", scroll(table, "the checks in numbers"), caption=said)
