"""NumPy: the CPU backend that is always there."""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from xpnet.backends.base import Backend
from xpnet.backends.namespace import Array
from xpnet.errors import BackendError

__all__ = ["NumpyBackend"]


class NumpyBackend(Backend):
    """NumPy on the CPU."""

    name = "numpy"
    package = "numpy"

    def __init__(self) -> None:
        super().__init__(np, "cpu")

    @classmethod
    def open(cls, device_text: str) -> "NumpyBackend":
        """Return the backend; its only device is "cpu"."""
        if device_text not in ("", "cpu"):
            raise BackendError(f"NumPy has the device cpu alone; got numpy:{device_text}")
        return cls()

    @classmethod
    def of(cls, _x: Array) -> "NumpyBackend":
        """Return the backend of an array."""
        return cls()

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

    def errstate(self) -> AbstractContextManager[Any]:
        """Return a context in which overflow and NaN pass without a warning."""
        return np.errstate(all="ignore")
