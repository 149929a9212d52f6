import math
from functools import partial

import numpy as np
import pytest

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.initializers import INITIALIZERS
from xpnet.layers import (
    ACTIVATIONS,
    ReluCache,
    elu_backward,
    elu_forward,
    get_activation,
    hardshrink_backward,
    hardshrink_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)

SELU = 1.0507009873554805, 1.0507009873554805 * 1.6732632423543772  # the paper's, above and below
SHAPES = [(4,), (3, 4), (2, 3, 4), (2, 3, 2, 4)]


def gelu_gate(x):
    """Return the factor of x in GELU, and its slope, both by the tangent."""
    tanh = math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return (1 + tanh) / 2, (1 - tanh**2) * inner / 2


def mish_gate(x):
    """Return the factor of x in Mish, and its slope."""
    tanh = math.tanh(math.log1p(math.exp(x)))
    return tanh, (1 - tanh**2) / (1 + math.exp(-x))


# f(x) and f'(x) in float64, from the definitions.
DEFINITIONS = {
    "relu": (lambda x: max(x, 0.0), lambda x: float(x > 0)),
    "leaky_relu": (lambda x: max(0.01 * x, x), lambda x: 1.0 if x > 0 else 0.01),
    "elu": (lambda x: x if x > 0 else math.expm1(x), lambda x: 1.0 if x > 0 else math.exp(x)),
    "selu": (
        lambda x: SELU[0] * x if x > 0 else SELU[1] * math.expm1(x),
        lambda x: SELU[0] if x > 0 else SELU[1] * math.exp(x),
    ),
    "gelu": (lambda x: x * gelu_gate(x)[0], lambda x: gelu_gate(x)[0] + x * gelu_gate(x)[1]),
    "mish": (lambda x: x * mish_gate(x)[0], lambda x: mish_gate(x)[0] + x * mish_gate(x)[1]),
    "hardshrink": (lambda x: x if abs(x) > 0.5 else 0.0, lambda x: float(abs(x) > 0.5)),
    "sigmoid": (
        lambda x: 1 / (1 + math.exp(-x)),
        lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2,
    ),
    "tanh": (math.tanh, lambda x: 1 / math.cosh(x) ** 2),
    "identity": (lambda x: x, lambda x: 1.0),
}

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def pair(name, transform=lambda function: [function]):
    """Return the pairs of forward and backward that a transformation gives."""
    activation = get_activation(name)
    return list(zip(transform(activation.forward), transform(activation.backward), strict=True))


def away_from_the_kinks(rng, shape):
    """Return numbers whose size is 0.1 away from 0, and from 0.5, where hardshrink jumps."""
    x = rng.standard_normal(shape)
    x = x + np.copysign(0.1, x)
    return x + np.copysign(0.2 * (np.abs(np.abs(x) - 0.5) < 0.1), x)


def test_every_activation_has_a_definition():
    assert list(DEFINITIONS) == list(ACTIVATIONS)


@every_activation
def test_values_are_those_of_the_definition(backend, name, also_jitted):
    host = np.float32([-7.5, -2.0, -0.5, -1e-6, 1e-6, 0.25, 1.0, 9.0])
    known = [[f(float(x)) for x in host] for f in DEFINITIONS[name]]
    dout = backend.asarray(np.full(8, 2.0, np.float32))
    for forward, backward in pair(name, also_jitted):
        out, cache = forward(backend.asarray(host))
        np.testing.assert_allclose(backend.to_numpy(out), known[0], rtol=2e-6, atol=1e-12)
        dx = backend.to_numpy(backward(dout, cache))
        # From the output alone a gradient near 0 is known to seven digits of 1.
        np.testing.assert_allclose(dx / 2, known[1], rtol=2e-6, atol=1e-7)


def test_relu_by_hand(backend, also_jitted):
    x = backend.asarray(np.float32([-2.0, -0.0, 0.0, 1e-30, 3.5]))
    dout = backend.asarray(np.float32([1.0, 2.0, 3.0, 4.0, 5.0]))
    for forward, backward in zip(
        also_jitted(relu_forward), also_jitted(relu_backward), strict=True
    ):
        out, cache = forward(x)
        assert isinstance(cache, ReluCache)
        assert backend.to_numpy(out).tolist() == [0.0, 0.0, 0.0, np.float32(1e-30), 3.5]
        # 0 at the kink, as in the notes.
        assert backend.to_numpy(backward(dout, cache)).tolist() == [0.0, 0.0, 0.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        *(("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0), ("selu", SELU[1]), ("gelu", 0.5)),
        *(("mish", 0.6), ("hardshrink", 0.0), ("sigmoid", 0.25), ("tanh", 1.0)),
    ],
)
def test_gradient_at_zero(backend, name, slope):
    # At a kink it is the one from below, as PyTorch has it.
    activation = ACTIVATIONS[name]
    out, cache = activation.forward(backend.asarray(np.float32([0.0, -0.0])))
    assert backend.to_numpy(out).tolist() == ([0.5, 0.5] if name == "sigmoid" else [0.0, 0.0])
    dx = activation.backward(backend.asarray(np.float32([1.0, 1.0])), cache)
    assert backend.to_numpy(dx).tolist() == [np.float32(slope)] * 2


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("relu", [np.nan, np.inf, 0.0]),
        ("leaky_relu", [np.nan, np.inf, -np.inf]),
        ("elu", [np.nan, np.inf, -1.0]),
        ("selu", [np.nan, np.inf, np.float32(-SELU[1])]),
        ("gelu", [np.nan, np.inf, 0.0]),
        ("mish", [np.nan, np.inf, 0.0]),
        ("hardshrink", [np.nan, np.inf, -np.inf]),
        ("sigmoid", [np.nan, 1.0, 0.0]),
        ("tanh", [np.nan, 1.0, -1.0]),
        ("identity", [np.nan, np.inf, -np.inf]),
    ],
)
def test_keeps_nan_and_infinity(backend, name, known, also_jitted):
    x = backend.asarray(np.float32([np.nan, np.inf, -np.inf]))
    for forward, backward in pair(name, also_jitted):
        out, cache = forward(x)
        np.testing.assert_array_equal(backend.to_numpy(out), known)
        dx = backward(backend.asarray(np.float32([1.0, np.nan, np.nan])), cache)
        # Where ReLU is off NaN times 0 is NaN, but JAX's compiler selects 0.
        assert np.isnan(backend.to_numpy(dx))[1 : 2 if name == "relu" else 3].all()


@pytest.mark.parametrize("size", [1e4, 3e38])
@pytest.mark.parametrize(
    ("name", "outs", "slopes"),
    [
        ("leaky_relu", (-0.01, 1.0), (0.01, 1.0)),
        ("elu", (-1.0, 1.0), (0.0, 1.0)),
        ("selu", (-SELU[1], SELU[0]), (0.0, SELU[0])),
        ("gelu", (0.0, 1.0), (0.0, 1.0)),
        ("mish", (0.0, 1.0), (0.0, 1.0)),
        ("hardshrink", (-1.0, 1.0), (1.0, 1.0)),
        ("sigmoid", (0.0, 1.0), (0.0, 0.0)),
        ("tanh", (-1.0, 1.0), (0.0, 0.0)),
    ],
)
def test_extreme_inputs_neither_overflow_nor_warn(backend, name, outs, slopes, size, also_jitted):
    # The outputs of the functions without a bound are multiples of the input.
    scale = [
        size if name in ("leaky_relu", "hardshrink") else 1.0,
        size if name not in ("sigmoid", "tanh") else 1.0,
    ]
    for forward, backward in pair(name, also_jitted):
        out, cache = forward(backend.asarray(np.float32([-size, size])))
        np.testing.assert_allclose(
            backend.to_numpy(out), np.float32(np.multiply(outs, scale)), rtol=1e-6
        )
        dx = backward(backend.asarray(np.float32([3.0, 3.0])), cache)
        np.testing.assert_allclose(backend.to_numpy(dx), np.multiply(slopes, 3.0), rtol=1e-6)


def test_outputs_near_zero_keep_their_digits(backend, also_jitted):
    x = np.float32([-80.0, -20.0, -5.0])
    tiny = np.float32([-1e-6, -1e-20])
    for sigmoid, elu, tanh in zip(
        *map(also_jitted, (sigmoid_forward, elu_forward, tanh_forward)), strict=True
    ):
        known = np.exp(x.astype(np.float64)) / (1 + np.exp(x.astype(np.float64)))
        found = backend.to_numpy(sigmoid(backend.asarray(x))[0])
        np.testing.assert_allclose(found, known, rtol=2e-6)
        for function, exact in ((elu, np.expm1), (tanh, np.tanh)):
            found = backend.to_numpy(function(backend.asarray(tiny))[0])
            np.testing.assert_allclose(found, exact(tiny.astype(np.float64)), rtol=2e-6)


@every_activation
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2, 4)])
def test_backward_is_the_numeric_gradient(
    backend64, rng, numeric_gradient, name, shape, also_jitted
):
    host, dout = away_from_the_kinks(rng, shape), rng.standard_normal(shape)
    known = numeric_gradient(lambda x: np.sum(ACTIVATIONS[name].forward(x)[0] * dout), host)
    for forward, backward in pair(name, also_jitted):
        _, cache = forward(backend64.asarray(host))
        dx = backend64.to_numpy(backward(backend64.asarray(dout), cache))
        np.testing.assert_allclose(dx, known, rtol=1e-7, atol=1e-9)


@every_activation
def test_agrees_with_torch(rng, name):
    torch = pytest.importorskip("torch")
    functions = {**vars(torch.nn.functional), "tanh": torch.tanh, "sigmoid": torch.sigmoid}
    functions["identity"] = torch.nn.Identity()
    functions["gelu"] = partial(torch.nn.functional.gelu, approximate="tanh")
    x = torch.tensor(5 * rng.standard_normal((30, 40)), requires_grad=True)
    dout = torch.tensor(rng.standard_normal((30, 40)))
    out = functions[name](x)
    out.backward(dout)
    found, cache = ACTIVATIONS[name].forward(x.detach())
    torch.testing.assert_close(found, out.detach(), rtol=1e-14, atol=1e-15)
    dx = ACTIVATIONS[name].backward(dout, cache)
    torch.testing.assert_close(dx, x.grad, rtol=1e-14, atol=1e-14)


def test_tanh_is_a_scaled_sigmoid(backend64, rng):
    host = rng.standard_normal((5, 7))
    sigmoid, _ = sigmoid_forward(backend64.asarray(2 * host))
    tanh, _ = tanh_forward(backend64.asarray(host))
    np.testing.assert_allclose(
        backend64.to_numpy(tanh), 2 * backend64.to_numpy(sigmoid) - 1, atol=1e-15
    )


@pytest.mark.parametrize(
    ("forward", "backward", "options", "known", "slope"),
    [
        (leaky_relu_forward, leaky_relu_backward, {"slope": 0.25}, [-0.5, 3.0], 0.25),
        (elu_forward, elu_backward, {"alpha": 2.0}, [2 * np.expm1(-2.0), 3.0], 2 * np.exp(-2.0)),
        (hardshrink_forward, hardshrink_backward, {"threshold": 2.5}, [0.0, 3.0], 0.0),
    ],
)
def test_other_slopes_alphas_and_thresholds(
    backend64, also_jitted, forward, backward, options, known, slope
):
    x, dout = backend64.asarray(np.asarray([-2.0, 3.0])), backend64.asarray(np.asarray([7.0, 7.0]))
    for start, back in zip(
        also_jitted(lambda x: forward(x, **options)), also_jitted(backward), strict=True
    ):
        out, cache = start(x)
        np.testing.assert_allclose(backend64.to_numpy(out), known, rtol=1e-14)
        dx = backend64.to_numpy(back(dout, cache))
        np.testing.assert_allclose(dx, [7 * slope, 7.0], rtol=1e-14)


@every_activation
def test_a_stack_is_its_members(backend, rng, name):
    forward, backward, *_ = ACTIVATIONS[name]
    x, dout = (rng.standard_normal((3, 3, 4)).astype(np.float32) for _ in "xd")
    out, cache = forward(backend.asarray(x))
    dx = backward(backend.asarray(dout), cache)
    for k in range(3):
        solo, cache = forward(backend.asarray(x[k]))
        solo_dx = backward(backend.asarray(dout[k]), cache)
        np.testing.assert_allclose(backend.to_numpy(out)[k], backend.to_numpy(solo), rtol=1e-6)
        np.testing.assert_allclose(backend.to_numpy(dx)[k], backend.to_numpy(solo_dx), rtol=1e-6)


@every_activation
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_dtype_and_device_and_leaves_its_inputs(backend64, rng, name, dtype):
    forward, backward, *_ = ACTIVATIONS[name]
    host, host_dout = (rng.standard_normal((3, 4)).astype(dtype) for _ in "xd")
    x, dout = backend64.asarray(host), backend64.asarray(host_dout)
    # A loop gives the namespace, and gets the same.
    for given in ({}, {"xp": backend64.xp}):
        out, cache = forward(x, **given)
        for result in (out, backward(dout, cache, **given)):
            assert result.dtype == backend64.dtype(dtype)
            assert device(result) == device(x)
    np.testing.assert_array_equal(backend64.to_numpy(x), host)
    np.testing.assert_array_equal(backend64.to_numpy(dout), host_dout)


@every_activation
@pytest.mark.parametrize("shape", SHAPES)
def test_runs_without_data(name, shape):
    torch = pytest.importorskip("torch")
    x = torch.empty(shape, device="meta")
    out, cache = ACTIVATIONS[name].forward(x)
    assert (out.shape, out.device.type) == (x.shape, "meta")
    assert ACTIVATIONS[name].backward(out, cache).shape == x.shape


@every_activation
def test_refuses_a_dout_of_another_shape(backend, name):
    _, cache = ACTIVATIONS[name].forward(backend.asarray(np.ones((3, 4), np.float32)))
    with pytest.raises(InputError, match=rf"{name}: .* output's shape \(3, 4\); got \(4,\)"):
        ACTIVATIONS[name].backward(backend.asarray(np.ones(4, np.float32)), cache)


@every_activation
def test_refuses_integers(backend, name):
    with pytest.raises(InputError, match=f"{name}: x must be real floating; got dtype .*int32"):
        ACTIVATIONS[name].forward(backend.asarray(np.ones((3, 4), np.int32)))


@every_activation
def test_refuses_arrays_of_two_libraries(name):
    torch = pytest.importorskip("torch")
    _, cache = ACTIVATIONS[name].forward(np.ones((3, 4)))
    with pytest.raises(InputError, match=r"torch\.Tensor"):
        ACTIVATIONS[name].backward(torch.ones((3, 4)), cache)


@pytest.mark.parametrize("slope", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_refuses_a_slope_that_is_no_leak(slope):
    with pytest.raises(InputError, match=f"slope must be between 0 and 1; got {slope}: use relu"):
        leaky_relu_forward(np.ones(2), slope=slope)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("inf"), float("nan")])
def test_refuses_an_alpha_that_is_not_positive(alpha):
    with pytest.raises(InputError, match=f"alpha must be positive and finite; got {alpha}"):
        elu_forward(np.ones(2), alpha=alpha)


@pytest.mark.parametrize("threshold", [0.0, -1.0, float("inf"), float("nan")])
def test_refuses_a_threshold_that_is_not_positive(threshold):
    with pytest.raises(InputError, match=f"positive and finite; got {threshold}: use identity"):
        hardshrink_forward(np.ones(2), threshold=threshold)


class TestGetActivation:
    def test_finds_each(self):
        assert {name: get_activation(name) for name in ACTIVATIONS} == ACTIVATIONS
        assert get_activation("tanh").forward is tanh_forward
        assert get_activation("tanh").backward is tanh_backward
        assert get_activation("sigmoid").backward is sigmoid_backward

    def test_each_has_an_initializer(self):
        found = {name: activation.initializer_name for name, activation in ACTIVATIONS.items()}
        assert set(found.values()) <= set(INITIALIZERS)
        assert [name for name, chosen in found.items() if chosen == "kaiming"] == [
            "relu",
            "leaky_relu",
            "elu",
            "gelu",
            "mish",
        ]

    @every_activation
    def test_says_whether_it_keeps_zero(self, backend, name):
        out, _ = ACTIVATIONS[name].forward(backend.asarray(np.float32([0.0, -0.0])))
        assert (backend.to_numpy(out) == 0.0).tolist() == [ACTIVATIONS[name].keeps_zero] * 2

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("Relu", r" \(did you mean relu\?\)"),
            ("leakyrelu", r" \(did you mean leaky_relu\?\)"),
            ("sigmiod", r" \(did you mean sigmoid\?\)"),
            ("selo", r" \(did you mean selu\?\)"),
            ("arctan", ""),
            (None, ""),
            (3, ""),
            (["relu"], ""),
        ],
    )
    def test_refuses_another(self, name, hint):
        with pytest.raises(InputError, match=rf"unknown activation .*{hint}: choose one of relu, "):
            get_activation(name)
