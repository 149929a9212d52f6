"""Whether rows that lie near each other are the same feature by feature."""

import numpy as np

from xpnet.diagnostics import thresholds as limits

__all__ = ["are_same"]


def are_same(X: np.ndarray, others: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return of each pair of rows whether nearly all features are nearly the same, (N,).

    Where a few numbers are far larger than the rest, as -999 for what is missing or a feature in
    other units, rows are near each other that have these alike alone.

    Args:
        X: Rows (N, ...).
        others: As many rows.
        usual: Rows (M, D) that tell how far each feature spreads, by its quartiles, which a few
            numbers do not move. Features of which most values are alike are left out where there
            are others.

    """
    spread = np.subtract(*np.percentile(usual, [75, 25], axis=0)) / 1.35
    if (spread > 0).mean() < limits.FEATURES_THAT_SPREAD:
        spread = np.where(spread > 0, spread, usual.std(axis=0))
    differ = np.flatnonzero(spread > 0)
    if not differ.size:
        return np.ones(len(X), dtype=bool)
    a, b = (x.reshape(len(x), -1)[:, differ].astype(np.float64) for x in (X, others))
    alike = np.abs(a - b) <= limits.SAME_FEATURE * spread[differ]
    return np.asarray(alike.mean(axis=1) >= limits.SAME_FEATURES)
