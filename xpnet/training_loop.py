"""The way of a training from boundary to boundary: steps, checks, lines and callbacks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.backends import backend_of
from xpnet.history import History
from xpnet.history_lines import epoch_line, iteration_line, stop_line
from xpnet.interrupts import InterruptFlag
from xpnet.measured_parts import Measured, MeasuredParts
from xpnet.nets import Variables
from xpnet.running_ahead import Taken, taken_ahead
from xpnet.schedules import RateScales
from xpnet.stretches import stretches
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
        if self.history.all_gone:
            return
        upcoming = stretches(
            self.epoch,
            self.step,
            self._done_in_epoch,
            ends=(last_epoch, until),
            last_epoch=last_epoch,
            print_every=self.print_every,
            draw_rows=self.draw_rows,
            rates=self.rates,
        )
        ahead = self.trainer.stretches_ahead if self.rates.is_ours else 0
        for taken in taken_ahead(self.trainer, self.parts, upcoming, ahead):
            if self._ends_with(taken, interrupt):
                return

    def _ends_with(self, taken: Taken, interrupt: InterruptFlag) -> bool:
        """Write down what a stretch has brought, and return whether the training ends with it."""
        stretch, history = taken.stretch, self.history
        rate = None if self.base_rate is None else self.base_rate * stretch.scales[-1]
        history.add_losses(taken.losses, stretch.first, rate)
        self.step, self.epoch = stretch.last, stretch.epoch
        self._done_in_epoch = stretch.done_in_epoch
        now = taken.variables
        self.bind(now)
        if history.all_gone:
            self.keep(True, stretch.ends_epoch)
            return True
        if (self.step - 1) % self.print_every == 0:
            self.say(iteration_line, self.step, stretch.num_steps, history.loss[-1])
            self.call("on_interval")
        if stretch.is_checked:
            self._check(now, taken.measure(), rate, ends_epoch=stretch.ends_epoch)
        if stretch.ends_epoch:
            self.call("on_epoch")
        stops = interrupt.is_set  # read once: it may be set at any moment
        is_last = stretch.ends_epoch and self.epoch == self.last_epoch
        self.keep(stops or is_last or history.all_gone, stretch.ends_epoch)
        if stops and not stretch.is_checked:
            # after the checkpoint: a run that goes on has no check here
            self._check(now, taken.measure(), rate, ends_epoch=False)
        return stops or history.all_gone

    def _check(self, now: Variables, measured: Measured, rate: Any, *, ends_epoch: bool) -> None:
        """Write down what a check has found, keep what is best, and say it."""
        history = self.history
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
