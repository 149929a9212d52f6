"""Activation functions, applied to each number by itself, and the table of them by name.

==========  ===========================  ============  ============  ==================  ===========
name        f(x)                         range         zero-centred  gradient vanishes   initialiser
==========  ===========================  ============  ============  ==================  ===========
sigmoid     1 / (1 + exp(-x))            0 to 1        no            for large ``|x|``   xavier
tanh        tanh(x)                      -1 to 1       yes           for large ``|x|``   xavier
relu        max(x, 0)                    0 to inf      no            for x <= 0          kaiming
leaky_relu  max(0.01 x, x)               all numbers   no            nowhere             kaiming
elu         x or exp(x) - 1              -1 to inf     nearly        for x far below 0   kaiming
selu        1.05 x or 1.76 (exp(x) - 1)  -1.76 to inf  yes           for x far below 0   xavier
gelu        x P(Z < x), Z normal         -0.17 to inf  no            for x far below 0   kaiming
mish        x tanh(log(1 + exp(x)))      -0.31 to inf  no            for x far below 0   kaiming
hardshrink  x, or 0 for ``|x|`` <= 0.5   all numbers   yes           for ``|x|`` <= 0.5  xavier
identity    x                            all numbers   yes           nowhere             xavier
maxout      max of affine pieces         all numbers   no            nowhere             xavier
==========  ===========================  ============  ============  ==================  ===========

A gradient that is 0 for all samples leaves a unit as it is for ever: a dead ReLU. Where all inputs
of a unit are positive, the gradients of its weights have one sign, and the descent zigzags. Xavier
keeps the variance of a layer that is linear around 0, Kaiming that of one which loses half: of
numbers with variance 1, GELU passes on a mean square of 0.43, Mish of 0.45, SELU of 1 and
hardshrink of 0.97.

Reference: Stanford CS231n, "Neural Networks Part 1", commonly used activation functions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError, did_you_mean
from xpnet.layers.checks import check_dout, floating_namespace
from xpnet.layers.gates import gelu_backward, gelu_forward, mish_backward, mish_forward
from xpnet.layers.rectifiers import (
    elu_backward,
    elu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    selu_backward,
    selu_forward,
)
from xpnet.layers.shrinkage import hardshrink_backward, hardshrink_forward
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
    keeps_zero: bool  # whether f(0) = 0, so that a unit with no weights and no bias adds nothing


ACTIVATIONS = {
    "relu": Activation(relu_forward, relu_backward, "kaiming", keeps_zero=True),
    "leaky_relu": Activation(leaky_relu_forward, leaky_relu_backward, "kaiming", keeps_zero=True),
    "elu": Activation(elu_forward, elu_backward, "kaiming", keeps_zero=True),
    "selu": Activation(selu_forward, selu_backward, "xavier", keeps_zero=True),
    "gelu": Activation(gelu_forward, gelu_backward, "kaiming", keeps_zero=True),
    "mish": Activation(mish_forward, mish_backward, "kaiming", keeps_zero=True),
    "hardshrink": Activation(hardshrink_forward, hardshrink_backward, "xavier", keeps_zero=True),
    "sigmoid": Activation(sigmoid_forward, sigmoid_backward, "xavier", keeps_zero=False),
    "tanh": Activation(tanh_forward, tanh_backward, "xavier", keeps_zero=True),
    "identity": Activation(identity_forward, identity_backward, "xavier", keeps_zero=True),
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
