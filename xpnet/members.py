"""Member axes: independent nets that are trained together.

Axis -1 is features, axis -2 is samples, and every axis before them counts members. One net is a
stack of shape (), K nets one of shape (K,), and both go through the same code.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.backends import Array, array_namespace, backend_of, is_host_array
from xpnet.errors import InputError
from xpnet.streams import check_seed

__all__ = [
    "as_floats",
    "member_seeds",
    "member_values",
    "not_negative",
    "per_member",
    "plain",
    "stack_members",
    "steps_or_none",
    "take_member",
]


def per_member(value: Array, like: Array, *, xp: Any = None) -> Array:
    """Return `value` with trailing axes of size 1, so that it broadcasts over `like` by member.

    A value of shape (K,) against weights of shape (K, D, H) would otherwise line up with the
    feature axis, in silence wherever H == K.

    Args:
        value: A number, or an array of the member shape.
        like: An array whose first axes are the member axes.
        xp: The namespace, if the caller has it.

    """
    if not getattr(value, "shape", ()):
        return value
    xp = array_namespace(value, like) if xp is None else xp
    return xp.reshape(value, value.shape + (1,) * (len(like.shape) - len(value.shape)))


def as_floats(value: Any) -> np.ndarray:
    """Return numbers as a float64 array.

    Raises:
        TypeError: The value is no number, nor a sequence of numbers. A text that spells a number
            is none: it would have come here by mistake.
        ValueError: The value is a ragged sequence.

    """
    on_device = hasattr(value, "shape") and not is_host_array(value)
    values = backend_of(value).to_numpy(value) if on_device else np.asarray(value)
    if values.size and values.dtype.kind not in "iuf":
        raise TypeError(f"expected numbers; got {value!r}")
    return values.astype(np.float64)


def member_values(name: str, value: Any, members: int | None) -> float | np.ndarray:
    """Return a hyperparameter as a float, or as a float64 array of shape (members,).

    Raises:
        InputError: The value is not a number or a sequence of `members` numbers, or a sequence is
            given for a single net.

    """
    try:
        values = as_floats(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a number; got {value!r}") from error
    if values.ndim == 0:
        return float(values)
    if members is None:
        raise InputError(
            f"{name} is a sequence of {values.size}, but the net is a single one: give one number, "
            f"or make the net with members={values.size}"
        )
    if values.shape != (members,):
        raise InputError(
            f"{name} must be one number or {members} of them, one a member; "
            f"got values of shape {values.shape}"
        )
    return values


def member_seeds(seed: Any, members: int | None) -> list[int]:
    """Return one checked seed for each member, or a single one.

    Raises:
        InputError: A seed is not an integer in range, or there are not as many as members.

    """
    if members is None:
        return [check_seed(seed)]
    if np.ndim(seed) or isinstance(seed, Sequence):
        if len(seed) != members:
            raise InputError(
                f"seed must be one integer or {members} of them, one a member; got {len(seed)}"
            )
        return [check_seed(one) for one in seed]
    return [check_seed(seed)] * members


def not_negative(name: str, value: float | np.ndarray) -> float | np.ndarray:
    """Return `value`, or raise InputError where it is negative, NaN or infinite."""
    if not np.all(np.isfinite(value) & (np.asarray(value) >= 0)):
        raise InputError(f"{name} must be 0 or a positive number; got {value}")
    return value


def stack_members(solos: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Return the parameters of single nets as one stack with a leading member axis.

    Raises:
        InputError: There are no nets, or their parameters differ in name or shape.

    """
    if not solos:
        raise InputError("a stack needs at least one net; got none")
    shapes = [{name: tuple(x.shape) for name, x in solo.items()} for solo in solos]
    for k, found in enumerate(shapes):
        if found != shapes[0]:
            raise InputError(f"net {k} has the shapes {found}, but net 0 has {shapes[0]}")
    xp = array_namespace(*solos[0].values())
    return {name: xp.stack([solo[name] for solo in solos]) for name in solos[0]}


def take_member(params: Mapping[str, Array], k: int) -> dict[str, Array]:
    """Return a copy of the parameters of member `k` of a stack.

    Raises:
        InputError: There is no such member.

    """
    xp = array_namespace(*params.values())
    members = min(w.shape[0] for w in params.values())
    if not 0 <= k < members:  # beyond the end JAX would give the last one
        raise InputError(f"no member {k}: the stack has {members}")
    return {name: xp.asarray(x[k, ...], copy=True) for name, x in params.items()}


def plain(value: np.ndarray) -> Any:
    """Return a Python float for a single net, and the array for a stack."""
    return float(value) if np.ndim(value) == 0 else value


def steps_or_none(steps: np.ndarray) -> Any:
    """Return a step, or None for 0; of a stack, a list with one such value a member."""
    found = [int(step) or None for step in steps.reshape(-1)]
    return found if steps.ndim else found[0]
