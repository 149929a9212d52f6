"""The softmax classifier's loss: cross-entropy of the labels with softmax(x).

Reference: Stanford CS231n, "Linear classification", the softmax classifier.
"""

from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.errors import InputError
from xpnet.losses.labels import at_label, label_mask, labelled_namespace
from xpnet.losses.weights import mean_over_samples, weights_of_samples

__all__ = ["softmax_loss"]


def softmax_loss(
    x: Array,
    y: Array,
    *,
    class_weights: Array | None = None,
    sample_weights: Array | None = None,
    label_smoothing: float = 0.0,
    xp: Any = None,
) -> tuple[Array, Array]:
    """Return the cross-entropy of softmax(x) with the labels, and its gradient by `x`.

    loss = mean over n of (log sum_c exp x[n, c] - sum_c t[n, c] x[n, c])
    dx = (softmax(x) - t) / N

    with t = (1 - label_smoothing) onehot(y) + label_smoothing / C. With weights
    w[n] = class_weights[y[n]] sample_weights[n] the mean is sum(w l) / sum(w), and 0 where all
    weights are 0.

    The log-sum-exp is taken after the largest score is subtracted, so that the loss is finite for
    every finite score; log(softmax) would be log(0) for a confident wrong one.

    Args:
        x: Scores of shape (..., N, C), floating.
        y: Labels of shape (N,), shared by all members, or (..., N); integers of 0 to C - 1.
        class_weights: One of each class, of shape (C,) or (..., C), not negative.
        sample_weights: One of each sample, of shape (N,) or (..., N), not negative.
        label_smoothing: A number from 0 up to 1, fixed when the caller is compiled.
        xp: The namespace, from a caller that has checked shapes, labels and weights.

    Returns:
        The loss, of the member shape, and dx of the shape of `x`.

    Raises:
        InputError: Labels are not integers, labels or weights do not fit the scores, or (seen on
            the host alone) are out of range. On other devices a label out of range makes the loss
            infinite, or NaN with class weights.

    Reference of the smoothing: C. Szegedy et al., "Rethinking the inception architecture for
    computer vision", CVPR 2016. A class weight holds for the sample as a whole, where PyTorch
    weighs the smoothed part of each class by that class's weight.

    """
    is_checked = xp is not None
    if not is_checked:
        xp = labelled_namespace(x, y, class_weights, sample_weights)
        _check_smoothing(label_smoothing)
    target = label_mask(x, y, xp)
    shifted = x - xp.max(x, axis=-1, keepdims=True)
    exps = xp.exp(shifted)
    total = xp.sum(exps, axis=-1, keepdims=True)
    probabilities = xp.astype(target, x.dtype)
    if is_checked:
        wanted = xp.sum(shifted * probabilities, axis=-1, keepdims=True)
    else:
        wanted = at_label(shifted, target, xp)  # minds scores and labels that a net never has
    if label_smoothing:
        kept, spread = 1.0 - float(label_smoothing), float(label_smoothing)
        wanted = kept * wanted + spread * xp.mean(shifted, axis=-1, keepdims=True)
        probabilities = kept * probabilities + spread / x.shape[-1]
    dx = exps / total
    dx -= probabilities
    weights = weights_of_samples(x, target, class_weights, sample_weights, xp)
    return mean_over_samples(xp.log(total) - wanted, dx, weights, xp)


def _check_smoothing(label_smoothing: Any) -> None:
    """Raise InputError unless it is a number from 0 up to 1."""
    is_number = isinstance(label_smoothing, int | float | np.floating | np.integer)
    if not is_number or isinstance(label_smoothing, bool) or not 0 <= label_smoothing < 1:
        raise InputError(
            f"label_smoothing must be a number from 0 up to, but not, 1; got {label_smoothing!r}"
        )
