"""PyTorch: any device that it knows, without its autograd."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from xpnet.backends.base import Advance, Backend, Step
from xpnet.backends.captured import CapturedSteps
from xpnet.backends.namespace import Array
from xpnet.errors import BackendError

__all__ = ["TorchBackend"]

_AMPERE = (8, 0)  # the compute capability that came with TF32
_ONE_CAPTURE = threading.Lock()
_WARM_UP = 3  # calls before a capture, in which libraries choose their kernels and take memory
_LONGEST_REASON = 200  # characters: PyTorch may list all that it was built with


class TorchBackend(Backend):
    """PyTorch on one of its devices."""

    name = "torch"
    has_compiler = True
    # Measured on a CPU, the two products of a step for 4 and 16 members: 0.83 to 0.93 times as long
    # at 64 features, 0.72 to 0.80 at 784, 0.64 to 0.72 at 3,072.
    one_product_from = 1

    @classmethod
    def open(cls, device_text: str) -> "TorchBackend":
        """Return the backend of a PyTorch device such as "cpu", "cuda:0" or "mps".

        Raises:
            BackendError: PyTorch is not installed, or the device cannot be used.

        """
        try:
            import torch
        except ImportError as error:
            raise BackendError(
                f"PyTorch cannot be imported here ({error}): install it with pip install torch"
            ) from error
        try:
            device = torch.device(device_text or "cpu")
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0].split(". ")[0][:_LONGEST_REASON]
            raise BackendError(
                f"PyTorch {torch.__version__} cannot use the device {device_text!r}: {reason}; "
                "--device torch:cpu always works"
            ) from error
        if device.type == "meta":
            raise BackendError(
                "PyTorch's device 'meta' holds no values to train on: choose torch:cpu"
            )
        return cls.on(device)

    @classmethod
    def of(cls, x: Array) -> "TorchBackend":
        """Return the backend of an array."""
        return cls.on(x.device)

    @classmethod
    def on(cls, device: Any) -> "TorchBackend":
        """Return the backend of one PyTorch device."""
        import array_api_compat.torch

        backend = cls(array_api_compat.torch, device)
        backend.is_gpu = device.type not in ("cpu", "meta")
        return backend

    @property
    def version(self) -> str:
        """PyTorch's version."""
        import torch

        return str(torch.__version__)

    @property
    def description(self) -> str:
        """One phrase for people."""
        import torch

        place = "the CPU" if self.device.type == "cpu" else str(self.device)
        with suppress(AttributeError, AssertionError, RuntimeError, ValueError):
            if self.device.type == "cuda":
                place = torch.cuda.get_device_name(self.device)
        return f"PyTorch {self.version} on {place}"

    def asarray(self, x: Any, dtype: Any = None) -> Array:
        """Return host values as a new tensor on the device."""
        import torch

        if isinstance(x, torch.Tensor):
            return torch.asarray(x, dtype=dtype, device=self.device, copy=True)
        # PyTorch takes neither negative strides nor a foreign byte order; a copy has neither.
        values = np.array(x, order="C")
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
        return torch.from_numpy(values).to(device=self.device, dtype=dtype)

    def copy(self, x: Array) -> Array:
        """Return a copy of a tensor, cut off from its automatic gradients."""
        return x.detach().clone()

    @property
    def has_tf32(self) -> bool:
        """Whether it is an NVIDIA card of compute capability 8.0 or later, in PyTorch 2.9."""
        import torch

        if self.device.type != "cuda" or torch.version.hip is not None:
            return False
        can_be_told = hasattr(torch.backends.cuda.matmul, "fp32_precision")
        return can_be_told and torch.cuda.get_device_capability(self.device) >= _AMPERE

    @contextmanager
    def _context(self, *, tf32: bool) -> Iterator[None]:
        """Record nothing for automatic gradients, and keep all bits of float32 products.

        With `tf32`, keep TF32's on CUDA.
        """
        import torch

        products = [torch.backends.cuda.matmul, torch.backends.mkldnn.matmul]
        # from 2.9 on; before, PyTorch rounds only where its user has told it to
        products = [part for part in products if hasattr(part, "fp32_precision")]
        before = [part.fp32_precision for part in products]
        try:
            for part in products:
                on_cuda = part is torch.backends.cuda.matmul
                part.fp32_precision = "tf32" if tf32 and on_cuda else "ieee"
            with torch.no_grad():
                yield
        finally:
            for part, precision in zip(products, before, strict=True):
                part.fp32_precision = precision

    def to_numpy(self, x: Array) -> np.ndarray:
        """Return `x` on the host, bfloat16 as float32, after waiting for the device."""
        host = x.detach().cpu()
        return np.asarray((host.float() if host.dtype == self.xp.bfloat16 else host).numpy())

    def memory_bytes(self) -> int | None:
        """Return the host's bytes, or the free ones of a CUDA device."""
        if self.device.type == "cuda":
            import torch

            return int(torch.cuda.mem_get_info(self.device)[0])
        return super().memory_bytes()

    def synchronize(self) -> None:
        """Wait until the device has done all that it was asked to do."""
        if self.is_gpu:
            import torch

            torch.accelerator.synchronize(self.device)

    @contextmanager
    def threads(self, wanted: int | None) -> Iterator[int]:
        """Set PyTorch's own threads, if asked to, and give how many there are."""
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(before if wanted is None else wanted)
        try:
            yield torch.get_num_threads()
        finally:
            torch.set_num_threads(before)

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` compiled by torch.compile, at its first call.

        Raises:
            BackendError: At that call: PyTorch's compiler fails, as it does without a C++ one.

        """
        import torch

        compiled = torch.compile(function)

        def call(*args: Any) -> Any:
            try:
                return compiled(*args)
            except torch._dynamo.exc.TorchDynamoException as error:
                reason = str(error).splitlines()[0][:_LONGEST_REASON]
                raise BackendError(
                    f"PyTorch {torch.__version__} cannot compile here ({reason}): install a C++ "
                    "compiler such as g++, or train without compiling",
                    "PyTorch cannot compile",
                ) from error

        return call

    @property
    def replays(self) -> bool:  # type: ignore[override] # of the other backends all devices do
        """Whether steps are launched as graphs, which CUDA alone has."""
        return bool(self.device.type == "cuda")

    def stretch(self, step: Step, *, compiled: bool = False, is_pure: bool = False) -> Advance:
        """Return `advance(carry, data, draws)`; on CUDA pure steps are launched as graphs."""
        one_step: Step = self.compile(step) if compiled else step
        plain = super().stretch(one_step)
        if not (is_pure and self.replays):
            return plain
        return CapturedSteps(one_step, plain, self, self._graph)

    def _graph(self, function: Callable[[], None]) -> Callable[[], Any]:
        """Return what launches the kernels of `function` as one CUDA graph.

        It is called on another stream than the usual one first, as PyTorch asks for, and captured
        there. A process captures one graph at a time; other threads may compute meanwhile.
        """
        import torch

        with _ONE_CAPTURE, torch.cuda.device(self.device):
            usual, side = torch.cuda.current_stream(), torch.cuda.Stream()
            side.wait_stream(usual)
            with torch.cuda.stream(side):
                for _ in range(_WARM_UP):
                    function()
            usual.wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            try:
                with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
                    function()
            finally:  # a capture that fails at its end leaves the side stream in use
                torch.cuda.set_stream(usual)
        replay: Callable[[], Any] = graph.replay
        return replay
