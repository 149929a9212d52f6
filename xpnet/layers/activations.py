"""Activation functions, applied to each number by itself.

Reference: Stanford CS231n, "Neural Networks Part 1", commonly used activation functions.
"""

from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError

__all__ = ["ReluCache", "relu_backward", "relu_forward"]


class ReluCache(NamedTuple):
    """What the backward pass of ReLU needs."""

    x: Array  # the input, of any shape


def relu_forward(x: Array, *, xp: Any = None) -> tuple[Array, ReluCache]:
    """Return max(x, 0), for `x` of any shape, and the cache. NaN stays NaN.

    Reference: V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann
    machines", ICML 2010.
    """
    xp = array_namespace(x) if xp is None else xp
    # Not where(x > 0, x, 0), which would turn NaN into 0 and hide a divergence.
    return xp.maximum(x, 0.0), ReluCache(x)


def relu_backward(dout: Array, cache: ReluCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: `dout` where x > 0, otherwise 0 (also at the kink x = 0).

    Raises:
        InputError: `dout` does not have the shape of the input.

    """
    if xp is None:
        xp = array_namespace(dout, cache.x)
        if dout.shape != cache.x.shape:
            raise InputError(
                f"relu: dout must have the input's shape {tuple(cache.x.shape)}; "
                f"got {tuple(dout.shape)}"
            )
    return xp.where(cache.x > 0, dout, 0.0)
