"""What every backend can do, in terms of the array API standard alone."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeAlias

import numpy as np

from xpnet.backends.namespace import Array
from xpnet.errors import BackendError

__all__ = ["PRECISIONS", "Advance", "Backend", "Step"]

Carry: TypeAlias = Any
Step: TypeAlias = Callable[[Carry, Any, dict[str, Any]], tuple[Carry, Array]]
Advance: TypeAlias = Callable[[Carry, Any, dict[str, Any]], tuple[Carry, Array]]

PRECISIONS = ("float32", "tf32")
_FLOAT_NAMES = ("float32", "float64", "float16", "bfloat16")
_FULL = ("out of memory", "can't allocate memory", "not enough memory")


class Backend:
    """An array library on one device: the only way for xpnet to reach hardware.

    A library that follows the standard needs no more than this class; the subclasses say what
    theirs does differently.

    Attributes:
        name: The library, as in `get_backend(name)`.
        xp: Its array API namespace.
        step_xp: The same functions for the inside of a step, by the library's shortest way.
        device: The device, in the library's own terms.
        is_gpu: Whether the device is a graphics card.
        has_compiler: Whether `compile` does anything.
        always_compiles: Whether `stretch` compiles without being asked.
        replays: Whether `stretch` records a pure step and replays it, or launches it as a graph,
            into arrays that it keeps.
        one_product_from: The features from which a batch that all members of a stack share goes
            faster through one product with the weights of all than through one for each; None for
            never.
        stretches_ahead: How many stretches of steps may be begun before the losses of one before
            them are read. Above 0 only where a call returns before the device has done its work,
            and `stretch` leaves the carry that it is given as it was.
        sets_threads: Whether `threads` takes a number.
        values_at_once: Up to how many values, of inputs or of the widest layer, accuracies are
            measured in one call, and not in batches: where a call costs more than a cache miss.
        remark: Why this backend was chosen, where nobody named it.

    """

    name: str = "array API"
    is_gpu: bool = False
    has_compiler: bool = False
    always_compiles: bool = False
    replays: bool = False
    one_product_from: int | None = None
    stretches_ahead: int = 0
    sets_threads: bool = True
    values_at_once: int = 0
    remark: str = ""

    def __init__(self, xp: Any, device: Any) -> None:
        self.xp = self.step_xp = xp
        self.device = device

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.description}>"

    @property
    def text(self) -> str:
        """The `--device` text that opens this backend."""
        return f"{self.name}:{self.device}"

    @property
    def version(self) -> str:
        """The library's version."""
        return str(getattr(self.xp, "__version__", "unknown"))

    @property
    def description(self) -> str:
        """One phrase for people: the library, its version and the device."""
        return f"{self.name} {self.version} on {self.device}"

    def dtype(self, name: Any) -> Any:
        """Return the library's floating dtype called `name`, one of the four below.

        NumPy's types, such as `numpy.float32`, are taken for their names.

        Raises:
            BackendError: The name is another, or the library does not have that dtype.

        """
        if isinstance(name, type | np.dtype):
            name = np.dtype(name).name
        if name not in _FLOAT_NAMES:
            raise BackendError(f"dtype must be one of {', '.join(_FLOAT_NAMES)}; got {name!r}")
        if not hasattr(self.xp, name):
            known = ", ".join(other for other in _FLOAT_NAMES if hasattr(self.xp, other))
            raise BackendError(
                f"{self.description} has no {name}: choose one of {known}, or a device of PyTorch "
                "or JAX"
            )
        return getattr(self.xp, name)

    def asarray(self, x: Any, dtype: Any = None) -> Array:
        """Return host values `x` as a new array on the device.

        A copy, so that no later write reaches the host array (`asarray` alone aliases host memory
        in several libraries).
        """
        return self.xp.asarray(x, dtype=dtype, device=self.device, copy=True)

    def as_argument(self, x: np.ndarray, dtype: Any = None) -> Any:
        """Return host values as what `stretch` and `repeated` take beside arrays of the device."""
        return self.asarray(x, dtype)

    def copy(self, x: Array) -> Array:
        """Return a copy of an array of this library, on its device."""
        return self.xp.asarray(x, copy=True)

    def to_numpy(self, x: Array) -> np.ndarray:
        """Return `x` as a NumPy array on the host, after waiting for the device.

        bfloat16, which NumPy does not have, comes as float32, exactly.
        """
        return np.asarray(x)

    def stacked_on_host(self, arrays: Sequence[Array]) -> np.ndarray:
        """Return arrays of one shape as one on the host, after waiting for the device once."""
        return self.to_numpy(self.xp.stack(arrays))

    @property
    def is_asynchronous(self) -> bool:
        """Whether a call may return before the device has done its work."""
        return self.is_gpu

    def synchronize(self) -> None:
        """Wait until the device has done all that it was asked to do."""

    def wait_for(self, results: Any) -> None:
        """Wait until `results`, arrays in any containers, are computed; others may wait too."""
        self.synchronize()

    def memory_bytes(self) -> int | None:
        """Return the memory of the device, of a graphics card what is free, or None if unknown."""
        if self.is_gpu or not hasattr(os, "sysconf"):
            return None
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Return whether an array did not fit into the device's memory.

        By the words, as PyTorch and JAX raise errors of classes that mean other things too.
        """
        text = str(error).lower()
        return isinstance(error, MemoryError) or any(words in text for words in _FULL)

    @contextmanager
    def threads(self, wanted: int | None) -> Iterator[int]:
        """Set the threads of the host's matrix products, if asked to, and give how many there are.

        Raises:
            BackendError: The library does not let itself be told.

        """
        from threadpoolctl import threadpool_info, threadpool_limits

        with threadpool_limits(limits=wanted, user_api="blas"):
            pools = [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]
            yield max(pools, default=1)

    def fitting_threads(self, num_operations: int) -> int | None:
        """Return how many threads suit matrix products of so many operations, or None for all.

        Operations are multiplications and additions, 2 N D M for (N, D) @ (D, M).
        """
        return None

    def samples_at_once(self, batch_size: int, num_features: int, num_parameters: int) -> int:
        """Return how many samples of a batch a step takes at once: all, or a divisor of them."""
        return batch_size

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` compiled for the device, or itself where there is no compiler."""
        return function

    @property
    def has_tf32(self) -> bool:
        """Whether the device multiplies in TF32 and the library can be told to, and told not to."""
        return False

    def check_precision(self, precision: Any) -> None:
        """Raise BackendError unless `context(precision)` can be had here."""
        if precision not in PRECISIONS:
            raise BackendError(
                f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}"
            )
        if precision == "tf32" and not self.has_tf32:
            raise BackendError(
                "precision 'tf32' needs CuPy, PyTorch 2.9 or JAX on an NVIDIA GPU of compute "
                f"capability 8.0 (Ampere) or later; got {self.description}: leave precision out"
            )

    def repeated(
        self, function: Callable[[Any, Any], Array], *, is_pure: bool = False
    ) -> Callable[[Any, Any], Array]:
        """Return `function(live, inputs)`, made quick for many calls, as `stretch` makes steps.

        Args:
            function: Computes one array from trees of arrays, and writes into none of them.
            is_pure: Whether it is known to do the same to any arrays of the same shapes.

        """
        return self.compile(function) if self.always_compiles else function

    def context(self, precision: str = "float32") -> AbstractContextManager[Any]:
        """Return the context to compute in, which puts everything back at its end.

        Overflow and NaN pass without a warning, as the Solver finds divergence from the losses and
        says so once; nothing is recorded for automatic gradients; and the device is the current
        one.

        Args:
            precision: "float32": products of float32 matrices keep all 24 bits, where a library
                would round by itself. "tf32": their factors may be rounded to the 11 bits of
                TensorFloat-32, and sums stay float32.

        Raises:
            BackendError: The name is another, or the device or its library has no TF32.

        """
        self.check_precision(precision)
        return self._context(tf32=precision == "tf32")

    def _context(self, *, tf32: bool) -> AbstractContextManager[Any]:
        """Return the library's own context, after the check."""
        return nullcontext()

    def padded_steps(self, steps: int) -> int:
        """Return to how many rows the draws of so many steps are to be filled up.

        A library that compiles for each length of its arguments so meets few lengths. Where one row
        is filled up to more, the draws say by `draws["steps"]` how many are to be taken.
        """
        return steps

    def stretch(self, step: Step, *, compiled: bool = False, is_pure: bool = False) -> Advance:
        """Return `advance(carry, data, draws) -> (carry, losses)`, which repeats `step`.

        With `compiled` the step is compiled first, where the library leaves the choice. `is_pure`
        says that a step is known to do the same to any arrays of these shapes.

        `draws` holds arrays whose first axis counts the steps, "rows" among them, and dictionaries
        of such arrays; each step gets its row of each. Of more rows the first `draws["steps"]` are
        taken.
        `losses` has one row per step and stays on the device. The carry that is passed in is
        consumed: a step may write into its arrays.
        """
        one_step = self.compile(step) if compiled else step

        def advance(carry: Carry, data: Any, draws: dict[str, Any]) -> tuple[Carry, Array]:
            losses, draws = [], dict(draws)
            for t in range(draws.pop("steps", draws["rows"].shape[0])):
                carry, loss = one_step(carry, data, _row(draws, t))
                losses.append(loss)
            return carry, self.xp.stack(losses)

        return advance


def _row(draws: dict[str, Any], t: int) -> dict[str, Any]:
    """Return what step `t` draws."""
    return {name: _row(x, t) if isinstance(x, dict) else x[t, ...] for name, x in draws.items()}
