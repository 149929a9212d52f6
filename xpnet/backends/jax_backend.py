"""JAX: a stretch of steps is one compiled scan."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from xpnet.backends.base import Advance, Backend, Step
from xpnet.backends.namespace import Array
from xpnet.errors import BackendError

__all__ = ["JaxBackend"]

_AMPERE = 8.0  # the compute capability that came with TF32
_FEWEST_STEPS = 16


class JaxBackend(Backend):
    """JAX on one of its devices."""

    name = "jax"
    has_compiler = True
    always_compiles = True
    is_asynchronous = True
    sets_threads = False  # of XLA, once it has started
    values_at_once = 2**22
    stretches_ahead = 2  # one more than the device needs, where Python is late once

    @classmethod
    def open(cls, device_text: str) -> "JaxBackend":
        """Return the backend of a JAX device: "cpu", "gpu", "tpu", "gpu:1", or "" for the default.

        Raises:
            BackendError: JAX is not installed, or has no such device.

        """
        try:
            import jax
        except ImportError as error:
            raise BackendError(
                f"JAX cannot be imported here ({error}): install it with pip install jax"
            ) from error
        platform, _, number = device_text.partition(":")
        try:
            same_platform = dict(enumerate(jax.devices(platform or None)))
            return cls.on(same_platform[int(number or 0)])
        except (RuntimeError, ValueError, KeyError) as error:
            devices = ", ".join(str(d) for d in jax.devices())
            raise BackendError(
                f"JAX {jax.__version__} has no device {device_text!r}; it has {devices}"
            ) from error

    @classmethod
    def of(cls, x: Array) -> "JaxBackend":
        """Return the backend of an array."""
        return cls.on(next(iter(x.devices())))

    @classmethod
    def on(cls, device: Any) -> "JaxBackend":
        """Return the backend of one JAX device."""
        import jax.numpy

        backend = cls(jax.numpy, device)
        backend.is_gpu = device.platform == "gpu"
        return backend

    @property
    def text(self) -> str:
        """The `--device` text that opens this backend."""
        import jax

        return f"jax:{self.device.platform}:{jax.devices(self.device.platform).index(self.device)}"

    @property
    def version(self) -> str:
        """JAX's version."""
        import jax

        return str(jax.__version__)

    @property
    def description(self) -> str:
        """One phrase for people."""
        place = "the CPU" if self.device.platform == "cpu" else self.device.device_kind
        return f"JAX {self.version} on {place}"

    def dtype(self, name: Any) -> Any:
        """Return JAX's dtype called `name`.

        Raises:
            BackendError: float64 is asked for and JAX would drop it in silence.

        """
        import jax

        if name in ("float64", np.float64) and not jax.config.jax_enable_x64:
            raise BackendError(
                "JAX drops float64 in silence unless it is switched on: set the environment "
                "variable JAX_ENABLE_X64=1, or use float32"
            )
        return super().dtype(name)

    def asarray(self, x: Any, dtype: Any = None) -> Array:
        """Return host values as a new array on the device."""
        import jax

        if isinstance(x, np.ndarray) and dtype is None:
            return jax.device_put(x.copy(), self.device)  # quicker than by way of jax.numpy.array
        array = jax.numpy.array(x, dtype=dtype, copy=True)
        return jax.device_put(array, self.device)

    def copy(self, x: Array) -> Array:
        """Return `x` itself: JAX's arrays never change, and no stretch takes theirs over."""
        return x

    def as_argument(self, x: np.ndarray, dtype: Any = None) -> Any:
        """Return host values for a compiled stretch: as they are, for jit puts them there itself.

        That takes 10 µs, and `asarray` 60, of an epoch that takes 1,000 on small nets.
        """
        return np.asarray(x, dtype=dtype)

    def to_numpy(self, x: Array) -> np.ndarray:
        """Return `x` on the host, bfloat16 as float32, after waiting for the device."""
        return np.array(x.astype(np.float32) if x.dtype == self.xp.bfloat16 else x)

    def stacked_on_host(self, arrays: Sequence[Array]) -> np.ndarray:
        """Return arrays of one shape as one on the host, after waiting for the device once."""
        if self.is_gpu:
            return super().stacked_on_host(arrays)
        import jax

        return np.stack(jax.device_get(list(arrays)))  # a stack of JAX's takes 60 µs more

    def synchronize(self) -> None:
        """Wait until the device has done all that it was asked to do.

        That is, until all arrays that are alive hold their values: a new array, put there to wait
        for, is not queued behind them.
        """
        import jax

        jax.block_until_ready(jax.live_arrays(self.device.platform))

    def wait_for(self, results: Any) -> None:
        """Wait until `results`, arrays in any containers, are computed."""
        import jax

        jax.block_until_ready(results)

    @contextmanager
    def threads(self, wanted: int | None) -> Iterator[int]:
        """Give the threads of XLA, one a core.

        Raises:
            BackendError: A number is asked for: XLA takes none once it has started.

        """
        if wanted is not None:
            raise BackendError(
                f"JAX sets its threads by itself, so that it cannot be held to {wanted}: leave "
                "--threads out, or give the process fewer cores (taskset -c 0 on Linux)"
            )
        yield os.cpu_count() or 1

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` under jax.jit."""
        import jax

        compiled: Callable[..., Any] = jax.jit(function)
        return compiled

    @property
    def has_tf32(self) -> bool:
        """Whether it is an NVIDIA card of compute capability 8.0 or later."""
        capability = str(getattr(self.device, "compute_capability", ""))  # of AMD's, "gfx90a"
        return self.is_gpu and capability[:1].isdecimal() and float(capability) >= _AMPERE

    def _context(self, *, tf32: bool) -> AbstractContextManager[Any]:
        """Return a context in which float32 products keep all their bits, on GPUs too, or TF32's.

        What is compiled inside keeps it, as JAX compiles anew for another precision.
        """
        import jax

        precision = "tensorfloat32" if tf32 else "highest"
        context: AbstractContextManager[Any] = jax.default_matmul_precision(precision)
        return context

    def padded_steps(self, steps: int) -> int:
        """Return 16, 64, 256, ...: stretches of 1 to 16 steps are one compilation, not 16."""
        length = _FEWEST_STEPS
        while length < steps:
            length *= 4
        return length

    def stretch(self, step: Step, *, compiled: bool = True, is_pure: bool = True) -> Advance:
        """Return `advance` as one jitted loop over the steps, which leaves the carry as it was.

        It is compiled in any case, once per stretch: on small nets that is 3 to 4 times faster
        than once per step.
        """
        import jax

        def advance(carry: Any, data: Any, draws: dict[str, Any]) -> tuple[Any, Array]:
            draws = dict(draws)
            steps = draws.pop("steps", None)

            def inner(carried: Any, draw: Any) -> tuple[Any, Array]:
                return step(carried, data, draw)

            if steps is None:
                scanned: tuple[Any, Array] = jax.lax.scan(inner, carry, draws)
                return scanned
            return _first_steps(jax, inner, carry, draws, steps)

        jitted: Advance = jax.jit(advance)
        return jitted


def _first_steps(
    jax: Any, step: Callable[..., Any], carry: Any, draws: Any, steps: Any
) -> tuple[Any, Array]:
    """Take the first `steps` of the steps that there are draws for; later losses are 0."""

    def draw_of(t: Any) -> Any:
        return jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(x, t, keepdims=False), draws)

    def take(t: Any, state: Any) -> Any:
        carried, losses = state
        carried, loss = step(carried, draw_of(t))
        return carried, losses.at[t].set(loss)

    loss = jax.eval_shape(step, carry, draw_of(0))[1]
    length = len(jax.tree.leaves(draws)[0])
    losses = jax.numpy.zeros((length, *loss.shape), dtype=loss.dtype)
    taken: tuple[Any, Array] = jax.lax.fori_loop(0, steps, take, (carry, losses))
    return taken
