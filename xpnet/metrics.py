"""How good scores are: accuracy for labels, R squared for real targets.

A metric has two halves, so that a device need not be waited for: `sums`, array arithmetic that adds
up over batches, and `value`, on the host.
"""

from typing import Any, Protocol

import numpy as np

from xpnet.backends import Array

__all__ = ["Accuracy", "Metric", "RSquared"]


class Metric(Protocol):
    """What the Solver asks of a metric; the larger, the better.

    Attributes:
        name: What people call it.
        short: Likewise in a few plain letters, for lines and columns.

    """

    name: str
    short: str

    def sums(self, scores: Array, y: Array, xp: Any) -> Array:
        """Return what adds up over batches, (..., k), from scores (..., N, C) and targets."""

    def value(self, sums: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the metric, of the member shape, from the sums over all of `y`."""


class Accuracy:
    """The share of samples whose label has the highest score."""

    name = "accuracy"
    short = "acc"

    def sums(self, scores: Array, y: Array, xp: Any) -> Array:
        """Return the number of hits, (..., 1), for labels (N,)."""
        hits = xp.astype(xp.argmax(scores, axis=-1) == y, scores.dtype)
        return xp.sum(hits, axis=-1, keepdims=True)

    def value(self, sums: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return hits / N."""
        return np.asarray(sums[..., 0] / len(y))


class RSquared:
    """The share of the targets' variance that the scores explain, the mean over the outputs.

    1 - sum (y - score)^2 / sum (y - mean y)^2, for each output. 1 is perfect, 0 no better than the
    mean, and there is no lower bound. An output whose target is constant counts 1 if it is met and
    0 if not, as in scikit-learn.
    """

    name = "R squared"  # in plain letters, as not every output has others
    short = "R2"

    def sums(self, scores: Array, y: Array, xp: Any) -> Array:
        """Return the squared residuals of each output, (..., C), for targets (N,) or (N, C)."""
        residuals = xp.reshape(y, (y.shape[0], scores.shape[-1])) - scores
        return xp.sum(residuals * residuals, axis=-2)

    def value(self, sums: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the mean of 1 - residual / total over the outputs."""
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        total = np.sum((targets - targets.mean(axis=0)) ** 2, axis=0)
        # Not by total == 0, as the mean of equal numbers is not always that number.
        constant = (targets == targets[0]).all(axis=0)
        share = np.where(constant, np.sign(sums), sums / np.where(constant, 1.0, total))
        return np.asarray(np.mean(1.0 - share, axis=-1))
