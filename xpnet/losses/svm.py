"""The multiclass support vector machine's loss: what each wrong class lacks of the margin.

Reference: Stanford CS231n, "Linear classification", the multiclass SVM.
"""

from typing import Any

from xpnet.backends import Array
from xpnet.losses.labels import at_label, label_mask, labelled_namespace
from xpnet.losses.weights import mean_over_samples, weights_of_samples

__all__ = ["svm_loss"]


def svm_loss(
    x: Array,
    y: Array,
    delta: float = 1.0,
    *,
    class_weights: Array | None = None,
    sample_weights: Array | None = None,
    xp: Any = None,
) -> tuple[Array, Array]:
    """Return the multiclass hinge loss, summed over the wrong classes, and its gradient by `x`.

    loss = mean over n of sum over c != y[n] of max(0, x[n, c] - x[n, y[n]] + delta).

    Args:
        x: Scores of shape (..., N, C), floating.
        y: Labels of shape (N,), shared by all members, or (..., N); integers of 0 to C - 1.
        delta: The margin.
        class_weights: As in `softmax_loss`.
        sample_weights: As in `softmax_loss`.
        xp: The namespace, from a caller that has checked shapes, labels and weights.

    Returns:
        The loss, of the member shape, and dx of the shape of `x`; 0 at the kink.

    Raises:
        InputError: As `softmax_loss`.

    Reference: J. Weston and C. Watkins, "Support vector machines for multi-class pattern
    recognition", ESANN 1999.

    """
    if xp is None:
        xp = labelled_namespace(x, y, class_weights, sample_weights)
    target = label_mask(x, y, xp)
    margins = x - at_label(x, target, xp) + delta
    margins = xp.where(target, 0.0, xp.maximum(margins, 0.0))
    dx = xp.astype(margins > 0, x.dtype)
    dx -= xp.where(target, xp.sum(dx, axis=-1, keepdims=True), 0.0)
    weights = weights_of_samples(x, target, class_weights, sample_weights, xp)
    if (
        weights is None
    ):  # by xp.mean, which differs from sum / N in JAX's last bit: runs depend on it
        dx /= x.shape[-2]
        return xp.mean(xp.sum(margins, axis=-1), axis=-1), dx
    return mean_over_samples(xp.sum(margins, axis=-1, keepdims=True), dx, weights, xp)
