"""Members taken out of a stack in the middle of their training, to go on in another stack.

A stack of which only some are to go on is made anew from these, and with that laid out anew: a
slice would leave gaps in memory that every product pays for.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xpnet.checkpoint import checkpoint_arrays, restore_arrays
from xpnet.errors import InputError

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["MemberStates", "go_on_from", "joined", "member_states"]

_BY_CHECKS = {f"history.{name}" for name in ("loss", "train_acc", "val_acc", "val_loss")}
_SHARED = "history.check_steps"


class MemberStates(NamedTuple):
    """What the members of a stack go on from, at the end of an epoch."""

    arrays: dict[str, np.ndarray]  # as in a checkpoint, by name
    counters: tuple[int, ...]


def member_states(solver: "Solver") -> MemberStates:
    """Return those of a stack whose training was paused by `train(until=...)`.

    Raises:
        InputError: The Solver trains a single net.

    """
    if solver.members is None:
        raise InputError("members are taken out of a stack, and the net is a single one")
    return MemberStates(checkpoint_arrays(solver), solver._loop.counters)


def joined(parts: Sequence[tuple[MemberStates, Sequence[int]]]) -> MemberStates:
    """Return some members of each of several stacks as those of one.

    Raises:
        InputError: They are not at the same step.

    """
    first = parts[0][0]
    for states, _ in parts:
        if states.counters != first.counters:
            raise InputError(
                f"members can be joined at the same step; got {states.counters} and "
                f"{first.counters}"
            )
    arrays = {}
    for name, x in first.arrays.items():
        if name == _SHARED or name.startswith("preprocess."):
            arrays[name] = x
            continue
        axis = 1 if name in _BY_CHECKS else 0
        arrays[name] = np.concatenate(
            [np.take(states.arrays[name], members, axis=axis) for states, members in parts],
            axis=axis,
        )
    return MemberStates(arrays, first.counters)


def go_on_from(solver: "Solver", states: MemberStates) -> None:
    """Let the next `train()` of a new Solver of so many members go on from these.

    Raises:
        InputError: They do not fit its net, its rule or its data.

    """
    restore_arrays(solver, states.arrays, states.counters)
