"""Where a training diverged: its last steps taken once more, to see which layer broke first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xpnet.backends import Array
from xpnet.diagnostics.looks import Looks
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
    more on copies, once for all members, and the batch of such a step goes through the net before
    it; and after it, where that did not break.

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
    for step, twin, rows in rehearsal(solver, start):
        unsettled = [k for k in broke.get(step - 1, ()) if found[k] is None]
        if unsettled:
            found |= _first_of(looks, twin, rows_before, unsettled)
        if step in broke:
            found |= _first_of(looks, twin, rows, broke[step])
        if step > last or (step == last and None not in [found[k] for k in broke[step]]):
            break
        rows_before = rows
    return found


def rehearsal(solver: "Solver", start: Kept) -> Iterator[tuple[int, Any, np.ndarray]]:
    """Yield each step, a trainer that has taken those before it, and the step's rows."""
    loop, per_epoch = solver._loop, solver.steps_per_epoch
    twin: Any = make_twin(loop.trainer, None)
    twin.go_on_from((copied(start.variables), _copied(start.slots)))
    twin.begin(loop.parts.train, solver._sample_weights)
    epoch, done, step = start.epoch, start.done_in_epoch, start.step
    order = loop.draw_rows(epoch)
    while True:
        if done == per_epoch:
            epoch, done = epoch + 1, 0
            order = loop.draw_rows(epoch)
        step += 1
        yield step, twin, order[done]
        _take(solver, twin, order[done], step)
        done += 1


def _take(solver: "Solver", twin: Any, rows: np.ndarray, step: int) -> None:
    """Take one step."""
    loop = solver._loop
    total = solver.steps_per_epoch * loop.last_epoch
    scales = loop.rates.at(step - 1, 1, total, loop.last_epoch)
    twin.advance(rows[None], scales, step, rows[None][:0])


def _copied(slots: Mapping[str, dict[str, Array]]) -> dict[str, dict[str, Array]]:
    return {name: copied(Variables(own, {})).params for name, own in slots.items()}


def _first_of(
    looks: Looks, twin: Any, rows: np.ndarray, members: Sequence[int]
) -> dict[int, str | None]:
    """Return the first layer of each member that is not finite on a batch, or None."""
    shares = looks.nonfinite_shares(looks.live(twin._variables, twin._slots), rows)
    broken = ~(shares.reshape(-1, len(looks.layers)) == 0)
    return {k: looks.layers[broken[k].argmax()] if broken[k].any() else None for k in members}
