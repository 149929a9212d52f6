"""Losses of class scores: `(x, y) -> (loss, dx)`, the mean over the samples and its gradient.

Reference: Stanford CS231n, "Linear classification": the multiclass SVM and the softmax classifier.
"""

from typing import Any

import numpy as np

from xpnet.backends import Array, array_namespace, device, is_host_array
from xpnet.errors import InputError

__all__ = ["check_labels", "softmax_loss", "svm_loss"]


def softmax_loss(x: Array, y: Array, *, xp: Any = None) -> tuple[Array, Array]:
    """Return the cross-entropy of softmax(x) with the labels, and its gradient by `x`.

    loss = mean over n of (log sum_c exp x[n, c] - x[n, y[n]]),  dx = (softmax(x) - onehot(y)) / N.

    The log-sum-exp is taken after the largest score is subtracted, so that the loss is finite for
    every finite score; log(softmax) would be log(0) for a confident wrong one.

    Args:
        x: Scores of shape (..., N, C), floating.
        y: Labels of shape (N,), shared by all members, or (..., N); integers of 0 to C - 1.
        xp: The namespace, from a caller that has checked shapes and labels.

    Returns:
        The loss, of the member shape, and dx of the shape of `x`.

    Raises:
        InputError: Labels are not integers, do not fit the scores, or (seen on the host alone) are
            out of range. On other devices a label out of range makes the loss infinite.

    """
    xp = _checked_namespace(x, y) if xp is None else xp
    target = _label_mask(x, y, xp)
    shifted = x - xp.max(x, axis=-1, keepdims=True)
    exps = xp.exp(shifted)
    total = xp.sum(exps, axis=-1, keepdims=True)
    losses = xp.log(total) - _at_label(shifted, target, xp)
    dx = exps / total
    dx -= xp.astype(target, x.dtype)
    dx /= x.shape[-2]
    return xp.sum(losses, axis=(-2, -1)) / x.shape[-2], dx


def svm_loss(x: Array, y: Array, delta: float = 1.0, *, xp: Any = None) -> tuple[Array, Array]:
    """Return the multiclass hinge loss, summed over the wrong classes, and its gradient by `x`.

    loss = mean over n of sum over c != y[n] of max(0, x[n, c] - x[n, y[n]] + delta).

    Args:
        x: Scores of shape (..., N, C), floating.
        y: Labels of shape (N,), shared by all members, or (..., N); integers of 0 to C - 1.
        delta: The margin.
        xp: The namespace, from a caller that has checked shapes and labels.

    Returns:
        The loss, of the member shape, and dx of the shape of `x`; 0 at the kink.

    Raises:
        InputError: As `softmax_loss`.

    Reference: J. Weston and C. Watkins, "Support vector machines for multi-class pattern
    recognition", ESANN 1999.

    """
    xp = _checked_namespace(x, y) if xp is None else xp
    target = _label_mask(x, y, xp)
    margins = x - _at_label(x, target, xp) + delta
    margins = xp.where(target, 0.0, xp.maximum(margins, 0.0))
    wrong = xp.astype(margins > 0, x.dtype)
    counts = xp.sum(wrong, axis=-1, keepdims=True)
    dx = (wrong - xp.where(target, counts, 0.0)) / x.shape[-2]
    return xp.mean(xp.sum(margins, axis=-1), axis=-1), dx


def check_labels(y: np.ndarray, num_classes: int | None, name: str = "y") -> None:
    """Raise InputError unless `y` holds integers of 0 to num_classes - 1, or from 0 for None."""
    if y.dtype.kind not in "iu":
        raise InputError(
            f"{name} must hold integer labels; got dtype {y.dtype}: "
            f"cast them with {name}.astype(numpy.int64)"
        )
    bad = np.argwhere(y < 0 if num_classes is None else (y < 0) | (y >= num_classes))
    if len(bad):
        where = tuple(int(i) for i in bad[0])
        if num_classes is None:
            wanted = "0 or more"
        else:
            wanted = f"from 0 to {num_classes - 1}, as the model has {num_classes} classes"
        raise InputError(f"{name} must hold labels {wanted}; got {y[where]} at row {where[-1]}")


def _label_mask(x: Array, y: Array, xp: Any) -> Array:
    """Return True where the class is the label, of shape (..., N, C).

    A mask, because indexing by an integer array does not work on every backend, under jit, or with
    member axes.
    """
    classes = xp.arange(x.shape[-1], device=device(y))
    labels = xp.astype(y, classes.dtype, copy=False)  # 300 classes do not fit into an int8 label
    return labels[..., None] == classes


def _at_label(x: Array, target: Array, xp: Any) -> Array:
    """Return the score of the label, of shape (..., N, 1): -inf where the label is out of range."""
    return xp.max(xp.where(target, x, -float("inf")), axis=-1, keepdims=True)


def _checked_namespace(x: Array, y: Array) -> Any:
    """Return the namespace of scores and labels after checking what needs no transfer."""
    xp = array_namespace(x, y)
    if not xp.isdtype(y.dtype, "integral"):
        raise InputError(f"y must hold integer labels; got dtype {y.dtype}: cast them to int64")
    if not xp.isdtype(x.dtype, "real floating"):
        raise InputError(f"scores must be real floating; got dtype {x.dtype}")
    shape = tuple(x.shape)
    if 0 in shape:
        raise InputError(f"the loss is a mean over samples, and there is none in scores {shape}")
    if len(shape) < 2 or tuple(y.shape) not in (shape[:-1], shape[-2:-1]):
        raise InputError(
            f"scores must be (..., N, C) and labels (N,) or (..., N); "
            f"got scores {shape} and labels {tuple(y.shape)}"
        )
    if is_host_array(y):
        check_labels(y, shape[-1])
    return xp
