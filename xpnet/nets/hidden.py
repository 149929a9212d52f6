"""One hidden layer of a fully connected net: what stands between two layers of units.

affine - normalization - activation - dropout    or    maxout - normalization - dropout
"""

from collections.abc import Callable, Mapping
from functools import partial
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
    layernorm_backward,
    layernorm_forward,
    maxout_backward,
    maxout_forward,
    maxout_parameter_gradients,
)
from xpnet.nets.base import Params, Variables

__all__ = ["NORMALIZATIONS", "HiddenCache", "HiddenLayer"]

NORMALIZATIONS = ("batchnorm", "layernorm")


class HiddenCache(NamedTuple):
    """The caches of the layer's parts; None for a part that is not there."""

    affine: Any
    norm: Any
    activation: Any
    dropout: Any


class HiddenLayer:
    """The parts of hidden layer `index`, and their names among parameters, state and terms."""

    def __init__(
        self, index: int, activation: str, normalization: str | None, *, as_one: bool = False
    ) -> None:
        self.weight_name, self.bias_name = f"W{index}", f"b{index}"
        self.norm_names = (f"gamma{index}", f"beta{index}") if normalization else None
        state_names = f"running_mean{index}", f"running_var{index}"
        self.state_names: tuple[str, ...] = state_names if normalization == "batchnorm" else ()
        self.draws_name = f"dropout{index}"
        self.activation: Activation | None = None
        self.affine: tuple[Callable[..., Any], ...]
        if activation == "maxout":
            self.affine = (maxout_forward, maxout_backward, maxout_parameter_gradients)
        else:
            self.activation = get_activation(activation)
            self.affine = (affine_forward, affine_backward, affine_parameter_gradients)
            if as_one:  # the first layer, which nobody asks for the gradient by its input
                self.affine = (
                    partial(affine_forward, as_one=True),
                    affine_backward,
                    partial(affine_parameter_gradients, as_one=True),
                )
        self.norm: tuple[Callable[..., Any], ...] = (layernorm_forward, layernorm_backward)
        if self.state_names:
            self.norm = (batchnorm_forward, batchnorm_backward)
        self.dropout: tuple[Callable[..., Any], ...] = (dropout_forward, dropout_backward)
        self._bias_is_idle = normalization == "batchnorm" and activation != "maxout"

    def forward(
        self, x: Array, variables: Variables, terms: Mapping[str, Any] | None, xp: Any
    ) -> tuple[Array, HiddenCache, Params]:
        """Return the output, the caches and the layer's next state.

        `terms` are those of a training loss, with draws where units are to be dropped; None asks
        for the layer as it is in testing.
        """
        params, state = variables
        norm: Any = None
        activation = dropout = None
        following: Params = {}
        x, affine = self.affine[0](x, params[self.weight_name], params[self.bias_name], xp=xp)
        if self.norm_names is not None:
            gamma, beta = (params[name] for name in self.norm_names)
            if self.state_names:
                mean, var = self.state_names
                running = BatchNormState(state[mean], state[var])
                is_training = terms is not None
                x, after, norm = self.norm[0](x, gamma, beta, running, train=is_training, xp=xp)
                following = {mean: after.mean, var: after.var}
            else:
                x, norm = self.norm[0](x, gamma, beta, xp=xp)
        if self.activation is not None:
            x, activation = self.activation.forward(x, xp=xp)
        if terms is not None and self.draws_name in terms:
            draws, keep_ratio = terms[self.draws_name], terms["keep_ratio"]
            x, dropout = self.dropout[0](
                x, draws, keep_ratio, threshold=terms["keep_threshold"], xp=xp
            )
        return x, HiddenCache(affine, norm, activation, dropout), following

    def backward(
        self, dout: Array, cache: HiddenCache, *, is_first: bool, xp: Any
    ) -> tuple[Array | None, Params]:
        """Return the gradient by the input, None for the first layer, and by the parameters."""
        grads: Params = {}
        if cache.dropout is not None:
            dout = self.dropout[1](dout, cache.dropout, xp=xp)
        if self.activation is not None:
            dout = self.activation.backward(dout, cache.activation, xp=xp)
        if self.norm_names is not None:
            gamma, beta = self.norm_names
            dout, grads[gamma], grads[beta] = self.norm[1](dout, cache.norm, xp=xp)
        _, backward, parameter_gradients = self.affine
        dx = None
        if is_first:  # nobody reads the gradient by the net's input
            dw, db = parameter_gradients(dout, cache.affine, xp=xp)
        else:
            dx, dw, db = backward(dout, cache.affine, xp=xp)
        if self._bias_is_idle:
            # Batchnorm takes every shift out. What rounding leaves of the sum is not 0, and Adam
            # would make full steps of it, others on each backend, which running means follow late.
            db = xp.zeros_like(db)
        grads[self.weight_name], grads[self.bias_name] = dw, db
        return dx, grads
