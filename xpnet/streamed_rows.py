"""Inputs that stay in their file: batches are read on the host while the device works."""

import copy
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import EllipsisType
from typing import Self

import numpy as np

from xpnet.backends import Array, Backend
from xpnet.data.mapped import MappedRows
from xpnet.errors import InputError

__all__ = ["PIECE_BYTES", "StreamedRows", "advice_to_map", "pieces"]

PIECE_BYTES = 2**25  # of batches read together: one piece is worked on while the next is read


class StreamedRows:
    """Memory-mapped inputs (N, D), of which slices and batches go to the device.

    Args:
        rows: The inputs, in their own shape.
        place: Puts an array on the device.

    Attributes:
        shape: (N, D), the samples flattened.

    """

    def __init__(self, rows: MappedRows, place: Callable[[np.ndarray], Array]) -> None:
        self._rows = rows
        self._place = place
        self._reader = ThreadPoolExecutor(1)  # has no thread before something is read ahead
        self._ahead: tuple[np.ndarray, Future[np.ndarray]] | None = None
        self.shape = (len(rows), math.prod(rows.shape[1:]))

    def __getitem__(self, key: tuple[slice, EllipsisType]) -> Array:
        """Return `X[start:stop, ...]` on the device."""
        return self._place(self._read(key[0]))

    def subset(self, numbers: np.ndarray) -> Self:
        """Return the rows of these numbers, of which none is read yet."""
        made = copy.copy(self)
        made._rows, made._ahead = self._rows.subset(numbers), None
        made.shape = (len(numbers), self.shape[1])
        return made

    def pieces(self, rows: np.ndarray, following: np.ndarray) -> Iterator[tuple[slice, Array]]:
        """Yield the pieces of a stretch, as `pieces` does, with the inputs alone."""
        parts = self._split(rows)
        upcoming = [*parts[1:], *self._split(following)[:1]]
        start = 0
        for k, part in enumerate(parts):
            X = self._arrived(part)
            if k < len(upcoming):
                self._ahead = upcoming[k], self._reader.submit(self._read, upcoming[k])
            yield slice(start, start + len(part)), self._place(X)
            start += len(part)

    def _split(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return the rows of a stretch in pieces of at most PIECE_BYTES, or of one step."""
        if not len(rows):
            return []
        step_bytes = rows[0].size * self.shape[1] * self._rows.dtype.itemsize
        return np.array_split(rows, math.ceil(len(rows) / max(1, PIECE_BYTES // step_bytes)))

    def _arrived(self, rows: np.ndarray) -> np.ndarray:
        """Return the inputs of `rows`, which were read ahead if the caller came as expected."""
        expected, self._ahead = self._ahead, None
        if expected is not None and np.array_equal(expected[0], rows):
            return expected[1].result()
        return self._read(rows)

    def _read(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return rows as an array (..., D) in memory; a slice may be a view of the file."""
        X = self._rows[rows]
        axes = 1 if isinstance(rows, slice) else rows.ndim
        return X.reshape(*X.shape[:axes], self.shape[1])


def pieces(
    X: StreamedRows | Array, rows: np.ndarray, following: np.ndarray
) -> Iterator[tuple[slice, dict[str, Array]]]:
    """Yield which steps of a stretch to take next, and their inputs `X` where they are streamed.

    Inputs on the device are no part of a piece, and all steps are one. Streamed ones come in pieces
    of at most PIECE_BYTES; while the caller works on one, a thread reads the next. The pieces are
    as equal as can be, so that a compiled stretch meets two lengths at most.

    Args:
        X: All inputs, streamed or on the device.
        rows: Row numbers of the stretch, (steps, B) or (steps, members, B).
        following: Those of the stretch after it, as far as they are known.

    """
    if not isinstance(X, StreamedRows):
        yield slice(0, len(rows)), {}
        return
    for steps, inputs in X.pieces(rows, following):
        yield steps, {"X": inputs}


@contextmanager
def advice_to_map(backend: Backend, num_bytes: int) -> Iterator[None]:
    """Put inputs of so many bytes on the device inside, and say what to do if they do not fit.

    Raises:
        InputError: Its memory was too small.

    """
    try:
        yield
    except Exception as error:
        if not backend.is_out_of_memory(error):
            raise
        raise InputError(
            f"inputs of {num_bytes / 1e9:.3g} GB are too large for the memory of "
            f"{backend.description}: save them with numpy.save, and give numpy.load(path, "
            "mmap_mode='r'), of which batches are read as they are needed"
        ) from error
