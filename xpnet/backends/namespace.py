"""The array library that an array belongs to, and the device that it lies on."""

from typing import Any, TypeAlias

import array_api_compat
import numpy as np

from xpnet.errors import InputError

__all__ = ["Array", "array_namespace", "device", "is_host_array"]

Array: TypeAlias = Any  # any object of the array API standard: there is no static type for it yet

_HOST_TYPES = (np.ndarray, np.generic)


def is_host_array(x: object) -> bool:
    """Return whether `x` is NumPy's, so that its values are read without a transfer."""
    return isinstance(x, _HOST_TYPES)


def array_namespace(*arrays: Array) -> Any:
    """Return the array API namespace that the arrays share.

    NumPy 2 is its own namespace, so its arrays never load array-api-compat's wrapper for it, which
    costs 0.15 s at the first call and 1 µs at each.

    Raises:
        InputError: The arguments are not arrays, or are arrays of different libraries.

    """
    if all(isinstance(x, _HOST_TYPES) for x in arrays):
        return np
    try:
        return array_api_compat.array_namespace(*arrays)
    except TypeError as error:
        given = ", ".join(f"{type(x).__module__}.{type(x).__qualname__}" for x in arrays)
        raise InputError(
            f"expected arrays of one array library; got {given}: "
            "move them all to one with Backend.asarray"
        ) from error


def device(x: Array) -> Any:
    """Return the device of `x` in the terms of its own library, None where it names none.

    To create an array there: None is the default device, which is right for what names no device
    (Dask's arrays, and those that jax.jit traces). Not array-api-compat's function, whose look at
    every library torch.compile cannot trace without a dozen warnings.
    """
    return getattr(x, "device", None)
