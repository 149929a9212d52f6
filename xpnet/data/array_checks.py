"""Checks of a data set's arrays, each with the sentence that refuses it."""

import math
from collections.abc import Sequence

import numpy as np

from xpnet.data.mapped import is_mapped
from xpnet.errors import InputError

__all__ = ["check_class_labels", "check_inputs", "check_real_targets"]

_FINITE_CHUNK = 2**20  # numbers looked at together: a mask of 1 MiB whatever the size of X


def check_inputs(X: object, what: str) -> None:
    """Raise InputError, which calls `X` `what`, unless X is an array of finite rows of numbers."""
    if not isinstance(X, np.ndarray):
        raise InputError(
            f"{what} is a {type(X).__name__}, not a NumPy array; convert it with numpy.asarray "
            "(X_test and y_test may both be None)"
        )
    if X.dtype.kind not in "iuf":
        raise InputError(
            f"{what} has dtype {X.dtype}; give integers or floats, such as X.astype(numpy.float32)"
        )
    if X.ndim < 2 or 0 in X.shape:
        raise InputError(
            f"{what} has shape {X.shape}; give (rows, features) with at least one of each"
        )
    if is_mapped(X) and _is_scattered(X):
        raise InputError(
            f"{what} is memory-mapped, but each of its rows lies scattered over the file (Fortran "
            "order): save numpy.ascontiguousarray(X), or hold it in memory with numpy.array(X)"
        )
    if X.dtype.kind == "f":
        _check_finite(X, what)


def check_real_targets(y: object, num_rows: int, what: str) -> np.ndarray:
    """Return real targets, or raise InputError, which calls them `what`, unless they fit.

    They fit if they are finite floats of shape (num_rows,) or (num_rows, C).
    """
    if not isinstance(y, np.ndarray) or y.dtype.kind != "f":
        given = y.dtype if isinstance(y, np.ndarray) else type(y).__name__
        raise InputError(
            f"{what} is {given}, not a float NumPy array; cast real targets with "
            "y.astype(numpy.float32), or name the classes"
        )
    if y.ndim not in (1, 2) or len(y) != num_rows or 0 in y.shape:
        raise InputError(
            f"{what} has shape {y.shape} but its X has {num_rows} rows; give real targets of shape "
            f"({num_rows},) or ({num_rows}, C)"
        )
    _check_finite(y, what)
    return y


def check_class_labels(y: object, num_rows: int, class_names: Sequence[str], what: str) -> None:
    """Raise InputError, which calls `y` `what`, unless it has a class number for each row."""
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "iu":
        given = y.dtype if isinstance(y, np.ndarray) else type(y).__name__
        raise InputError(
            f"{what} is {given}, not an integer NumPy array; "
            "cast it with y.astype(numpy.int64), or number names with encode_labels"
        )
    if y.shape != (num_rows,):
        raise InputError(
            f"{what} has shape {y.shape} but its X has {num_rows} rows; give one label per row, "
            f"of shape ({num_rows},)"
        )
    wrong = np.flatnonzero((y < 0) | (y >= len(class_names)))
    if wrong.size:
        raise InputError(
            f"{what} holds label {y[wrong[0]]} in row {wrong[0]} but there are "
            f"{len(class_names)} class names; number the classes 0 to {len(class_names) - 1}"
        )


def _is_scattered(X: np.ndarray) -> bool:
    """Return whether other rows lie between the numbers of a row: a batch would read them all."""
    step = abs(X.strides[0])
    return len(X) > 1 and any(
        n > 1 and abs(stride) > step for n, stride in zip(X.shape, X.strides, strict=True)
    )


def _check_finite(X: np.ndarray, what: str) -> None:
    step = max(1, _FINITE_CHUNK // math.prod(X.shape[1:]))
    for start in range(0, len(X), step):
        chunk = X[start : start + step]
        finite = np.isfinite(chunk)
        if not finite.all():
            place = tuple(int(i) for i in np.argwhere(~finite)[0])
            raise InputError(
                f"{what} holds {chunk[place]} in row {start + place[0]}; "
                "drop such rows or replace the value before loading"
            )
