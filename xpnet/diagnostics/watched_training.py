"""One training that is watched: when to look, and what to say of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.diagnostics.layer_outputs import layer_names, weight_names
from xpnet.diagnostics.looks import Looks
from xpnet.diagnostics.looks_together import Copies, look_at
from xpnet.diagnostics.rehearsed_divergence import kept
from xpnet.diagnostics.spacing import Spacing
from xpnet.diagnostics.watch_divergence import Divergences
from xpnet.diagnostics.watch_record import Notice, WatchRecord
from xpnet.diagnostics.watch_rules import may_be_dead, newly_true
from xpnet.errors import InputError
from xpnet.nets import FullyConnectedNet

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["WatchedTraining", "check_same"]

# Of the training's time. What is not measured with the looks, as the calls in between and copies
# to rehearse from, takes 0.5%; and a first look and a last come in any case.
_LOOKS = 0.01
# The time that a training will take is told by its steps, once half of them are done: the first
# have a compiler's time in them, and the first look.
_FORESEEN = 2.0
# Seconds in which the clock alone is looked at, of a training that goes by it.
_REST = 0.004


class WatchedTraining:
    """One call of `Solver.train` that is watched."""

    def __init__(
        self,
        solver: "Solver",
        every: int | None,
        record: WatchRecord | None,
        say: Callable[[Notice], None],
    ) -> None:
        self._solver, self._begun_at, self._say = solver, solver._begun_at, say
        self._begun_after, self._sleeps_until = solver.step, 0.0
        self._sleeps = every is None and solver.members is None  # others tell who has diverged
        self._looks = Looks(solver)
        net, members = self._looks.net, solver.members
        if record is None:
            record = WatchRecord(layer_names(net), weight_names(net), members)
        check_same(record, net, members)
        self.record = record
        compiles = net.backend.always_compiles
        last = record.steps[-1] if record.steps else None
        self._look_spacing = Spacing(_LOOKS, every, last_step=last, forgives_first=compiles)
        self._divergences = Divergences(solver, self._looks)
        waits = self._sleeps and not compiles and solver.patience is None
        self._copies: Copies | None = None
        self._waiting = [self._divergences.first] if waits else []

    def is_of(self, solver: "Solver") -> bool:
        """Return whether this is the call that goes on."""
        return solver is self._solver and solver._begun_at == self._begun_at

    def is_awake(self) -> bool:
        """Return whether it is time to see what is due."""
        return not self._sleeps or self._seconds() >= self._sleeps_until

    def _seconds(self) -> float:
        """Return the seconds of this training."""
        return self._solver.seconds_until_now - self._solver.seconds

    def _whole(self, seconds: float) -> float | None:
        """Return the seconds that it will take, or None where patience may end it."""
        solver, begun = self._solver, self._begun_after
        if solver.patience is not None:
            return None
        planned = solver.steps_per_epoch * solver.last_epoch - begun
        return seconds * min(planned / (solver.step - begun), _FORESEEN)

    def go_on(self, *, must: bool) -> None:
        """Look, and copy what a divergence would be rehearsed from, where these are due."""
        solver, step, seconds = self._solver, self._solver.step, self._seconds()
        self._sleeps_until = seconds + _REST
        if self._waiting and not must:
            self._copies = self._copies or Copies(solver, self._begun_after)
            if self._copies.may_wait(step, seconds):
                if self._copies.are_due(step):
                    self._waiting.append(self._divergences.keep())
                return
        if solver.members is not None:  # a single net that diverges ends its training
            self._tell(self._divergences.notices(self.record))
        if self._waiting:
            self._looks.wait_for_steps()
            with self._look_spacing.measured(step):
                self._look_at_copies(must=must)
            return
        if must or self._look_spacing.allows(step, seconds, self._whole(seconds)):
            start = self._looks.at_start()
            live, at = (self._looks.now(), step) if start is None else (start, 0)
            self._looks.wait_for_steps()
            with self._look_spacing.measured(step):
                self._look(live, at, is_last=must)
        if self._divergences.are_due(seconds):
            self._looks.wait_for_steps()
            self._divergences.keep()

    def end(self) -> None:
        """Look where all runs have ended before the last epoch."""
        if self._waiting:
            self._look_at_copies(must=False)
        if (start := self._looks.at_start()) is not None:
            self._look(start, 0, is_last=False)  # the first step was the last: nobody was called
        self._tell(self._divergences.notices(self.record))
        if self._solver._loop.history.all_gone:
            self._look(self._looks.now(), self._solver.step, is_last=True)

    def _look_at_copies(self, *, must: bool) -> None:
        """Look at all that waits, and if it must be now, at what is now."""
        copies, self._waiting = self._waiting, []
        if must:
            copies.append(kept(self._solver, self._looks.now()))
        for copy, found in zip(copies, look_at(self._looks, copies), strict=True):
            live = self._looks.live(copy.variables, copy.slots)
            self._add(copy.step, found, live, is_last=must and copy is copies[-1])

    def _look(self, live: Mapping[str, Any], step: int, *, is_last: bool) -> None:
        if not self.record.steps or self.record.steps[-1] < step:
            self._add(step, self._looks.look(live), live, is_last=is_last)

    def _add(
        self, step: int, found: dict[str, np.ndarray], live: Mapping[str, Any], *, is_last: bool
    ) -> None:
        """Note what a look found, and say what it shows; of the losses only as they are now."""
        record = self.record
        if record.steps and record.steps[-1] >= step:
            return
        if may_be_dead(found, is_last=is_last):
            found["validation_dead_share"] = self._looks.dead_on_validation(live)
        record.add(step, found)
        course = is_last or step == self._solver.step
        self._tell(newly_true(record, self._solver, self._looks, course=course))

    def _tell(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            self.record.notices.append(notice)
            self._say(notice)


def check_same(record: WatchRecord, net: FullyConnectedNet, members: int | None) -> None:
    """Raise InputError unless the record is of a net with these layers."""
    layers = layer_names(net)
    if (record.layers, record.members) != (layers, members):
        raise InputError(
            f"the record is of {', '.join(record.layers)} with members {record.members}, but the "
            f"net has {', '.join(layers)} with members {members}: begin with a new Watch"
        )
