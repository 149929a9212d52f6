"""The squared distance from the targets: regression.

Reference: Stanford CS231n, "Neural Networks Part 2", loss functions for regression: the squared L2
norm of the difference.
"""

from typing import Any

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError
from xpnet.losses.weights import check_weights, mean_over_samples, weights_of_samples

__all__ = ["squared_loss"]


def squared_loss(
    x: Array, y: Array, *, sample_weights: Array | None = None, xp: Any = None
) -> tuple[Array, Array]:
    """Return the squared distance of the outputs from their targets, and its gradient by `x`.

    loss = mean over n of sum_c (x[n, c] - y[n, c])^2,  dx = 2 (x - y) / N

    With weights w[n] the mean is sum(w l) / sum(w), and 0 where all weights are 0.

    Args:
        x: Outputs of shape (..., N, C), floating.
        y: Targets of shape (N, C), shared by all members, or (..., N, C), floating; where C = 1
            also (N,) or (..., N).
        sample_weights: One of each sample, of shape (N,) or (..., N), not negative.
        xp: The namespace, from a caller that has checked shapes and weights.

    Returns:
        The loss, of the member shape, and dx of the shape of `x`, both of its dtype.

    Raises:
        InputError: Targets are not floating, targets or weights do not fit the outputs, or (seen
            on the host alone) weights are out of range.

    """
    xp = _checked_namespace(x, y, sample_weights) if xp is None else xp
    targets = xp.astype(y, x.dtype, copy=False)
    if tuple(y.shape) not in _full_shapes(x):
        targets = targets[..., None]
    difference = x - targets
    losses = xp.sum(difference * difference, axis=-1, keepdims=True)
    weights = weights_of_samples(x, None, None, sample_weights, xp)
    return mean_over_samples(losses, 2.0 * difference, weights, xp)


def _full_shapes(x: Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shapes of targets that have an axis of outputs."""
    return tuple(x.shape), tuple(x.shape[-2:])


def _checked_namespace(x: Array, y: Array, sample_weights: Array | None) -> Any:
    """Return the namespace of outputs, targets and weights, after checking them."""
    weights = {} if sample_weights is None else {"sample_weights": sample_weights}
    xp = array_namespace(x, y, *weights.values())
    for name, array in (("outputs", x), ("targets", y)):
        if not xp.isdtype(array.dtype, "real floating"):
            raise InputError(
                f"{name} must be real floating; got dtype {array.dtype}: cast them, and for "
                "class labels take softmax_loss or svm_loss"
            )
    shape = tuple(x.shape)
    if 0 in shape:
        raise InputError(f"the loss is a mean over samples, and there is none in outputs {shape}")
    flat = (shape[:-1], shape[-2:-1]) if shape[-1:] == (1,) else ()
    if len(shape) < 2 or tuple(y.shape) not in (*_full_shapes(x), *flat):
        raise InputError(
            "outputs must be (..., N, C) and targets (N, C) or (..., N, C), or (N,) or (..., N) "
            f"where C = 1; got outputs {shape} and targets {tuple(y.shape)}"
        )
    check_weights(weights, shape, xp)
    return xp
