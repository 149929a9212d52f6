"""The shortest calls of NumPy that write an elementwise function, a matrix product or a sum.

On arrays of a few thousand numbers NumPy spends its time around the arithmetic. What is measured
here at a step of 64-50-10, batch 100, is the same arithmetic and gives the same bits:

- `np.dot` takes 0.35 µs less than `np.matmul`, which looks for more axes first;
- an operand of fewer axes makes NumPy walk: (100, 50) + (1, 50) takes 2.1 µs, a copy of the operand
  to (100, 50) and an addition 1.7; with a constant, which is copied once, 0.7;
- `take` with the index 0 for each row makes that copy of a row in 0.55 µs, `copyto` in 1.0;
- np.maximum with an array of zeros takes 1.5 µs at (100, 50), with the number 0 2.4;
- `out` as a third argument takes 0.15 µs less than by its name;
- the sum over the rows of (1000, 50) takes 20 µs by `add.reduce`, 11 by `einsum`, which adds them
  in the same order where there is more than one column.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from xpnet.backends.calls import Call

__all__ = ["shortest_calls", "shortest_reduction"]

_FEW = 2048  # numbers: more are not worth a copy by copyto at each call
_SMALL = 65_536  # numbers: a copy of more would need a cache of its own
_MANY = 4096  # numbers: of fewer einsum takes more around the sum
_BY_NAME = (np.maximum, np.minimum)  # NumPy wants their `out` by its name; slow with a number


def shortest_calls(
    ufunc: np.ufunc, inputs: Sequence[Any], constant: Sequence[bool], out: np.ndarray
) -> list[Call]:
    """Return the calls that write `ufunc(*inputs)` into `out`.

    Args:
        ufunc: An elementwise function, or np.matmul.
        inputs: Arrays and numbers.
        constant: Of each input, whether it holds the same at every call.
        out: What the calls write into; it may be one of the inputs.

    """
    if ufunc is np.matmul:
        product = np.dot if _is_plain_product([*inputs, out]) else np.matmul
        return [partial(product, *inputs, out)]
    calls: list[Call] = []
    operands = []
    for x, stays in zip(inputs, constant, strict=True):
        if not _is_worth_a_copy(ufunc, x, out, stays=stays):
            operands.append(x)
            continue
        whole = np.empty_like(out, dtype=x.dtype)
        np.copyto(whole, x)
        if not stays:
            calls.append(_copy_of_a_row(whole, x) or partial(np.copyto, whole, x))
        operands.append(whole)
    if ufunc in _BY_NAME:
        return [*calls, partial(ufunc, *operands, out=out)]
    return [*calls, partial(ufunc, *operands, out)]


def shortest_reduction(
    ufunc: np.ufunc, x: np.ndarray, axis: Any, out: np.ndarray, *, keepdims: bool
) -> Call:
    """Return the call that writes `ufunc.reduce(x, axis, keepdims=keepdims)` into `out`."""
    if ufunc is np.add and axis in (0, -2) and _has_rows_to_sum(x, out):
        return partial(np.einsum, "ij->j", x, out=out.reshape(-1))
    if out.ndim == 0 and x.ndim > 1 and x.size == max(x.shape) and x.flags.c_contiguous:
        x, axis = x.reshape(-1), 0  # NumPy looks for the axes that have but one number
    return partial(ufunc.reduce, x, axis, None, out, keepdims)  # type: ignore[call-arg]


def _has_rows_to_sum(x: np.ndarray, out: np.ndarray) -> bool:
    return (
        x.ndim == 2
        and x.shape[1] > 1
        and x.size >= _MANY
        and x.dtype in (np.float32, np.float64)
        and x.dtype == out.dtype
        and x.flags.c_contiguous
        and out.flags.c_contiguous
    )


def _is_worth_a_copy(ufunc: np.ufunc, x: Any, out: np.ndarray, *, stays: bool) -> bool:
    """Return whether a copy of the operand in the shape of the result makes the call shorter."""
    if not isinstance(x, np.ndarray) or x.shape == out.shape:
        return False
    if x.ndim == 0 and ufunc not in _BY_NAME:
        return False
    return out.size <= (_SMALL if stays or _as_rows(out, x) is not None else _FEW)


def _copy_of_a_row(whole: np.ndarray, x: np.ndarray) -> Call | None:
    """Return the call that writes a row into each row of an array, or None of other shapes."""
    if (found := _as_rows(whole, x)) is None:
        return None
    rows, row = found
    return partial(row.take, np.zeros(len(rows), dtype=np.intp), 0, rows, "clip")


def _as_rows(whole: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return an array as (N, M) and an operand as (1, M), views of both, where these exist."""
    if whole.flags.f_contiguous and whole.ndim == x.ndim == 2:
        whole, x = whole.T, x.T  # a column is a row of the other order
    size = whole.shape[-1] if whole.ndim else 0
    if not whole.flags.c_contiguous or not x.flags.c_contiguous or not x.size == size > 1:
        return None
    return (whole.reshape(-1, size), x.reshape(1, size)) if x.shape[-1] == size else None


def _is_plain_product(arrays: list[np.ndarray]) -> bool:
    """Return whether both functions give x, w and out to the same routine of BLAS."""
    x, w, out = arrays
    return (
        all(a.ndim == 2 and min(a.shape) > 0 and a.dtype == out.dtype for a in arrays)
        and all(a.flags.c_contiguous or a.flags.f_contiguous for a in (x, w))
        and out.flags.c_contiguous
    )
