"""Arrays that steps change, found again in a file: of the right names, shapes and kinds."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array, backend_of
from xpnet.errors import InputError
from xpnet.npz_arrays import floats_of_bfloat16

__all__ = ["in_place_of", "saved_floats"]


def in_place_of(
    arrays: Mapping[str, Array],
    saved: Mapping[str, np.ndarray],
    prefix: str,
    gone: np.ndarray | None = None,
) -> dict[str, Array]:
    """Return new arrays like `arrays`, with the numbers that a file has under their names.

    Args:
        arrays: What the training has now: names, shapes, dtypes, library and device.
        saved: The file's.
        prefix: Of the names in the file.
        gone: Which members may hold NaN, of the member shape: those that have diverged.

    Raises:
        InputError: One is missing, does not fit, or holds NaN or infinity.

    """
    found = {}
    for name, w in arrays.items():
        backend = backend_of(w)
        dtype = str(w.dtype).rpartition(".")[2]
        numbers = saved_floats(saved, prefix + name, tuple(w.shape), dtype, gone)
        found[name] = backend.copy(backend.asarray(numbers, w.dtype))
    return found


def saved_floats(
    saved: Mapping[str, np.ndarray],
    name: str,
    shape: tuple[int, ...],
    dtype: str,
    gone: np.ndarray | None = None,
) -> np.ndarray:
    """Return an array of a file, checked; of bfloat16's bits, which are uint16, as float32."""
    found: Any = saved.get(name)
    held = "uint16" if dtype == "bfloat16" else dtype
    if found is None or found.shape != shape or found.dtype.name != held:
        given = "none" if found is None else f"{found.dtype} {found.shape}"
        raise InputError(f"{name} must be {held} {shape}; the file has {given}")
    if dtype == "bfloat16":
        found = floats_of_bfloat16(found)
    judged = found
    if gone is not None and gone.any():
        judged = found[~gone] if gone.ndim else found[:0]
    if not np.isfinite(judged).all():
        raise InputError(f"{name} holds NaN or infinity, which nothing could go on from")
    return np.asarray(found)
