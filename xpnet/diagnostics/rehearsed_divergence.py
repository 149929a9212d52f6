"""Where a training diverged: its last steps taken once more, to see which layer broke first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xpnet.backends import Array
from xpnet.diagnostics.looks import Looks
from xpnet.diagnostics.some_members import taken, trainer_of
from xpnet.model_variables import copied
from xpnet.nets import Variables
from xpnet.profiling.twins import make_twin

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["Kept", "first_nonfinite_layers", "kept", "rehearsal"]


class Kept(NamedTuple):
    """What a training can be taken up from: copies, and where it was."""

    step: int
    epoch: int
    done_in_epoch: int
    variables: Variables
    slots: dict[str, dict[str, Array]]


def kept(solver: "Solver", live: Mapping[str, Any]) -> Kept:
    """Return copies of what the steps move, as they are now."""
    loop = solver._loop
    place = loop.step, loop.epoch, loop.counters[2]
    return Kept(*place, copied(live["variables"]), _copied(live["slots"]))


def first_nonfinite_layers(
    solver: "Solver", looks: Looks, start: Kept, broke: Mapping[int, Sequence[int]]
) -> dict[int, str | None]:
    """Return for members that diverged the first layer, in forward order, whose outputs broke.

    The steps from `start` to those whose losses were the first to be NaN or infinite are taken once
    more on copies, by these members alone and once for all of them, and the batch of such a step
    goes through the nets before it; and after it, where that did not break.

    Args:
        solver: Whose training has diverged.
        looks: Looks at it.
        start: Copies from before all these steps.
        broke: By the step, from 1, the members, 0 for a single net.

    Returns:
        By the member a name; None where all outputs were finite, as where the loss alone
        overflowed.

    """
    found: dict[int, str | None] = {}
    last, rows_before = max(broke), np.zeros(0, dtype=np.int64)
    members = sorted({k for those in broke.values() for k in those})
    own = None if solver.members is None else members
    for step, twin, rows in rehearsal(solver, start, own):
        asked = [k for k in broke.get(step - 1, ()) if found[k] is None]
        if asked:
            found |= _first_of(looks, twin, rows_before, members, asked)
        if step in broke:
            found |= _first_of(looks, twin, rows, members, broke[step])
        if step > last or (step == last and None not in [found[k] for k in broke[step]]):
            break
        rows_before = rows
    return found


def rehearsal(
    solver: "Solver", start: Kept, members: Sequence[int] | None = None
) -> Iterator[tuple[int, Any, np.ndarray]]:
    """Yield each step, a trainer that has taken those before it, and the step's rows.

    Args:
        solver: Whose training it is.
        start: Copies to begin from.
        members: Those of a stack to take the steps of; None takes all, or the single net.

    """
    loop, per_epoch = solver._loop, solver.steps_per_epoch
    twin = _twin(solver, start, members)
    epoch, done, step = start.epoch, start.done_in_epoch, start.step
    order = _of(loop.draw_rows(epoch), members, axes=3)
    while True:
        if done == per_epoch:
            epoch, done = epoch + 1, 0
            order = _of(loop.draw_rows(epoch), members, axes=3)
        step += 1
        yield step, twin, order[done]
        scales = loop.rates.at(step - 1, 1, per_epoch * loop.last_epoch, loop.last_epoch)
        rows = order[done][None]
        twin.advance(rows, _of(scales, members, axes=2), step, rows[:0])
        done += 1


def _twin(solver: "Solver", start: Kept, members: Sequence[int] | None) -> Any:
    """Return what takes the steps, from copies of the copies."""
    trainer: Any = solver._loop.trainer
    if members is None:
        twin: Any = make_twin(trainer, None)
        twin.go_on_from((copied(start.variables), _copied(start.slots)))
    else:
        xp = trainer.backend.xp
        params, state = (taken(arrays, members, xp) for arrays in start.variables)
        slots = {name: taken(own, members, xp) for name, own in start.slots.items()}
        twin = make_twin(trainer_of(trainer, members), None)
        twin.go_on_from((Variables(params, state), slots))
    twin.begin(solver._loop.parts.train, solver._sample_weights)
    return twin


def _of(values: np.ndarray, members: Sequence[int] | None, *, axes: int) -> np.ndarray:
    """Return what is these members' of values (steps, members, ...), if each has its own."""
    return values if members is None or values.ndim < axes else values[:, list(members)]


def _copied(slots: Mapping[str, dict[str, Array]]) -> dict[str, dict[str, Array]]:
    return {name: copied(Variables(own, {})).params for name, own in slots.items()}


def _first_of(
    looks: Looks, twin: Any, rows: np.ndarray, members: Sequence[int], asked: Sequence[int]
) -> dict[int, str | None]:
    """Return the first layer that is not finite on a batch of each member asked, or None.

    Args:
        looks: Looks at the training.
        twin: Takes the steps of `members`.
        rows: Of the batch.
        members: In the order of the twin.
        asked: Those of whom to tell.

    """
    shares = looks.nonfinite_shares(twin, rows).reshape(-1, len(looks.layers))
    broken = dict(zip(members, ~(shares == 0), strict=True))
    return {k: looks.layers[broken[k].argmax()] if broken[k].any() else None for k in asked}
