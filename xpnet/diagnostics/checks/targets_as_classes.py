"""Whether real targets are the numbers of classes."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.reference import standardized

__all__ = ["classes_in_targets"]


def classes_in_targets(evidence: Evidence) -> int | None:
    """Return how many classes the targets seem to number, or None.

    They are whole numbers from 0 or 1 on without a gap, samples are told by their nearest, and the
    means of two that are 1 apart are no nearer to each other than of two that are 5 apart. Counts,
    marks and ages have an order: their means lie along a line.
    """
    case = evidence.case
    X, y = case.look
    if not case.is_regression or y.size != len(y):
        return None
    y = y.reshape(-1)
    values, counts = np.unique(y, return_counts=True)
    numbers = np.arange(len(values)) + values[0]
    if values[0] not in (0.0, 1.0) or not np.array_equal(values, numbers):
        return None
    if not len(values) >= limits.CLASSES_LEAST or counts.min() < limits.CLASS_ROWS:
        return None
    X, _ = standardized(X, X[:1])
    told = float((y[evidence.nearest_rows] == y).mean())
    means = np.stack([X[y == value].mean(axis=0) for value in values])
    one, other = np.triu_indices(len(values), 1)
    distances = np.linalg.norm(means[one] - means[other], axis=1)
    order = float(np.corrcoef(np.abs(values[one] - values[other]), distances)[0, 1])
    return len(values) if told > limits.CLASSES_TOLD and order < limits.CLASSES_ORDER else None
