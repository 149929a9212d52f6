"""Gradient clipping by the global norm.

Reference: R. Pascanu et al., "On the difficulty of training recurrent neural networks", ICML 2013.
"""

from typing import Any

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError
from xpnet.members import per_member

__all__ = ["clip_by_global_norm"]


def clip_by_global_norm(
    grads: dict[str, Array], max_norm: Array, member_axes: int = 0, *, xp: Any = None
) -> dict[str, Array]:
    """Return gradients scaled to a joint norm of `max_norm` at most, each member by itself.

    norm = sqrt(sum over all gradients of g^2),  g max_norm / max(norm, max_norm). A gradient that
    is short enough keeps its bits; NaN stays NaN.

    Args:
        grads: Gradients by name, the member axes first.
        max_norm: A positive number, or an array of the member shape.
        member_axes: How many of the first axes count members.
        xp: The namespace, from a caller that has checked the arguments.

    Raises:
        InputError: `max_norm` is not positive (seen of a plain number alone).

    """
    if xp is None:
        xp = array_namespace(*grads.values())
        if isinstance(max_norm, int | float) and not max_norm > 0:
            raise InputError(f"max_norm must be a positive number; got {max_norm!r}")
    squares = [xp.sum(g * g, axis=tuple(range(member_axes, len(g.shape)))) for g in grads.values()]
    norm = xp.sqrt(sum(squares[1:], start=squares[0]))
    if isinstance(max_norm, int | float):
        scale = float(max_norm) / xp.maximum(norm, float(max_norm))
    else:
        scale = max_norm / xp.maximum(norm, max_norm)
    return {name: g * per_member(scale, g, xp=xp) for name, g in grads.items()}
