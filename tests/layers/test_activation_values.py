"""What the papers say of SELU, GELU, Mish and hardshrink, their digits, and 16 bits."""

import math

import numpy as np
import pytest

from xpnet.layers import (
    ACTIVATIONS,
    gelu_backward,
    gelu_forward,
    hardshrink_backward,
    hardshrink_forward,
    mish_backward,
    mish_forward,
    selu_backward,
    selu_forward,
)

WIDE = np.linspace(-12.0, 12.0, 2_400_001)  # a normal number lies outside with probability 4e-33


def moments(name):
    """Return the mean and the mean square of f(z) for a standard normal z, by a sum."""
    f, _ = ACTIVATIONS[name].forward(WIDE)
    density = np.exp(-(WIDE**2) / 2) / math.sqrt(2 * math.pi) * (WIDE[1] - WIDE[0])
    return float(np.sum(f * density)), float(np.sum(f**2 * density))


def test_selu_keeps_mean_zero_and_variance_one():
    # The fixed point from which the paper derives the constants.
    np.testing.assert_allclose(moments("selu"), [0.0, 1.0], atol=1e-9)


def test_selus_constants_are_those_of_the_paper():
    # Its closed form, in the complementary error function.
    half, two = math.erfc(math.sqrt(0.5)), math.erfc(math.sqrt(2.0))
    alpha = -math.sqrt(2 / math.pi) / (half * math.exp(0.5) - 1)
    inside = two * math.exp(2) * 2 + math.pi * half**2 * math.e
    inside += -2 * (2 + math.pi) * half * math.exp(0.5) + math.pi + 2
    scale = (1 - half * math.exp(0.5)) * math.sqrt(2 * math.pi / inside)
    out, cache = selu_forward(np.asarray([1.0, -1e9]))
    np.testing.assert_allclose(out, [scale, -scale * alpha], rtol=1e-14)
    np.testing.assert_allclose(selu_backward(np.ones(2), cache), [scale, 0.0], rtol=1e-14)
    assert (round(scale, 4), round(alpha, 4)) == (1.0507, 1.6733)


@pytest.mark.parametrize("name", ["selu", "gelu", "mish", "hardshrink"])
def test_the_initializer_keeps_the_mean_square_best(name):
    gain = {"xavier": 1.0, "kaiming": 2.0}
    square = moments(name)[1]
    best = min(gain, key=lambda kind: abs(math.log(gain[kind] * square)))
    assert ACTIVATIONS[name].initializer_name == best
    assert 0.8 < gain[best] * square < 1.2


def test_gelu_is_near_the_gaussian_distribution():
    x = np.linspace(-8.0, 8.0, 1601)
    known = np.asarray([t * math.erfc(-t / math.sqrt(2)) / 2 for t in x])
    off = np.abs(gelu_forward(x)[0] - known)
    assert 4e-4 < off.max() < 5e-4  # it is the approximation, and not the distribution itself


@pytest.mark.parametrize(
    ("name", "at", "least"), [("gelu", -0.7525, -0.17), ("mish", -1.192, -0.31)]
)
def test_where_the_smooth_ones_are_least(name, at, least):
    x = np.linspace(-3.0, 0.0, 300_001)
    out, cache = ACTIVATIONS[name].forward(x)
    assert abs(x[np.argmin(out)] - at) < 2e-3
    assert round(float(out.min()), 2) == least
    slopes = ACTIVATIONS[name].backward(np.ones_like(x), cache)
    np.testing.assert_array_equal(slopes[:-1] < 0, x[:-1] < x[np.argmin(out)])


def test_hardshrink_by_hand(backend, also_jitted):
    above = np.nextafter(np.float32(0.5), np.float32(1.0))
    x = np.float32([-2.0, -above, -0.5, -0.0, 0.25, 0.5, above, 3.0])
    kept = np.asarray([1, 1, 0, 0, 0, 0, 1, 1])
    dout = np.arange(1.0, 9.0, dtype=np.float32)
    for forward, backward in zip(
        also_jitted(hardshrink_forward), also_jitted(hardshrink_backward), strict=True
    ):
        out, cache = forward(backend.asarray(x))
        np.testing.assert_array_equal(backend.to_numpy(out), x * kept)
        dx = backend.to_numpy(backward(backend.asarray(dout), cache))
        np.testing.assert_array_equal(dx, dout * kept)


@pytest.mark.parametrize(
    ("forward", "backward", "x"),
    [
        (gelu_forward, gelu_backward, [-4.9, -3.0, -1.5, -0.1, 0.1, 2.0, 4.9]),
        (mish_forward, mish_backward, [-80.0, -20.0, -5.0, -0.1, 0.1, 3.0, 8.0, 20.0]),
        (selu_forward, selu_backward, [-5.0, -1e-6, 1e-6, 1e-20, 5.0]),
    ],
)
def test_float32_has_the_digits_of_float64(backend, also_jitted, forward, backward, x):
    """Also where the output is near 0, for which the forms by the tangent have none left."""
    host = np.float32(x)
    out, cache = forward(host.astype(np.float64))
    slope = backward(np.ones_like(out), cache)
    for start, back in zip(also_jitted(forward), also_jitted(backward), strict=True):
        found, cache = start(backend.asarray(host))
        np.testing.assert_allclose(backend.to_numpy(found), out, rtol=5e-6)
        dx = back(backend.asarray(np.ones_like(host)), cache)
        np.testing.assert_allclose(backend.to_numpy(dx), slope, rtol=5e-6, atol=1e-7)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_sixteen_bits_neither_overflow_nor_warn(name):
    x = np.concatenate([np.linspace(-12.0, 12.0, 801), [-6e4, 6e4]]).astype(np.float16)
    activation = ACTIVATIONS[name]
    known, cache = activation.forward(x.astype(np.float64))
    slopes = activation.backward(np.ones_like(known), cache)
    out, cache = activation.forward(x)
    np.testing.assert_allclose(out, known.astype(np.float16), rtol=2e-3, atol=2e-3)
    dx = activation.backward(np.ones_like(x), cache)
    assert out.dtype == dx.dtype == np.float16
    np.testing.assert_allclose(dx, slopes, rtol=4e-3, atol=4e-3)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_bfloat16_stays_finite(name):
    torch = pytest.importorskip("torch")
    x = torch.tensor([-3e38, -100.0, -4.0, 0.0, 4.5, 100.0, 3e37], dtype=torch.bfloat16)
    out, cache = ACTIVATIONS[name].forward(x)
    dx = ACTIVATIONS[name].backward(torch.ones_like(x), cache)
    assert out.dtype == dx.dtype == torch.bfloat16
    assert bool(torch.isfinite(out).all() and torch.isfinite(dx).all())
    known, _ = ACTIVATIONS[name].forward(x.double())
    torch.testing.assert_close(out.double(), known, rtol=1e-2, atol=1e-2)
