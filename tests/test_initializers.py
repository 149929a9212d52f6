import math

import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.initializers import (
    INITIALIZERS,
    draw_weights,
    gaussian,
    get_initializer,
    kaiming,
    xavier,
    zeros,
)
from xpnet.nets import FullyConnectedNet
from xpnet.streams import stream

SHAPE = (200, 300)
STD = {
    "gaussian": 1e-3,
    "xavier": math.sqrt(1.0 / 200.0),
    "kaiming": math.sqrt(2.0 / 200.0),
    "zeros": 0.0,
}


def test_the_table_has_every_initializer():
    assert {
        "gaussian": gaussian,
        "xavier": xavier,
        "kaiming": kaiming,
        "zeros": zeros,
    } == INITIALIZERS
    assert set(INITIALIZERS) == set(STD)


@pytest.mark.parametrize("name", list(STD))
def test_mean_and_spread(name):
    weights = get_initializer(name)(stream(0, "weights", 1), SHAPE)
    assert (weights.shape, weights.dtype) == (SHAPE, np.float64)
    # Five standard errors: of a mean std / sqrt(n), of a standard deviation std / sqrt(2 n).
    count = weights.size
    assert abs(weights.mean()) <= 5.0 * STD[name] / math.sqrt(count)
    assert abs(weights.std() - STD[name]) <= 5.0 * STD[name] / math.sqrt(2.0 * count)


@pytest.mark.parametrize("name", ["gaussian", "xavier", "kaiming"])
def test_weights_are_normal(name):
    scaled = INITIALIZERS[name](stream(0, "weights", 1), SHAPE) / STD[name]
    for within, share in ((1.0, 0.682689), (2.0, 0.954500), (3.0, 0.997300)):
        assert abs(np.mean(np.abs(scaled) < within) - share) < 0.01


@pytest.mark.parametrize(("name", "gain"), [("xavier", 1.0), ("kaiming", 2.0)])
@pytest.mark.parametrize("shape", [(50, 400), (400, 50)])
def test_scale_follows_the_inputs_not_the_outputs(name, gain, shape):
    weights = INITIALIZERS[name](stream(1, "weights", 1), shape)
    assert abs(weights.var() * shape[0] / gain - 1.0) < 0.1


def test_kaiming_keeps_the_size_of_a_relu_layers_output(rng):
    x = rng.standard_normal((500, 400))
    hidden = np.maximum(x @ kaiming(stream(0, "weights", 1), (400, 400)), 0.0)
    assert abs(np.mean(hidden**2) - 1.0) < 0.1


@pytest.mark.parametrize("given", [None, "gaussian"])
def test_gaussian_takes_the_scale(given):
    base = stream(0, "weights", 1).standard_normal(SHAPE)
    default = get_initializer(given)(stream(0, "weights", 1), SHAPE)
    wide = get_initializer(given, 0.5)(stream(0, "weights", 1), SHAPE)
    np.testing.assert_array_equal(default, 1e-3 * base)
    np.testing.assert_array_equal(wide, 0.5 * base)


def test_a_callable_passes_through():
    def ones(_rng, shape):
        return np.ones(shape)

    assert get_initializer(ones) is ones
    assert get_initializer(kaiming) is kaiming


@pytest.mark.parametrize("given", ["he", "", 3, ["xavier"]])
def test_refuses_an_unknown_initializer(given):
    with pytest.raises(InputError) as caught:
        get_initializer(given)
    for text in (repr(given), *STD):
        assert text in str(caught.value)


def test_draws_each_layer_from_its_own_stream():
    for layer, shape in ((1, (4, 3)), (2, (3, 3))):
        known = 1e-3 * stream(7, "weights", layer).standard_normal(shape)
        np.testing.assert_array_equal(draw_weights(gaussian, shape, None, 7, layer), known)
    other = draw_weights(gaussian, (3, 3), None, 8, 2)
    assert not np.any(other == known)


def test_draws_each_piece_by_itself():
    known = 1e-3 * stream(7, "weights", 1).standard_normal((2, 4, 3))
    np.testing.assert_array_equal(draw_weights(gaussian, (4, 3), 2, 7, 1), known)


@pytest.mark.parametrize("wrong", [(3, 4), (4,), (4, 3, 1), ()])
def test_refuses_weights_of_another_shape(wrong):
    with pytest.raises(InputError) as caught:
        draw_weights(lambda _rng, _shape: np.zeros(wrong), (4, 3), None, 0, 1)
    assert f"shape (4, 3); got {wrong}" in str(caught.value)


def test_takes_any_number_type():
    weights = draw_weights(lambda _rng, shape: np.ones(shape, np.float32), (2, 2), None, 0, 1)
    assert weights.dtype == np.float64


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "selu", "maxout", "identity"])
def test_the_fitting_one_keeps_the_mean_square_by_depth(activation, rng):
    """Of the larger of two maxout pieces it is that of either, so that Kaiming would double it."""
    net = FullyConnectedNet([400] * 8, 400, 400, activation=activation)
    x = rng.normal(size=(100, 400)).astype(np.float32)
    scores = net.loss(x) / (math.sqrt(2.0) if "relu" in activation else 1.0)
    assert 0.5 < np.mean(scores**2) < 2.0
