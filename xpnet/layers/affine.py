"""The affine (fully connected) layer: out = x W + b.

Reference: Stanford CS231n, "Backpropagation, Intuitions", gradients of vectorised operations.
"""

import math
from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace
from xpnet.columns import product_by_columns
from xpnet.errors import InputError
from xpnet.layers.checks import check_dout, floating_namespace
from xpnet.layers.stacked import gradients_of_all, is_shared, product_of_all

__all__ = [
    "AffineCache",
    "affine_backward",
    "affine_forward",
    "affine_parameter_gradients",
    "as_rows",
    "check_shapes",
    "like_input",
]


class AffineCache(NamedTuple):
    """What the backward pass of the affine layer needs."""

    x: Array  # (N, d1, ..., dk) or (..., N, D)
    w: Array  # (..., D, M)


def affine_forward(
    x: Array,
    w: Array,
    b: Array,
    *,
    by_columns: bool = False,
    as_one: bool = False,
    xp: Any = None,
) -> tuple[Array, AffineCache]:
    """Return `x W + b` for every sample, and the cache.

    Args:
        x: Inputs. With a 2-D `w`, of shape (N, d1, ..., dk), flattened to (N, D). With member axes
            in `w`, of shape (N, D), shared by all members, or (..., N, D).
        w: Weights of shape (..., D, M).
        b: Biases of shape (..., M).
        by_columns: Whether a narrow output lies in memory column by column, as suits scores, of
            which sums over the classes are taken.
        as_one: Whether an `x` that all members share, (N, D), goes through one product with the
            weights of all, (N, D) @ (D, K * M); see `xpnet.layers.stacked`.
        xp: The namespace, from a caller that has checked the shapes.

    Returns:
        The output, of shape (..., N, M), and the cache.

    Raises:
        InputError: The shapes do not fit together; the message gives all three. Or the arrays
            hold no real floating numbers.

    """
    if xp is None:
        xp = floating_namespace("affine layer", x=x, w=w, b=b)
        check_shapes("affine layer", "w must be (..., D, M) and b (..., M)", 2, x, w, b)
    rows = as_rows(x, w, 2, xp)
    if as_one and is_shared(rows, w):
        out = product_of_all(rows, w, xp)
    else:
        out = product_by_columns(rows, w, xp) if by_columns else xp.matmul(rows, w)
    out += b[..., None, :]
    return out, AffineCache(x, w)


def affine_backward(
    dout: Array, cache: AffineCache, *, xp: Any = None
) -> tuple[Array, Array, Array]:
    """Return the gradients of the loss by `x`, `w` and `b`.

    dx = dout W^T, dW = x^T dout, db = sum of dout over the samples. Where all members share one
    `x`, dx is the sum over the members, the gradient of the sum of their losses.

    Args:
        dout: Gradient by the layer's output, of shape (..., N, M).
        cache: From `affine_forward`.
        xp: The namespace, from a caller that has checked the shapes.

    Returns:
        dx of the shape of `x`, dw of the shape of `w`, db of shape (..., M).

    """
    x, w = cache
    dw, db = affine_parameter_gradients(dout, cache, xp=xp)
    xp = array_namespace(dout, w) if xp is None else xp
    return like_input(xp.matmul(dout, xp.matrix_transpose(w)), x, xp), dw, db


def affine_parameter_gradients(
    dout: Array, cache: AffineCache, *, as_one: bool = False, xp: Any = None
) -> tuple[Array, Array]:
    """Return dw and db alone: the backward pass of a net's first layer.

    `as_one` is as in `affine_forward`. Nobody reads the gradient by the net's input, and it is a
    third of a step at 3072-50-10.

    Raises:
        InputError: `dout` does not have the shape of the layer's output.

    """
    x, w = cache
    is_checked = xp is not None
    xp = xp if is_checked else array_namespace(dout, x, w)
    rows = as_rows(x, w, 2, xp)
    if not is_checked:
        check_dout("affine layer", dout, (*w.shape[:-2], rows.shape[-2], w.shape[-1]))
    # A sum, and no product with ones: BLAS adds up some columns in another order than their
    # neighbours, and units that start alike would part by rounding.
    db = xp.sum(dout, axis=-2)
    if as_one and is_shared(rows, w):
        return gradients_of_all(rows, dout, xp), db
    return xp.matmul(xp.matrix_transpose(rows), dout), db


def as_rows(x: Array, w: Array, solo_axes: int, xp: Any) -> Array:
    """Return `x` as (N, D) or (..., N, D); `w` of a single net has `solo_axes` axes."""
    if len(w.shape) == solo_axes and len(x.shape) != 2:
        return xp.reshape(x, (x.shape[0], w.shape[-2]))
    return x


def like_input(dx: Array, x: Array, xp: Any) -> Array:
    """Return a gradient (..., N, D) in the shape of `x`: summed where the members share one."""
    if len(x.shape) == 2 and len(dx.shape) > 2:
        dx = xp.sum(dx, axis=tuple(range(len(dx.shape) - 2)))
    return xp.reshape(dx, x.shape)


def check_shapes(layer: str, form: str, solo_axes: int, x: Array, w: Array, b: Array) -> None:
    """Raise InputError unless the layer can take these shapes.

    `b` has the axes of `w` but the one of features, and `w` of a single net has `solo_axes` axes;
    `form` says both to the reader.
    """
    given = f"x {tuple(x.shape)}, w {tuple(w.shape)} and b {tuple(b.shape)}"
    if len(w.shape) < solo_axes or tuple(b.shape) != (*w.shape[:-2], w.shape[-1]):
        raise InputError(f"{layer}: {form}; got {given}")
    if len(w.shape) == solo_axes:
        fits = len(x.shape) >= 2 and math.prod(x.shape[1:]) == w.shape[-2]
    else:
        fits = x.shape[-1:] == w.shape[-2:-1] and (
            len(x.shape) == 2 or (len(x.shape) > 2 and x.shape[:-2] == w.shape[:-solo_axes])
        )
    if not fits:
        raise InputError(
            f"{layer}: x must have {w.shape[-2]} features a sample, as w has rows, and no "
            f"member axes but w's; got {given}"
        )
