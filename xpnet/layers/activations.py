"""Activation functions, applied to each number by itself, and the table of them by name.

============  ====================  ============  ============  ====================  ===========
name          f(x)                  range         zero-centred  gradient vanishes     initialiser
============  ====================  ============  ============  ====================  ===========
sigmoid       1 / (1 + exp(-x))     0 to 1        no            for large ``|x|``     xavier
tanh          tanh(x)               -1 to 1       yes           for large ``|x|``     xavier
relu          max(x, 0)             0 to inf      no            for x <= 0            kaiming
leaky_relu    max(0.01 x, x)        all numbers   no            nowhere               kaiming
elu           x or exp(x) - 1       -1 to inf     nearly        for x far below 0     kaiming
identity      x                     all numbers   yes           nowhere               xavier
maxout        max of affine pieces  all numbers   no            nowhere               xavier
============  ====================  ============  ============  ====================  ===========

A gradient that is 0 for all samples leaves a unit as it is for ever: a dead ReLU. Where all inputs
of a unit are positive, the gradients of its weights have one sign, and the descent zigzags. Xavier
keeps the variance of a layer that is linear around 0, Kaiming that of one which loses half.

Reference: Stanford CS231n, "Neural Networks Part 1", commonly used activation functions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError, did_you_mean
from xpnet.layers.checks import check_dout, floating_namespace
from xpnet.layers.rectifiers import (
    elu_backward,
    elu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
)
from xpnet.layers.sigmoids import sigmoid_backward, sigmoid_forward, tanh_backward, tanh_forward

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "IdentityCache",
    "get_activation",
    "identity_backward",
    "identity_forward",
]


class IdentityCache(NamedTuple):
    """What the backward pass of the identity needs to check the shape."""

    x: Array  # the input, of any shape


def identity_forward(x: Array, *, xp: Any = None) -> tuple[Array, IdentityCache]:
    """Return `x` itself, not a copy, and the cache: layers without an activation, as a baseline.

    However many there are, affine layers joined by it are together one linear map.

    Raises:
        InputError: `x` holds no real floating numbers.

    Reference: X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS 2010, whose initialiser is derived for it.

    """
    if xp is None:
        floating_namespace("identity", x=x)
    return x, IdentityCache(x)


def identity_backward(dout: Array, cache: IdentityCache, *, xp: Any = None) -> Array:
    """Return `dout` itself.

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    if xp is None:
        array_namespace(dout, cache.x)
        check_dout("identity", dout, cache.x.shape)
    return dout


class Activation(NamedTuple):
    """An activation function, as the nets take it."""

    forward: Callable[..., tuple[Array, Any]]  # (x, *, xp) -> (out, cache)
    backward: Callable[..., Array]  # (dout, cache, *, xp) -> dx
    initializer_name: str  # of the weights before it, in xpnet.initializers


ACTIVATIONS = {
    "relu": Activation(relu_forward, relu_backward, "kaiming"),
    "leaky_relu": Activation(leaky_relu_forward, leaky_relu_backward, "kaiming"),
    "elu": Activation(elu_forward, elu_backward, "kaiming"),
    "sigmoid": Activation(sigmoid_forward, sigmoid_backward, "xavier"),
    "tanh": Activation(tanh_forward, tanh_backward, "xavier"),
    "identity": Activation(identity_forward, identity_backward, "xavier"),
}


def get_activation(name: str) -> Activation:
    """Return the activation of that name.

    Raises:
        InputError: There is none of that name.

    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        hint = did_you_mean(name, ACTIVATIONS)
        raise InputError(
            f"unknown activation {name!r}{hint}: choose one of {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[name]
