"""The function under check: float64 arrays of any backend go in, host arrays come out."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from xpnet.backends import Array, array_namespace, backend_of, is_host_array
from xpnet.errors import BackendError, InputError

__all__ = ["Call", "Subject", "alike", "to_host"]


class Call(NamedTuple):
    """One call of the function as it is meant to be called."""

    outputs: np.ndarray
    dout: np.ndarray  # the gradient by the outputs: ones for a function of value and gradients
    gradients: Any  # as the function gave them, on the host
    problems: list[str]


class Subject:
    """A layer's pair, or a function of value and gradients, with the inputs to check it at.

    Args:
        forward: As in `gradient_check`.
        backward: As in `gradient_check`.
        inputs: As in `gradient_check`.

    Attributes:
        host: The inputs on the host, floating ones as float64.
        floating: The names of the floating inputs, in their order.
        cast: The names of those that were not float64.

    Raises:
        InputError: An input is no array of real numbers, or the device has no float64.

    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        inputs: Mapping[str, Array],
    ) -> None:
        for name, x in inputs.items():
            if not hasattr(x, "shape"):
                raise InputError(
                    f"inputs must be arrays; {name} is of type {type(x).__name__}: bind what is "
                    "no array with functools.partial"
                )
        array_namespace(*inputs.values())
        self.forward, self.backward = forward, backward
        self.backend = backend_of(next(iter(inputs.values())))
        self.host = {name: to_host(x) for name, x in inputs.items()}
        self.floating = [name for name, x in self.host.items() if x.dtype.kind not in "iub"]
        self.cast = tuple(n for n in self.floating if self.host[n].dtype != np.float64)
        for name in self.cast:
            if not np.can_cast(self.host[name].dtype, np.float64):
                raise InputError(
                    f"{name} must hold real numbers of at most 64 bits; "
                    f"got dtype {self.host[name].dtype}"
                )
            self.host[name] = self.host[name].astype(np.float64)

    def outputs(self, name: str | None = None, moved: np.ndarray | None = None) -> np.ndarray:
        """Return the outputs on the host, with one of the inputs exchanged."""
        changed = {} if name is None else {name: moved}
        return self._split(self.forward(**self._fresh({**self.host, **changed})))[0]

    def call(self, rng: np.random.Generator) -> Call:
        """Call the function as it is meant to be called, and watch what it does to its arguments.

        Args:
            rng: Draws the gradient by the outputs.

        Raises:
            InputError: The outputs are not finite values of float64.

        """
        arrays = self._fresh(self.host)
        outputs, rest = self._split(self.forward(**arrays))
        if outputs.dtype != np.float64:
            raise InputError(
                f"the function returned {outputs.dtype} for inputs of float64, too coarse for "
                "differences: compute in the dtype of the inputs"
            )
        if not np.all(np.isfinite(outputs)):
            raise InputError(
                "the function returned NaN or infinity: choose inputs at which it is finite"
            )
        who = "the function" if self.backward is None else "forward"
        problems = _written(who, self.host, arrays)
        if self.backward is None:
            return Call(outputs, np.ones(outputs.shape), _host_gradients(rest), problems)
        given = {"dout": np.asarray(rng.standard_normal(outputs.shape))}
        given |= {name: to_host(x) for name, x in arrays.items()}
        dout = self._upload(given["dout"])
        gradients = _host_gradients(self.backward(dout, rest))
        problems += _written("backward", given, {"dout": dout, **arrays})
        if not problems:
            again = _host_gradients(self.backward(self._upload(given["dout"]), rest))
            if not _same(gradients, again):
                problems.append(
                    "backward gives other gradients when it is called again with the same dout "
                    "and cache: it writes into the cache, or draws random numbers"
                )
        return Call(outputs, given["dout"], gradients, problems)

    def _split(self, result: Any) -> tuple[np.ndarray, Any]:
        """Return the outputs on the host, and what came with them."""
        if not isinstance(result, tuple | list) or len(result) != 2:
            pair = "(value, gradients)" if self.backward is None else "(out, cache)"
            raise InputError(f"the function must return {pair}; got {type(result).__name__}")
        return to_host(result[0]), result[1]

    def _fresh(self, host: Mapping[str, Any]) -> dict[str, Array]:
        """Return copies on the device, so that a function that writes into them spoils nothing."""
        return {name: self._upload(x) for name, x in host.items()}

    def _upload(self, x: np.ndarray) -> Array:
        if x.dtype != np.float64:
            return self.backend.asarray(x.copy())
        try:
            return self.backend.asarray(x.copy(), self.backend.dtype("float64"))
        except (BackendError, TypeError, ValueError) as error:
            raise InputError(
                f"gradients are checked in float64, which {self.backend.description} lacks here: "
                "on JAX set the environment variable JAX_ENABLE_X64=1, elsewhere check NumPy "
                "copies of the arrays"
            ) from error


def to_host(x: Any) -> np.ndarray:
    """Return a copy of a number or an array of any library on the host."""
    on_device = hasattr(x, "shape") and not is_host_array(x)
    return np.array(backend_of(x).to_numpy(x) if on_device else x)


def _host_gradients(gradients: Any) -> Any:
    """Return gradients on the host: a mapping stays one, all else becomes a tuple."""
    if isinstance(gradients, Mapping):
        return {name: to_host(g) for name, g in gradients.items()}
    listed = gradients if isinstance(gradients, tuple | list) else (gradients,)
    return tuple(to_host(g) for g in listed)


def _same(first: Any, second: Any) -> bool:
    """Return whether two of what `_host_gradients` returns are alike, to rounding."""
    if isinstance(first, Mapping):
        first, second = tuple(first.values()), tuple(second.values())
    return len(first) == len(second) and all(map(alike, first, second))


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two arrays differ by no more than sums in another order would."""
    if a.shape != b.shape:
        return False
    finite = np.abs(a[np.isfinite(a)])
    return np.allclose(a, b, rtol=1e-9, atol=1e-9 * np.max(finite, initial=0.0), equal_nan=True)


def _written(who: str, before: Mapping[str, Any], after: Mapping[str, Array]) -> list[str]:
    """Return a sentence for each array that is not what it was."""
    return [
        f"{who} writes into {name}, which belongs to its caller"
        for name, x in after.items()
        if not np.array_equal(to_host(x), before[name], equal_nan=before[name].dtype.kind == "f")
    ]
