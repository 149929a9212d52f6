"""How much each sample counts in a training loss, checked once and on the host."""

import reprlib
from typing import Any

import numpy as np

from xpnet.errors import InputError
from xpnet.members import as_floats
from xpnet.nets import Net

__all__ = ["check_sample_weights", "loss_terms"]


def check_sample_weights(weights: Any, num_train: int) -> np.ndarray | None:
    """Return one weight a training sample as float64, or None.

    Raises:
        InputError: There are not as many as samples, one is negative or not finite, or all are 0.

    """
    if weights is None:
        return None
    return _weights("sample_weights", weights, num_train, "row of X_train")


def loss_terms(
    model: Any, y: np.ndarray, num_classes: int, class_weights: Any, label_smoothing: Any
) -> dict[str, Any]:
    """Return the options of the loss function that were asked for, of the training labels `y`.

    Raises:
        InputError: A value is out of range, or the loss of the model has no such option.

    """
    terms: dict[str, Any] = {}
    loss = getattr(model, "loss_name", None)
    if class_weights is not None:
        if y.dtype.kind == "f":
            raise InputError(
                "class_weights are for labels, and the targets are real: leave them out, or take "
                "sample_weights"
            )
        terms["class_weights"] = _class_weights(class_weights, y, num_classes)
    number = isinstance(label_smoothing, int | float | np.integer | np.floating)
    if not number or isinstance(label_smoothing, bool) or not 0 <= label_smoothing < 1:
        raise InputError(
            "label_smoothing must be a number from 0 up to, not including, 1; "
            f"got {label_smoothing!r}"
        )
    if label_smoothing:
        if isinstance(model, Net) and loss != "softmax":
            raise InputError(
                f"label_smoothing is for the softmax loss, and the net has {loss}: leave it out"
            )
        terms["label_smoothing"] = float(label_smoothing)
    return terms


def _class_weights(given: Any, y: np.ndarray, num_classes: int) -> np.ndarray:
    """Return one weight a class."""
    if isinstance(given, str):
        if given != "balanced":
            raise InputError(
                f"class_weights must be 'balanced' or {num_classes} numbers; got {given!r}"
            )
        counts = np.bincount(y, minlength=num_classes)
        # A class without a sample is never met, so that its weight does not matter.
        return np.asarray(len(y) / (num_classes * np.maximum(counts, 1)), dtype=np.float64)
    weights = _weights("class_weights", given, num_classes, "class")
    if not weights[y].any():
        raise InputError("class_weights are 0 for every class in y_train: nothing would be learnt")
    return weights


def _weights(name: str, given: Any, count: int, each: str) -> np.ndarray:
    """Return checked weights, scaled by a power of two so that the largest is about 1.

    A common factor of the weights does not matter, and a power of two changes no bit; without it
    weights such as exp(100) would be infinite in float32.
    """
    try:
        weights = as_floats(given)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be {count} numbers; got {reprlib.repr(given)}") from error
    if weights.shape != (count,):
        raise InputError(
            f"{name} must have one number for each {each}, shape ({count},); "
            f"got shape {weights.shape}"
        )
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise InputError(f"{name} must be 0 or positive; got {weights[bad[0]]} at {bad[0]}")
    largest = weights.max()
    if largest == 0:
        raise InputError(f"{name} are all 0, so that nothing would be learnt")
    return np.asarray(np.ldexp(weights, -np.frexp(largest)[1]))
