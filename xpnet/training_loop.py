"""The way of a training from boundary to boundary: steps, checks, lines and callbacks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.backends import backend_of
from xpnet.history import History
from xpnet.history_lines import epoch_line, iteration_line, stop_line
from xpnet.interrupts import InterruptFlag
from xpnet.measured_parts import MeasuredParts
from xpnet.nets import Variables
from xpnet.schedules import RateScales
from xpnet.trainers import Trainer

__all__ = ["TrainingLoop"]


@dataclass
class TrainingLoop:
    """Runs epochs, and counts them.

    Attributes:
        trainer: Takes the steps.
        parts: The data, and what is measured on them.
        history: What is written down.
        rates: What the learning rate is multiplied by at each step.
        base_rate: The learning rate before that, or None if it is not known.
        draw_rows: From the number of an epoch to the training rows of its steps, (steps, B) or
            (steps, members, B).
        print_every: Steps from one printed loss, and one look for divergence, to the next.
        metric: The short name of what is measured.
        bind: Puts parameters and state into the model.
        say: Prints the line that a function makes of what follows it, where lines are wanted.
        call: Calls the callbacks of an event.
        keep: Writes a checkpoint if one is due, and in any case if the first argument is true; the
            second tells whether an epoch ends.
        epoch: Epochs done.
        step: Steps done.
        last_epoch: The epoch at whose end the training that was begun last ends.

    """

    trainer: Trainer
    parts: MeasuredParts
    history: History
    rates: RateScales
    base_rate: Any
    draw_rows: Callable[[int], np.ndarray]
    print_every: int
    metric: str
    bind: Callable[[Variables], None]
    say: Callable[..., None]
    call: Callable[[str], None]
    keep: Callable[[bool, bool], None]
    epoch: int = 0
    step: int = 0
    last_epoch: int = 0
    _done_in_epoch: int = 0

    @property
    def counters(self) -> tuple[int, ...]:
        """Epochs done, steps done, steps done in this epoch, and the last epoch."""
        return self.epoch, self.step, self._done_in_epoch, self.last_epoch

    @counters.setter
    def counters(self, counters: tuple[int, ...]) -> None:
        self.epoch, self.step, self._done_in_epoch, self.last_epoch = counters

    def run(self, last_epoch: int, interrupt: InterruptFlag, until: int | None = None) -> None:
        """Train to the end of an epoch, or until an interrupt, or until every run has ended.

        Args:
            last_epoch: The epoch at whose end the training ends.
            interrupt: Read at each boundary.
            until: Pause at the end of this one.

        """
        self.last_epoch = last_epoch
        while not (self.epoch in (last_epoch, until) or self.history.all_gone):
            if self._is_stopped_in_epoch(interrupt):
                return

    def _is_stopped_in_epoch(self, interrupt: InterruptFlag) -> bool:
        """Train to the end of the epoch, or to the boundary at which an interrupt ends the run."""
        rows, history, last_epoch = self.draw_rows(self.epoch), self.history, self.last_epoch
        done = self._done_in_epoch
        num_steps = self.step - done + len(rows) * (last_epoch - self.epoch)
        while done < len(rows):
            stop = min(len(rows), done + self._steps_to_boundary())
            scales = self.rates.at(self.step, stop - done, num_steps, last_epoch)
            rate = None if self.base_rate is None else self.base_rate * scales[-1]
            following = rows[stop : stop + self.print_every]
            losses = self.trainer.advance(rows[done:stop], scales, self.step + 1, following)
            history.add_losses(losses, self.step + 1, rate)
            self.step += stop - done
            done = stop
            ends = done == len(rows)
            self.epoch += ends
            self._done_in_epoch = 0 if ends else done
            now = self.trainer.variables
            self.bind(now)
            if history.all_gone:
                self.keep(True, ends)
                break
            if (self.step - 1) % self.print_every == 0:
                self.say(iteration_line, self.step, num_steps, history.loss[-1])
                self.call("on_interval")
            is_due = self.step == 1 or ends
            if is_due:
                self._check(now, rate, ends_epoch=ends)
            if ends:
                self.call("on_epoch")
            stops = interrupt.is_set  # read once: it may be set at any moment
            is_last = self.epoch == last_epoch or history.all_gone
            self.keep(stops or (ends and is_last), ends)
            if stops:
                if not is_due:  # after the checkpoint: a run that goes on has no check here
                    self._check(now, rate, ends_epoch=False)
                return True
        return False

    def _steps_to_boundary(self) -> int:
        """Return the steps to the next one that is printed: 1, 1 + print_every, ..."""
        return self.print_every - (self.step - 1) % self.print_every

    def _check(self, now: Variables, rate: Any, *, ends_epoch: bool) -> None:
        """Measure, write down, keep what is best, and say it."""
        history = self.history
        measured = self.parts.measure(now, self.epoch)
        improved = history.add_check(measured, self.step, rate, ends_epoch=ends_epoch)
        history.best.keep(now, improved, backend_of(next(iter(now.params.values()))))
        self._report()

    def _report(self) -> None:
        """Say what a check found, and stop the runs whose patience has ended."""
        history, best, last_epoch = self.history, self.history.best, self.last_epoch
        accuracies = history.train_acc[-1], history.val_acc[-1]
        self.say(epoch_line, self.epoch, last_epoch, *accuracies, self.metric)
        if best.patience is None:
            return
        newly = best.stop(self.step, ~history.gone)
        if newly.any():
            going = int((~history.gone).sum())
            self.say(stop_line, self.epoch, last_epoch, best.patience, newly, going)
