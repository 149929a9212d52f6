"""The shortest calls of NumPy that write an elementwise function or a matrix product.

On arrays of a few thousand numbers NumPy spends its time around the arithmetic. What is measured
here at a step of 64-50-10, batch 100, is the same arithmetic and gives the same bits:

- `np.dot` takes 0.35 µs less than `np.matmul`, which looks for more axes first;
- an operand of fewer axes makes NumPy walk: (10, 100) - (100,) takes 1.1 to 1.4 µs, a copy of the
  operand to (10, 100) and a subtraction 0.8; with a constant, which is copied once, 0.35;
- np.maximum with an array of zeros takes 1.5 µs at (100, 50), with the number 0 2.4;
- `out` as a third argument takes 0.15 µs less than by its name.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

__all__ = ["shortest_calls"]

Call = Callable[[], Any]

_FEW = 2048  # numbers: more are not worth a copy at each call
_SMALL = 65_536  # numbers: a constant of more would need a cache of its own
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
            calls.append(partial(np.copyto, whole, x))
        operands.append(whole)
    if ufunc in _BY_NAME:
        return [*calls, partial(ufunc, *operands, out=out)]
    return [*calls, partial(ufunc, *operands, out)]


def _is_worth_a_copy(ufunc: np.ufunc, x: Any, out: np.ndarray, *, stays: bool) -> bool:
    """Return whether a copy of the operand in the shape of the result makes the call shorter."""
    if not isinstance(x, np.ndarray) or x.shape == out.shape:
        return False
    if x.ndim == 0 and ufunc not in _BY_NAME:
        return False
    return out.size <= (_SMALL if stays else _FEW)


def _is_plain_product(arrays: list[np.ndarray]) -> bool:
    """Return whether both functions give x, w and out to the same routine of BLAS."""
    x, w, out = arrays
    return (
        all(a.ndim == 2 and min(a.shape) > 0 and a.dtype == out.dtype for a in arrays)
        and all(a.flags.c_contiguous or a.flags.f_contiguous for a in (x, w))
        and out.flags.c_contiguous
    )
