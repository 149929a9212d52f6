"""The smooth kin of ReLU, which multiply the input by a gate between 0 and 1: GELU and Mish."""

import math
from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace
from xpnet.layers.checks import check_dout, floating_namespace

__all__ = [
    "GeluCache",
    "MishCache",
    "gelu_backward",
    "gelu_forward",
    "mish_backward",
    "mish_forward",
]

_LINEAR = 2.0 * math.sqrt(2.0 / math.pi)
_CUBIC = 0.044715 * _LINEAR


class GeluCache(NamedTuple):
    """What the backward pass of GELU needs, each of the input's shape."""

    z: Array  # the input, bounded
    square: Array  # z^2
    total: Array  # 1 + exp(2 v), v as in `gelu_forward`
    gate: Array  # sigmoid(2 v)


class MishCache(NamedTuple):
    """What the backward pass of Mish needs, each of the input's shape."""

    z: Array  # the input, bounded
    growth: Array  # exp(z)
    part: Array  # exp(z) (exp(z) + 2)
    total: Array  # part + 2


def _bounded(x: Array, low: float, high: float, high_in_half: float, xp: Any) -> tuple[Array, ...]:
    """Return max(x, low), and this bounded from above, so that no exponential overflows.

    At the bounds a gate is 0 or 1 to the last digit of float64, or where the bound from above is
    the other, of float16. Below, what the gate multiplies is bounded too: -inf times 0 is NaN.
    """
    floored = xp.maximum(x, low)
    bound = high if xp.finfo(x.dtype).bits >= 32 else high_in_half
    return floored, xp.minimum(floored, bound)


def gelu_forward(x: Array, *, xp: Any = None) -> tuple[Array, GeluCache]:
    """Return x P(Z < x) for a standard normal Z, nearly, for `x` of any shape, and the cache.

    This is the paper's approximation x (1 + tanh(v)) / 2, v = sqrt(2 / pi) (x + 0.044715 x^3),
    within 5e-4 of it: the normal distribution needs the error function, which the array API
    standard lacks. It is taken as x sigmoid(2 v), the same number, which keeps the digits of an
    output near 0, where 1 + tanh(v) cancels them. NaN stays NaN.

    Raises:
        InputError: `x` holds no real floating numbers.

    Reference: D. Hendrycks and K. Gimpel, "Gaussian error linear units (GELUs)", arXiv 1606.08415,
    2016, section 2.

    """
    xp = floating_namespace("gelu", x=x) if xp is None else xp
    floored, z = _bounded(x, -25.0, 10.0, 4.0, xp)
    square = z * z
    growth = xp.exp(z * (_LINEAR + _CUBIC * square))
    total = 1.0 + growth
    gate = growth / total
    return floored * gate, GeluCache(z, square, total, gate)


def gelu_backward(dout: Array, cache: GeluCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: gate (1 + 2 x v' (1 - gate)) dout.

    gate = sigmoid(2 v), with v of the forward pass, and v' = sqrt(2 / pi) (1 + 0.134145 x^2).

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    z, square, total, gate = cache
    if xp is None:
        array_namespace(dout, z)
        check_dout("gelu", dout, z.shape)
    # 1 - gate is 1 / total, which keeps its digits where the gate is near 1.
    return dout * (gate * (1.0 + z * (_LINEAR + 3.0 * _CUBIC * square) / total))


def mish_forward(x: Array, *, xp: Any = None) -> tuple[Array, MishCache]:
    """Return x tanh(log(1 + exp(x))), for `x` of any shape, and the cache. NaN stays NaN.

    As tanh(log(a)) is (a^2 - 1) / (a^2 + 1), with e = exp(x) it is x n / (n + 2), n = e (e + 2):
    one exponential instead of three such functions, and no digit is cancelled.

    Raises:
        InputError: `x` holds no real floating numbers.

    Reference: D. Misra, "Mish: a self regularized non-monotonic neural activation function", arXiv
    1908.08681, 2019.

    """
    xp = floating_namespace("mish", x=x) if xp is None else xp
    floored, z = _bounded(x, -750.0, 25.0, 5.0, xp)
    growth = xp.exp(z)
    part = growth * (growth + 2.0)
    total = part + 2.0
    return floored * (part / total), MishCache(z, growth, part, total)


def mish_backward(dout: Array, cache: MishCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: (n + 4 x (n - e) / (n + 2)) / (n + 2) dout.

    e = exp(x), n = e (e + 2), as in the forward pass; (n - e) is e (1 + e).

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    z, growth, part, total = cache
    if xp is None:
        array_namespace(dout, z)
        check_dout("mish", dout, z.shape)
    return dout * ((part + 4.0 * z * ((part - growth) / total)) / total)
