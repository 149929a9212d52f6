"""Which nets are filled up with units of zeros, so that other hidden sizes share their stack.

A sweep over hidden sizes has few nets of each, and small nets want company: a step of 10 at 50
units takes as long as one of 20. Sizes are filled up to the next multiple of eight where the calls
that are shared by that cost more than the zeros. It depends on the configurations alone and not on
what has been measured, so that a sweep that is stopped goes on to the same numbers; filled up, a
net is what it would be alone to rounding.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xpnet.nets import can_be_padded
from xpnet.sweep.costs import costs_of
from xpnet.sweep.plan import Group, groups
from xpnet.sweep.work import first_size

__all__ = ["filled_up"]

_MULTIPLE = 8
_WORTH = 0.95  # of the cost apart


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

    def cost(group: Group, members: int) -> float:
        """Return what a member costs, with so many that may share its stack."""
        found = costs_of(group, features, num_classes)
        return found.step(min(members, first_size(found.step_bytes, is_gpu=is_gpu)))

    wanted: dict[int, list[int]] = {}
    for apart in _by_larger_sizes(groups(runs, fixed)):
        members = sum(len(group.numbers) for group in apart)
        for group in apart:
            filled = _filled(group)
            if cost(filled, members) < _WORTH * cost(group, len(group.numbers)):
                wanted |= dict.fromkeys(group.numbers, filled.shared["hidden_dims"])
    return wanted


def _filled(group: Group) -> Group:
    """Return the group with the sizes that its nets would be filled up to."""
    larger = [-(-size // _MULTIPLE) * _MULTIPLE for size in group.shared["hidden_dims"]]
    return replace(group, shared={**group.shared, "hidden_dims": larger})


def _by_larger_sizes(found: list[Group]) -> list[list[Group]]:
    """Return the groups that could be one if they were filled up, where there are several."""
    together: dict[str, list[Group]] = {}
    for group in found:
        if all(can_be_padded(group.values(k)) for k in range(len(group.numbers))):
            together.setdefault(_filled(group).key, []).append(group)
    return [some for some in together.values() if len(some) > 1]
