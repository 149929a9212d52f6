"""Fixtures: the backends that every test of the maths runs on."""

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec

import numpy as np
import pytest

from xpnet.backends import Backend, get_backend
from xpnet.backends.numpy_backend import NumpyBackend

# A library that is not installed skips with its name. array-api-strict on device1 stands in for a
# GPU: it refuses host copies and arrays of two devices in one operation.
BACKENDS = {
    "numpy": "numpy",
    "numpy-readonly": "numpy",
    "array-api-strict": "array_api_strict",
    "torch": "torch",
    "jax": "jax",
}


class ReadOnlyNumpy(NumpyBackend):
    """NumPy whose arrays cannot be written, so that no function can mutate its input."""

    def asarray(self, x, dtype=None):
        array = np.array(x, dtype=dtype)
        array.flags.writeable = False
        return array


def open_backend(name: str, stack: ExitStack) -> Backend:
    """Return the backend of that name; what it changes is undone when the stack closes."""
    if find_spec(BACKENDS[name]) is None:
        pytest.skip(f"{name} is not installed")
    if name == "numpy-readonly":
        return ReadOnlyNumpy()
    if name == "array-api-strict":
        import array_api_strict

        stack.enter_context(
            array_api_strict.ArrayAPIStrictFlags(
                boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=()
            )
        )
        return get_backend("array-api-strict:device1")
    return get_backend(name)


@pytest.fixture(params=list(BACKENDS))
def backend(request) -> Iterator[Backend]:
    """Each backend, as its users have it (JAX without float64)."""
    with ExitStack() as stack:
        yield open_backend(request.param, stack)


@pytest.fixture(params=list(BACKENDS))
def backend64(request) -> Iterator[Backend]:
    """Each backend with float64, which JAX has only where it is switched on."""
    with ExitStack() as stack:
        opened = open_backend(request.param, stack)
        if request.param == "jax":
            import jax

            stack.enter_context(jax.enable_x64(True))
        yield opened


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of test inputs, the same in every run."""
    return np.random.default_rng(20260)


@pytest.fixture
def numeric_gradient():
    """Central differences in float64: `gradient(f, x)`, where `f(x)` is a number."""

    def gradient(f, x: np.ndarray, step: float = 1e-5) -> np.ndarray:
        x = np.asarray(x, dtype=np.float64)
        found = np.empty_like(x)
        for index in np.ndindex(x.shape):
            up, down = x.copy(), x.copy()
            up[index] += step
            down[index] -= step
            found[index] = (float(f(up)) - float(f(down))) / (up[index] - down[index])
        return found

    return gradient
