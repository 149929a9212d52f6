"""One hidden layer of a fully connected net: what stands between two layers of units.

affine - batchnorm - activation - dropout        or        maxout - batchnorm - dropout
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from xpnet.backends import Array
from xpnet.layers import (
    Activation,
    BatchNormState,
    affine_backward,
    affine_forward,
    affine_parameter_gradients,
    batchnorm_backward,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    get_activation,
    maxout_backward,
    maxout_forward,
    maxout_parameter_gradients,
)
from xpnet.nets.base import Params, Variables

__all__ = ["HiddenCache", "HiddenLayer"]


class HiddenCache(NamedTuple):
    """The caches of the layer's parts; None for a part that is not there."""

    affine: Any
    norm: Any
    activation: Any
    dropout: Any


class HiddenLayer:
    """The parts of hidden layer `index`, and their names among the parameters."""

    def __init__(self, index: int, activation: str, *, batchnorm: bool, dropout: bool) -> None:
        self.names = (f"W{index}", f"b{index}")
        self.norm_names = (f"gamma{index}", f"beta{index}") if batchnorm else None
        self.state_names = (f"running_mean{index}", f"running_var{index}") if batchnorm else None
        self.draws_name = f"dropout{index}" if dropout else None
        self.activation: Activation | None = None
        self.affine: tuple[Callable[..., Any], ...]
        if activation == "maxout":
            self.affine = (maxout_forward, maxout_backward, maxout_parameter_gradients)
        else:
            self.activation = get_activation(activation)
            self.affine = (affine_forward, affine_backward, affine_parameter_gradients)

    def forward(
        self, x: Array, variables: Variables, terms: Mapping[str, Any] | None, xp: Any
    ) -> tuple[Array, HiddenCache, Params]:
        """Return the output, the caches and the layer's next state.

        `terms` are those of a training loss; None asks for the layer as it is in testing.
        """
        params, state = variables
        norm = activation = dropout = None
        following: Params = {}
        forward = self.affine[0]
        x, affine = forward(x, *(params[name] for name in self.names), xp=xp)
        if self.norm_names is not None and self.state_names is not None:
            gamma, beta = (params[name] for name in self.norm_names)
            running = BatchNormState(*(state[name] for name in self.state_names))
            x, after, norm = batchnorm_forward(
                x, gamma, beta, running, train=terms is not None, xp=xp
            )
            following = dict(zip(self.state_names, after, strict=True))
        if self.activation is not None:
            x, activation = self.activation.forward(x, xp=xp)
        if self.draws_name is not None and terms is not None:
            x, dropout = dropout_forward(
                x,
                terms[self.draws_name],
                terms["keep_ratio"],
                threshold=terms["keep_threshold"],
                xp=xp,
            )
        return x, HiddenCache(affine, norm, activation, dropout), following

    def backward(
        self, dout: Array, cache: HiddenCache, *, is_first: bool, xp: Any
    ) -> tuple[Array | None, Params]:
        """Return the gradient by the input, None for the first layer, and by the parameters."""
        grads: Params = {}
        if cache.dropout is not None:
            dout = dropout_backward(dout, cache.dropout, xp=xp)
        if self.activation is not None:
            dout = self.activation.backward(dout, cache.activation, xp=xp)
        if self.norm_names is not None:
            dout, *found = batchnorm_backward(dout, cache.norm, xp=xp)
            grads.update(zip(self.norm_names, found, strict=True))
        _, backward, parameter_gradients = self.affine
        if is_first:  # nobody reads the gradient by the net's input
            dx, found = None, list(parameter_gradients(dout, cache.affine, xp=xp))
        else:
            dx, *found = backward(dout, cache.affine, xp=xp)
        grads.update(zip(self.names, found, strict=True))
        return dx, grads
