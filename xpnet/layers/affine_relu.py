"""The affine layer followed by ReLU, as one pair."""

from typing import Any, NamedTuple

from xpnet.backends import Array
from xpnet.layers.affine import AffineCache, affine_backward, affine_forward
from xpnet.layers.rectifiers import ReluCache, relu_backward, relu_forward

__all__ = ["AffineReluCache", "affine_relu_backward", "affine_relu_forward"]


class AffineReluCache(NamedTuple):
    """What the backward pass of the pair needs."""

    affine: AffineCache
    relu: ReluCache


def affine_relu_forward(
    x: Array, w: Array, b: Array, *, xp: Any = None
) -> tuple[Array, AffineReluCache]:
    """Return max(x W + b, 0) and the cache; shapes and errors as in `affine_forward`."""
    scores, affine = affine_forward(x, w, b, xp=xp)
    out, relu = relu_forward(scores, xp=xp)
    return out, AffineReluCache(affine, relu)


def affine_relu_backward(
    dout: Array, cache: AffineReluCache, *, xp: Any = None
) -> tuple[Array, Array, Array]:
    """Return dx, dw and db; shapes and errors as in `relu_backward` and `affine_backward`."""
    return affine_backward(relu_backward(dout, cache.relu, xp=xp), cache.affine, xp=xp)
