"""The confusion matrix: which class is taken for which."""

import numpy as np

from xpnet.report.figures import figure, note, scroll
from xpnet.report.frame import Frame
from xpnet.report.heat_map import heat_map
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.numbers import count_text, share_text
from xpnet.report.scales import Linear
from xpnet.report.scored import Scored

__all__ = ["confusion_counts", "confusion_figure"]

_MOST_CELLS = 25  # classes, from where on counts would not be read
_MOST_PAIRS = 10


def confusion_counts(y: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Return counts (C, C): row r, column c is how many samples of class r were taken for c."""
    codes = y.astype(np.int64) * num_classes + predicted
    return np.bincount(codes, minlength=num_classes**2).reshape(num_classes, num_classes)


def confusion_figure(scored: Scored, names: tuple[str, ...]) -> Markup:
    """Return the matrix with counts, the share of its row as a cell's shade, and what is said."""
    counts = confusion_counts(scored.y, scored.predicted, len(names))
    right = int(np.trace(counts))
    name, what = f"confusion-{scored.part}", {"val": "validation", "test": "test"}[scored.part]
    said = f"{right:,} of {len(scored.y):,} right, {share_text(right / len(scored.y))}."
    if len(scored.rows) < scored.total:
        said += f" These are spread evenly over the part's {scored.total:,}."
    drawn: list[Child]
    if len(names) <= _MOST_CELLS:
        said += " Rows are the true classes, columns what the net said."
        drawn = [scroll(_table(counts, names), f"confusion matrix, {what} part")]
    else:
        drawn = [_map(counts, names, name, said)]
    return figure(name, [*drawn, _pairs(counts, names)], caption=said)


def _table(counts: np.ndarray, names: tuple[str, ...]) -> Markup:
    heads = [tag("th", tag("span", name), scope="col", title=name) for name in names]
    corner = tag("td", "said →", tag("br"), "true ↓", class_="quiet")
    rows = []
    for k, (name, row) in enumerate(zip(names, counts.tolist(), strict=True)):
        total = max(sum(row), 1)
        cells = [
            _cell(count, count / total, names[c], is_right=c == k) for c, count in enumerate(row)
        ]
        head = tag("th", tag("span", name), scope="row", title=name)
        rows.append(tag("tr", head, cells))
    return tag(
        "table",
        *(tag("thead", tag("tr", corner, heads)), tag("tbody", rows)),
        class_="confusion",
    )


def _cell(count: int, share: float, said: str, *, is_right: bool) -> Markup:
    """Return a cell: blue where the net is right, orange where it is not, by the row's share."""
    return tag(
        "td",
        count if count else tag("span", "·", class_="quiet"),
        class_="right" if is_right else "wrong" if count else None,
        style=f"--s:{share:.2f}" if count else None,
        title=f"said {said}: {count:,}, {share_text(share)} of the row",
    )


def _map(counts: np.ndarray, names: tuple[str, ...], name: str, said: str) -> Markup:
    """Return the shares of the rows as a picture."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(names)
    frame = Frame(
        Linear(-0.5, size - 0.5),
        Linear(size - 0.5, -0.5),
        "class that the net said, by its number",
        "true class, by its number",
        420,
    )
    return heat_map(frame, shares[::-1], f"{name}-cells", f"Confusion matrix. {said}")


def _pairs(counts: np.ndarray, names: tuple[str, ...]) -> Markup:
    """Return the most frequent confusions as a list."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_PAIRS]
    pairs = [divmod(int(i), len(names)) for i in order if wrong.flat[i] > 0]
    if not pairs:
        return note("No sample of this part is taken for another class.")
    items = [
        tag(
            "li",
            *(tag("b", names[r]), " taken for ", tag("b", names[c]), ": "),
            f"{count_text(int(counts[r, c]), 'time')}, "
            f"{share_text(counts[r, c] / counts[r].sum())} of its class",
        )
        for r, c in pairs
    ]
    return tag("details", tag("summary", "The most frequent confusions"), tag("ol", items))
