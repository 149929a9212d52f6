"""A finer space around what was found best: the notes' second stage, after a coarse one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from xpnet.sweep.space import Choice, Distribution, LogUniform, Uniform
from xpnet.sweep.values import plain_value, values_of

__all__ = ["at_the_edge", "refined"]

_SHARE = 1 / 3  # of the width of a range, in its own scale
_BEST = 1 / 4  # of the rows, whose values lists keep
# Scales without an upper end: around a best value at the edge the finer range goes beyond it.
_OPEN = {"learning_rate", "reg", "weight_scale", "clip_norm", "weight_decay", "epsilon"}
_NATURAL_ENDS = {
    **{"reg": 0, "weight_decay": 0, "label_smoothing": 0, "momentum": 0},
    **{"lr_decay": 1, "dropout_keep_ratio": 1},
}
_OUTER = 0.05  # of a range


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
            listed = [plain_value(value) for value in values_of(values)]
            kept = [value for value in listed if any(row[name] == value for row in some)]
            found[name] = Choice(tuple(kept))
    return found


def _kept_within(
    name: str, values: Uniform | LogUniform, low: float, high: float
) -> tuple[float, float]:
    if name in _OPEN:
        return (max(low, 0.0), high) if isinstance(values, Uniform) else (low, high)
    return max(low, values.low), min(high, values.high)


def at_the_edge(
    spaces: Sequence[Mapping[str, Sequence[Any] | Distribution]], best: Mapping[str, Any]
) -> list[str]:
    """Return the hyperparameters whose best value is at an end of what was tried.

    Of a list of numbers the ends are its lowest and highest, and of a range the outer twentieths by
    its own scale.

    Args:
        spaces: The space, and finer ones of later stages.
        best: The best row.

    """
    return [
        name
        for name in spaces[0]
        # What nothing lies beyond, such as no regularisation and no decay, is no end.
        if best[name] != _NATURAL_ENDS.get(name)
        and _is_at_end([s[name] for s in spaces], best[name])
    ]


def _is_at_end(tried: Sequence[Sequence[Any] | Distribution], value: Any) -> bool:
    first = tried[0]
    if isinstance(first, LogUniform | Uniform):
        ranges = [one for one in tried if isinstance(one, LogUniform | Uniform)]
        low, high, at = min(r.low for r in ranges), max(r.high for r in ranges), value
        if isinstance(first, LogUniform):
            low, high, at = math.log(low), math.log(high), math.log(at)
        margin = _OUTER * (high - low)
        return not low + margin <= at <= high - margin
    listed = values_of(first)
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in listed)
    return numeric and len(set(listed)) > 2 and value in (min(listed), max(listed))
