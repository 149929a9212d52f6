"""The stretches of a training: the steps from each boundary to the next, in their order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from xpnet.schedules import RateScales

__all__ = ["Stretch", "stretches"]


@dataclass(frozen=True)
class Stretch:
    """The steps to a boundary: to a loss that is printed, or to the end of an epoch.

    Attributes:
        rows: The training rows of each step, (steps, B) or (steps, members, B).
        following: Those of the steps after it in the same epoch, up to the next boundary or beyond.
        scales: What the learning rate is multiplied by, (steps,) or (steps, members).
        first: The number of the first of the steps, from 1.
        num_steps: Of the whole training.
        epoch: Epochs done when the stretch is.
        done_in_epoch: Steps of the next epoch that are done then.

    """

    rows: np.ndarray
    following: np.ndarray
    scales: np.ndarray
    first: int
    num_steps: int
    epoch: int
    done_in_epoch: int

    @property
    def last(self) -> int:
        """The number of the last step."""
        return self.first + len(self.rows) - 1

    @property
    def ends_epoch(self) -> bool:
        """Whether an epoch ends with it."""
        return self.done_in_epoch == 0

    @property
    def is_checked(self) -> bool:
        """Whether accuracies are due after it: at the end of an epoch, and after the first step."""
        return self.ends_epoch or self.last == 1


def stretches(
    epoch: int,
    step: int,
    done: int,
    *,
    ends: tuple[int | None, ...],
    last_epoch: int,
    print_every: int,
    draw_rows: Callable[[int], np.ndarray],
    rates: RateScales,
) -> Iterator[Stretch]:
    """Yield the stretches that follow so many epochs and steps, up to the first of some epochs.

    Args:
        epoch: Epochs done.
        step: Steps done.
        done: Steps of them in the epoch that is not done.
        ends: The numbers of epochs at whose end to stop.
        last_epoch: The epoch at whose end the training ends, by which schedules go.
        print_every: Steps from one printed loss to the next: of the steps 1, 1 + print_every, ...
        draw_rows: From the number of an epoch to the training rows of its steps.
        rates: What the learning rate is multiplied by.

    """
    while epoch not in ends:
        rows = draw_rows(epoch)
        num_steps = step - done + len(rows) * (last_epoch - epoch)
        while done < len(rows):
            stop = min(len(rows), done + print_every - (step - 1) % print_every)
            scales = rates.at(step, stop - done, num_steps, last_epoch)
            is_end = stop == len(rows)
            yield Stretch(
                rows[done:stop],
                rows[stop : stop + print_every],
                scales,
                step + 1,
                num_steps,
                epoch + is_end,
                0 if is_end else stop,
            )
            step, done = step + stop - done, stop
        epoch, done = epoch + 1, 0
