"""Class labels: their checks, and the mask that stands for them in the losses."""

from typing import Any

import numpy as np

from xpnet.backends import Array, array_namespace, device, is_host_array
from xpnet.columns import compared_by_columns
from xpnet.errors import InputError
from xpnet.losses.weights import check_weights

__all__ = ["at_label", "check_labels", "label_mask", "labelled_namespace"]


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


def label_mask(x: Array, y: Array, xp: Any) -> Array:
    """Return True where the class is the label, of shape (..., N, C).

    A mask, because indexing by an integer array does not work on every backend, under jit, or with
    member axes.
    """
    classes = xp.arange(x.shape[-1], device=device(y))
    labels = xp.astype(y, classes.dtype, copy=False)  # 300 classes do not fit into an int8 label
    return compared_by_columns(labels, classes, xp)


def at_label(x: Array, target: Array, xp: Any) -> Array:
    """Return the score of the label, of shape (..., N, 1): -inf where the label is out of range."""
    return xp.max(xp.where(target, x, -float("inf")), axis=-1, keepdims=True)


def labelled_namespace(
    x: Array, y: Array, class_weights: Array | None, sample_weights: Array | None
) -> Any:
    """Return the namespace of scores, labels and weights after checking what needs no transfer."""
    given = {"class_weights": class_weights, "sample_weights": sample_weights}
    weights = {name: array for name, array in given.items() if array is not None}
    xp = array_namespace(x, y, *weights.values())
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
    check_weights(weights, shape, xp)
    return xp
