"""The uint8 array inside a CIFAR-10 pickle, rebuilt without calling what the pickle names.

NumPy pickles an array as a call of `_reconstruct`, which makes an empty one, and a state that
fills it; a dtype likewise. Here those names are only marks: the shape and the bytes in the state
are compared first, and the array is a read-only view of those bytes.
"""

import math
from enum import Enum, auto
from typing import Literal

import numpy as np

__all__ = ["BatchError", "call", "find_global", "set_state"]


class BatchError(Exception):
    """What is wrong with a file, as the end of a sentence that begins with its path."""


class _Mark(Enum):
    """Stands on the stack for something of NumPy's that is named but never called."""

    RECONSTRUCT = auto()
    NDARRAY = auto()
    DTYPE = auto()
    UINT8 = auto()
    EMPTY_ARRAY = auto()


_GLOBALS = {
    "numpy.core.multiarray._reconstruct": _Mark.RECONSTRUCT,
    "numpy._core.multiarray._reconstruct": _Mark.RECONSTRUCT,
    "numpy.ndarray": _Mark.NDARRAY,
    "numpy.dtype": _Mark.DTYPE,
}


def find_global(name: str) -> object:
    """Return the mark for a dotted name of NumPy's, or raise BatchError for any other name."""
    if name not in _GLOBALS:
        raise BatchError(f"wants to run {name}")
    return _GLOBALS[name]


def call(function: object, arguments: object) -> object:
    """Return what stands for `function(*arguments)`: an empty array or the dtype uint8."""
    first = arguments[0] if isinstance(arguments, tuple) and arguments else None
    if function is _Mark.RECONSTRUCT and first is _Mark.NDARRAY:
        return _Mark.EMPTY_ARRAY
    if function is _Mark.DTYPE and isinstance(first, bytes):
        if first not in (b"u1", b"|u1"):
            raise BatchError(f"holds an array of dtype {first[:20]!r}, not uint8")
        return _Mark.UINT8
    raise BatchError("is damaged: it calls something that is not NumPy's array or dtype")


def set_state(target: object, state: object) -> object:
    """Return what `target` is once it has its state: the array, or the dtype unchanged."""
    if target is _Mark.EMPTY_ARRAY:
        return _array(state)
    if target is _Mark.UINT8:  # its state only says that a single byte has no byte order
        return target
    raise BatchError(f"is damaged: it sets the state of {type(target).__name__}")


def _array(state: object) -> np.ndarray:
    """Return the array of the state (version, shape, dtype, is Fortran order, bytes)."""
    if not isinstance(state, tuple) or len(state) != 5 or state[2] is not _Mark.UINT8:
        raise BatchError("is damaged: an array in it is not uint8, or has no state")
    _, shape, _, fortran, data = state
    if not isinstance(shape, tuple) or not all(type(n) is int and n > 0 for n in shape):
        raise BatchError("is damaged: an array in it has no shape of positive integers")
    if len(shape) > 2 or not isinstance(data, bytes) or math.prod(shape) != len(data):
        size = f"{len(data)} bytes" if isinstance(data, bytes) else "no bytes"
        raise BatchError(f"holds an array of shape {shape[:3]} but {size} for it")
    order: Literal["C", "F"] = "F" if type(fortran) in (bool, int) and fortran else "C"
    return np.frombuffer(data, dtype=np.uint8).reshape(shape, order=order)
