"""The one door to array libraries and devices.

Nothing outside this package names an array library. Everything above it asks `array_namespace(x)`
and `device(x)`, or holds the `Backend` that `get_backend` and `backend_of` return.
"""

from typing import Any

import array_api_compat

from xpnet.backends.base import PRECISIONS, Backend
from xpnet.backends.cupy_backend import CupyBackend
from xpnet.backends.dpnp_backend import DpnpBackend
from xpnet.backends.jax_backend import JaxBackend
from xpnet.backends.namespace import Array, array_namespace, device, is_host_array
from xpnet.backends.numpy_backend import NumpyBackend
from xpnet.backends.strict_backend import StrictBackend
from xpnet.backends.torch_backend import TorchBackend
from xpnet.errors import BackendError, did_you_mean

__all__ = [
    "DEVICE_CHOICES",
    "PRECISIONS",
    "Array",
    "Backend",
    "array_namespace",
    "backend_of",
    "device",
    "get_backend",
    "is_host_array",
]

DEVICE_CHOICES = (
    "cpu",
    "gpu[:number]",
    "auto",
    "numpy",
    "cupy[:number]",
    "torch[:device]",
    "jax[:device]",
    "dpnp[:device]",
    "array-api-strict[:device]",
)

_OPENERS: dict[str, Any] = {
    "cpu": NumpyBackend.open,
    "numpy": NumpyBackend.open,
    "gpu": CupyBackend.open,
    "cupy": CupyBackend.open,
    "torch": TorchBackend.open,
    "jax": JaxBackend.open,
    "dpnp": DpnpBackend.open,
    "array-api-strict": StrictBackend.open,
}

# the libraries that are the standard's namespaces by themselves, without array-api-compat
_BY_NAMESPACE: dict[str, Any] = {"array_api_strict": StrictBackend, "dpnp": DpnpBackend}


def get_backend(device: str = "cpu") -> Backend:
    """Return the backend that a `--device` text asks for.

    Args:
        device: "cpu" or "numpy" (NumPy), "gpu" or "cupy" with an optional ":number" (CuPy),
            "auto" (a GPU that works, otherwise the CPU), "torch[:device]", "jax[:device]",
            "dpnp[:device]" or "array-api-strict[:device]".

    Raises:
        BackendError: The text is none of these, or the library, driver or device is missing; the
            message says which, and what to install.

    """
    if not isinstance(device, str):
        raise BackendError(f"device must be a text such as 'cpu' or 'gpu'; got {device!r}")
    name, _, rest = device.partition(":")
    if device == "auto":
        return _best_backend()
    if name not in _OPENERS:
        wanted = "gpu" if name in ("cuda", "nvidia") else name
        hint = did_you_mean(wanted, [*_OPENERS, "auto"])
        choices = ", ".join(DEVICE_CHOICES)
        raise BackendError(f"unknown device {device!r}{hint}; choose one of {choices}")
    backend: Backend = _OPENERS[name](rest)
    return backend


def _best_backend() -> Backend:
    """Return a GPU that works, or the CPU with the reason."""
    try:
        chosen: Backend = CupyBackend.open("")
        chosen.remark = "auto: a GPU that works"
    except BackendError as error:
        chosen = NumpyBackend.open("")
        chosen.remark = f"auto: no GPU, as {error.reason}"
    return chosen


def backend_of(x: Array) -> Backend:
    """Return the backend of the library and device that `x` belongs to.

    Raises:
        InputError: `x` is not an array of a library that follows the standard.

    """
    if is_host_array(x):
        return NumpyBackend.of(x)
    if array_api_compat.is_cupy_array(x):
        return CupyBackend.of(x)
    if array_api_compat.is_torch_array(x):
        return TorchBackend.of(x)
    if array_api_compat.is_jax_array(x):
        return JaxBackend.of(x)
    xp = array_namespace(x)
    kind = _BY_NAMESPACE.get(xp.__name__)
    found: Backend = Backend(xp, device(x)) if kind is None else kind.of(x)
    return found
