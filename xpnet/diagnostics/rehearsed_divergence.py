"""Where a training diverged: its last steps taken once more, to see which layer broke first."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xpnet.backends import Array
from xpnet.diagnostics.looks import Looks
from xpnet.model_variables import copied
from xpnet.nets import Variables
from xpnet.profiling.twins import make_twin

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["Kept", "first_nonfinite_layers", "kept", "rehearsed"]


class Kept(NamedTuple):
    """What a training can be taken up from: copies, and where it was."""

    step: int
    epoch: int
    done_in_epoch: int
    variables: Variables
    slots: dict[str, dict[str, Array]]


def kept(solver: "Solver", live: Mapping[str, Any], *, at_start: bool) -> Kept:
    """Return copies of what the steps move, as they are now or were before the first step."""
    loop = solver._loop
    place = (0, 0, 0) if at_start else (loop.step, loop.epoch, loop.counters[2])
    return Kept(*place, copied(live["variables"]), _copied(live["slots"]))


def first_nonfinite_layers(
    solver: "Solver", looks: Looks, start: Kept, step: int
) -> list[str | None]:
    """Return for each member the first layer, in forward order, whose outputs broke.

    The steps from `start` to the one whose loss was the first to be NaN or infinite are taken once
    more on copies, and the batch of that step goes through the net before it and after.

    Args:
        solver: Whose training has diverged.
        looks: Looks at it.
        start: Copies from before that step.
        step: That step, from 1.

    Returns:
        A name for each member, or one for a single net; None where all outputs were finite, as
        where the loss alone overflowed.

    """
    twin, rows = rehearsed(solver, start, step - 1)
    before = _share(looks, twin, rows)
    _take(solver, twin, rows, step)
    after = _share(looks, twin, rows)
    names = looks.layers
    return [
        _first(names, a) or _first(names, b)
        for a, b in zip(before.reshape(-1, len(names)), after.reshape(-1, len(names)), strict=True)
    ]


def rehearsed(solver: "Solver", start: Kept, step: int) -> tuple[Any, np.ndarray]:
    """Return a trainer that has taken the steps up to `step`, and the rows of the next one."""
    loop, per_epoch = solver._loop, solver.steps_per_epoch
    twin: Any = make_twin(loop.trainer, None)
    twin.go_on_from((copied(start.variables), _copied(start.slots)))
    twin.begin(loop.parts.train, solver._sample_weights)
    epoch, done = start.epoch, start.done_in_epoch
    order = loop.draw_rows(epoch)
    for now in range(start.step + 1, step + 2):
        if done == per_epoch:
            epoch, done = epoch + 1, 0
            order = loop.draw_rows(epoch)
        if now <= step:
            _take(solver, twin, order[done], now)
            done += 1
    return twin, order[done]


def _take(solver: "Solver", twin: Any, rows: np.ndarray, step: int) -> None:
    """Take one step."""
    loop = solver._loop
    total = solver.steps_per_epoch * loop.last_epoch
    scales = loop.rates.at(step - 1, 1, total, loop.last_epoch)
    twin.advance(rows[None], scales, step, rows[None][:0])


def _copied(slots: Mapping[str, dict[str, Array]]) -> dict[str, dict[str, Array]]:
    return {name: copied(Variables(own, {})).params for name, own in slots.items()}


def _share(looks: Looks, twin: Any, rows: np.ndarray) -> np.ndarray:
    """Return which share of each layer's outputs is not finite on a batch."""
    return looks.statistics(looks.live(twin._variables, twin._slots), rows)["nonfinite_share"]


def _first(names: list[str], shares: np.ndarray) -> str | None:
    broken = np.flatnonzero(~(shares == 0))
    return names[broken[0]] if len(broken) else None
