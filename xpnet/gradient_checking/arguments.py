"""What a gradient check is asked for, and which gradient belongs to which input."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.errors import InputError
from xpnet.gradient_checking.subject import Subject

__all__ = ["by_name", "check_options", "differentiated"]


def by_name(
    gradients: Mapping[str, np.ndarray] | Sequence[np.ndarray],
    names: Sequence[str],
    floating: Sequence[str],
) -> Mapping[str, np.ndarray]:
    """Return the gradients by the name of their input.

    Raises:
        InputError: There are not as many as inputs, or a name is missing.

    """
    if not isinstance(gradients, Mapping):
        order = names if len(gradients) == len(names) else floating
        if len(gradients) != len(order):
            raise InputError(
                f"the function gives {len(gradients)} gradients for the floating inputs "
                f"{', '.join(floating)}: name those that it has gradients of by wrt, or bind the "
                "others with functools.partial"
            )
        gradients = dict(zip(order, gradients, strict=True))
    for name in names:
        if name not in gradients or gradients[name].dtype.kind not in "iuf":
            raise InputError(
                f"the function gives no gradient by {name}; "
                f"it has {', '.join(gradients) or 'none'}: leave {name} out of wrt if that is meant"
            )
    return gradients


def differentiated(subject: Subject, wrt: str | Sequence[str] | None) -> list[str]:
    """Return the inputs to differentiate, in their order.

    Raises:
        InputError: There is none, a name is not that of a floating input, or it is not finite.

    """
    wanted = subject.floating if wrt is None else [wrt] if isinstance(wrt, str) else list(wrt)
    for name in wanted:
        if name not in subject.floating:
            raise InputError(
                f"wrt must name floating inputs, of {', '.join(subject.floating)}; got {name!r}"
            )
        if not np.all(np.isfinite(subject.host[name])):
            raise InputError(f"{name} holds NaN or infinity, where no derivative can be taken")
    if not wanted:
        raise InputError("there is no input to differentiate: at least one must hold floats")
    return [name for name in subject.floating if name in wanted]


def check_options(inputs: Any, step: float, tolerance: float, max_entries: int | None) -> None:
    """Raise InputError unless they can be used."""
    if not isinstance(inputs, Mapping) or not inputs:
        raise InputError(
            f"inputs must be a dictionary of arrays by argument name; got {type(inputs).__name__}"
        )
    for name, value in (("step", step), ("tolerance", tolerance)):
        if not (isinstance(value, int | float) and 0.0 < value < 1.0):
            raise InputError(f"{name} must be a number between 0 and 1; got {value!r}")
    is_count = isinstance(max_entries, int | np.integer) and not isinstance(max_entries, bool)
    if max_entries is not None and not (is_count and max_entries > 0):
        raise InputError(f"max_entries must be a positive integer or None; got {max_entries!r}")
