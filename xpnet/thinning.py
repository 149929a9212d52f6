"""Fewer points that say the same: for pictures, whose pixels are few."""

import numpy as np

__all__ = ["smoothed", "thinned"]

_MOST_STRETCHES = 100


def smoothed(
    x: np.ndarray, y: np.ndarray, parts: int = _MOST_STRETCHES
) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of equal stretches, at most a hundred: a spike stays in its own.

    Args:
        x: Of shape (N,), N of 1 or more, rising.
        y: Likewise of shape (N,).
        parts: How many stretches.

    """
    parts = min(parts, _MOST_STRETCHES, len(y))
    halves = (np.array_split(values, parts) for values in (x, y))
    middle, mean = ([part.mean() for part in half] for half in halves)
    return np.asarray(middle), np.asarray(mean)


def thinned(x: np.ndarray, y: np.ndarray, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest point of each bucket, and the first and the last of all.

    A line through them covers the same pixels as one through all points, if a bucket is a pixel
    wide. A bucket of nothing but NaN gives one NaN, so that a gap stays a gap.

    Args:
        x: Of shape (N,), rising.
        y: Likewise of shape (N,).
        buckets: How many, of equal numbers of points.

    """
    if len(y) <= 2 * buckets:
        return x, y
    kept = {0, len(y) - 1}
    for rows in np.array_split(np.arange(len(y)), buckets):
        part = y[rows]
        if np.isnan(part).all():
            kept.add(int(rows[0]))
        else:
            kept |= {int(rows[np.nanargmin(part)]), int(rows[np.nanargmax(part)])}
    order = np.array(sorted(kept))
    return x[order], y[order]
