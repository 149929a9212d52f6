"""Fixtures: the backends that every test of the maths runs on.

PyTorch is tried on its CPU, or on the device that XPNET_TEST_TORCH names, such as torch:cuda; JAX
on its default device, which is the GPU where it has one.
"""

import json
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from xpnet.backends import Backend, get_backend
from xpnet.backends.numpy_backend import NumpyBackend
from xpnet.errors import BackendError

_OUTCOMES: defaultdict[str, Counter[str]] = defaultdict(Counter)
_DIFFERENCES: defaultdict[str, dict[str, float]] = defaultdict(dict)

# The library that each of them needs. array-api-strict on device1 stands in for a GPU: it refuses
# host copies and arrays of two devices in one operation.
BACKENDS = {
    "numpy": "numpy",
    "numpy-readonly": "numpy",
    "array-api-strict": "array_api_strict",
    "array-api-strict-no-float64": "array_api_strict",
    "torch": "torch",
    "jax": "jax",
    "dask": "dask",
    "dpnp": "dpnp",
    "cupy": "cupy",
}
WITHOUT_FLOAT64 = ("array-api-strict-no-float64",)
# A Solver's graph would grow without end there, so it takes the pure functions alone.
LAZY = ("dask",)
LAZY_MODULES = (
    "test_affine",
    "test_activations",
    "test_activation_values",
    "test_affine_relu",
    "test_maxout",
    "test_batchnorm",
    "test_layernorm",
    "test_label_losses",
    "test_loss_weights",
    "test_label_smoothing",
    "test_squared_loss",
    "test_dropout",
    "test_clip",
    "test_gradient_check",
    "test_difference",
    "test_every_piece",
)


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
    if name.startswith("array-api-strict"):
        import array_api_strict

        stack.enter_context(
            array_api_strict.ArrayAPIStrictFlags(
                boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=()
            )
        )
        device = "no_float64" if name in WITHOUT_FLOAT64 else "device1"
        return get_backend(f"array-api-strict:{device}")
    if name == "dask":
        import array_api_compat.dask.array as xp

        return Backend(xp, "cpu")
    if name in ("cupy", "dpnp"):
        try:
            return get_backend(name)
        except BackendError as error:
            pytest.skip(error.reason)
    if name == "torch":
        return get_backend(os.environ.get("XPNET_TEST_TORCH", "torch:cpu"))
    return get_backend(name)


def pytest_generate_tests(metafunc):
    """Run a test that asks for a backend on each that fits it."""
    chosen = {marker.args[0] for marker in metafunc.definition.iter_markers("parametrize")}
    lazy = metafunc.module.__name__.rpartition(".")[2] in LAZY_MODULES
    names = [name for name in BACKENDS if lazy or name not in LAZY]
    if "backend" in metafunc.fixturenames and "backend" not in chosen:
        metafunc.parametrize("backend", names, indirect=True)
    if "backend64" in metafunc.fixturenames and "backend64" not in chosen:
        names = [name for name in names if name not in WITHOUT_FLOAT64]
        metafunc.parametrize("backend64", names, indirect=True)


@pytest.fixture(autouse=True)
def python_handles_ctrl_c():
    """Have Python's own handler, which a test run in the background may lack."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def backend(request) -> Iterator[Backend]:
    """Each backend, as its users have it (JAX without float64)."""
    with ExitStack() as stack:
        yield _opened(request, stack)


@pytest.fixture
def backend64(request) -> Iterator[Backend]:
    """Each backend with float64, which JAX has only where it is switched on."""
    with ExitStack() as stack:
        opened = _opened(request, stack)
        if request.param == "jax":
            import jax

            stack.enter_context(jax.enable_x64(True))
        yield opened


def _opened(request, stack: ExitStack) -> Backend:
    request.node.user_properties.append(("backend", request.param))
    return open_backend(request.param, stack)


def pytest_runtest_logreport(report):
    """Count the tests that each backend passed, failed or skipped, also those of other workers."""
    properties = dict(report.user_properties)
    if "backend" in properties and (report.when == "call" or report.skipped):
        _OUTCOMES[properties["backend"]][report.outcome] += 1
    if "difference" in properties and report.when == "call" and report.passed:
        row, difference = properties["difference"]
        _DIFFERENCES[properties["backend"]][row] = difference


def pytest_terminal_summary(terminalreporter):
    """Say which backends the run covered."""
    if not _OUTCOMES:
        return
    terminalreporter.section("backends covered")
    for name in BACKENDS:
        counts = _OUTCOMES.get(name, Counter())
        text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        terminalreporter.write_line(f"{name}: {text or 'no test was asked for'}")


def pytest_addoption(parser):
    """Offer to keep the differences from NumPy that tests/test_difference.py finds."""
    parser.addoption("--differences", type=Path, help="write the differences from NumPy, as JSON")


def pytest_sessionfinish(session):
    """Fail a run that skipped a backend which XPNET_REQUIRE_BACKENDS names."""
    if path := session.config.getoption("--differences"):
        path.write_text(json.dumps(_DIFFERENCES))
    for name in filter(None, os.environ.get("XPNET_REQUIRE_BACKENDS", "").split(",")):
        counts = _OUTCOMES.get(name, Counter())
        if not hasattr(session.config, "workerinput") and not counts["passed"]:
            print(f"\nXPNET_REQUIRE_BACKENDS: {name} was skipped, or not run at all")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of test inputs, the same in every run."""
    return np.random.default_rng(20260)


@pytest.fixture
def jitted(request):
    """`jitted(f)` is f, on JAX under jax.jit, which compiles once and not each operation."""
    name = _backend_name(request)
    return pytest.importorskip("jax").jit if name == "jax" else lambda function: function


@pytest.fixture
def also_jitted(request, jitted):
    """`also_jitted(f)` lists f, and on JAX f under jax.jit too."""
    name = _backend_name(request)
    return lambda function: [function, jitted(function)] if name == "jax" else [function]


def _backend_name(request) -> str | None:
    """Return the name of the backend that a test runs on."""
    given = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    return given.get("backend", given.get("backend64"))


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
