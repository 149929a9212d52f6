"""NumPy: the CPU backend that is always there."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from xpnet.backends.base import Advance, Backend, Step
from xpnet.backends.namespace import Array
from xpnet.backends.recording import RecordingNamespace
from xpnet.backends.replay import ReplayedFunction, ReplayedSteps
from xpnet.errors import BackendError

__all__ = ["NumpyBackend"]

_STEP_XP = RecordingNamespace()
_WORTH_SHARING = 10_000_000  # operations, about 0.1 ms on one core
_CACHED = 2_000_000  # floats of a batch, 8 MB
_PART = 800_000  # floats of a part of a larger one
_FEWEST = 100  # samples of a part
_MOST_PARTS = 10  # a recording holds the gradients of each
_LARGEST_MARK = 31 * 2**20  # bytes: glibc follows freed blocks of up to 32 MB


class NumpyBackend(Backend):
    """NumPy on the CPU."""

    name = "numpy"
    replays = True
    # Measured with OpenBLAS at 50 hidden units, a step of 2 to 32 members: 1.1 times as long as by
    # one product each at 64 features, 0.90 to 0.98 at 784, 0.87 to 0.95 at 3,072. From here on both
    # gave the same bits; at 784 not always.
    one_product_from = 1024

    def __init__(self) -> None:
        super().__init__(np, "cpu")
        self.step_xp = _STEP_XP

    @classmethod
    def open(cls, device_text: str) -> "NumpyBackend":
        """Return the backend; its only device is "cpu"."""
        if device_text not in ("", "cpu"):
            raise BackendError(
                f"NumPy has one device, the CPU, and it has no number; got {device_text!r}"
            )
        return cls()

    @classmethod
    def of(cls, _x: Array) -> "NumpyBackend":
        """Return the backend of an array."""
        return cls()

    @property
    def text(self) -> str:
        """The `--device` text that opens this backend."""
        return "cpu"

    @property
    def description(self) -> str:
        """One phrase for people."""
        return f"NumPy {np.__version__} on the CPU"

    def asarray(self, x: Any, dtype: Any = None) -> Array:
        """Return host values as an array, without a copy where none is needed.

        Host memory is the device's memory here, and a second copy of a data set would double the
        memory of a run; whoever writes into an array copies it first.
        """
        return np.asarray(x, dtype=dtype)

    def stacked_on_host(self, arrays: Sequence[Array]) -> np.ndarray:
        """Return arrays of one shape as one; for small ones in a fifth of the time of np.stack."""
        return np.asarray(arrays)

    def fitting_threads(self, num_operations: int) -> int | None:
        """Return 1 for small products, which a second thread makes slower.

        OpenBLAS shares a product from 0.5 million operations on, and its threads wait for the next
        one by spinning, which takes the core from whoever else needs it: on two busy cores a
        training of the digits took 31 s with two threads and 2.2 s with one.
        """
        return 1 if num_operations < _WORTH_SHARING else None

    def samples_at_once(self, batch_size: int, num_features: int, num_parameters: int) -> int:
        """Return a divisor of a large batch, whose floats a cache keeps until the backward pass.

        Measured at 3072-50-10: a batch of 1,000 takes 0.91 times as long in parts of 250, and 0.92
        in two of 500; one of 500 takes 1.10 times as long in parts of 250. Each part adds to the
        gradients once more, which are to be far smaller than its inputs: at 3072-500-10 parts take
        1.07 times as long.
        """
        floats = batch_size * num_features
        if not _CACHED < floats <= _MOST_PARTS * _PART or num_parameters > _PART / 4:
            return batch_size
        fitting = range(_PART // num_features, _FEWEST - 1, -1)
        return next((n for n in fitting if batch_size % n == 0), batch_size)

    def stretch(self, step: Step, *, compiled: bool = False, is_pure: bool = False) -> Advance:
        """Return `advance(carry, data, draws)`, which replays a pure step; another is repeated.

        Before, glibc is made to keep freed memory: it gives a block back to the system, to be
        faulted in again page by page, while the block is larger than any that was freed before
        (up to 32 MB). One big block, never touched, raises that mark. Measured at 3072-50-10,
        where a batch has 1.2 MB: 850 µs a step instead of 2,200. Other allocators do not care.
        """
        np.empty(_LARGEST_MARK, dtype=np.uint8)
        plain = super().stretch(step, compiled=compiled)
        return ReplayedSteps(step, plain) if is_pure else plain

    def repeated(
        self, function: Callable[[Any, Any], Array], *, is_pure: bool = False
    ) -> Callable[[Any, Any], Array]:
        """Return `function(live, inputs)`, replayed if it is pure."""
        return ReplayedFunction(function) if is_pure else function

    def _context(self, *, tf32: bool) -> AbstractContextManager[Any]:
        """Return a context in which overflow and NaN pass without a warning."""
        return np.errstate(all="ignore")
