"""array-api-strict: the standard and nothing else, with devices that stand in for a GPU."""

import numpy as np

from xpnet.backends.base import Backend
from xpnet.backends.namespace import Array
from xpnet.errors import BackendError

__all__ = ["StrictBackend"]


class StrictBackend(Backend):
    """array-api-strict on one of its simulated devices."""

    name = "array-api-strict"

    @classmethod
    def open(cls, device_text: str) -> "StrictBackend":
        """Return the backend of a simulated device: "CPU_DEVICE" (the default), "device1" ...

        Raises:
            BackendError: array-api-strict is not installed, or has no such device.

        """
        try:
            import array_api_strict as xp
        except ImportError as error:
            raise BackendError(
                f"array-api-strict cannot be imported here ({error}): "
                "install it with pip install array-api-strict"
            ) from error
        try:
            return cls(xp, xp.Device(device_text or "CPU_DEVICE"))
        except ValueError as error:
            known = ", ".join(sorted(d._device for d in xp.__array_namespace_info__().devices()))
            raise BackendError(
                f"array-api-strict has no device {device_text!r}; it has {known}"
            ) from error

    @classmethod
    def of(cls, x: Array) -> "StrictBackend":
        """Return the backend of an array."""
        import array_api_strict

        return cls(array_api_strict, x.device)

    @property
    def text(self) -> str:
        """The `--device` text that opens this backend."""
        return f"{self.name}:{self.device._device}"

    @property
    def description(self) -> str:
        """One phrase for people."""
        return f"array-api-strict {self.version} on {self.device._device}"

    def to_numpy(self, x: Array) -> np.ndarray:
        """Return `x` on the host."""
        return np.asarray(x.to_device(self.xp.Device("CPU_DEVICE")))

    def _context(self, *, tf32: bool) -> "np.errstate":
        """Return a context in which overflow and NaN pass without a warning."""
        return np.errstate(all="ignore")
