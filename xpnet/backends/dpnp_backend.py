"""dpnp: whatever SYCL reaches, which are Intel's graphics cards and any CPU with OpenCL."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from xpnet.backends.base import Backend
from xpnet.backends.namespace import Array
from xpnet.errors import BackendError

__all__ = ["DpnpBackend"]


class DpnpBackend(Backend):
    """dpnp on one SYCL device."""

    name = "dpnp"
    is_asynchronous = True  # on the CPU too

    @classmethod
    def open(cls, device_text: str) -> "DpnpBackend":
        """Return the backend of a SYCL device such as "cpu", "gpu:1" or "" for the default.

        `import dpnp` succeeds on a machine without a device, so the devices are asked for.

        Raises:
            BackendError: dpnp is not installed, or finds no device at all, or not this one.

        """
        try:
            import dpnp
            from dpctl import SyclDeviceCreationError, get_devices
        except ImportError as error:
            raise BackendError(
                f"dpnp cannot be imported here ({error}): install it with pip install dpnp"
            ) from error
        found = [device.filter_string for device in get_devices()]
        if not found:
            reason = f"dpnp {dpnp.__version__} finds no device"
            raise BackendError(
                f"{reason}: for an Intel GPU install its driver, for the CPU do pip install "
                "intel-opencl-rt and set the environment variable "
                f"OCL_ICD_FILENAMES={sys.prefix}/lib/libintelocl.so",
                reason,
            )
        try:
            return cls(dpnp, dpnp.empty(1, dtype=dpnp.float32, device=device_text or None).device)
        except SyclDeviceCreationError as error:
            raise BackendError(
                f"dpnp {dpnp.__version__} has no device {device_text!r}; it has {', '.join(found)}"
            ) from error

    @classmethod
    def of(cls, x: Array) -> "DpnpBackend":
        """Return the backend of an array."""
        import dpnp

        return cls(dpnp, x.device)

    def __init__(self, xp: Any, device: Any) -> None:
        super().__init__(xp, device)
        self.is_gpu = bool(device.sycl_device.is_gpu)

    @property
    def text(self) -> str:
        """The `--device` text that opens this backend."""
        return f"dpnp:{self.device.sycl_device.filter_string}"

    @property
    def description(self) -> str:
        """One phrase for people."""
        device = self.device.sycl_device
        return f"dpnp {self.version} on {'the CPU' if device.is_cpu else device.name}"

    def dtype(self, name: Any) -> Any:
        """Return dpnp's dtype called `name`.

        Raises:
            BackendError: float64 or float16 is asked for and the device has none, as many of
                Intel's have no float64 and many CPUs no float16.

        """
        dtype = super().dtype(name)
        device = self.device.sycl_device
        if dtype == self.xp.float64 and not device.has_aspect_fp64:
            raise BackendError(f"{device.name} has no float64: use float32")
        if dtype == self.xp.float16 and not device.has_aspect_fp16:
            raise BackendError(f"{device.name} has no float16: use float32")
        return dtype

    def asarray(self, x: Any, dtype: Any = None) -> Array:
        """Return host values as a new array on the device."""
        if not isinstance(x, self.xp.ndarray):  # dpnp takes no foreign byte order
            x = np.asarray(x)
            x = x.astype(x.dtype.newbyteorder("="), copy=False)
        return super().asarray(x, dtype)

    def to_numpy(self, x: Array) -> np.ndarray:
        """Return `x` on the host, after waiting for the device."""
        return np.asarray(x.asnumpy())

    def synchronize(self) -> None:
        """Wait until the device has done all that it was asked to do."""
        self.device.wait()

    @contextmanager
    def threads(self, wanted: int | None) -> Iterator[int]:
        """Give the threads of the SYCL runtime, one a compute unit.

        Raises:
            BackendError: A number is asked for: the runtime takes none once it has started.

        """
        if wanted is not None:
            raise BackendError(
                f"dpnp sets its threads by itself, so that it cannot be held to {wanted}: leave "
                "--threads out, or give the process fewer cores (taskset -c 0 on Linux)"
            )
        yield self.device.sycl_device.max_compute_units
