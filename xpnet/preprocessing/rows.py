"""Training inputs a batch at a time, so that no pass over them holds all of them as floats."""

from collections.abc import Callable, Iterator

import numpy as np

from xpnet.backends import Array, backend_of, is_host_array
from xpnet.errors import InputError

__all__ = ["Rows", "check_finite"]

_BATCH = 2**18  # numbers at once, 2 MiB of float64: batches of 16 MiB take twice the time

Step = Callable[[np.ndarray], np.ndarray]


class Rows:
    """Rows of inputs as new float64 batches (B, D), which whoever iterates may write into.

    Iterating again reads them again: what lies in memory is `X` itself and one batch.

    Args:
        X: Inputs (N, d1, ..., dk), of any library and number type.

    Attributes:
        count: N.
        sample_shape: (d1, ..., dk).

    Raises:
        InputError: There are no samples, or they are not of numbers.

    """

    def __init__(self, X: Array) -> None:
        host = np.asarray(X) if is_host_array(X) else backend_of(X).to_numpy(X)
        if len(host.shape) < 2 or 0 in host.shape:
            raise InputError(
                f"preprocessing is fitted on samples, (N, d1, ..., dk); got shape {host.shape}"
            )
        if host.dtype.kind not in "buif":
            raise InputError(f"preprocessing takes integers or floats; got dtype {host.dtype}")
        self.count: int = host.shape[0]
        self.sample_shape: tuple[int, ...] = host.shape[1:]
        self._X = host
        self._steps: tuple[Step, ...] = ()

    @property
    def num_features(self) -> int:
        """D, all axes of a sample multiplied."""
        return int(np.prod(self.sample_shape))

    def through(self, step: Step, sample_shape: tuple[int, ...]) -> "Rows":
        """Return these rows as `step` makes them of a batch (B, D), which it may consume."""
        rows = object.__new__(Rows)
        rows.count, rows.sample_shape, rows._X = self.count, sample_shape, self._X
        rows._steps = (*self._steps, step)
        return rows

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.batches(_BATCH)

    def batches(self, numbers: int) -> Iterator[np.ndarray]:
        """Yield batches of about so many numbers."""
        size = self._X[0].size
        length = max(1, numbers // size)
        for start in range(0, self.count, length):
            rows = self._X[start : start + length]
            x = rows.reshape(len(rows), size).astype(np.float64)
            for step in self._steps:
                x = step(x)
            yield x

    def centred(self, mean: np.ndarray, numbers: int | None = None) -> Iterator[np.ndarray]:
        """Yield batches with `mean`, (D,), subtracted, of about so many numbers."""
        for x in self.batches(_BATCH if numbers is None else numbers):
            yield np.subtract(x, mean, out=x)

    def mean(self) -> np.ndarray:
        """Return the mean of every feature, (D,), and of a constant one exactly the constant.

        Raises:
            InputError: A feature holds NaN or an infinity, or its sum is one.

        """
        first = next(iter(self))[0]
        total = np.zeros_like(first)
        varies = np.zeros(first.shape, dtype=np.bool_)
        for x in self:
            varies |= (x != first).any(axis=0)
            total += x.sum(axis=0)
        return check_finite(np.where(varies, total / self.count, first))


def check_finite(found: np.ndarray) -> np.ndarray:
    """Return what was found of the features, (D,) or (D, D), or raise InputError unless finite."""
    wrong = np.argwhere(~np.isfinite(found))
    if len(wrong):
        raise InputError(
            f"feature {wrong[0][-1]} of the training inputs holds NaN, an infinity, or numbers too "
            "large to add up or to square: drop such rows, or scale the inputs"
        )
    return found
