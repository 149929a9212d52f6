"""The directions in which rows vary, by the eigenvectors of their covariance."""

import numpy as np

from xpnet.preprocessing.rows import Rows, check_finite

__all__ = ["principal_axes", "with_signs"]

_BATCH = 2**21  # numbers at once, 16 MiB: with fewer rows, adding a D x D product costs too much
_NEARLY = 1 - 1e-6


def principal_axes(rows: Rows, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the variances (r,), the directions (r, D), and the whole variance.

    The largest variance comes first, each is a sum of squares over N - 1, and r is the rank: a
    variance below D times the rounding of the largest one is taken for 0, and its direction, which
    is arbitrary, is left out. N centred samples vary in N - 1 directions at most.

    Where there are fewer samples than features, the singular vectors of the centred samples give
    the same without a D x D matrix.
    """
    n, d = rows.count, rows.num_features
    if n < d:
        centred = np.concatenate(list(rows.centred(mean)))
        _, singular, vectors = np.linalg.svd(check_finite(centred), full_matrices=False)
        variances = check_finite(np.square(singular)) / max(n - 1, 1)
        total = variances.sum()
    else:
        covariance = _covariance(rows, mean)
        total = np.trace(covariance)
        variances, columns = np.linalg.eigh(covariance)
        variances, vectors = variances[::-1], columns.T[::-1]
    above = variances > variances[0] * d * np.finfo(np.float64).eps
    rank = min(int(np.count_nonzero(above)), n - 1)
    return variances[:rank], vectors[:rank], float(total)


def with_signs(vectors: np.ndarray) -> np.ndarray:
    """Return directions (n, D) with their largest entries positive: either sign would do.

    Of entries that are equal but for rounding the first one counts, so that runs agree.
    """
    size = np.abs(vectors)
    first = np.argmax(size >= _NEARLY * size.max(axis=1, keepdims=True), axis=1)
    signed: np.ndarray = vectors * np.sign(np.take_along_axis(vectors, first[:, None], axis=1))
    return signed


def _covariance(rows: Rows, mean: np.ndarray) -> np.ndarray:
    """Return the sum of the products of centred features over N - 1, (D, D)."""
    total = np.zeros((rows.num_features, rows.num_features))
    product = np.empty_like(total)
    for x in rows.centred(mean, _BATCH):
        total += np.matmul(x.T, x, out=product)
    total /= max(rows.count - 1, 1)
    return check_finite(total)
