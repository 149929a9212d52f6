"""The maxout layer: the largest of k affine pieces, so that the activation itself is learned.

ReLU is maxout with a piece that is 0, leaky ReLU with one piece a fraction of the other. Nothing
saturates and nothing dies, for k times the parameters.

Reference: I. Goodfellow et al., "Maxout networks", ICML 2013.
"""

from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace, device
from xpnet.errors import InputError
from xpnet.layers.affine import (
    AffineCache,
    affine_forward,
    affine_parameter_gradients,
    as_rows,
    check_shapes,
    like_input,
)
from xpnet.layers.checks import check_dout, floating_namespace

__all__ = ["MaxoutCache", "maxout_backward", "maxout_forward", "maxout_parameter_gradients"]


class MaxoutCache(NamedTuple):
    """What the backward pass of the maxout layer needs."""

    x: Array  # (N, d1, ..., dk) or (..., N, D)
    w: Array  # (..., k, D, M)
    winner: Array  # (..., N, M), the number of the largest piece


def maxout_forward(x: Array, w: Array, b: Array, *, xp: Any = None) -> tuple[Array, MaxoutCache]:
    """Return the maximum over i of x W_i + b_i, and the cache. NaN stays NaN.

    Args:
        x: Inputs. With a 3-D `w`, of shape (N, d1, ..., dk), flattened to (N, D). With member axes
            in `w`, of shape (N, D), shared by all members, or (..., N, D).
        w: Weights of shape (..., k, D, M): (k, D, M) is a single net, (K, k, D, M) a stack of K.
        b: Biases of shape (..., k, M).
        xp: The namespace, from a caller that has checked the shapes.

    Returns:
        The output, of shape (..., N, M), and the cache.

    Raises:
        InputError: The shapes do not fit together; the message gives all three. Or there is no
            piece, or the arrays hold no real floating numbers.

    """
    if xp is None:
        xp = floating_namespace("maxout layer", x=x, w=w, b=b)
        check_shapes("maxout layer", "w must be (..., k, D, M) and b (..., k, M)", 3, x, w, b)
        if w.shape[-3] == 0:
            raise InputError(
                f"maxout layer: w must have one piece or more, (..., k, D, M); "
                f"got w {tuple(w.shape)}"
            )
    pieces, _ = affine_forward(_rows(x, w, xp), w, b, xp=xp)
    return xp.max(pieces, axis=-3), MaxoutCache(x, w, xp.argmax(pieces, axis=-3))


def maxout_backward(
    dout: Array, cache: MaxoutCache, *, xp: Any = None
) -> tuple[Array, Array, Array]:
    """Return the gradients of the loss by `x`, `w` and `b`.

    The gradient of an output goes to its largest piece, the first of equal ones, and from there on
    as in `affine_backward`; dx is the sum over the pieces. Where all members share one `x`, dx is
    the sum over the members too.

    Args:
        dout: Gradient by the layer's output, of shape (..., N, M).
        cache: From `maxout_forward`.
        xp: The namespace, from a caller that has checked the shapes.

    Returns:
        dx of the shape of `x`, dw of the shape of `w`, db of shape (..., k, M).

    Raises:
        InputError: `dout` does not have the shape of the layer's output.

    """
    x, w, _ = cache
    xp = _checked_namespace(dout, cache) if xp is None else xp
    dpieces = _by_piece(dout, cache, xp)
    dw, db = affine_parameter_gradients(dpieces, AffineCache(_rows(x, w, xp), w), xp=xp)
    dx = xp.sum(xp.matmul(dpieces, xp.matrix_transpose(w)), axis=-3)
    return like_input(dx, x, xp), dw, db


def maxout_parameter_gradients(
    dout: Array, cache: MaxoutCache, *, xp: Any = None
) -> tuple[Array, Array]:
    """Return dw and db alone: the backward pass of a net's first layer.

    Raises:
        InputError: `dout` does not have the shape of the layer's output.

    """
    x, w, _ = cache
    xp = _checked_namespace(dout, cache) if xp is None else xp
    dpieces = _by_piece(dout, cache, xp)
    return affine_parameter_gradients(dpieces, AffineCache(_rows(x, w, xp), w), xp=xp)


def _rows(x: Array, w: Array, xp: Any) -> Array:
    """Return `x` as (N, D), or as (..., 1, N, D) beside the pieces of each member."""
    rows = as_rows(x, w, 3, xp)
    return rows if len(rows.shape) == 2 else rows[..., None, :, :]


def _by_piece(dout: Array, cache: MaxoutCache, xp: Any) -> Array:
    """Return the gradient by each piece, (..., k, N, M): `dout` at the winner, otherwise 0."""
    winner = cache.winner[..., None, :, :]
    pieces = xp.arange(cache.w.shape[-3], dtype=winner.dtype, device=device(winner))
    return xp.where(winner == pieces[:, None, None], dout[..., None, :, :], 0.0)


def _checked_namespace(dout: Array, cache: MaxoutCache) -> Any:
    """Return the namespace after checking the shape of `dout`."""
    xp = array_namespace(dout, *cache)
    check_dout("maxout layer", dout, cache.winner.shape)
    return xp
