"""What a net makes of the inputs and targets that its caller brings."""

from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.backends import Array, array_namespace, is_host_array
from xpnet.errors import InputError
from xpnet.losses import check_labels

if TYPE_CHECKING:
    from xpnet.nets.base import Net

__all__ = ["net_input", "net_targets"]


def net_input(net: "Net", X: Any) -> Array:
    """Return `X` as (N, D) or (members, N, D) on the net's device, in the dtype it computes in.

    Raises:
        InputError: The samples have another number of features, or hold no real numbers.

    """
    xp = net.backend.xp
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    shape, features = tuple(X.shape), net.input_dim
    per_net = len(shape) == 3 and shape[0] == net.members and shape[2] == features
    if not per_net and (len(shape) < 2 or int(np.prod(shape[1:])) != features):
        raise InputError(
            f"X must have {features} features a sample, as W1 has rows; got shape {shape}"
        )
    X = _floats_on_device(net, X, "X")
    return X if per_net else xp.reshape(X, (shape[0], features))


def net_targets(net: "Net", y: Any, x: Array) -> Array:
    """Return the labels, or for the squared loss the real targets, on the net's device.

    Raises:
        InputError: They do not fit the samples, or are no labels where labels are asked for.

    """
    if not hasattr(y, "shape"):
        y = np.asarray(y)
    samples, outputs = int(x.shape[-2]), net.num_classes
    shapes: list[tuple[int, ...]] = []
    if not net.is_regression or outputs == 1:
        shapes.append((samples,))
    if net.is_regression:
        shapes.append((samples, outputs))
    if net.members is not None:
        shapes += [(net.members, *shape) for shape in shapes]
    if tuple(y.shape) not in shapes:
        what = "target" if net.is_regression else "label"
        raise InputError(
            f"y must have one {what} a sample, shape {' or '.join(map(str, shapes))}; "
            f"got {tuple(y.shape)}"
        )
    if 0 in y.shape:
        raise InputError("the loss is a mean over samples, and X holds no sample")
    return _floats_on_device(net, y, "y") if net.is_regression else _labels_on_device(net, y)


def _labels_on_device(net: "Net", y: Array) -> Array:
    """Return labels on the net's device, after the checks that need no transfer."""
    if is_host_array(y):
        check_labels(y, net.num_classes)
    y = _on_device(net, y)
    if not net.backend.xp.isdtype(y.dtype, "integral"):
        raise InputError(f"y must hold integer labels; got dtype {y.dtype}: cast them to int64")
    return y


def _floats_on_device(net: "Net", x: Array, name: str) -> Array:
    """Return numbers on the net's device, in the dtype that it computes in."""
    if is_host_array(x) and x.dtype.kind not in "buif":
        raise InputError(f"{name} must hold numbers; got dtype {x.dtype}")
    # Floats are cast here, as some devices have no float64 to cast from; bytes stay small.
    is_host_float = is_host_array(x) and x.dtype.kind == "f"
    if is_host_float and x.dtype.itemsize not in (4, 8):
        x = x.astype(np.float64)
    dtype = net.compute_dtype
    x = net.backend.asarray(x, dtype) if is_host_float else _on_device(net, x)
    xp = net.backend.xp
    if xp.isdtype(x.dtype, "complex floating"):
        raise InputError(f"{name} must hold real numbers; got dtype {x.dtype}")
    return xp.astype(x, dtype, copy=False)


def _on_device(net: "Net", x: Array) -> Array:
    """Return a host array on the net's device, and an array of its own library as it is."""
    if is_host_array(x):
        return net.backend.asarray(x)
    array_namespace(x, next(iter(net.params.values())))
    return x
