import numpy as np
import pytest

from xpnet.layers import draw_dropout, keep_threshold
from xpnet.nets import Variables
from xpnet.nets.hidden import HiddenLayer

RATIO = 0.5


@pytest.fixture
def parts(rng):
    """Inputs, variables and terms of layer 2, with numbers that hide no part."""
    shapes = {"W2": (4, 3), "b2": (3,), "gamma2": (3,), "beta2": (3,)}
    params = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    state = {"running_mean2": rng.standard_normal(3), "running_var2": 0.5 + rng.random(3)}
    terms = {
        "dropout2": draw_dropout(1, 0, [(6, 3)])[0],
        "keep_ratio": RATIO,
        "keep_threshold": keep_threshold(RATIO),
    }
    return rng.standard_normal((6, 4)), Variables(params, state), terms


def test_the_parts_follow_in_their_order(parts):
    x, variables, terms = parts
    (w, b, gamma, beta), (mean, var) = (part.values() for part in variables)
    layer = HiddenLayer(2, "elu", "batchnorm")
    units = x @ w + b
    normalised = gamma * (units - units.mean(axis=0)) / np.sqrt(units.var(axis=0) + 1e-5) + beta
    active = np.where(normalised > 0, normalised, np.exp(normalised) - 1)
    kept = terms["dropout2"] < 0
    out, _, following = layer.forward(x, variables, terms, np)
    np.testing.assert_allclose(out, active * kept / RATIO, rtol=1e-12)
    known = {
        "running_mean2": 0.9 * mean + 0.1 * units.mean(axis=0),
        "running_var2": 0.9 * var + 0.1 * units.var(axis=0),
    }
    assert list(following) == list(known)
    for name, x_next in following.items():
        np.testing.assert_allclose(x_next, known[name], rtol=1e-12)


def test_in_testing_the_running_numbers_count_and_nothing_is_dropped(parts):
    x, variables, _ = parts
    (w, b, gamma, beta), (mean, var) = (part.values() for part in variables)
    layer = HiddenLayer(2, "tanh", "batchnorm")
    out, _, following = layer.forward(x, variables, None, np)
    known = np.tanh(gamma * (x @ w + b - mean) / np.sqrt(var + 1e-5) + beta)
    np.testing.assert_allclose(out, known, rtol=1e-12)
    for name, same in following.items():
        assert same is variables.state[name]


def test_without_draws_nothing_is_dropped(parts):
    x, variables, _ = parts
    layer = HiddenLayer(2, "sigmoid", None)
    out, cache, following = layer.forward(x, variables, {"reg": 0.0}, np)
    known = 1 / (1 + np.exp(-(x @ variables.params["W2"] + variables.params["b2"])))
    np.testing.assert_allclose(out, known, rtol=1e-12)
    assert (cache.norm, cache.dropout, following) == (None, None, {})


def test_a_bias_before_batchnorm_stays_where_it_is(parts, rng):
    """Its gradient is 0, and no rounding, of which Adam would make steps as large as any."""
    x, variables, terms = parts
    for normalization, idle in (("batchnorm", True), ("layernorm", False), (None, False)):
        layer = HiddenLayer(2, "tanh", normalization)
        out, cache, _ = layer.forward(x, variables, terms, np)
        _, grads = layer.backward(rng.standard_normal(out.shape), cache, is_first=True, xp=np)
        assert grads["b2"].shape == (3,)
        assert (grads["b2"] == 0).all() == idle
    variables.params.update(W2=rng.standard_normal((2, 4, 3)), b2=rng.standard_normal((2, 3)))
    layer = HiddenLayer(2, "maxout", "batchnorm")  # which piece wins depends on its bias
    out, cache, _ = layer.forward(x, variables, terms, np)
    _, grads = layer.backward(rng.standard_normal(out.shape), cache, is_first=True, xp=np)
    assert (grads["b2"] != 0).all()
    np.testing.assert_allclose(grads["b2"].sum(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "maxout"])
def test_the_first_layer_leaves_out_the_gradient_by_its_input(parts, rng, activation):
    x, variables, terms = parts
    if activation == "maxout":
        variables.params.update(W2=rng.standard_normal((2, 4, 3)), b2=rng.standard_normal((2, 3)))
    layer = HiddenLayer(2, activation, "batchnorm")
    out, cache, _ = layer.forward(x, variables, terms, np)
    dout = rng.standard_normal(out.shape)
    dx, grads = layer.backward(dout, cache, is_first=False, xp=np)
    none, same = layer.backward(dout, cache, is_first=True, xp=np)
    assert none is None
    assert dx.shape == x.shape
    assert grads.keys() == same.keys() == variables.params.keys()
    for name, grad in grads.items():
        assert grad.shape == variables.params[name].shape
        np.testing.assert_array_equal(grad, same[name])
