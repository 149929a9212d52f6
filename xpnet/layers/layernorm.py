"""Layer normalisation: each sample at mean 0 and variance 1 over its features, then scaled anew.

No sample sees another, so that there is no state, no difference between training and test mode, and
a batch of one is as good as any.

Reference: J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", 2016, arXiv:1607.06450;
Stanford CS231n, assignment 2.
"""

from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError
from xpnet.layers.checks import check_dout, floating_namespace
from xpnet.layers.moments import moments

__all__ = ["LayerNormCache", "layernorm_backward", "layernorm_forward"]


class LayerNormCache(NamedTuple):
    """What the backward pass of layer normalisation needs."""

    normalised: Array  # (..., N, D)
    gamma: Array  # (..., D)
    inverse_std: Array  # (..., N, 1)


def layernorm_forward(
    x: Array, gamma: Array, beta: Array, *, eps: float = 1e-5, xp: Any = None
) -> tuple[Array, LayerNormCache]:
    """Return gamma (x - mean) / sqrt(var + eps) + beta, and the cache.

    Mean and var are those of each sample over its features, var being mean((x - mean)^2).

    Args:
        x: Inputs of shape (..., N, D).
        gamma: Scales of shape (..., D).
        beta: Shifts of shape (..., D).
        eps: Positive, lest a sample whose features are all the same be divided by 0.
        xp: The namespace, from a caller that has checked the shapes.

    Returns:
        The output, of the shape of `x`, and the cache.

    Raises:
        InputError: The shapes do not fit together, the arrays hold no real floating numbers, or
            eps is out of range.

    """
    if xp is None:
        xp = floating_namespace("layernorm", x=x, gamma=gamma, beta=beta)
        _check_arguments(x, gamma, beta, eps)
    _, var, centred = moments(x, -1, xp)
    inverse_std = 1.0 / xp.sqrt(var + eps)
    normalised = centred * inverse_std
    out = gamma[..., None, :] * normalised + beta[..., None, :]
    return out, LayerNormCache(normalised, gamma, inverse_std)


def layernorm_backward(
    dout: Array, cache: LayerNormCache, *, xp: Any = None
) -> tuple[Array, Array, Array]:
    """Return the gradients of the loss by `x`, `gamma` and `beta`.

    With x^ = (x - mean) / std, dbeta = sum dout and dgamma = sum x^ dout over the samples. Mean and
    std of a sample move with each of its D features, which with g = gamma dout gives
    dx = (g - mean(g) - x^ mean(x^ g)) / std, the means over the features.

    Args:
        dout: Gradient by the layer's output, of shape (..., N, D).
        cache: From `layernorm_forward`.
        xp: The namespace, from a caller that has checked the shapes.

    Raises:
        InputError: `dout` does not have the shape of the layer's output.

    """
    normalised, gamma, inverse_std = cache
    if xp is None:
        xp = array_namespace(dout, *cache)
        check_dout("layernorm", dout, normalised.shape)
    dbeta = xp.sum(dout, axis=-2)
    dgamma = xp.sum(normalised * dout, axis=-2)
    by_normalised = gamma[..., None, :] * dout
    along = xp.mean(normalised * by_normalised, axis=-1, keepdims=True)
    through = xp.mean(by_normalised, axis=-1, keepdims=True) + normalised * along
    return (by_normalised - through) * inverse_std, dgamma, dbeta


def _check_arguments(x: Array, gamma: Array, beta: Array, eps: float) -> None:
    """Raise InputError unless the layer can take these arguments."""
    shape, others = tuple(x.shape), {"gamma": gamma, "beta": beta}
    if len(shape) < 2 or any(tuple(a.shape) != shape[:-2] + shape[-1:] for a in others.values()):
        given = ", ".join(f"{name} {tuple(a.shape)}" for name, a in others.items())
        raise InputError(
            f"layernorm: x must be (..., N, D), gamma and beta (..., D); got x {shape}, {given}"
        )
    if not 0.0 < eps < float("inf"):
        raise InputError(f"layernorm: eps must be positive and finite; got {eps!r}")
