"""A finer space around what was found best: the notes' second stage, after a coarse one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from xpnet.sweep.space import Choice, Distribution, LogUniform, Uniform

__all__ = ["at_the_edge", "refined"]

_SHARE = 1 / 3  # of the width of a range, in its own scale
_BEST = 1 / 4  # of the rows, whose values lists keep
# Scales without an upper end: around a best value at the edge the finer range goes beyond it.
_OPEN = {"learning_rate", "reg", "weight_scale", "clip_norm", "weight_decay", "epsilon"}


def refined(
    space: Mapping[str, Sequence[Any] | Distribution], ranked: Sequence[Mapping[str, Any]]
) -> dict[str, Sequence[Any] | Distribution]:
    """Return the space around the best rows.

    A range becomes a third as wide, by its own scale, with the best value in its middle; learning
    rates and the like may leave the old range by that, and others not. A list keeps the values of
    the best quarter.

    Args:
        space: The coarse space.
        ranked: The rows, the best first.

    """
    some = ranked[: max(1, math.ceil(_BEST * len(ranked)))]
    found: dict[str, Sequence[Any] | Distribution] = {}
    for name, values in space.items():
        best = ranked[0][name]
        if isinstance(values, LogUniform):
            factor = (values.high / values.low) ** (_SHARE / 2)
            found[name] = LogUniform(*_kept_within(name, values, best / factor, best * factor))
        elif isinstance(values, Uniform):
            half = (values.high - values.low) * _SHARE / 2
            found[name] = Uniform(*_kept_within(name, values, best - half, best + half))
        else:
            listed = values.values if isinstance(values, Choice) else values
            found[name] = Choice(
                tuple(value for value in listed if any(row[name] == value for row in some))
            )
    return found


def _kept_within(
    name: str, values: Uniform | LogUniform, low: float, high: float
) -> tuple[float, float]:
    if name in _OPEN:
        return (max(low, 0.0), high) if isinstance(values, Uniform) else (low, high)
    return max(low, values.low), min(high, values.high)


def at_the_edge(
    space: Mapping[str, Sequence[Any] | Distribution], best: Mapping[str, Any]
) -> list[str]:
    """Return the hyperparameters whose best value is at an end of what was tried.

    Of a list of numbers the ends are its lowest and highest, and of a range the outer twentieths by
    its own scale.
    """
    found = []
    for name, values in space.items():
        value = best[name]
        if isinstance(values, LogUniform | Uniform):
            low, high, at = values.low, values.high, value
            if isinstance(values, LogUniform):
                low, high, at = math.log(low), math.log(high), math.log(at)
            margin = 0.05 * (high - low)
            is_there = not low + margin <= at <= high - margin
        else:
            listed = list(values.values if isinstance(values, Choice) else values)
            numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in listed)
            is_there = numeric and len(set(listed)) > 2 and value in (min(listed), max(listed))
        # No regularisation and no decay are ends that nothing lies beyond.
        is_natural = value in (0, 1) and not isinstance(value, list)
        if is_there and not is_natural and name != "seed":
            found.append(name)
    return found
