"""CuPy: NVIDIA (and AMD) graphics cards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from xpnet.backends.base import Backend
from xpnet.backends.namespace import Array
from xpnet.errors import BackendError

__all__ = ["CupyBackend"]

_REMEDY_CPU = "or train on the CPU with --device cpu"
_REMEDY_CUPY = (
    "install it with pip install 'cupy-cuda12x[ctk]' (or 'cupy-cuda13x[ctk]' for a CUDA 13 driver)"
)
_AMPERE = 80  # compute capability 8.0, the first with TF32
_LONGEST_DETAIL = 200  # characters: CuPy explains a broken installation at length


class CupyBackend(Backend):
    """CuPy on one CUDA device."""

    # Not measured: its product of stacks copies what is not contiguous, takes the members of a
    # broadcast axis one by one through pointers, and never rounds to TF32; that of two matrices
    # does none of it.
    one_product_from = 1

    name = "cupy"
    is_gpu = True

    @classmethod
    def open(cls, device_text: str) -> "CupyBackend":
        """Return the backend of the device with that number ("" for the first).

        `import cupy` succeeds on a machine without a driver, so the driver is asked for by itself.

        Raises:
            BackendError: CuPy, a working driver, or a device of that number is missing.

        """
        try:
            import cupy
        except ImportError as error:
            if isinstance(error, ModuleNotFoundError) and error.name == "cupy":
                reason = "CuPy is not installed"
                message = f"the GPU needs CuPy, and {reason}"
            else:
                reason = "CuPy is installed but cannot be imported"
                message = f"{reason} ({_one_line(error)})"
            raise BackendError(f"{message}: {_REMEDY_CUPY}, {_REMEDY_CPU}", reason) from error
        if not cupy.is_available():
            reason = f"CuPy {cupy.__version__} finds no GPU with a working NVIDIA driver"
            raise BackendError(
                f"{reason}: install NVIDIA's driver for your card and see that nvidia-smi lists "
                f"it, {_REMEDY_CPU}",
                reason,
            )
        count = cupy.cuda.runtime.getDeviceCount()
        number = device_text.removeprefix("cuda:") or "0"
        if not number.isdecimal() or int(number) >= count:
            raise BackendError(f"CuPy has the devices 0 to {count - 1}; got {device_text!r}")
        device = cupy.cuda.Device(int(number))
        device.use()
        try:  # a GPU that is listed may still lack CUDA's libraries, or memory
            one = cupy.ones((2, 2), dtype=cupy.float32)
            cupy.asnumpy(one @ one + one)
        except Exception as error:
            reason = f"CuPy {cupy.__version__} finds a GPU but cannot compute on it"
            message = f"{reason} ({_one_line(error)}): {_REMEDY_CUPY}, {_REMEDY_CPU}"
            raise BackendError(message, reason) from error
        return cls.on(device)

    @classmethod
    def of(cls, x: Array) -> "CupyBackend":
        """Return the backend of an array."""
        return cls.on(x.device)

    @classmethod
    def on(cls, device: Any) -> "CupyBackend":
        """Return the backend of one CUDA device."""
        import array_api_compat.cupy

        return cls(array_api_compat.cupy, device)

    @property
    def text(self) -> str:
        """The `--device` text that opens this backend."""
        return f"cupy:{self.device.id}"

    @property
    def version(self) -> str:
        """CuPy's version."""
        import cupy

        return str(cupy.__version__)

    @property
    def description(self) -> str:
        """One phrase for people."""
        import cupy

        properties = cupy.cuda.runtime.getDeviceProperties(self.device.id)
        return f"CuPy {self.version} on {properties['name'].decode()}"

    def asarray(self, x: Any, dtype: Any = None) -> Array:
        """Return host values as a new array on the device."""
        import cupy

        with self.device:
            return cupy.array(x, dtype=dtype)

    def to_numpy(self, x: Array) -> np.ndarray:
        """Return `x` on the host, after waiting for the device."""
        import cupy

        return np.asarray(cupy.asnumpy(x))

    def memory_bytes(self) -> int:
        """Return the free bytes of the device."""
        return int(self.device.mem_info[0])

    def synchronize(self) -> None:
        """Wait until the device has done all that it was asked to do."""
        self.device.synchronize()

    @property
    def has_tf32(self) -> bool:
        """Whether it is an NVIDIA card of compute capability 8.0 or later."""
        import cupy

        return not cupy.cuda.runtime.is_hip and int(self.device.compute_capability) >= _AMPERE

    @contextmanager
    def _context(self, *, tf32: bool) -> Iterator[None]:
        """Make the device the current one, and say how its 2-D products of float32 are made.

        CuPy reads its environment variable CUPY_TF32 at its first product alone; what it keeps from
        then on is set here and put back. Stacked products are made in float32 in either case.
        """
        from cupy._core import _routines_linalg as products

        wanted = products.COMPUTE_TYPE_TF32 if tf32 else products.COMPUTE_TYPE_DEFAULT
        with self.device, np.errstate(all="ignore"):
            before = products.get_compute_type(np.float32)
            products.set_compute_type(np.float32, wanted)
            try:
                yield
            finally:
                products.set_compute_type(np.float32, before)


def _one_line(error: Exception) -> str:
    """Return what an error says in one short line, without the rules that CuPy draws around it."""
    words = [word for word in str(error).split() if set(word) != {"="}]
    return " ".join(words)[:_LONGEST_DETAIL]
