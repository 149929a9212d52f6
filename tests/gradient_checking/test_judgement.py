"""Kinks, sizes and rounding: what is right, what is wrong, and what is left out."""

import math

import numpy as np
import pytest

from xpnet import gradient_check
from xpnet.gradient_checking.judgement import relative_error
from xpnet.layers import affine_relu_backward, affine_relu_forward, relu_backward, relu_forward
from xpnet.losses import softmax_loss, svm_loss

FACTORS = [1.0 + 1e-5, 1.0 + 1e-3, 2.0, -1.0, 0.0]


def times(factor, function, backward):
    """Return the pair, or the loss, with its gradients that many times what they are."""

    def scaled(gradients):
        many = isinstance(gradients, tuple)
        return tuple(factor * g for g in gradients) if many else factor * gradients

    if backward is not None:
        return function, lambda dout, cache: scaled(backward(dout, cache))

    def with_value(**inputs):
        value, gradients = function(**inputs)
        return value, scaled(gradients)

    return with_value, None


def leaky_forward(x):
    return np.maximum(0.01 * x, x), x


def leaky_backward(dout, x):
    return np.where(x > 0, dout, 0.01 * dout)


def maxout_forward(x):
    return np.max(x, axis=-1), x


def maxout_backward(dout, x):
    first = np.arange(x.shape[-1]) == np.argmax(x, axis=-1)[..., None]
    return first * dout[..., None]


def absolute(x):
    return np.sum(np.abs(x)), np.where(x < 0, -1.0, 1.0)


KINKED = {
    "relu": (relu_forward, relu_backward),
    "leaky": (leaky_forward, leaky_backward),
    "absolute": (absolute, None),
}


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize("at", [0.0, -0.0])
def test_a_kink_is_left_out_and_counted(name, at):
    report = gradient_check(*KINKED[name], {"x": np.asarray([1.0, at, -2.0, 0.5])})
    assert report.ok, report
    assert (report.inputs["x"].checked, report.inputs["x"].kinks) == (3, 1)
    assert "3 of 3 entries right, 1 left out at kinks" in str(report)


def test_a_kink_nearer_than_rounding_shows_is_left_out():
    found = gradient_check(absolute, None, {"x": np.asarray([1.0, 1e-12, -2.0])}).inputs["x"]
    assert (found.checked, found.wrong, found.kinks) == (2, 0, 1)


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize("at", [2e-7, -1e-6, 3e-6, -9e-6, 1e-5, 1.1e-5])
def test_near_a_kink_narrower_steps_tell_right_from_wrong(name, at):
    x = {"x": np.asarray([1.0, at, -2.0, 0.5])}
    right = gradient_check(*KINKED[name], x)
    assert right.ok, right
    assert right.inputs["x"].checked == 4
    found = gradient_check(*times(2.0, *KINKED[name]), x).inputs["x"]
    dead = (1 + (at < 0)) if name == "relu" else 0  # twice 0 is right
    assert (found.wrong, found.kinks) == (4 - dead, 0)


def test_ties_of_the_maximum_are_kinks():
    x = np.asarray([[1.0, 2.0, 2.0], [0.5, -1.0, 3.0], [2.0, 2.0 + 1e-9, -1.0]])
    found = gradient_check(maxout_forward, maxout_backward, {"x": x}).inputs["x"]
    assert (found.checked, found.wrong, found.kinks) == (5, 0, 4)


def test_svm_margins_at_their_kink():
    # Row 0: class 1 is exactly delta below the label, so that it and the label have a kink.
    x = np.asarray([[2.0, 1.0, -3.0], [0.3, 0.1, 0.7]])
    found = gradient_check(svm_loss, None, {"x": x, "y": np.asarray([0, 2])}).inputs["x"]
    assert (found.checked, found.wrong, found.kinks) == (4, 0, 2)


def test_several_kinks_in_one_point(rng):
    # A sample of zeros and no bias: every hidden unit is at its kink, and the derivative by x is
    # that of some units' left and of others' right side.
    x = rng.standard_normal((4, 3))
    x[1] = 0.0
    inputs = {"x": x, "w": rng.standard_normal((3, 20)), "b": np.zeros(20)}
    report = gradient_check(affine_relu_forward, affine_relu_backward, inputs)
    assert [found.wrong for found in report.inputs.values()] == [0, 0, 0]
    assert [found.kinks for found in report.inputs.values()] == [3, 0, 20]
    assert not report.ok  # as b could not be checked anywhere
    assert gradient_check(affine_relu_forward, affine_relu_backward, inputs, wrt=["x", "w"]).ok


def test_what_is_at_kinks_throughout_is_not_checked():
    report = gradient_check(relu_forward, relu_backward, {"x": np.zeros((2, 3))})
    assert not report.ok
    assert "x: NOT CHECKED: all 6 entries lie at kinks" in str(report)


def test_a_jump_is_no_kink():
    report = gradient_check(lambda x: (np.sum(x > 0) + 0.0, 0.0 * x), None, {"x": np.zeros(2)})
    assert report.inputs["x"].wrong == 2
    # Nor does it hide the other entries, whose derivative is small beside it.
    report = gradient_check(
        lambda x: (np.sum(x > 0) + np.sum(x), 1.001 * np.ones(3)),
        None,
        {"x": np.asarray([0.0, 1.0, -1.0])},
    )
    assert report.inputs["x"].wrong == 3


# Smooth functions of one input, their derivatives, and where to look: some sharp, some of large or
# tiny inputs or values, some that round numbers larger than they return.
SMOOTH = {
    "square": (lambda x: x * x, lambda x: 2.0 * x, lambda rng: rng.standard_normal(12)),
    "line": (lambda x: 3.0 * x, lambda x: 3.0 + 0.0 * x, lambda rng: rng.standard_normal(12)),
    "tanh": (np.tanh, lambda x: 1.0 - np.tanh(x) ** 2, lambda rng: 3.0 * rng.standard_normal(12)),
    "exp": (np.exp, np.exp, lambda rng: rng.uniform(-8.0, 8.0, 12)),
    "exp of large": (np.exp, np.exp, lambda rng: rng.uniform(290.0, 300.0, 12)),
    "large values": (
        lambda x: 1e6 + x * x,
        lambda x: 2.0 * x,
        lambda rng: rng.uniform(1.0, 2.0, 12),
    ),
    "tiny values": (
        lambda x: 1e-6 * np.sin(x),
        lambda x: 1e-6 * np.cos(x),
        lambda rng: rng.standard_normal(12),
    ),
    "large inputs": (
        lambda x: x * x,
        lambda x: 2.0 * x,
        lambda rng: 1e6 * rng.uniform(1.0, 2.0, 12),
    ),
    "huge inputs": (np.log, lambda x: 1.0 / x, lambda rng: 10.0 ** rng.uniform(15.0, 20.0, 12)),
    "tiny inputs": (np.log, lambda x: 1.0 / x, lambda rng: 10.0 ** rng.uniform(-9.0, -4.0, 12)),
    "inverse": (lambda x: 1.0 / x, lambda x: -1.0 / x**2, lambda rng: 1e-6 * rng.uniform(1, 2, 12)),
    "sharp": (
        lambda x: np.sin(1e4 * x),
        lambda x: 1e4 * np.cos(1e4 * x),
        lambda rng: rng.standard_normal(12),
    ),
    "cancelling": (
        lambda x: (x + 1e6) - 1e6,
        lambda x: 1.0 + 0.0 * x,
        lambda rng: rng.standard_normal(12),
    ),
}


def pair(name):
    value, derivative, draw = SMOOTH[name]
    return (lambda x: (value(x), x)), (lambda dout, x: dout * derivative(x)), draw


@pytest.mark.parametrize("name", SMOOTH)
def test_a_right_gradient_of_a_smooth_function_is_right(rng, name):
    forward, backward, draw = pair(name)
    report = gradient_check(forward, backward, {"x": draw(rng)})
    assert report.ok, report
    assert report.inputs["x"].kinks == 0


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("factor", FACTORS)
def test_a_wrong_gradient_of_a_smooth_function_is_never_a_kink(rng, name, factor):
    forward, backward, draw = pair(name)
    found = gradient_check(*times(factor, forward, backward), {"x": draw(rng)}).inputs["x"]
    assert (found.checked, found.kinks) == (12, 0)
    if abs(factor - 1.0) > 1e-4:
        # What is far smaller than the largest gradient is held against that.
        assert found.wrong == 12 or (factor == 1.001 and found.wrong > 4)


@pytest.mark.parametrize(("factor", "wrong"), [(1.0 + 1e-7, 0), (1.0 + 1e-5, 12)])
def test_the_tolerance_is_where_it_says(rng, factor, wrong):
    square = times(factor, lambda x: (x * x, x), lambda dout, x: 2.0 * dout * x)
    found = gradient_check(*square, {"x": rng.uniform(1.0, 2.0, 12)}).inputs["x"]
    assert found.wrong == wrong


def test_sizes_of_a_layer_that_differ_by_orders(rng):
    # Gradients by x of 1e-6 beside gradients by b of 1: outputs near 1e3.
    inputs = {
        "x": rng.standard_normal((3, 4)),
        "w": 1e-6 * rng.standard_normal((4, 5)),
        "b": 1e3 * rng.standard_normal(5),
    }
    report = gradient_check(affine_relu_forward, affine_relu_backward, inputs)
    assert report.ok, report
    wrong = gradient_check(*times(2.0, affine_relu_forward, affine_relu_backward), inputs)
    assert [found.ok for found in wrong.inputs.values()] == [False] * 3


def test_zero_gradients_are_right(rng):
    x = rng.standard_normal((3, 4))
    constant = gradient_check(lambda x: (np.ones(3), x), lambda dout, x: 0.0 * x, {"x": x})
    assert constant.ok
    assert constant.inputs["x"].largest_error == 0.0
    # Zero but for rounding: softmax does not see a shift, nor batch normalisation a bias.
    y = np.asarray([0, 3, 1])

    def shifted(shift):
        loss, dx = softmax_loss(x + shift, y)
        return loss, np.sum(dx, axis=-1, keepdims=True)

    assert gradient_check(shifted, None, {"shift": rng.standard_normal((3, 1))}).ok


def test_entries_of_all_sizes_in_one_gradient(rng):
    # Confident scores beside doubtful ones: gradients from 1e-1 down to 1e-12.
    x = rng.standard_normal((20, 6)) * np.linspace(0.1, 12.0, 20)[:, None]
    inputs = {"x": x, "y": rng.integers(0, 6, 20)}
    assert gradient_check(softmax_loss, None, inputs, max_entries=None).ok


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_no_number_is_wrong(bad):
    x = np.asarray([1.0, 2.0, 0.0])
    gradient = np.asarray([2.0, bad, bad])
    found = gradient_check(lambda x: (np.sum(x * x), gradient), None, {"x": x}).inputs["x"]
    assert (found.wrong, found.kinks, found.largest_error) == (2, 0, math.inf)
    assert found.numeric == pytest.approx(4.0)


def test_a_function_that_is_nowhere_else_defined():
    def at_one(x):
        return np.sum(np.where(x == 1.0, 1.0, np.nan)), np.ones(2)

    found = gradient_check(at_one, None, {"x": np.ones(2)}).inputs["x"]
    assert found.wrong == 2
    assert math.isnan(found.numeric)


def test_a_wider_step_sees_what_rounding_hides():
    def far_above(x):
        return 1e9 + np.sum(x), 1.001 * np.ones(2)

    assert gradient_check(far_above, None, {"x": np.ones(2)}).ok
    assert gradient_check(far_above, None, {"x": np.ones(2)}, step=0.1).inputs["x"].wrong == 2


def test_relative_error():
    assert relative_error(0.0, 0.0, 0.0) == 0.0
    assert relative_error(3.0, 1.0, 0.0) == 0.5
    assert relative_error(3.0, 1.0, 8.0) == 0.25
    assert relative_error(1.0, -1.0, 0.0) == 1.0
    for a, n in ((math.nan, 1.0), (1.0, math.inf), (math.inf, math.inf)):
        assert relative_error(a, n, 1.0) == math.inf
