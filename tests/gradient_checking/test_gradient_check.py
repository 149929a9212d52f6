"""What gradient_check says of gradients that are right, and of faults planted in them."""

import functools
import importlib

import numpy as np
import pytest

import xpnet
from xpnet import gradient_check, layers, losses
from xpnet.backends import array_namespace
from xpnet.errors import InputError

# Layers by the shapes of what they take; losses take scores and labels, or targets.
LAYERS = {
    "affine": {"x": (3, 4), "w": (4, 2), "b": (2,)},
    "affine_relu": {"x": (2, 3, 4), "w": (2, 4, 2), "b": (2, 2)},
    "relu": {"x": (2, 3)},
}


def draw(rng, shapes):
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def on(backend, arrays):
    return {name: backend.asarray(array) for name, array in arrays.items()}


@pytest.mark.parametrize("name", LAYERS)
def test_the_layers_are_right(backend64, rng, name):
    forward, backward = (getattr(layers, f"{name}_{way}") for way in ("forward", "backward"))
    inputs = draw(rng, LAYERS[name])
    report = gradient_check(forward, backward, on(backend64, inputs))
    assert report.ok, report
    for key, found in report.inputs.items():
        assert (found.checked, found.wrong, found.kinks) == (inputs[key].size, 0, 0)
        assert found.largest_error < 1e-8
    assert list(report.inputs) == list(inputs)


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("members", [(), (2,)])
def test_the_losses_are_right(backend64, rng, name, members):
    x, y = rng.standard_normal((2, *members, 3, 4))
    y = y if name == "squared" else rng.integers(0, 4, (*members, 3))
    inputs = on(backend64, {"x": x, "y": y, "sample_weights": rng.random(3)})
    report = gradient_check(losses.get_loss(name), None, inputs, wrt="x")
    assert report.ok, report
    assert report.inputs["x"].checked == x.size


@pytest.mark.parametrize("members", [None, 2])
def test_the_net_is_right(backend64, rng, members):
    if backend64.name == "array API":
        pytest.skip("a net's device is named by a text, and Dask has none")
    reg = 0.3 if members is None else [0.0, 0.3]
    net = xpnet.TwoLayerNet(5, 4, 3, 0.5, reg, members=members, device=backend64.text)
    X, y = rng.standard_normal((6, 5)), rng.integers(0, 3, 6)
    before = {name: backend64.to_numpy(w) for name, w in net.params.items()}

    def loss(**params):
        net.params = params
        return net.loss(X, y)

    report = gradient_check(loss, None, net.params)
    assert report.ok, report
    assert report.cast == ("W1", "b1", "W2", "b2")
    for name, w in net.params.items():
        np.testing.assert_array_equal(backend64.to_numpy(w), before[name])


# Faults. Each is a pair of functions of x (4, 3), w (3, 3) and b (3,), some of them without the
# last, and what the report must say.


def affine(x, w, b):
    return x @ w + b, (x, w)


def affine_back(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def changed(position, change):
    """Return the affine layer's backward pass with one gradient changed."""

    def backward(dout, cache):
        gradients = list(affine_back(dout, cache))
        gradients[position] = change(gradients[position], dout, cache)
        return tuple(gradients)

    return backward


def at_one_entry(gradient, _dout, _cache):
    gradient = gradient.copy()
    gradient[2, 1] *= 1.001
    return gradient


def gated(x, w):
    """x w times the mean of x: two paths from x."""
    return (x @ w) * x.mean(), (x, w)


def gated_back_of_one_path(dout, cache):
    x, w = cache
    return dout @ w.T * x.mean(), x.T @ dout * x.mean()


def writes_into_its_input(x, w, b):
    x += 0.0
    x[0, 0] += 1.0
    return x @ w + b, (x.copy(), w)


def notes_relu(x):
    return np.maximum(0, x), x


def notes_relu_back(dout, x):
    dout[x <= 0] = 0
    return dout


def writes_into_the_inputs_of_forward(dout, cache):
    gradients = affine_back(dout, cache)
    cache[1][...] = 0.0
    return gradients


def keeps_its_own(x):
    return x**3, [x.copy()]


def uses_its_cache_up(dout, cache):
    gradient = 3.0 * dout * cache[0] ** 2
    cache[0] *= 0.0
    return gradient


def regularised(w, factor):
    """A loss with 0.5 * reg * |w|^2, whose gradient has that term `factor` times."""
    return np.sum(np.sin(w)) + 0.05 * np.sum(w * w), np.cos(w) + factor * 0.1 * w


FAULTS = {
    "factor 2": (affine, changed(1, lambda g, *_: 2.0 * g), "w: WRONG .* 2 times the numeric"),
    "sign": (affine, changed(0, lambda g, *_: -g), "x: WRONG .* -1 times the numeric throughout"),
    "transpose": (affine, changed(0, lambda _, dout, cache: dout @ cache[1]), r"x: WRONG at \("),
    "missing path": (gated, gated_back_of_one_path, r"x: WRONG at \("),
    "one entry": (affine, changed(1, at_one_entry), r"w: WRONG at \(2, 1\): .*; 8 of 9 entries r"),
    "axis": (affine, changed(2, lambda _, dout, c: dout.sum(axis=1)[:3]), r"b: WRONG at \(\d,\): "),
    "shape": (affine, changed(2, lambda _, dout, c: dout), r"b: WRONG: the gradient has shape \(4"),
    "keepdims": (affine, changed(2, lambda g, *_: g[None]), r"has shape \(1, 3\), the input \(3,"),
    "nan": (affine, changed(0, lambda g, *_: g * np.nan), r"x: WRONG at .*analytic nan, .* inf;"),
    "zero": (affine, changed(1, lambda g, *_: 0.0 * g), "w: WRONG .* 0 times the numeric"),
    "in place, dout": (notes_relu, notes_relu_back, "WRONG: backward writes into dout, which bel"),
    "in place, input": (writes_into_its_input, affine_back, "WRONG: forward writes into x, which"),
    "in place, later": (affine, writes_into_the_inputs_of_forward, "WRONG: backward writes into w"),
    "in place, cache": (keeps_its_own, uses_its_cache_up, "it writes into the cache, or draws"),
    "regularisation": (functools.partial(regularised, factor=0.0), None, r"w: WRONG at \("),
    "regularised twice": (functools.partial(regularised, factor=2.0), None, r"w: WRONG at \("),
}
SHAPES = {"x": (4, 3), "w": (3, 3), "b": (3,)}
TAKES = {gated: "xw", notes_relu: "x", keeps_its_own: "x"}


def takes(forward):
    return "w" if isinstance(forward, functools.partial) else TAKES.get(forward, "xwb")


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(rng, fault):
    forward, backward, expected = FAULTS[fault]
    inputs = draw(rng, {name: SHAPES[name] for name in takes(forward)})
    report = gradient_check(forward, backward, inputs)
    assert not report.ok
    assert report.inputs.keys() == inputs.keys()
    with pytest.raises(InputError, match=expected):
        report.raise_if_wrong()


@pytest.mark.parametrize("fault", FAULTS)
def test_and_nothing_else_is_blamed(rng, fault):
    forward, backward, expected = FAULTS[fault]
    inputs = draw(rng, {name: SHAPES[name] for name in takes(forward)})
    report = gradient_check(forward, backward, inputs)
    blamed = [name for name, found in report.inputs.items() if not found.ok]
    assert blamed == ([expected[0]] if expected[1] == ":" else blamed[:1])
    assert len(report.problems) == expected.count("writes into")


def test_the_same_functions_without_the_fault_are_right(rng):
    whole = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
    assert gradient_check(affine, affine_back, whole).ok
    assert gradient_check(notes_relu, lambda d, x: np.where(x > 0, d, 0), {"x": whole["x"]}).ok
    assert gradient_check(functools.partial(regularised, factor=1.0), None, {"w": whole["w"]}).ok


def test_a_factor_shows_on_every_backend(backend64, rng):
    def backward(dout, cache):
        return tuple(2.0 * g for g in layers.affine_backward(dout, cache))

    report = gradient_check(
        layers.affine_forward, backward, on(backend64, draw(rng, LAYERS["affine"]))
    )
    assert [found.ratio for found in report.inputs.values()] == pytest.approx([2.0] * 3)
    assert [found.wrong for found in report.inputs.values()] == [12, 8, 2]


def test_what_writes_is_found_on_other_backends_too(rng):
    torch = pytest.importorskip("torch")

    def backward(dout, x):
        dout[x <= 0] = 0
        return dout

    report = gradient_check(
        lambda x: (torch.relu(x), x), backward, {"x": torch.tensor(rng.standard_normal((4, 3)))}
    )
    assert report.problems == ("backward writes into dout, which belongs to its caller",)


def test_the_callers_arrays_stay_as_they_are(rng):
    x = rng.standard_normal((4, 3))
    x.flags.writeable = False
    before = x.copy()
    whole = {"x": x, "w": np.ones((3, 3)), "b": np.ones(3)}
    gradient_check(writes_into_its_input, affine_back, whole)
    np.testing.assert_array_equal(x, before)


def test_random_numbers_in_forward_are_told(rng):
    def dropout(x):
        mask = rng.random(x.shape) < 0.5
        return x * mask, mask

    report = gradient_check(dropout, lambda dout, mask: dout * mask, {"x": np.ones((4, 5))})
    assert not report.ok
    assert "forward gives other outputs for the same inputs: fix its random numbers" in str(report)


def test_gradients_by_name_in_order_and_alone(rng):
    x, w = rng.standard_normal((2, 3))

    def f(x, w):
        return np.sum(x * x * w), (2 * x * w, x * x)

    def named(x, w):
        return f(x, w)[0], {"w": x * x, "x": 2 * x * w, "more": None}

    for function in (f, named, lambda **a: [f(**a)[0], list(f(**a)[1])]):
        assert gradient_check(function, None, {"x": x, "w": w}).ok
    # In the order of the inputs, whatever that of the arguments is.
    assert not gradient_check(f, None, {"w": w, "x": x}).ok
    assert gradient_check(named, None, {"w": w, "x": x}).ok
    alone = gradient_check(lambda x, w: (f(x, w)[0], x * x), None, {"x": x, "w": w}, wrt="w")
    assert alone.ok
    assert list(alone.inputs) == ["w"]
    assert list(gradient_check(f, None, {"x": x, "w": w}, wrt=["w"]).inputs) == ["w"]


def test_values_of_every_kind(rng):
    x = rng.standard_normal(3)
    for value in (float, np.float64, np.asarray, lambda v: v.reshape(1, 1)):
        assert gradient_check(lambda x, v=value: (v(np.sum(x * x)), 2 * x), None, {"x": x}).ok
    scalar = gradient_check(lambda x: (x * x, 2 * x), None, {"x": np.float64(3.0)})
    assert scalar.ok
    assert scalar.inputs["x"].index == ()
    assert gradient_check(lambda x: (x.sum(), x), lambda d, x: d + 0 * x, {"x": x}).ok


def test_an_input_of_no_entries_is_right():
    report = gradient_check(lambda x: (x * x, x), lambda d, x: 2 * d * x, {"x": np.ones((0, 3))})
    assert report.ok
    assert "x: empty" in str(report)


def test_entries_are_drawn_by_the_seed(rng):
    calls = []

    def f(x):
        calls.append(x)
        return np.sum(x * x), 2.0 * x + (np.arange(1000.0) == 500)

    def entries(**options):
        calls.clear()
        report = gradient_check(f, None, {"x": rng.standard_normal(1000)}, **options)
        start = calls[0]
        moved = {int(i) for x in calls[1:] for i in np.flatnonzero(x != start)}
        assert report.inputs["x"].checked == len(moved)
        return moved, report

    assert len(entries()[0]) == 100
    assert entries(max_entries=7, seed=3)[0] == entries(max_entries=7, seed=3)[0]
    assert entries(max_entries=7, seed=3)[0] != entries(max_entries=7, seed=4)[0]
    assert entries(max_entries=7)[1].inputs["x"].size == 1000
    every, report = entries(max_entries=None)
    assert len(every) == 1000
    assert report.inputs["x"].index == (500,)


def test_float32_is_cast_and_said_to_be(backend64, rng):
    inputs = {name: a.astype(np.float32) for name, a in draw(rng, LAYERS["affine"]).items()}
    report = gradient_check(layers.affine_forward, layers.affine_backward, on(backend64, inputs))
    assert report.ok, report
    assert report.cast == ("x", "w", "b")
    assert str(report).endswith("cast to float64 for the check: x, w, b")
    assert max(found.largest_error for found in report.inputs.values()) < 1e-8


def test_a_device_without_float64_is_refused(backend):
    if backend.name not in ("jax", "array-api-strict") or "device1" in str(backend.device):
        pytest.skip("it has float64")
    x = backend.asarray(np.ones((2, 2), np.float32))
    with pytest.raises(InputError, match="lacks here: on JAX set .*JAX_ENABLE_X64=1, elsewhere"):
        gradient_check(layers.relu_forward, layers.relu_backward, {"x": x})


def test_functions_of_float32_are_refused(backend64):
    def forward(x):
        xp = array_namespace(x)
        return xp.astype(x, xp.float32), None

    with pytest.raises(InputError, match="returned float32 for inputs of float64, too coarse"):
        gradient_check(forward, lambda dout, _: dout, {"x": backend64.asarray(np.ones(3))})


ONE = {"x": np.ones(3)}


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((lambda x: (x, 0), None, [1.0]), {}, "inputs must be a dictionary of arrays .*got list"),
        ((lambda x: (x, 0), None, {}), {}, "inputs must be a dictionary"),
        ((lambda x: (x, 0), None, {"x": 1.0}), {}, "x is of type float: bind .*functools.partial"),
        ((lambda x: (x, 0), None, {"x": np.ones(1, complex)}), {}, "64 bits; got dtype complex128"),
        ((lambda x: (x, 0), None, {"x": np.ones(1, int)}), {}, "no input to differentiate"),
        ((lambda x: x, None, ONE), {}, r"must return \(value, gradients\); got ndarray"),
        ((lambda x: x, lambda d, c: d, ONE), {}, r"must return \(out, cache\); got ndarray"),
        ((lambda x: (x, (x, x)), None, ONE), {}, "2 gradients for the floating inputs x: name"),
        ((lambda x: (x, {"w": x}), None, ONE), {}, "no gradient by x; it has w: leave x out"),
        ((lambda x: (x, None), None, ONE), {}, "no gradient by x; it has x"),
        ((lambda x: (x * np.nan, x), None, ONE), {}, "NaN or infinity: choose inputs at which"),
        (
            (lambda x: (x, x), None, ONE),
            {"wrt": "w"},
            "wrt must name floating inputs, of x; got 'w",
        ),
        ((lambda x: (x, x), None, ONE), {"wrt": []}, "no input to differentiate"),
        (
            (lambda x: (x, x), None, ONE),
            {"step": 0},
            "step must be a number between 0 and 1; got 0",
        ),
        ((lambda x: (x, x), None, ONE), {"step": "1"}, "step must be a number between 0 and 1"),
        ((lambda x: (x, x), None, ONE), {"tolerance": np.nan}, "tolerance must be .*; got nan"),
        ((lambda x: (x, x), None, ONE), {"max_entries": 0}, "max_entries must be a positive int"),
        ((lambda x: (x, x), None, ONE), {"max_entries": True}, "max_entries must be .*; got True"),
        ((lambda x: (x, x), None, ONE), {"seed": -1}, "seed must be an integer from 0"),
    ],
)
def test_refuses(arguments, options, message):
    with pytest.raises(InputError, match=message):
        gradient_check(*arguments, **options)


def test_refuses_two_libraries():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match="torch.Tensor, numpy.ndarray|numpy.ndarray, torch.Tensor"):
        gradient_check(lambda x, w: (x, w), None, {"x": torch.ones(1), "w": np.ones(1)})


def test_the_name_is_the_function_whatever_is_imported():
    importlib.import_module("xpnet.gradient_checking.check")
    assert callable(xpnet.gradient_check)
    assert xpnet.gradient_checking.gradient_check is xpnet.gradient_check
