"""Parameters that are kept in 16 bits, and computed with in float32.

float16 has 11 bits and numbers up to 65504, bfloat16 8 bits and the range of float32. No product
and no sum is made in them: what is kept in 16 bits is raised to float32 before, which is exact.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.errors import InputError

__all__ = ["NARROW", "check_range", "compute_dtype", "in_dtype"]

NARROW = ("float16", "bfloat16")


def compute_dtype(stored: Any, xp: Any) -> Any:
    """Return the dtype to compute in: float32 for 16 bits, and otherwise that of the numbers."""
    is_narrow = any(hasattr(xp, name) and stored == getattr(xp, name) for name in NARROW)
    return xp.float32 if is_narrow else stored


def in_dtype(arrays: Mapping[str, Array], dtype: Any, xp: Any) -> dict[str, Array]:
    """Return arrays of one dtype in another, or themselves where they have it."""
    return {
        name: w if w.dtype == dtype else xp.astype(w, dtype, copy=False)
        for name, w in arrays.items()
    }


def check_range(X: np.ndarray, dtype: Any, xp: Any) -> None:
    """Raise InputError where a dtype would make infinity of one of the inputs, on the host."""
    largest, found = float(xp.finfo(dtype).max), max(float(X.max()), -float(X.min()))
    if found > largest:
        raise InputError(
            f"the inputs are as large as {found:.3g}, beyond {largest:.3g}, the largest of "
            f"{dtype}: scale them (preprocess='standard'), or make the net with dtype='float32'"
        )
