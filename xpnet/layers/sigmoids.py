"""The functions that saturate on both sides: the logistic sigmoid and tanh."""

from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace
from xpnet.layers.checks import check_dout, floating_namespace

__all__ = [
    "SigmoidCache",
    "TanhCache",
    "sigmoid_backward",
    "sigmoid_forward",
    "tanh_backward",
    "tanh_forward",
]


class SigmoidCache(NamedTuple):
    """What the backward pass of the sigmoid needs."""

    out: Array  # the output, of the input's shape


class TanhCache(NamedTuple):
    """What the backward pass of tanh needs."""

    out: Array  # the output, of the input's shape


def sigmoid_forward(x: Array, *, xp: Any = None) -> tuple[Array, SigmoidCache]:
    """Return 1 / (1 + exp(-x)), for `x` of any shape, and the cache. NaN stays NaN.

    Taken as exp(-|x|) / (1 + exp(-|x|)) or, for positive x, 1 / (1 + exp(-|x|)). Neither overflows,
    and both keep all digits of an output near 0, where (1 + tanh(x / 2)) / 2 cancels them: at
    x = -20 that is 0 in float32, not 2e-9.

    Raises:
        InputError: `x` holds no real floating numbers.

    Reference: D. Rumelhart, G. Hinton and R. Williams, "Learning representations by
    back-propagating errors", Nature 323, 1986, equation 2.

    """
    xp = floating_namespace("sigmoid", x=x) if xp is None else xp
    decay = xp.exp(-xp.abs(x))  # NaN where x is, so that the comparison below cannot hide it
    out = xp.where(x < 0, decay, 1.0) / (1.0 + decay)
    return out, SigmoidCache(out)


def sigmoid_backward(dout: Array, cache: SigmoidCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: out (1 - out) dout, a quarter of `dout` at most.

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    if xp is None:
        array_namespace(dout, cache.out)
        check_dout("sigmoid", dout, cache.out.shape)
    return dout * (cache.out * (1.0 - cache.out))


def tanh_forward(x: Array, *, xp: Any = None) -> tuple[Array, TanhCache]:
    """Return tanh(x), for `x` of any shape, and the cache. NaN stays NaN.

    It is a sigmoid, scaled and centred: tanh(x) = 2 sigmoid(2 x) - 1.

    Raises:
        InputError: `x` holds no real floating numbers.

    Reference: Y. LeCun et al., "Efficient BackProp", Neural Networks: Tricks of the Trade, 1998,
    section 4.4.

    """
    xp = floating_namespace("tanh", x=x) if xp is None else xp
    out = xp.tanh(x)
    return out, TanhCache(out)


def tanh_backward(dout: Array, cache: TanhCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: (1 - out^2) dout.

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    if xp is None:
        array_namespace(dout, cache.out)
        check_dout("tanh", dout, cache.out.shape)
    return dout * (1.0 - cache.out * cache.out)
