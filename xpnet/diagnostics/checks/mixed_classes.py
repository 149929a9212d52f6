"""Whether two classes have each other's labels, where all others are told apart."""

from itertools import combinations

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.reference import Reference

__all__ = ["mixed_classes"]


def mixed_classes(reference: Reference) -> tuple[int, int] | None:
    """Return two classes that a plain net tells apart no better than a coin, or None.

    Where it tells nearly all other pairs apart, so that the classes at large do not overlap.
    """
    y, scores = reference.y, reference.scores
    classes, counts = np.unique(y, return_counts=True)
    if not 3 <= len(classes) <= limits.MIXED_CLASSES_MOST:
        return None
    of = {int(c): scores[y == c] for c in classes}
    right = {
        (a, b): 0.5 * float((of[a][:, a] > of[a][:, b]).mean() + (of[b][:, b] > of[b][:, a]).mean())
        for a, b in combinations(of, 2)
    }
    if float(np.median(list(right.values()))) < limits.OTHERS_TOLD:
        return None
    a, b = min(right, key=lambda pair: right[pair])
    rows = min(int(counts[classes == c][0]) for c in (a, b))
    most = 0.5 + 2.0 * standard_error(0.5, 2 * rows)
    return (a, b) if rows >= limits.MIXED_ROWS and right[a, b] < most else None
