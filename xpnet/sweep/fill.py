"""Which nets are filled up with units of zeros, so that other hidden sizes share their stack.

A sweep over hidden sizes has few nets of each, and small nets want company: a step of 10 at 50
units takes as long as one of 20. Sizes are filled up to the next multiple of eight, where that adds
a twentieth to the work at most and the nets of their own size do not fill a stack. It depends on
the configurations alone and not on what has been measured, so that a sweep that is stopped goes on
to the same numbers; filled up, a net is what it would be alone to rounding.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xpnet.nets import can_be_padded
from xpnet.sweep.costs import costs_of
from xpnet.sweep.plan import groups
from xpnet.sweep.work import first_size

__all__ = ["filled_up"]

_MULTIPLE = 8
_MOST_WORK = 1.05


def filled_up(
    runs: Mapping[int, Mapping[str, Any]],
    fixed: Mapping[str, Any],
    features: int,
    num_classes: int,
    *,
    is_gpu: bool,
) -> dict[int, list[int]]:
    """Return the hidden sizes to fill up to, by the numbers of the runs that gain by it.

    Args:
        runs: All of a round.
        fixed: What they have alike.
        features: Of a sample.
        num_classes: The scores of a sample.
        is_gpu: Whether they train on a graphics card.

    """
    wanted: dict[int, list[int]] = {}
    kinds: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
    for group in groups(runs, fixed):
        sizes = group.shared["hidden_dims"]
        larger = [-(-size // _MULTIPLE) * _MULTIPLE for size in sizes]
        own = costs_of(group, features, num_classes)
        filled = costs_of(
            replace(group, shared={**group.shared, "hidden_dims": larger}), features, num_classes
        )
        is_cheap = filled.work <= _MOST_WORK * own.work
        is_alone = len(group.numbers) < first_size(own.step_bytes, is_gpu=is_gpu)
        if is_cheap and is_alone and can_be_padded(group.values(0)):
            wanted |= dict.fromkeys(group.numbers, larger)
            kinds.setdefault(tuple(larger), set()).add(tuple(sizes))
    return {n: larger for n, larger in wanted.items() if len(kinds[tuple(larger)]) > 1}
