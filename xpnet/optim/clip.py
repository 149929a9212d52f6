"""Gradient clipping by the global norm.

Reference: R. Pascanu et al., "On the difficulty of training recurrent neural networks", ICML 2013.
"""

import math
from typing import Any

import numpy as np

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError
from xpnet.members import per_member

__all__ = ["clip_by_global_norm"]


def clip_by_global_norm(
    grads: dict[str, Array], max_norm: float | Array, member_axes: int = 0, *, xp: Any = None
) -> dict[str, Array]:
    """Return gradients scaled to a joint norm of `max_norm` at most, each member by itself.

    norm = sqrt(sum over all gradients of g^2),  g max_norm / max(norm, max_norm)

    Gradients that are short enough keep their bits. NaN stays NaN, and an infinite gradient becomes
    NaN. Where the squares overflow, from 1e19 on in float32, finite gradients become 0, so that the
    step is left out, as in PyTorch.

    Args:
        grads: Gradients by name, real floating, the member axes first.
        max_norm: A positive number, or an array of the member shape; infinity never scales.
        member_axes: How many of the first axes count members.
        xp: The namespace, from a caller that has checked the arguments.

    Returns:
        New arrays of the shapes and dtypes of the gradients.

    Raises:
        InputError: There is no gradient, one is not real floating, their members or those of
            `max_norm` differ, or it is not positive (seen of a number alone).

    """
    xp = _checked_namespace(grads, max_norm, member_axes) if xp is None else xp
    squares = [xp.sum(g * g, axis=tuple(range(member_axes, len(g.shape)))) for g in grads.values()]
    norm = xp.sqrt(sum(squares[1:], start=squares[0]))
    if isinstance(max_norm, int | float | np.number):
        limit, largest = float(max_norm), float(xp.finfo(norm.dtype).max)
        longest = xp.full_like(norm, limit if limit <= largest else math.inf)
    else:
        longest = xp.astype(max_norm, norm.dtype, copy=False)
    too_long, one = norm > longest, xp.ones_like(norm)
    scale = xp.where(too_long, longest, one) / xp.where(too_long, norm, one)
    return {
        name: g * per_member(xp.astype(scale, g.dtype, copy=False), g, xp=xp)
        for name, g in grads.items()
    }


def _checked_namespace(grads: dict[str, Array], max_norm: Any, member_axes: int) -> Any:
    """Return the namespace of the gradients, after checking what needs no transfer."""
    if not grads:
        raise InputError("clipping needs at least one gradient; got none")
    is_number = isinstance(max_norm, int | float | np.number) and not isinstance(max_norm, bool)
    if not (max_norm > 0 if is_number else hasattr(max_norm, "shape")):
        raise InputError(f"max_norm must be a positive number; got {max_norm!r}")
    xp = array_namespace(*grads.values(), *(() if is_number else (max_norm,)))
    members = tuple(next(iter(grads.values())).shape[:member_axes])
    for name, g in grads.items():
        if not xp.isdtype(g.dtype, "real floating"):
            raise InputError(f"gradients must be real floating; got {name} of dtype {g.dtype}")
        if len(members) < member_axes or tuple(g.shape[:member_axes]) != members:
            raise InputError(
                f"every gradient needs the same {member_axes} member axes; "
                f"got {', '.join(f'{n} {tuple(x.shape)}' for n, x in grads.items())}"
            )
    if not is_number and tuple(max_norm.shape) not in ((), members):
        raise InputError(
            f"max_norm must be a number or have the member shape {members}; "
            f"got shape {tuple(max_norm.shape)}"
        )
    return xp
