"""What chance gives: accuracies of who knows nothing, and losses of nets that know nothing."""

import math

import numpy as np

from xpnet.errors import InputError

__all__ = ["chance_accuracy", "expected_loss", "losses_of_scores", "standard_error"]


def chance_accuracy(y: np.ndarray) -> float:
    """Return the share of the largest class of labels (N,), or 0, the R squared of the mean."""
    if y.dtype.kind == "f":
        return 0.0
    return min(float(np.bincount(y).max() / len(y)), 0.99)  # so that there is a way to 1


def standard_error(share: float, *counts: int) -> float:
    """Return the standard deviation of a share, or of the difference of two, of so many samples."""
    return math.sqrt(max(share * (1.0 - share), 1e-4) * sum(1.0 / n for n in counts))


def expected_loss(kind: str, y: np.ndarray, num_classes: int) -> float:
    """Return the loss of a net that gives all samples the same scores.

    Args:
        kind: "softmax", "svm" or "squared".
        y: Labels (N,), or targets (N,) or (N, C).
        num_classes: C.

    Raises:
        InputError: There is no such loss.

    """
    if kind == "softmax":
        return math.log(num_classes)
    if kind == "svm":
        return float(num_classes - 1)
    if kind == "squared":
        return float(np.var(y.reshape(len(y), -1), axis=0).sum())
    raise InputError(f"there is no loss {kind!r}: choose softmax, svm or squared")


def losses_of_scores(scores: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return the loss that each of the three loss functions gives scores (N, C)."""
    scores = np.asarray(scores, dtype=np.float64)
    if y.dtype.kind == "f":
        return {"squared": float(((scores - y.reshape(scores.shape)) ** 2).sum(axis=1).mean())}
    rows = np.arange(len(y))
    own = scores[rows, y][:, None]
    highest = scores.max(axis=1, keepdims=True)
    logs = np.log(np.exp(scores - highest).sum(axis=1, keepdims=True)) + highest
    margins = np.maximum(scores - own + 1.0, 0.0)
    return {
        "softmax": float((logs - own).mean()),
        "svm": float(margins.sum(axis=1).mean() - 1.0),
    }
