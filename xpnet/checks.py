"""Checks of the Solver's arguments, each with the sentence that refuses it."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from xpnet.backends import Backend
from xpnet.errors import InputError, did_you_mean
from xpnet.members import member_values
from xpnet.nets import Net

__all__ = [
    "EVENTS",
    "check_callbacks",
    "check_clip_norm",
    "check_compiler",
    "check_config",
    "check_count",
    "check_count_or_none",
    "check_precision",
    "refuse_unknown",
]


EVENTS = ("on_begin", "on_interval", "on_epoch", "on_checkpoint", "on_end")


def check_clip_norm(value: Any, members: int | None) -> float | np.ndarray | None:
    """Return the largest norm as a float or one a member, or None.

    Raises:
        InputError: It is not a positive number.

    """
    if value is None:
        return None
    norm = member_values("clip_norm", value, members)
    if not np.all(np.asarray(norm) > 0):
        raise InputError(f"clip_norm must be a positive number; got {value!r}")
    return norm


def check_compiler(backend: Backend) -> None:
    """Raise InputError unless the backend can compile."""
    if not backend.has_compiler:
        raise InputError(
            f"nothing can be compiled on {backend.description}: leave compile out, or make the net "
            "with device='torch:cpu' or another device of PyTorch"
        )


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Return `value` as an int, or raise InputError unless it is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} must be an integer of at least {least}; got {value!r}")
    return int(value)


def check_count_or_none(name: str, value: Any) -> int | None:
    """Return `value` as an int of at least 1, or None for None."""
    return None if value is None else check_count(name, value)


def check_precision(precision: Any, net: Net) -> None:
    """Raise InputError unless a training of the net can be had in that precision."""
    net.backend.check_precision(precision)
    if precision != "float32" and net.dtype == net.backend.xp.float64:
        raise InputError(
            f"precision {precision!r} is of float32 products, but the net is float64: make the net "
            "with dtype='float32', or leave precision out"
        )


def refuse_unknown(owner: str, unknown: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise InputError if arguments were given that `owner` does not have."""
    if unknown:
        names = [name for name in known if name != "unknown"]
        given = next(iter(unknown))
        hint = did_you_mean(given, names)
        raise InputError(f"{owner} has no argument {given!r}{hint}; it has {', '.join(names)}")


def check_callbacks(callbacks: Any) -> tuple[Any, ...]:
    """Return the callbacks, or raise InputError for one that would never be called."""
    if not isinstance(callbacks, Iterable):
        raise InputError(f"callbacks must be a sequence of objects; got {callbacks!r}")
    for callback in (known := tuple(callbacks)):
        if not any(hasattr(callback, event) for event in EVENTS):
            raise InputError(f"a callback needs one of {', '.join(EVENTS)}; {callback!r} has none")
    return known


def check_config(optim_config: Any) -> dict[str, Any]:
    """Return hyperparameters as a dictionary, or raise InputError if they are none."""
    if not isinstance(optim_config, Mapping | None):
        raise InputError(
            "optim_config must be a dictionary such as {'learning_rate': 1e-3}; "
            f"got {optim_config!r}"
        )
    return dict(optim_config or {})
