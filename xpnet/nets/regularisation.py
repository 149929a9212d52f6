"""L2 regularisation of the weights: 0.5 * reg * (the sum of their squares), and its gradient.

Reference: Stanford CS231n, "Linear classification", regularisation.
"""

from collections.abc import Sequence
from typing import Any

from xpnet.backends import Array
from xpnet.members import per_member
from xpnet.nets.base import Params

__all__ = ["add_penalty_gradients", "is_regularised", "penalty"]


def is_regularised(reg: Array) -> bool:
    """Return whether the penalty must be computed: a plain 0 costs nothing."""
    return not (isinstance(reg, float) and reg == 0.0)


def penalty(params: Params, names: Sequence[str], reg: Array, xp: Any) -> Array:
    """Return 0.5 * reg * (the sum of the squares of the named weights), of the member shape.

    The last of them has two axes besides those of the members; a maxout layer has one more.
    """
    member_axes = len(params[names[-1]].shape) - 2
    squares: Any = 0.0
    for name in names:
        w = params[name]
        own_axes = len(w.shape) - member_axes
        squares = squares + xp.sum(w * w, axis=(-3, -2, -1)[-own_axes:])
    return 0.5 * reg * squares


def add_penalty_gradients(
    grads: Params, params: Params, names: Sequence[str], reg: Array, xp: Any
) -> None:
    """Add reg * W to the gradient of each of the named weights, writing into it where it can."""
    for name in names:
        dw = grads[name]
        dw += per_member(reg, dw, xp=xp) * params[name]
        grads[name] = dw
