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

__all__ = ["Kept", "first_nonfinite_layers", "kept"]


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
    slots = {name: copied(Variables(own, {})).params for name, own in live["slots"].items()}
    place = (0, 0, 0) if at_start else (loop.step, loop.epoch, loop.counters[2])
    return Kept(*place, copied(live["variables"]), slots)


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
    trainer, loop = solver._loop.trainer, solver._loop
    twin: Any = make_twin(trainer, None)
    twin.go_on_from((start.variables, start.slots))
    twin.begin(loop.parts.train, solver._sample_weights)
    per_epoch = solver.steps_per_epoch
    total = per_epoch * loop.last_epoch
    rows = loop.draw_rows(start.epoch)
    for now in range(start.step, step):  # steps done
        index = start.done_in_epoch + now - start.step
        if index and index % per_epoch == 0:
            rows = loop.draw_rows(start.epoch + index // per_epoch)
        own = rows[index % per_epoch]
        if now + 1 == step:
            before = _share(looks, twin, own)
        scales = loop.rates.at(now, 1, total, loop.last_epoch)
        twin.advance(own[None], scales, now + 1, rows[:0])
    after = _share(looks, twin, own)
    names = looks.layers
    return [
        _first(names, a) or _first(names, b)
        for a, b in zip(before.reshape(-1, len(names)), after.reshape(-1, len(names)), strict=True)
    ]


def _share(looks: Looks, twin: Any, rows: np.ndarray) -> np.ndarray:
    """Return which share of each layer's outputs is not finite on a batch."""
    return looks.statistics(looks.live(twin._variables, twin._slots), rows)["nonfinite_share"]


def _first(names: list[str], shares: np.ndarray) -> str | None:
    broken = np.flatnonzero(~(shares == 0))
    return names[broken[0]] if len(broken) else None
