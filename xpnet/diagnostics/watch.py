"""A training that is watched: looks at its layers now and then, and a word where one is due."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpnet.checks import check_count_or_none
from xpnet.diagnostics.layer_outputs import check_layers, layer_names, weight_names
from xpnet.diagnostics.looks import Looks
from xpnet.diagnostics.spacing import Spacing
from xpnet.diagnostics.watch_divergence import Divergences
from xpnet.diagnostics.watch_file import write_watch
from xpnet.diagnostics.watch_record import Notice, WatchRecord
from xpnet.diagnostics.watch_rules import may_be_dead, newly_true
from xpnet.errors import CheckpointWarning, InputError, WatchWarning, warn
from xpnet.nets import FullyConnectedNet

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["Watch"]

# Of the training's time. What is not measured with the looks, as the calls in between and copies
# to rehearse from, takes 0.5%; and a first look and a last come in any case.
_LOOKS = 0.008
# The time that a training will take is told by its steps, once half of them are done: the first
# have a compiler's time in them, and the first look.
_FORESEEN = 2.0
# Seconds in which the clock alone is looked at, of a training that goes by it.
_REST = 0.004


class Watch:
    """A callback of the Solver that watches the layers, and warns once of each thing that is wrong.

    Looks are taken at boundaries that the Solver has anyway: the first after the first step, at the
    parameters from before it (step 0 of the record); one at its end; and in between as many as take
    0.8% of the training's time with these. Nothing in the training changes, to the bit. It is for
    nets and update rules of xpnet's own; of a stack each member is watched by itself. Of a run that
    diverged the last steps are taken once more on copies, to see which layer broke first; of a
    stack only by the members that diverged, a fifth of all members' steps at most beyond the first
    time.

    Args:
        every: Look at the first boundary so many steps after the last look, however long that
            takes; None goes by the time. Boundaries are `print_every` steps apart.
        say: Called with each `Notice`; None warns by Python's `warnings`.
        path: Keep the record in this file, written before each checkpoint and at the end.

    Attributes:
        record: The `WatchRecord`, or None before the first look.
        error: Why the file is not complete, or "".

    Raises:
        InputError: `every` is no positive integer; or while training, the net or the update rule is
            none of xpnet's, or the record is of another net.

    """

    def __init__(
        self,
        every: int | None = None,
        *,
        say: Callable[[Notice], None] | None = None,
        path: str | Path | None = None,
    ) -> None:
        self.every = check_count_or_none("every", every)
        self.record: WatchRecord | None = None
        self.error = ""
        self._say = _warn if say is None else say
        self._path = None if path is None else Path(path)
        self._watched: _Watched | None = None
        self._written: tuple[int, int] | None = None

    def go_on_from(self, record: WatchRecord, solver: "Solver") -> None:
        """Take over what was recorded of a training until the step that it was resumed from.

        Raises:
            InputError: The record is of another net.

        """
        _check_same(record, check_layers(solver.model), solver.members)
        self.record = record.until(solver.step)
        self._watched = None

    def on_begin(self, solver: "Solver") -> None:
        """Copy what the training begins from."""
        self._now(solver)

    def on_interval(self, solver: "Solver") -> None:
        """Look if a look is due."""
        if (watched := self._now(solver)).is_awake():
            watched.go_on(must=False)

    def on_epoch(self, solver: "Solver") -> None:
        """Look if a look is due, or the training ends."""
        must = solver.epoch == solver.last_epoch
        if (watched := self._now(solver)).is_awake() or must:
            watched.go_on(must=must)

    def on_checkpoint(self, _solver: "Solver") -> None:
        """Write the record, so that no checkpoint is ahead of it."""
        self._write()

    def on_end(self, solver: "Solver") -> None:
        """Say which layer a divergence began in, and write the record."""
        if solver.step:
            self._now(solver).end()
        self._write()

    def _now(self, solver: "Solver") -> "_Watched":
        """Return the watch of the training that goes on."""
        if self._watched is None or not self._watched.is_of(solver):
            self._watched = _Watched(solver, self.every, self.record, self._say)
            self.record = self._watched.record
        return self._watched

    def _write(self) -> None:
        """Write the record if there is something new; if that fails, warn."""
        if self._path is None or self.record is None:
            return
        state = len(self.record.steps), len(self.record.notices)
        if state == self._written:
            return
        try:
            write_watch(self._path, self.record)
            self._written, self.error = state, ""
        except OSError as error:
            self.error = f"{self._path} could not be written ({error.strerror or error})"
            warn(f"{self.error}. The training goes on", CheckpointWarning)


class _Watched:
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
        _check_same(record, net, members)
        self.record = record
        compiles = net.backend.always_compiles
        last = record.steps[-1] if record.steps else None
        self._look_spacing = Spacing(_LOOKS, every, last_step=last, forgives_first=compiles)
        self._divergences = Divergences(solver, self._looks)

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
        if solver.members is not None:  # a single net that diverges ends its training
            self._tell(self._divergences.notices(self.record))
        looks = must or self._look_spacing.allows(step, seconds, self._whole(seconds))
        if looks:  # as seldom, of many times a second
            start = self._looks.at_start()
            live, at = (self._looks.now(), step) if start is None else (start, 0)
            with self._look_spacing.measured(step):
                self._look(live, at, is_last=must)
        if self._divergences.are_due(seconds):
            self._divergences.keep()

    def end(self) -> None:
        """Look where all runs have ended before the last epoch."""
        if (start := self._looks.at_start()) is not None:
            self._look(start, 0, is_last=False)  # the first step was the last: nobody was called
        self._tell(self._divergences.notices(self.record))
        if self._solver._loop.history.gone.all():
            self._look(self._looks.now(), self._solver.step, is_last=True)

    def _look(self, live: Mapping[str, Any], step: int, *, is_last: bool) -> None:
        record = self.record
        if record.steps and record.steps[-1] >= step:
            return
        found = self._looks.look(live)
        if may_be_dead(found, is_last=is_last):
            found["validation_dead_share"] = self._looks.dead_on_validation(live)
        record.add(step, found)
        self._tell(newly_true(record, self._solver, self._looks))

    def _tell(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            self.record.notices.append(notice)
            self._say(notice)


def _check_same(record: WatchRecord, net: FullyConnectedNet, members: int | None) -> None:
    """Raise InputError unless the record is of a net with these layers."""
    layers = layer_names(net)
    if (record.layers, record.members) != (layers, members):
        raise InputError(
            f"the record is of {', '.join(record.layers)} with members {record.members}, but the "
            f"net has {', '.join(layers)} with members {members}: begin with a new Watch"
        )


def _warn(notice: Notice) -> None:
    warn(str(notice), WatchWarning)
