"""Layers as pairs of pure functions: `*_forward -> (out, cache)` and `*_backward(dout, cache)`.

Axis -1 is features, axis -2 samples, and every axis before them members: independent nets that
are computed together. No function writes into its arguments. A cache is a named tuple of just what
the backward pass needs.

Every function takes `xp`, the array API namespace. Leave it out and the function finds it and
checks the shapes; give it from a loop that has checked them once, and nothing is looked up.
"""

from xpnet.layers.activations import (
    ACTIVATIONS,
    Activation,
    IdentityCache,
    get_activation,
    identity_backward,
    identity_forward,
)
from xpnet.layers.affine import (
    AffineCache,
    affine_backward,
    affine_forward,
    affine_parameter_gradients,
)
from xpnet.layers.affine_relu import AffineReluCache, affine_relu_backward, affine_relu_forward
from xpnet.layers.batchnorm import (
    BatchNormCache,
    BatchNormState,
    BatchNormTestCache,
    batchnorm_backward,
    batchnorm_forward,
    initial_state,
)
from xpnet.layers.dropout import (
    DropoutCache,
    draw_dropout,
    dropout_backward,
    dropout_forward,
    keep_threshold,
)
from xpnet.layers.gates import (
    GeluCache,
    MishCache,
    gelu_backward,
    gelu_forward,
    mish_backward,
    mish_forward,
)
from xpnet.layers.layernorm import LayerNormCache, layernorm_backward, layernorm_forward
from xpnet.layers.maxout import (
    MaxoutCache,
    maxout_backward,
    maxout_forward,
    maxout_parameter_gradients,
)
from xpnet.layers.rectifiers import (
    EluCache,
    LeakyReluCache,
    ReluCache,
    SeluCache,
    elu_backward,
    elu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    selu_backward,
    selu_forward,
)
from xpnet.layers.shrinkage import HardshrinkCache, hardshrink_backward, hardshrink_forward
from xpnet.layers.sigmoids import (
    SigmoidCache,
    TanhCache,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "AffineCache",
    "AffineReluCache",
    "BatchNormCache",
    "BatchNormState",
    "BatchNormTestCache",
    "DropoutCache",
    "EluCache",
    "GeluCache",
    "HardshrinkCache",
    "IdentityCache",
    "LayerNormCache",
    "LeakyReluCache",
    "MaxoutCache",
    "MishCache",
    "ReluCache",
    "SeluCache",
    "SigmoidCache",
    "TanhCache",
    "affine_backward",
    "affine_forward",
    "affine_parameter_gradients",
    "affine_relu_backward",
    "affine_relu_forward",
    "batchnorm_backward",
    "batchnorm_forward",
    "draw_dropout",
    "dropout_backward",
    "dropout_forward",
    "elu_backward",
    "elu_forward",
    "gelu_backward",
    "gelu_forward",
    "get_activation",
    "hardshrink_backward",
    "hardshrink_forward",
    "identity_backward",
    "identity_forward",
    "initial_state",
    "keep_threshold",
    "layernorm_backward",
    "layernorm_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "maxout_backward",
    "maxout_forward",
    "maxout_parameter_gradients",
    "mish_backward",
    "mish_forward",
    "relu_backward",
    "relu_forward",
    "selu_backward",
    "selu_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "tanh_backward",
    "tanh_forward",
]
