"""Nearest neighbours among samples: who is like whom, without any net."""

import numpy as np

__all__ = ["nearest", "neighbours_recall", "neighbours_targets"]

_BATCH = 64  # of which the distances to 50,000 rows stay near the processor


def nearest(X: np.ndarray, of: np.ndarray, *, own: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return for each row of `X` which row of `of` is nearest, and how far.

    Args:
        X: Rows (N, D).
        of: Rows (M, D).
        own: Whether `of` is `X`, so that a row is not its own neighbour.

    """
    squares = np.sum(of * of, axis=1)
    places, distances = [], []
    for start in range(0, len(X), _BATCH):
        part = X[start : start + _BATCH]
        d = np.sum(part * part, axis=1)[:, None] + squares - 2.0 * (part @ of.T)
        if own:
            d[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        at = np.argmin(d, axis=1)
        places.append(at)
        # Not from the products: what rounding leaves of them is no distance.
        distances.append(np.sqrt(np.sum((part - of[at]) ** 2, axis=1)))
    return np.concatenate(places), np.concatenate(distances)


def neighbours_recall(y: np.ndarray, places: np.ndarray) -> float:
    """Return the mean over classes of the share of samples whose nearest has their label.

    Args:
        y: Labels (N,).
        places: Which sample is the nearest to each (N,).

    """
    right = y[places] == y
    return float(np.mean([right[y == c].mean() for c in np.unique(y)]))


def neighbours_targets(y: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return of samples the targets of their nearest, and their own, both scaled (N, C)."""
    y = y.reshape(len(y), -1).astype(np.float64)
    std = y.std(axis=0)
    y = (y - y.mean(axis=0)) / np.where(std > 0, std, 1.0)
    return y[places], y
