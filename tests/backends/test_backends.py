"""What every backend does alike: arrays in and out, dtypes, waiting, compiling, stretches."""

import warnings

import numpy as np
import pytest

from xpnet.backends import Backend, array_namespace, backend_of, device, get_backend, is_host_array
from xpnet.backends.numpy_backend import NumpyBackend
from xpnet.errors import BackendError, InputError


@pytest.fixture
def host():
    """Values that every float dtype holds exactly."""
    return np.arange(-3, 9, dtype=np.float32).reshape(3, 4) / 4


@pytest.fixture
def dpnp_on_the_cpu():
    """The dpnp backend, where it has an OpenCL CPU."""
    pytest.importorskip("dpnp")
    try:
        return get_backend("dpnp:cpu")
    except BackendError as error:
        pytest.skip(error.reason)


def test_arrays_survive_the_journey(backend, host):
    back = backend.to_numpy(backend.asarray(host))
    assert isinstance(back, np.ndarray)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, host)


@pytest.mark.parametrize(
    ("view", "values"),
    [
        ("transposed", lambda x: x.T),
        ("strided", lambda x: x[:, ::2]),
        ("reversed", lambda x: x[::-1]),
        ("broadcast", lambda x: np.broadcast_to(x[0], (2, 4))),
        ("empty", lambda x: x[:0]),
        ("0-d", lambda x: x[1, 2]),
        ("int64", lambda x: (4 * x).astype(np.int64)),
        ("uint8", lambda x: np.abs(4 * x).astype(np.uint8)),
        ("bool", lambda x: x > 0),
    ],
)
def test_views_and_dtypes_survive_the_journey(backend, host, view, values):
    x = values(host)
    if view == "int64" and backend.name == "jax":
        x = x.astype(np.int32)  # JAX has no int64 unless it is switched on
    back = backend.to_numpy(backend.asarray(x))
    assert back.shape == x.shape
    assert back.dtype == x.dtype
    np.testing.assert_array_equal(back, x)


def test_arrays_of_the_other_byte_order_are_taken(backend, host):
    """Old binary formats are big-endian, and only NumPy computes with such arrays."""
    back = backend.to_numpy(backend.asarray(host.astype(">f4"), dtype=backend.dtype("float32")))
    np.testing.assert_array_equal(back, host)


def test_asarray_of_lists_and_numbers(backend):
    f4 = backend.dtype("float32")
    np.testing.assert_array_equal(backend.to_numpy(backend.asarray([1, 2], dtype=f4)), [1, 2])
    number = backend.asarray(0.5, dtype=f4)
    assert tuple(number.shape) == ()
    assert backend.to_numpy(number) == 0.5


def test_asarray_casts(backend):
    x = backend.asarray(np.arange(3), dtype=backend.dtype("float32"))
    assert x.dtype == backend.dtype("float32")
    np.testing.assert_array_equal(backend.to_numpy(x), [0, 1, 2])


def test_asarray_puts_the_array_on_the_device(backend, host):
    assert device(backend.asarray(host)) == backend.device


def test_asarray_copies(backend, host):
    x = backend.asarray(host)
    if type(backend) is NumpyBackend:
        assert np.shares_memory(x, host)  # the one that says it does not copy
        return
    before = host.copy()
    host[...] = 99
    np.testing.assert_array_equal(backend.to_numpy(x), before)


def test_asarray_takes_read_only_arrays(backend, host):
    host.flags.writeable = False
    np.testing.assert_array_equal(backend.to_numpy(backend.asarray(host)), host)


def test_dtype_is_the_librarys(backend):
    assert backend.dtype("float32") == backend.xp.float32


def test_float64_is_the_librarys_where_there_is_one(backend64):
    assert backend64.dtype("float64") == backend64.xp.float64
    x = backend64.asarray([1 / 3], dtype=backend64.dtype("float64"))
    assert backend64.to_numpy(x)[0] == 1 / 3


@pytest.mark.parametrize("name", ["int32", "half", "", "double", "Float32"])
def test_other_dtypes_are_refused(backend, name):
    with pytest.raises(BackendError, match=r"float32, float64, float16, bfloat16; got") as caught:
        backend.dtype(name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_16_bits_are_the_librarys_where_there_are_some(backend, name, host):
    """NumPy has one of the two formats, PyTorch and JAX both; the standard has none."""
    if backend.name == "dpnp":
        pytest.skip("it depends on its device")
    if not hasattr(backend.xp, name):
        with pytest.raises(BackendError, match=rf" has no {name}: choose one of float32, ") as e:
            backend.dtype(name)
        assert backend.description in str(e.value)
        assert backend.name not in ("torch", "jax")
        return
    assert backend.dtype(name) == getattr(backend.xp, name)
    back = backend.to_numpy(backend.asarray(host, dtype=backend.dtype(name)))
    assert back.dtype == (np.float16 if name == "float16" else np.float32)
    np.testing.assert_array_equal(back, host)


def test_jax_does_not_drop_float64_in_silence():
    jax = pytest.importorskip("jax")
    backend = get_backend("jax")
    with (
        jax.enable_x64(False),
        pytest.raises(BackendError, match=r"JAX_ENABLE_X64=1, or use float32"),
    ):
        backend.dtype("float64")
    with jax.enable_x64(True):
        assert backend.dtype("float64") == backend.xp.float64


def test_arguments_of_a_stretch_hold_the_numbers_in_the_dtype(backend):
    host = np.arange(6.0).reshape(2, 3)
    placed = backend.as_argument(host, backend.dtype("float32"))
    found = backend.repeated(lambda live, given: live + given["x"])(
        backend.asarray(np.ones((2, 3)), backend.dtype("float32")), {"x": placed}
    )
    assert np.array_equal(backend.to_numpy(found), host + 1)
    assert found.dtype == backend.dtype("float32")


def test_arrays_come_to_the_host_as_one(backend):
    arrays = [backend.asarray(np.full(3, k), backend.dtype("float32")) for k in range(4)]
    found = backend.stacked_on_host(arrays)
    assert type(found) is np.ndarray
    assert np.array_equal(found, np.arange(4.0)[:, None] * np.ones(3))


def test_synchronize_waits_and_returns_nothing(backend, host):
    x = backend.asarray(host)
    y = x + x
    assert backend.synchronize() is None
    np.testing.assert_array_equal(backend.to_numpy(y), 2 * host)


def test_a_compiled_function_gives_the_same(backend, host, monkeypatch):
    def function(x):
        return 2 * x + 1

    if backend.name == "torch":  # its compiler wants a C++ one and half a minute
        import torch

        monkeypatch.setattr(torch, "compile", lambda f: f)
    x = backend.asarray(host)
    np.testing.assert_array_equal(backend.to_numpy(backend.compile(function)(x)), 2 * host + 1)


def test_torch_compiles_by_torch_compile(monkeypatch):
    torch = pytest.importorskip("torch")
    given = []
    monkeypatch.setattr(torch, "compile", lambda f: given.append(f) or f)
    assert get_backend("torch").compile(len)("four") == 4
    assert given == [len]


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_torch_keeps_the_bits_of_products_and_puts_the_users_choice_back(precision):
    torch = pytest.importorskip("torch")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        with get_backend("torch").context():
            assert torch.backends.cuda.matmul.fp32_precision == "ieee"
            assert torch.backends.mkldnn.matmul.fp32_precision == "ieee"
            assert not torch.is_grad_enabled()
        assert torch.get_float32_matmul_precision() == precision
        assert torch.is_grad_enabled()
    finally:
        torch.set_float32_matmul_precision(before)


def test_jax_compiles_by_jit():
    """Python runs the function once for a shape, however often it is called."""
    pytest.importorskip("jax")
    backend = get_backend("jax")
    traced = []

    def function(x):
        traced.append(x)
        return x * 2

    compiled = backend.compile(function)
    x = backend.asarray(np.ones(3, dtype=np.float32))
    compiled(x)
    compiled(x)
    assert len(traced) == 1


def recurrence(backend):
    """Return a step w <- a * w + c * (sum of the drawn rows), whose loss is sum(w) a member."""
    xp = backend.xp

    def step(carry, data, draw):
        w, count = carry
        rows = xp.take(data["X"], draw["rows"], axis=0)
        w = data["a"] * w + draw["c"] * xp.sum(rows, axis=0)
        return (w, {"steps": count["steps"] + 1}), xp.sum(w, axis=-1)

    return step


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize("num_steps", [1, 5])
def test_a_stretch_is_a_loop_of_steps(backend, members, num_steps):
    """Against the loop by hand on NumPy; halves and small integers, so that it is exact."""
    f4 = np.float32
    X = np.array([[1, 2], [3, -4], [-5, 6], [7, 8]], dtype=f4)
    rows = np.array([[0, 1], [3, 3], [2, 0], [1, 2], [0, 3]])[:num_steps]
    c = np.array([1, 0.5, -2, 0.25, 4], dtype=f4)[:num_steps]
    a = f4(0.5)
    w = np.array([8, -16], dtype=f4)
    if members:
        w = np.arange(2 * members, dtype=f4).reshape(members, 2)
    expected, losses = w, []
    for i in range(num_steps):
        expected = a * expected + c[i] * X[rows[i]].sum(axis=0)
        losses.append(expected.sum(axis=-1))

    carry = (backend.asarray(w.copy()), {"steps": backend.asarray(f4(0))})
    data = {"X": backend.asarray(X), "a": backend.asarray(a)}
    draws = {"rows": backend.asarray(rows), "c": backend.asarray(c)}
    (got, count), got_losses = backend.stretch(recurrence(backend))(carry, data, draws)

    assert tuple(got_losses.shape) == ((num_steps,) if members is None else (num_steps, members))
    np.testing.assert_array_equal(backend.to_numpy(got), expected)
    np.testing.assert_array_equal(backend.to_numpy(got_losses), np.stack(losses))
    assert backend.to_numpy(count["steps"]) == num_steps


def test_losses_stay_on_the_device(backend):
    step = recurrence(backend)
    data = {"X": backend.asarray(np.ones((2, 2), np.float32)), "a": 1.0}
    draws = {
        "rows": backend.asarray(np.array([[0], [1]])),
        "c": backend.asarray(np.ones(2, np.float32)),
    }
    carry = (backend.asarray(np.ones(2, np.float32)), {"steps": 0})
    _, losses = backend.stretch(step)(carry, data, draws)
    assert array_namespace(losses) is array_namespace(data["X"])
    assert device(losses) == backend.device


def test_a_stretch_may_be_taken_again(backend):
    """One stretch, then another of a different length, is one of both lengths."""
    X, c = np.eye(3, dtype=np.float32), np.array([1, 2, 4, 8, 16], dtype=np.float32)
    rows = np.array([[0], [1], [2], [0], [2]])
    advance = backend.stretch(recurrence(backend))

    def take(cuts):
        w, losses = (backend.asarray(np.zeros(3, np.float32)), {"steps": 0}), []
        data = {"X": backend.asarray(X), "a": 0.5}
        for start, stop in cuts:
            draws = {
                "rows": backend.asarray(rows[start:stop]),
                "c": backend.asarray(c[start:stop]),
            }
            w, loss = advance(w, data, draws)
            losses.append(backend.to_numpy(loss))
        return backend.to_numpy(w[0]), np.concatenate(losses)

    whole, parts = take([(0, 5)]), take([(0, 2), (2, 5)])
    np.testing.assert_array_equal(parts[0], whole[0])
    np.testing.assert_array_equal(parts[1], whole[1])


def test_backend_of_an_array_is_its_backend(backend, host):
    found = backend_of(backend.asarray(host))
    assert found.name == backend.name
    assert found.xp is backend.xp
    assert found.device == backend.device
    assert found.is_gpu == backend.is_gpu
    assert found.description == backend.description


def test_backend_of_numpy_scalars():
    assert type(backend_of(np.float32(1))) is NumpyBackend


@pytest.mark.parametrize("given", [[1.0, 2.0], 3.0, None, "text", {"a": 1}])
def test_backend_of_anything_else_names_its_type(given):
    with pytest.raises(InputError, match=rf"builtins\.{type(given).__name__}"):
        backend_of(given)


class Foreign:
    """An array of a library that xpnet has never heard of, and that follows the standard."""

    device = "somewhere"

    def __array_namespace__(self, api_version=None):
        return np


def test_a_library_that_follows_the_standard_needs_no_backend_of_its_own():
    found = backend_of(Foreign())
    assert type(found) is Backend
    assert found.xp is np
    assert found.description == f"array API {np.__version__} on somewhere"


def test_the_base_backend_needs_the_standard_alone(host):
    backend = Backend(np, "cpu")
    x = backend.asarray(host)
    assert not np.shares_memory(x, host)
    assert backend.compile(len) is len
    with backend.context():
        np.testing.assert_array_equal(backend.to_numpy(x), host)


def test_mixed_libraries_are_named(backend, host):
    if backend.name == "numpy":
        pytest.skip("NumPy with NumPy is no mixture")
    x = backend.asarray(host)
    kind = type(x)
    with pytest.raises(InputError, match=r"one array library") as caught:
        array_namespace(x, host)
    assert "numpy.ndarray" in str(caught.value)
    assert f"{kind.__module__}.{kind.__qualname__}" in str(caught.value)


def test_the_namespace_of_arrays_is_the_backends(backend, host):
    x = backend.asarray(host)
    assert array_namespace(x, x) is backend.xp


def test_host_arrays_are_numpys_alone(backend, host):
    assert is_host_array(host)
    assert is_host_array(np.float32(1))
    assert not is_host_array([1.0])
    assert is_host_array(backend.asarray(host)) == (backend.name == "numpy")


def test_context_silences_overflow(backend):
    x = backend.asarray(np.array([3e38, -1.0], dtype=np.float32))
    xp = backend.xp
    with warnings.catch_warnings(), backend.context():
        warnings.simplefilter("error")
        y = backend.to_numpy(xp.sqrt(x * 10.0))
    assert np.isposinf(y[0])
    assert np.isnan(y[1])


def test_numpy_warns_again_after_the_context():
    backend = get_backend("numpy")
    with backend.context():
        pass
    with pytest.warns(RuntimeWarning, match="overflow"):
        np.float32(3e38) * np.array([10.0], dtype=np.float32)


@pytest.mark.parametrize(
    ("text", "module", "phrase"),
    [
        ("cpu", "numpy", "NumPy {} on the CPU"),
        ("torch", "torch", "PyTorch {} on the CPU"),
        ("jax:cpu", "jax", "JAX {} on the CPU"),
        ("array-api-strict:device1", "array_api_strict", "array-api-strict {} on device1"),
    ],
)
def test_description_says_library_version_and_place(text, module, phrase):
    version = pytest.importorskip(module).__version__
    backend = get_backend(text)
    assert backend.version == version
    assert backend.description == phrase.format(version)
    assert backend.description in repr(backend)


def test_dpnp_says_where_it_is(dpnp_on_the_cpu):
    import dpnp

    assert dpnp_on_the_cpu.version == dpnp.__version__
    assert dpnp_on_the_cpu.description == f"dpnp {dpnp.__version__} on the CPU"


def test_text_opens_the_same_backend(backend):
    again = get_backend(backend.text)
    assert (again.xp, again.device) == (backend.xp, backend.device)


def test_jax_computes_float32_products_in_full_while_it_trains():
    """On a GPU it would take TF32, of ten bits, unless it is told otherwise."""
    jax = pytest.importorskip("jax")
    backend = get_backend("jax")
    x = backend.asarray(np.ones((2, 2), np.float32))
    with backend.context():
        inside = str(jax.make_jaxpr(lambda a: a @ a)(x))
    assert "HIGHEST" in inside
    assert "HIGHEST" not in str(jax.make_jaxpr(lambda a: a @ a)(x))


def test_threads_are_set_and_given_back():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    with get_backend("torch:cpu").threads(1) as number:
        assert number == torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with get_backend("cpu").threads(1) as number:
        assert number == 1


def test_dpnp_refuses_a_number_of_threads(dpnp_on_the_cpu):
    with dpnp_on_the_cpu.threads(None) as number:
        assert number >= 1
    with pytest.raises(BackendError, match="held to 3"), dpnp_on_the_cpu.threads(3):
        pass


def test_dpnp_takes_its_own_arrays(dpnp_on_the_cpu, host):
    """It refuses to give them to NumPy, by which arrays of any byte order are taken."""
    x = dpnp_on_the_cpu.asarray(host)
    y = dpnp_on_the_cpu.asarray(x)
    y += 1
    np.testing.assert_array_equal(dpnp_on_the_cpu.to_numpy(x), host)
    np.testing.assert_array_equal(dpnp_on_the_cpu.to_numpy(y), host + 1)


def test_jax_refuses_a_number_of_threads():
    pytest.importorskip("jax")
    backend = get_backend("jax")
    with backend.threads(None) as number:
        assert number >= 1
    with pytest.raises(BackendError, match="held to 3"), backend.threads(3):
        pass


def test_numpy_types_name_dtypes(backend):
    assert backend.dtype(np.float32) == backend.dtype("float32")


def test_copies_are_copies(backend):
    x = backend.asarray(np.ones(3, np.float32))
    y = backend.copy(x)
    y += 1
    assert backend.to_numpy(x).tolist() == [1, 1, 1]
