"""The mean over the samples that ends every loss, plain or weighted: sum(w l) / sum(w)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array, is_host_array
from xpnet.errors import InputError

__all__ = ["check_weights", "mean_over_samples", "weights_of_samples"]


def weights_of_samples(
    x: Array,
    target: Array | None,
    class_weights: Array | None,
    sample_weights: Array | None,
    xp: Any,
) -> Array | None:
    """Return w, the class weight times the sample weight, (..., N, 1); None if nobody gave any.

    Args:
        x: Scores of shape (..., N, C), whose dtype the weights get.
        target: The mask of the labels, (..., N, C), where there are class weights.
        class_weights: Of shape (C,) or (..., C), or None.
        sample_weights: Of shape (N,) or (..., N), or None.
        xp: The namespace.

    """
    weights = None
    if class_weights is not None:
        by_class = xp.astype(class_weights, x.dtype, copy=False)[..., None, :]
        weights = xp.sum(xp.where(target, by_class, 0.0), axis=-1, keepdims=True)
    if sample_weights is not None:
        by_sample = xp.astype(sample_weights, x.dtype, copy=False)[..., None]
        weights = by_sample if weights is None else weights * by_sample
    return weights


def mean_over_samples(
    losses: Array, dx: Array, weights: Array | None, xp: Any
) -> tuple[Array, Array]:
    """Return the mean of the samples' losses, and its gradient; consumes `dx`.

    Where all weights of a batch are 0, nothing is to be learnt from it: loss and gradient are 0,
    not 0 / 0. A NaN stays NaN, also under a weight of 0.

    Args:
        losses: The loss of each sample, of shape (..., N, 1).
        dx: Its gradient by each score, of shape (..., N, C).
        weights: Of shape (..., N, 1) or (N, 1), or None for a plain mean.
        xp: The namespace.

    """
    if weights is None:
        dx /= dx.shape[-2]
        return xp.sum(losses, axis=(-2, -1)) / dx.shape[-2], dx
    total = xp.sum(weights, axis=(-2, -1), keepdims=True)
    total = xp.where(total == 0, 1.0, total)
    dx *= weights
    dx /= total
    return xp.sum(losses * weights, axis=(-2, -1)) / total[..., 0, 0], dx


def check_weights(weights: Mapping[str, Array], shape: tuple[int, ...], xp: Any) -> None:
    """Raise InputError unless the weights fit scores of that shape.

    Their values are seen on the host alone: reading them elsewhere would stop the device.

    Args:
        weights: Arrays under "class_weights", "sample_weights", or neither.
        shape: The shape of the scores, (..., N, C).
        xp: The namespace.

    """
    for name, array in weights.items():
        size, letter = (shape[-1], "C") if name == "class_weights" else (shape[-2], "N")
        if tuple(array.shape) not in ((size,), (*shape[:-2], size)):
            raise InputError(
                f"{name} must be ({letter},) or (..., {letter}), with {letter} = {size} and "
                f"member axes {shape[:-2]} for scores {shape}; got {tuple(array.shape)}"
            )
        if not xp.isdtype(array.dtype, ("bool", "integral", "real floating")):
            raise InputError(f"{name} must hold real numbers; got dtype {array.dtype}")
        if is_host_array(array):
            bad = np.argwhere(~(np.isfinite(array) & (array >= 0)))
            if len(bad):
                where = tuple(int(i) for i in bad[0])
                raise InputError(
                    f"{name} must be finite and not negative; got {array[where]} at {where}: "
                    "use 0 for what shall not count"
                )
