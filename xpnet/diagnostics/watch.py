"""A training that is watched: looks at its layers now and then, and a word where one is due."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xpnet.checks import check_count_or_none
from xpnet.diagnostics.layer_outputs import check_layers
from xpnet.diagnostics.watch_file import write_watch
from xpnet.diagnostics.watch_record import Notice, WatchRecord
from xpnet.diagnostics.watched_training import WatchedTraining, check_same
from xpnet.errors import CheckpointWarning, WatchWarning, warn

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["Watch"]


class Watch:
    """A callback of the Solver that watches the layers, and warns once of each thing that is wrong.

    Looks are taken at boundaries that the Solver has anyway: the first after the first step, at the
    parameters from before it (step 0 of the record); one at its end; and in between as many as take
    1% of the training's time with these. Of a single net that trains for less than a second
    copies are kept, and looked at together at its end. Nothing in the training changes, to the bit.
    It is for nets and update rules of xpnet's own; of a stack each member is watched by itself. Of
    a run that diverged the last steps are taken once more on copies, to see which layer broke
    first; of a stack only by the members that diverged, a fifth of all members' steps at most
    beyond the first time.

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
        self._watched: WatchedTraining | None = None
        self._written: tuple[int, int] | None = None

    def go_on_from(self, record: WatchRecord, solver: "Solver") -> None:
        """Take over what was recorded of a training until the step that it was resumed from.

        Raises:
            InputError: The record is of another net.

        """
        check_same(record, check_layers(solver.model), solver.members)
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

    def _now(self, solver: "Solver") -> "WatchedTraining":
        """Return the watch of the training that goes on."""
        if self._watched is None or not self._watched.is_of(solver):
            self._watched = WatchedTraining(solver, self.every, self.record, self._say)
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


def _warn(notice: Notice) -> None:
    warn(str(notice), WatchWarning)
