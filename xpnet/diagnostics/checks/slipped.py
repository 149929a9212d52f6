"""Whether the targets are those of other rows, as where one file has a line more than the other."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.copies import few_rows
from xpnet.diagnostics.evidence import Evidence

__all__ = ["slipped"]

_MOVED = {
    1: "the next row",
    -1: "the row before",
    2: "two rows on",
    -2: "two rows before",
}


def slipped(evidence: Evidence) -> tuple[str, float, float] | None:
    """Return whose targets fit the inputs, and how many agree with their nearest now and then.

    Samples that are alike have like targets. Where these agree hardly more often than by chance,
    and far more often after all have been moved by a row or two, or turned round, they slipped.
    """
    case = evidence.case
    y = case.train[1]
    if len(y) < case.num_train:
        return None  # a part of the rows, which are no neighbours any more
    if case.is_regression:
        if y.size != len(y):
            return None
        y = _classes_of(y.reshape(-1))
    rows, places = few_rows(len(y), limits.ROWS_LOOKED_AT), evidence.nearest_rows
    moved = {said: np.roll(y, by)[rows] for by, said in _MOVED.items()}
    moved["the rows in reverse order"] = y[::-1][rows]
    found = {said: float((labels[places] == labels).mean()) for said, labels in moved.items()}
    best = max(found, key=lambda said: found[said])
    now = float((y[rows][places] == y[rows]).mean())
    chance = float(np.sum((np.bincount(y) / len(y)) ** 2))
    if found[best] - chance < limits.SLIPPED * (1.0 - chance):
        return None
    sure = limits.SURE * standard_error(found[best], len(rows), len(rows))
    if found[best] - now < sure or now - chance > limits.SLIPPED_NOW * (found[best] - chance):
        return None
    return best, now, found[best]


def _classes_of(y: np.ndarray) -> np.ndarray:
    """Return in which quarter of the targets each is."""
    return np.searchsorted(np.quantile(y, [0.25, 0.5, 0.75]), y)
