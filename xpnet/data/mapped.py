"""Memory-mapped inputs: rows of a file, read a few at a time."""

import copy
from mmap import mmap
from typing import Self

import numpy as np

__all__ = ["MappedRows", "common_dtype", "is_mapped"]


def is_mapped(x: object) -> bool:
    """Return whether `x` is a memory-mapped array, as `numpy.load(path, mmap_mode="r")`, or a view.

    What was computed from one is not: such arrays keep the type, but lie in memory.
    """
    while isinstance(x, np.ndarray):
        if isinstance(x, np.memmap) and isinstance(x.base, mmap):
            return True
        x = x.base
    return False


def common_dtype(X: np.ndarray) -> np.dtype:
    """Return the dtype, in the machine's byte order, in which every library has these numbers."""
    if X.dtype.kind == "f" and X.dtype.itemsize not in (4, 8):
        return np.dtype(np.float32 if X.dtype.itemsize < 4 else np.float64)
    if X.dtype.kind in "iu" and X.dtype.itemsize == 8:
        largest = np.iinfo(np.int32).max
        if X.max() > largest or X.min() < -largest:
            return np.dtype(np.float64)  # JAX would wrap them round to 32 bits
    return X.dtype.newbyteorder("=")


class MappedRows:
    """Rows of a memory-mapped array, of which no more is read than is asked for.

    `rows[start:stop]` and `rows[numbers]`, with row numbers of any shape, are arrays of `dtype`.

    Args:
        X: Inputs (N, d1, ..., dk), memory-mapped.

    Attributes:
        dtype: The dtype that they are read in; see `common_dtype`.
        shape: (N, d1, ..., dk).

    """

    def __init__(self, X: np.ndarray) -> None:
        self._X = X
        self._numbers: np.ndarray | None = None
        self.dtype = common_dtype(X)
        self.shape: tuple[int, ...] = X.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        chosen = rows if self._numbers is None else self._numbers[rows]
        # Indexed, as numpy.take would first copy all of a mapped array that has gaps.
        return np.asarray(self._X[chosen]).astype(self.dtype, copy=False)

    def subset(self, numbers: np.ndarray) -> Self:
        """Return the rows (n,) of these numbers, of which none is read yet."""
        made = copy.copy(self)
        made._numbers = numbers if self._numbers is None else self._numbers[numbers]
        made.shape = (len(numbers), *self.shape[1:])
        return made
