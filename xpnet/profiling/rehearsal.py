"""Steps of a training that are taken to be measured, and then forgotten."""

import copy
import dataclasses
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xpnet.best import Best
from xpnet.divergence import Divergence
from xpnet.errors import DivergenceWarning, InputError
from xpnet.history import History
from xpnet.interrupts import InterruptFlag
from xpnet.measured_parts import Measured, MeasuredParts
from xpnet.model_trainer import ModelTrainer
from xpnet.model_variables import copied, put_into_model
from xpnet.nets import Variables
from xpnet.nets.watched import with_watched
from xpnet.profiling.stopwatch import Key, Stopwatch
from xpnet.profiling.twins import make_twin, own_copy
from xpnet.trainers import Trainer

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["Rehearsal", "Turn"]


class Turn(NamedTuple):
    """Steps that were taken: how many, and the nanoseconds of all and of their pieces."""

    steps: int
    nanoseconds: int
    laps: dict[Key, int]


class Rehearsal:
    """Runs the Solver's own loop on copies, with nobody called and nothing printed.

    Attributes:
        stopwatch: What measures it.
        turns: What each `take` since `begin` has found.

    Args:
        solver: Whose training it is.
        stopwatch: Measures checks and the drawing of rows, and with `in_pieces` the steps.
        in_pieces: Whether the pieces of a step are measured.
        compiled: Whether steps are compiled as in the training; in pieces they are not.

    """

    def __init__(
        self,
        solver: "Solver",
        stopwatch: Stopwatch,
        *,
        in_pieces: bool = False,
        compiled: bool = False,
    ) -> None:
        loop, watch_rare = solver._loop, stopwatch.watch_rare
        self.stopwatch = stopwatch
        self._twin = make_twin(
            loop.trainer, stopwatch.watch if in_pieces else None, compiled=compiled
        )
        model = self._twin.model if isinstance(self._twin, ModelTrainer) else self._twin.net
        self._twin.begin(loop.parts.train, solver._sample_weights)
        best = with_watched(
            Best(solver.members, None), watch_rare, keep=("checks", "best parameters kept")
        )
        divergence = Divergence(solver.members, centred=True, y=np.zeros(1, dtype=np.int64))
        history = with_watched(
            History(best, divergence), watch_rare, add_check=("checks", "accuracies written down")
        )
        judge = self._twin  # of a foreign model the copy; of a net one whose parts nobody watches
        if not isinstance(judge, ModelTrainer):
            judge = make_twin(loop.trainer, None)
        self._parts = _PartsMeasuredOnce(loop.parts, judge, stopwatch)
        self._draw = watch_rare("batch", "order drawn", loop.draw_rows)
        self._next_epoch = loop.epoch
        self._rows: list[np.ndarray] = []
        self._wanted = 0
        self._loop = dataclasses.replace(
            loop,
            trainer=self._twin,
            parts=self._parts,  # type: ignore[arg-type] # does what the loop asks of it
            history=history,
            rates=own_copy(loop.rates, "learning rate's schedule"),
            draw_rows=self._next_rows,
            bind=partial(put_into_model, model),
            say=_nothing,
            call=_nothing,
            keep=_nothing,
            # so that stretches are whole, with their end where the training's are
            step=1 + loop.print_every * -(-max(loop.step - 1, 0) // loop.print_every),
            _done_in_epoch=0,
        )
        self.begin()

    def begin(self) -> None:
        """Forget what was measured so far: it warmed caches and compilers up."""
        self.turns: list[Turn] = []
        self.stopwatch.reset()
        self._rows = []
        self._parts.last = None

    def take(self, steps: int) -> None:
        """Take so many steps, and what ends an epoch.

        Raises:
            InputError: The losses diverge.

        """
        self._wanted, watch = steps, self.stopwatch
        begun, rarely = watch.clock(), watch.rarely
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)
            self._loop.run(self._loop.epoch + 1, InterruptFlag())
        taken = watch.clock() - begun - (watch.rarely - rarely)
        self.turns.append(Turn(steps, taken, watch.take_laps()))
        if self._loop.history.all_gone:
            raise InputError(
                "the losses diverge in the steps that a profile takes: make a new Solver with a "
                "smaller learning rate"
            )

    def quicker(self) -> Turn:
        """Return the quicker half of the turns together: loads that come and go meet few turns."""
        turns = sorted(self.turns, key=lambda turn: turn.nanoseconds / turn.steps)
        turns = turns[: (len(turns) + 1) // 2]
        laps = {key: sum(turn.laps.get(key, 0) for turn in turns) for key in turns[0].laps}
        return Turn(
            sum(turn.steps for turn in turns), sum(turn.nanoseconds for turn in turns), laps
        )

    def once_an_epoch(self) -> dict[Key, float]:
        """Return the nanoseconds of each piece that happens once an epoch."""
        rare = self.stopwatch.rare.items()
        return {key: lap.nanoseconds / lap.calls for key, lap in rare if lap.calls}

    def _next_rows(self, _epoch: int) -> np.ndarray:
        """Return the rows of the steps that are wanted, from as many epochs as have them."""
        while sum(map(len, self._rows)) < self._wanted:
            self._rows.append(self._draw(self._next_epoch))
            self._next_epoch += 1
        rows = self._rows[0] if len(self._rows) == 1 else np.concatenate(self._rows)
        self._rows = [rows[self._wanted :]]
        return rows[: self._wanted]


class _PartsMeasuredOnce:
    """The parts of the data, which a rehearsal measures once, however often its loop asks.

    Always the same variables: a training's stay in one place, where NumPy replays its checks.
    """

    def __init__(self, parts: MeasuredParts, judge: Trainer, stopwatch: Stopwatch) -> None:
        self.last: Measured | None = None
        self._held: Variables | None = None
        parts = copy.copy(parts)
        parts._trainer = judge
        self._measure = stopwatch.watch_rare("checks", "both parts measured", parts.measure)

    def measure(self, variables: Variables, epoch: int) -> Measured:
        """Return the scores of both parts."""
        if self._held is None:
            self._held = copied(variables)
        if self.last is None:
            self.last = self._measure(self._held, epoch)
        return self.last


def _nothing(*_: Any) -> None:
    """Neither print nor call."""
