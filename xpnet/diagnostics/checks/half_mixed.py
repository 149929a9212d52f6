"""Whether some samples of one class have the label of another."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.reference import standardized

__all__ = ["half_mixed"]


def half_mixed(case: Case) -> tuple[int, int, float] | None:
    """Return a class, the one that a part of its samples is called by, and the share of that.

    Where the labels of one class were changed in part, each of its samples has neighbours of both
    names, and hardly any has those of its own alone. Samples of the other class have, and those of
    all others. Classes that merely touch have samples that lie apart.
    """
    X, y = case.look
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 3 or len(y) < limits.ANSWERS_OF_NEIGHBOURS * 4:
        return None
    votes = _votes(X, y)
    sure = {int(c): float((votes[y == c, c] >= limits.SURE_VOTES).mean()) for c in classes}
    for a, count in zip(map(int, classes), counts, strict=True):
        if count < limits.MIXED_ROWS_LEAST:
            continue
        of_others = votes[y == a].mean(axis=0)
        of_others[a] = 0.0
        b, second = (int(c) for c in np.argsort(of_others)[::-1][:2])
        rest = float(np.median([s for c, s in sure.items() if c not in (a, b)]))
        share = float(of_others[b])
        stands_out = share > limits.MIXED_TIMES * of_others[second]
        unsure = sure[a] < limits.MIXED_SURE * rest and rest > 0.5 and sure[b] > 0.5 * rest
        least = limits.MIXED_SHARE + limits.SURE * standard_error(limits.MIXED_SHARE, int(count))
        if stands_out and unsure and share > least:
            return a, b, share
    return None


def _votes(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the share of each class among the nearest of each sample, (N, C)."""
    X = standardized(X, X[:1])[0]
    squares, found = np.sum(X * X, axis=1), []
    for start in range(0, len(X), 256):
        part = X[start : start + 256]
        d = squares - 2.0 * (part @ X.T)
        d[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        found.append(np.argpartition(d, limits.ANSWERS_OF_NEIGHBOURS, axis=1))
    nearest = np.concatenate(found)[:, : limits.ANSWERS_OF_NEIGHBOURS]
    return np.stack([(y[nearest] == c).mean(axis=1) for c in range(int(y.max()) + 1)], axis=1)
