"""Losses: `(x, y) -> (loss, dx)`, the mean over the samples and its gradient.

Axis -1 of `x` is classes or outputs, axis -2 samples, and every axis before them members. No
function writes into its arguments. Samples may be weighted, by their class or one by one: the loss
is then sum(w l) / sum(w).

Every function takes `xp`, the array API namespace. Leave it out and the function finds it and
checks shapes, labels and weights; give it from a loop that has checked them once.
"""

from collections.abc import Callable
from typing import TypeAlias

from xpnet.backends import Array
from xpnet.errors import InputError, did_you_mean
from xpnet.losses.labels import check_labels
from xpnet.losses.softmax import softmax_loss
from xpnet.losses.squared import squared_loss
from xpnet.losses.svm import svm_loss

__all__ = [
    "LOSSES",
    "Loss",
    "check_labels",
    "get_loss",
    "softmax_loss",
    "squared_loss",
    "svm_loss",
]

Loss: TypeAlias = Callable[..., tuple[Array, Array]]

LOSSES: dict[str, Loss] = {"softmax": softmax_loss, "svm": svm_loss, "squared": squared_loss}


def get_loss(name: str) -> Loss:
    """Return the loss of that name: "softmax", "svm" or "squared".

    Raises:
        InputError: The name is unknown.

    """
    if not isinstance(name, str) or name not in LOSSES:
        hint = did_you_mean(name, LOSSES)
        raise InputError(f"unknown loss {name!r}{hint}; choose one of {', '.join(LOSSES)}")
    return LOSSES[name]
