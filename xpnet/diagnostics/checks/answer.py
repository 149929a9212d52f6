"""Whether one of the features is the label, or the target, itself."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case

__all__ = ["answer_among"]


def answer_among(case: Case) -> str:
    """Return what is said of a feature that tells the answer alone, or "".

    Where it is one of several features, and classes have some samples each. A label that a feature
    has a value of its own for in each class is not found in measured data by chance.
    """
    X, y = case.raw_look, case.look[1]
    if X.shape[1] < 2 or len(X) < limits.ANSWER_ROWS:
        return ""
    known = _of_targets(X, y) if case.is_regression else _of_labels(X, y) | _of_noisy_labels(X, y)
    if not known.any() or known.sum() > X.shape[1] / 2:  # nothing but answers: a toy
        return ""
    what = "target" if case.is_regression else "label"
    return f"feature {int(np.argmax(known))} alone tells the {what} of each training sample"


def _of_labels(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which features have a value of their own for each class, (D,)."""
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2 or counts.min() < limits.ANSWER_OF_A_CLASS:
        return np.zeros(X.shape[1], dtype=bool)
    of_one, of_all = np.ptp(X[y == classes[0]], axis=0), np.ptp(X, axis=0)
    found: np.ndarray = of_one < limits.ANSWER_SPREAD * of_all
    if not found.any():  # one class is enough to tell, and others cost time
        return found
    own = X[:, found]
    lows = np.stack([own[y == c].min(axis=0) for c in classes])
    highs = np.stack([own[y == c].max(axis=0) for c in classes])
    gaps = np.diff(np.sort((lows + highs) / 2.0, axis=0), axis=0).min(axis=0)
    found[found] = (highs - lows).max(axis=0) < limits.ANSWER_SPREAD * gaps
    return found


def _of_noisy_labels(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which feature is a number of each class with noise, if it is the only one, (D,).

    In measured data a feature that tells the classes has others beside it that do so in part.
    """
    classes, found = np.unique(y), np.zeros(X.shape[1], dtype=bool)
    if len(classes) < 2 or X.shape[1] < limits.ANSWER_FEATURES:
        return found
    means = np.stack([X[y == c].mean(axis=0) for c in classes])
    within = np.sqrt(np.mean((X - means[np.searchsorted(classes, y)]) ** 2, axis=0))
    gaps = np.diff(np.sort(means, axis=0), axis=0).min(axis=0)
    unlike = np.where(gaps > 0, within / np.where(gaps > 0, gaps, 1.0), np.inf)
    first, second = np.argsort(unlike)[:2]
    found[first] = unlike[first] < limits.ANSWER_NOISE and unlike[second] > limits.NO_ANSWER
    return found


def _of_targets(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which features are a target, but for a factor and an offset, (D,)."""
    targets = y.reshape(len(y), -1).astype(np.float64)
    targets, X = targets - targets.mean(axis=0), X - X.mean(axis=0)
    sizes = np.sqrt((X * X).sum(axis=0))[:, None] * np.sqrt((targets * targets).sum(axis=0))
    with np.errstate(all="ignore"):
        correlations = np.abs(X.T @ targets) / np.where(sizes > 0, sizes, np.inf)
    return np.asarray(correlations.max(axis=1) > 1.0 - limits.ANSWER_SPREAD**2)
