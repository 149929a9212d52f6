"""Looks at a short training: copies while it trains, and one look at all of them.

What a look at a small net costs is calls more than arithmetic. So the copies go through the net as
a stack: four of them take one and a half times as long as one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from xpnet.data.batches import sample_rows
from xpnet.diagnostics.layer_outputs import tapped
from xpnet.diagnostics.looks import Looks
from xpnet.diagnostics.rehearsed_divergence import Kept
from xpnet.diagnostics.some_members import stack_of, stacked
from xpnet.nets import Variables

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["Copies", "look_at"]

# Seconds of a training whose looks can wait for its end, and from when on its length is told.
_SHORT, _TOLD = 1.0, 0.03
# Of a training's steps: what all looks together may take, and in steps what the first of them takes
# and what each more, as measured of 64-100-10 on NumPy, whose looks are dear beside its steps.
_SHARE, _FIRST, _EACH = 0.0155, 5.0, 1.7
_MOST = 10


class Copies:
    """Decides whether looks wait for the end, and when to copy.

    Args:
        solver: Whose training goes on, of a single net.
        begun: The step after which it began.

    """

    def __init__(self, solver: "Solver", begun: int) -> None:
        self._begun = begun
        self._planned = max(solver.steps_per_epoch * solver.last_epoch - begun, 1)
        number = (_SHARE * self._planned - _FIRST) / _EACH
        self._looks = max(2, min(int(number), _MOST))
        self._next = 1

    def may_wait(self, step: int, seconds: float) -> bool:
        """Return whether looks can wait, after a step, when so many seconds were trained."""
        whole = seconds * self._planned / max(step - self._begun, 1)
        return seconds < _TOLD or whole <= _SHORT

    def are_due(self, step: int) -> bool:
        """Return whether a copy is due after a step; they are evenly spread."""
        if step < self._begun + self._planned * self._next / (self._looks - 1):
            return False
        self._next += 1
        return True


def look_at(looks: Looks, copies: Sequence[Kept]) -> list[dict[str, np.ndarray]]:
    """Return what `looks.look` would have found when each of these copies of a single net was made.

    Args:
        looks: Looks at the training.
        copies: In their order.

    """
    xp, solver = looks.net.backend.xp, looks._solver
    own = zip(*(copy.variables for copy in copies), strict=True)
    variables = Variables(*(stacked(times, xp) for times in own))
    names = copies[0].slots
    slots = {name: stacked([copy.slots[name] for copy in copies], xp) for name in names}
    steps = [max(copy.step, 1) for copy in copies]  # before the first step, as it is in it
    rows = [sample_rows(solver.num_train, solver.batch_size, step) for step in steps]
    found = [looks._coefficients(step) for step in steps]
    numbers = {name: xp.stack([one[name] for one in found]) for name in found[0]}
    tap = tapped(stack_of(looks.net, variables.params, len(copies)))
    batch = looks._batch(np.stack(rows)) | {"coefficients": numbers}
    host = looks.net.backend.to_numpy(looks._measured(looks.live(variables, slots), batch, tap))
    return [looks._by_name(row) for row in host]
