"""ReLU and its kin: the identity for positive inputs, each with its own answer to negative ones."""

from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError
from xpnet.layers.checks import check_dout, floating_namespace

__all__ = [
    "EluCache",
    "LeakyReluCache",
    "ReluCache",
    "SeluCache",
    "elu_backward",
    "elu_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "relu_backward",
    "relu_forward",
    "selu_backward",
    "selu_forward",
]

# The constants of the paper, in double precision.
_SELU_SCALE = 1.0507009873554804934
_SELU_DEPTH = _SELU_SCALE * 1.6732632423543772848  # how far below 0 it goes


class ReluCache(NamedTuple):
    """What the backward pass of ReLU needs."""

    x: Array  # the input, of any shape


class LeakyReluCache(NamedTuple):
    """What the backward pass of leaky ReLU needs."""

    x: Array  # the input, of any shape
    slope: float


class EluCache(NamedTuple):
    """What the backward pass of ELU needs."""

    out: Array  # the output, of the input's shape
    alpha: float


class SeluCache(NamedTuple):
    """What the backward pass of SELU needs."""

    out: Array  # the output, of the input's shape


def relu_forward(x: Array, *, xp: Any = None) -> tuple[Array, ReluCache]:
    """Return max(x, 0), for `x` of any shape, and the cache. NaN stays NaN.

    Raises:
        InputError: `x` holds no real floating numbers.

    Reference: V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann
    machines", ICML 2010.

    """
    xp = floating_namespace("relu", x=x) if xp is None else xp
    # Not where(x > 0, x, 0), which would turn NaN into 0 and hide a divergence.
    return xp.maximum(x, 0.0), ReluCache(x)


def relu_backward(dout: Array, cache: ReluCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: `dout` where x > 0, otherwise 0 (also at the kink x = 0).

    Where x <= 0, a `dout` that is NaN or infinite gives NaN or 0, as the library has it.

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    if xp is None:
        xp = array_namespace(dout, cache.x)
        check_dout("relu", dout, cache.x.shape)
    # Not where(x > 0, dout, 0): on a CPU it branches for each number, and costs ten times as much
    # where the signs come as they like.
    return dout * xp.astype(cache.x > 0, dout.dtype)


def leaky_relu_forward(
    x: Array, *, slope: float = 0.01, xp: Any = None
) -> tuple[Array, LeakyReluCache]:
    """Return max(slope x, x), for `x` of any shape, and the cache. NaN stays NaN.

    Raises:
        InputError: `x` holds no real floating numbers, or `slope` is not between 0 and 1.

    Reference: A. Maas, A. Hannun and A. Ng, "Rectifier nonlinearities improve neural network
    acoustic models", ICML 2013, with its slope.

    """
    if xp is None:
        xp = floating_namespace("leaky_relu", x=x)
        if not 0.0 < slope < 1.0:
            raise InputError(
                f"leaky_relu: slope must be between 0 and 1; got {slope!r}: "
                "use relu for 0 and identity for 1"
            )
    return xp.maximum(slope * x, x), LeakyReluCache(x, slope)


def leaky_relu_backward(dout: Array, cache: LeakyReluCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: `dout` where x > 0, otherwise slope dout (also at x = 0).

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    x, slope = cache
    if xp is None:
        xp = array_namespace(dout, x)
        check_dout("leaky_relu", dout, x.shape)
    return dout * xp.maximum(xp.astype(x > 0, dout.dtype), slope)


def elu_forward(x: Array, *, alpha: float = 1.0, xp: Any = None) -> tuple[Array, EluCache]:
    """Return x where x > 0, otherwise alpha (exp x - 1), for any shape, and the cache.

    NaN stays NaN.

    Raises:
        InputError: `x` holds no real floating numbers, or `alpha` is not positive and finite.

    Reference: D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network
    learning by exponential linear units (ELUs)", ICLR 2016, with its alpha.

    """
    if xp is None:
        xp = floating_namespace("elu", x=x)
        if not 0.0 < alpha < float("inf"):
            raise InputError(f"elu: alpha must be positive and finite; got {alpha!r}")
    # One of the two terms is 0. A positive x must not reach the exponential, which would overflow.
    out = xp.maximum(x, 0.0) + alpha * xp.expm1(xp.minimum(x, 0.0))
    return out, EluCache(out, alpha)


def elu_backward(dout: Array, cache: EluCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: `dout` where x > 0, otherwise alpha exp(x) dout.

    alpha exp(x) is out + alpha, so that the exponential is not taken twice.

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    out, alpha = cache
    if xp is None:
        xp = array_namespace(dout, out)
        check_dout("elu", dout, out.shape)
    return dout * xp.where(out > 0, 1.0, out + alpha)


def selu_forward(x: Array, *, xp: Any = None) -> tuple[Array, SeluCache]:
    """Return 1.0507 x where x > 0, otherwise 1.7581 (exp x - 1), for any shape, and the cache.

    Of inputs with mean 0 and variance 1 the outputs have mean 0 and variance 1, so that deep nets
    need no normalisation, as long as the weights have variance 1 / fan_in. NaN stays NaN.

    Raises:
        InputError: `x` holds no real floating numbers.

    Reference: G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, "Self-normalizing neural
    networks", NIPS 2017, equation 2, with its constants, for which (0, 1) is a fixed point.

    """
    xp = floating_namespace("selu", x=x) if xp is None else xp
    # One of the two terms is 0, as in ELU.
    out = _SELU_SCALE * xp.maximum(x, 0.0) + _SELU_DEPTH * xp.expm1(xp.minimum(x, 0.0))
    return out, SeluCache(out)


def selu_backward(dout: Array, cache: SeluCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: 1.0507 dout where x > 0, otherwise 1.7581 exp(x) dout.

    1.7581 exp(x) is out + 1.7581, so that the exponential is not taken twice.

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    out = cache.out
    if xp is None:
        xp = array_namespace(dout, out)
        check_dout("selu", dout, out.shape)
    # No `where`, which branches for each number; see relu_backward.
    is_positive = xp.astype(out > 0, dout.dtype)
    slope_from_above = _SELU_DEPTH - (_SELU_DEPTH - _SELU_SCALE) * is_positive
    return dout * (xp.minimum(out, 0.0) + slope_from_above)
