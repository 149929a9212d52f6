"""How many bits the products of float32 matrices keep: set for a context, and put back after it.

The GPUs here are toys: that a real one rounds is not shown, but that its library is told to.
"""

import sys
import types
import warnings

import numpy as np
import pytest

import xpnet
from xpnet.backends import PRECISIONS
from xpnet.backends.cupy_backend import CupyBackend
from xpnet.backends.jax_backend import JaxBackend
from xpnet.backends.numpy_backend import NumpyBackend
from xpnet.backends.torch_backend import TorchBackend
from xpnet.errors import BackendError, InputError
from xpnet.nets import Variables
from xpnet.optim import RULES
from xpnet.training_step import make_step

DEFAULT, TF32 = 1, 7  # the numbers that CuPy 14.2 gives them


def broken_off(context, look):
    """Return what `look()` finds inside a context that an exception leaves."""
    found = []

    def run():
        with context:
            found.append(look())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    return found[0]


class ToyCuda:
    """A CUDA device of CuPy, which counts how often it is the current one."""

    id = 0

    def __init__(self, compute_capability):
        self.compute_capability = compute_capability
        self.entered = 0

    def __enter__(self):
        self.entered += 1
        return self

    def __exit__(self, *_):
        self.entered -= 1


@pytest.fixture
def toy_cupy(monkeypatch):
    """CuPy's module of products, as far as precision goes: a compute type for each dtype."""
    types_of = {}
    products = types.ModuleType("cupy._core._routines_linalg")
    products.COMPUTE_TYPE_DEFAULT, products.COMPUTE_TYPE_TF32 = DEFAULT, TF32
    products.get_compute_type = lambda dtype: types_of.get(np.dtype(dtype).char, DEFAULT)
    products.set_compute_type = lambda dtype, kind: types_of.update({np.dtype(dtype).char: kind})
    core, cupy = types.ModuleType("cupy._core"), types.ModuleType("cupy")
    core._routines_linalg, cupy._core = products, core
    runtime = types.SimpleNamespace(
        is_hip=False, getDeviceProperties=lambda number: {"name": f"Toy {number}".encode()}
    )
    cupy.cuda, cupy.__version__ = types.SimpleNamespace(runtime=runtime), "14.2.0"
    for module in (cupy, core, products):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return cupy


@pytest.fixture
def torch_on_ampere(monkeypatch):
    """PyTorch's backend of a CUDA device with TF32, of which no array is made."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 0))
    monkeypatch.setattr(torch.version, "hip", None)
    return TorchBackend(torch, torch.device("cuda"))


def jax_on(capability, platform="gpu"):
    """JAX's backend of a device of that compute capability."""
    pytest.importorskip("jax")
    device = types.SimpleNamespace(
        platform=platform, device_kind="Toy", compute_capability=capability
    )
    return JaxBackend.on(device)


@pytest.mark.parametrize("before", [DEFAULT, TF32])
@pytest.mark.parametrize(("precision", "inside"), [("float32", DEFAULT), ("tf32", TF32)])
def test_cupy_is_told_and_put_back(toy_cupy, before, precision, inside):
    """Also where CUPY_TF32=1 has set it before."""
    products = toy_cupy._core._routines_linalg
    products.set_compute_type("float32", before)
    device = ToyCuda("90")
    found = broken_off(
        CupyBackend(np, device).context(precision),
        lambda: (*map(products.get_compute_type, ("float32", "float64")), device.entered),
    )
    assert found == (inside, DEFAULT, 1)
    assert products.get_compute_type("float32") == before
    assert device.entered == 0


@pytest.mark.parametrize(
    ("capability", "is_hip", "has"),
    [
        ("75", False, False),
        ("80", False, True),
        ("90", False, True),
        ("120", False, True),
        ("90", True, False),
    ],
)
def test_cupy_knows_which_cards_have_tf32(toy_cupy, capability, is_hip, has):
    toy_cupy.cuda.runtime.is_hip = is_hip
    assert CupyBackend(np, ToyCuda(capability)).has_tf32 is has


@pytest.mark.parametrize("before", ["highest", "high", "medium"])
@pytest.mark.parametrize(("precision", "inside"), [("float32", "ieee"), ("tf32", "tf32")])
def test_torch_is_told_and_put_back(torch_on_ampere, before, precision, inside):
    torch = torch_on_ampere.xp
    found = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(before)
    try:
        products = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul
        inner = broken_off(
            torch_on_ampere.context(precision),
            lambda: ([part.fp32_precision for part in products], torch.is_grad_enabled()),
        )
        assert inner == ([inside, "ieee"], False)
        assert torch.get_float32_matmul_precision() == before
    finally:
        torch.set_float32_matmul_precision(found)


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (9, 0)])
def test_torch_knows_which_cards_have_tf32(torch_on_ampere, monkeypatch, capability):
    torch = torch_on_ampere.xp
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert torch_on_ampere.has_tf32 is (capability >= (8, 0))
    monkeypatch.setattr(torch.version, "hip", "6.2")
    assert torch_on_ampere.has_tf32 is False


@pytest.mark.parametrize(
    ("precision", "inside"), [("float32", "highest"), ("tf32", "tensorfloat32")]
)
def test_jax_is_told_and_put_back(precision, inside):
    jax = pytest.importorskip("jax")
    before = jax.config.jax_default_matmul_precision
    context = jax_on("8.0").context(precision)
    assert broken_off(context, lambda: jax.config.jax_default_matmul_precision) == inside
    assert jax.config.jax_default_matmul_precision == before


@pytest.mark.parametrize(
    ("capability", "platform", "has"),
    [
        ("7.5", "gpu", False),
        ("8.0", "gpu", True),
        ("12.0", "gpu", True),
        ("gfx90a", "gpu", False),
        ("8.0", "tpu", False),
    ],
)
def test_jax_knows_which_cards_have_tf32(capability, platform, has):
    assert jax_on(capability, platform).has_tf32 is has


@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize(
    ("precision", "asked", "other"), [("float32", "HIGHEST", "HIGH,"), ("tf32", "HIGH,", "HIGHEST")]
)
def test_every_product_of_a_step_is_asked_for_in_that_precision(members, precision, asked, other):
    """In the program that XLA gets: five products, as the first layer needs no input gradient."""
    jax = pytest.importorskip("jax")
    net = xpnet.TwoLayerNet(4, 3, 2, members=members, reg=0.1, device="jax:cpu")
    rule, xp = RULES["sgd"], net.backend.xp
    step = make_step(net, rule, None, fixed={"reg": 0.1, "clip_norm": None}, dtype=net.dtype, xp=xp)
    data = {"X": xp.ones((6, 4)), "y": xp.zeros(6, dtype=int), "terms": {}}
    draw = {"rows": xp.arange(5), "coefficients": {"learning_rate": xp.asarray(0.1)}, "net": {}}
    carry = (Variables(net.params, net.state), {name: {} for name in net.params})
    with jax_on("8.0").context(precision):
        program = jax.jit(step).lower(carry, data, draw).as_text()
    products = [line for line in program.splitlines() if "dot_general" in line]
    assert len(products) == 5
    for line in products:
        settings = line.partition("precision = [")[2].partition("]")[0] + ","
        assert settings.count(asked) == 2
        assert other not in settings


def test_devices_without_tf32_refuse_it(backend):
    if backend.has_tf32:
        pytest.skip("it has TF32")
    with pytest.raises(BackendError, match=r"^precision 'tf32' needs .* leave precision out$") as e:
        backend.context("tf32")
    assert backend.description in str(e.value)


@pytest.mark.parametrize("precision", ["TF32", "float16", "", None, 1, ["tf32"]])
def test_other_precisions_are_refused(backend, precision):
    with pytest.raises(BackendError, match="choose one of float32, tf32") as caught:
        backend.context(precision)
    assert repr(precision) in str(caught.value)


DATA = {
    "X_train": np.arange(48.0, dtype=np.float32).reshape(12, 4) / 48,
    "y_train": np.arange(12) % 2,
    "X_val": np.ones((2, 4), np.float32),
    "y_val": np.array([0, 1]),
}


def solver(net, **options):
    return xpnet.Solver(net, DATA, batch_size=6, num_epochs=1, verbose=False, **options)


class Watch:
    """Notes what the library was told while it trains."""

    def __init__(self, told):
        self.told, self.found = told, set()

    def on_interval(self, _solver):
        self.found.add(self.told())

    on_epoch = on_interval


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_a_solver_trains_in_the_precision_that_it_was_given(name, monkeypatch):
    """On the CPU, which is said to be an NVIDIA card and has all bits in any case."""
    library = pytest.importorskip(name)
    kind = {"torch": TorchBackend, "jax": JaxBackend}[name]
    told = {
        "torch": lambda: library.backends.cuda.matmul.fp32_precision,
        "jax": lambda: library.config.jax_default_matmul_precision,
    }[name]
    monkeypatch.setattr(kind, "has_tf32", property(lambda _self: True))
    before, found, losses = told(), {}, {}
    for precision in PRECISIONS:
        watch = Watch(told)
        net = xpnet.TwoLayerNet(4, 3, 2, 0.1, device=f"{name}:cpu")
        trained = solver(net, precision=precision, callbacks=[watch])
        trained.train()
        assert trained.precision == precision
        found[precision], losses[precision] = watch.found, trained.loss_history
        assert told() == before
    assert found["tf32"] == {"torch": {"tf32"}, "jax": {"tensorfloat32"}}[name]
    assert found["float32"] == {"torch": {"ieee"}, "jax": {"highest"}}[name]
    np.testing.assert_allclose(losses["tf32"], losses["float32"], rtol=1e-6)


def test_the_solver_refuses_what_its_device_does_not_have():
    with pytest.raises(InputError, match="got NumPy .* on the CPU: leave precision out"):
        solver(xpnet.TwoLayerNet(4, 3, 2), precision="tf32")
    with pytest.raises(InputError, match="unknown precision 'double'"):
        solver(xpnet.TwoLayerNet(4, 3, 2), precision="double")


def test_products_of_float64_have_no_precision_to_choose(monkeypatch):
    monkeypatch.setattr(NumpyBackend, "has_tf32", property(lambda _self: True))
    solver(xpnet.TwoLayerNet(4, 3, 2), precision="tf32")
    net = xpnet.TwoLayerNet(4, 3, 2, dtype="float64")
    with pytest.raises(InputError, match="net is float64: make the net with dtype='float32'"):
        solver(net, precision="tf32")


def test_precision_is_for_own_nets_with_own_rules():
    net = xpnet.TwoLayerNet(4, 3, 2)
    with pytest.raises(InputError, match=r"^precision is for xpnet's own nets"):
        solver(net, precision="tf32", update_rule=lambda w, dw, _config: (w - dw, {}))


def test_the_command_line_refuses_tf32_on_the_cpu(capsys):
    from xpnet.train import main

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["--precision", "tf32", "--quiet", "--num-epochs", "1"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("xpnet.train: error: precision 'tf32' needs CuPy")
    assert said.count("\n") == 1
