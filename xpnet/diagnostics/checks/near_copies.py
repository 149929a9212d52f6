"""Whether validation samples are copies of training samples, with a little noise."""

import numpy as np

from xpnet.diagnostics import thresholds as limits

__all__ = ["near_copies"]


def near_copies(val: np.ndarray, train: np.ndarray) -> float:
    """Return the share of validation rows that have a training row far nearer than by chance.

    Where rows were augmented before they were split, some copies of each are in both parts. In d
    dimensions the distance to the k-th nearest row grows as k^(1/d): two distances farther out tell
    d, and how far the first would be. Classes that lie apart have more rows than the first of them.

    Args:
        val: Rows (M, D).
        train: Rows (N, D).

    Reference: E. Levina and P. Bickel, "Maximum Likelihood Estimation of Intrinsic Dimension",
    2004.

    """
    near, far = limits.NEAR_RANKS
    if len(train) < 4 * far or len(val) == 0:
        return 0.0
    squares = np.sum(train * train, axis=1)
    d = np.sum(val * val, axis=1)[:, None] + squares - 2.0 * (val @ train.T)
    ranked = np.partition(d, (0, near - 1, far - 1), axis=1)[:, [0, near - 1, far - 1]]
    first, a, b = np.sqrt(np.maximum(ranked, 0.0)).T
    known = (a > 0) & (b > a)
    per_decade = np.log(b[known] / a[known]) / np.log(far / near)  # 1/d
    by_chance = a[known] * near ** (-per_decade)
    # Products leave rounding of the squares' size; equal rows are told elsewhere.
    tiny = np.sqrt(1e-12 * float(squares.max(initial=0.0)))
    is_near = (first[known] < limits.NEAR_COPY * by_chance) & (first[known] > tiny)
    return float(is_near.sum() / len(val))
