"""Arrays that steps change, put into a file and found again: of the right names and kinds."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array, backend_of
from xpnet.errors import InputError
from xpnet.nets import Variables
from xpnet.npz_arrays import bfloat16_bits, floats_of_bfloat16

__all__ = [
    "dtype_name",
    "host_arrays",
    "host_variables",
    "in_place_of",
    "named_so",
    "saved_floats",
    "variables_in_place_of",
]


def dtype_name(w: Array) -> str:
    """Return "float32" and the like, in whichever library, without a look at the numbers."""
    return str(w.dtype).rpartition(".")[2]


def named_so(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin so, by the rest of the name."""
    return {name.removeprefix(prefix): x for name, x in arrays.items() if name.startswith(prefix)}


def host_arrays(arrays: Mapping[str, Array], prefix: str) -> dict[str, np.ndarray]:
    """Return arrays of any library on the host, named with a prefix.

    Those of bfloat16, which NumPy does not have, come as their 16 bits, in uint16: the upper half
    of the float32 of that value.
    """
    host = {}
    for name, w in arrays.items():
        found = backend_of(w).to_numpy(w)
        host[prefix + name] = bfloat16_bits(found) if dtype_name(w) == "bfloat16" else found
    return host


def host_variables(variables: Variables, prefix: str = "") -> dict[str, np.ndarray]:
    """Return parameters and state on the host, named so after the prefix."""
    params, state = variables
    return host_arrays(params, f"{prefix}params.") | host_arrays(state, f"{prefix}state.")


def variables_in_place_of(
    now: Variables,
    saved: Mapping[str, np.ndarray],
    prefix: str = "",
    gone: np.ndarray | None = None,
) -> Variables:
    """Return parameters and state like those of now, with the numbers that a file has; see below.

    Raises:
        InputError: As in `in_place_of`.

    """
    params, state = now
    return Variables(
        in_place_of(params, saved, f"{prefix}params.", gone),
        in_place_of(state, saved, f"{prefix}state.", gone),
    )


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
        numbers = saved_floats(saved, prefix + name, tuple(w.shape), dtype_name(w), gone)
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
