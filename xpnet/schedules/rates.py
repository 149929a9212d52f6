"""What the learning rate is multiplied by at each step of a training."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.errors import InputError
from xpnet.members import as_floats, member_values
from xpnet.schedules.curves import Moment, Schedule, constant
from xpnet.schedules.texts import get_schedule

__all__ = ["RateScales"]


class RateScales:
    """The decay per epoch times the schedule: lr_decay ** epochs * lr_schedule(moment).

    Args:
        lr_decay: A positive number, or one a member.
        lr_schedule: As in `get_schedule`.
        members: The size of the stack, or None.
        steps_per_epoch: How many steps an epoch has.
        num_epochs: How many epochs the training will have.

    Raises:
        InputError: One of them is no such thing, or the schedule gives no factor at the start.

    """

    def __init__(
        self,
        lr_decay: float | Sequence[float],
        lr_schedule: str | Schedule | None,
        members: int | None,
        steps_per_epoch: int,
        num_epochs: int,
    ) -> None:
        self.lr_decay = member_values("lr_decay", lr_decay, members)
        if not np.all(np.isfinite(self.lr_decay) & (np.asarray(self.lr_decay) > 0)):
            raise InputError(f"lr_decay must be a positive number; got {lr_decay!r}")
        self.schedule = get_schedule(lr_schedule)
        self.members = members
        self.steps_per_epoch = steps_per_epoch
        self.at(0, 1, steps_per_epoch * num_epochs, num_epochs)

    @property
    def is_ours(self) -> bool:
        """Whether the schedule is one of xpnet's, which go by nothing but the moment."""
        parts = [self.schedule, getattr(self.schedule, "after", self.schedule)]
        return all(getattr(part, "__module__", "").startswith("xpnet.") for part in parts)

    def at(self, step: int, count: int, num_steps: int, num_epochs: int) -> np.ndarray:
        """Return the factors of `count` steps of one epoch after `step`.

        Args:
            step: Steps done.
            count: How many steps.
            num_steps: Of the whole training.
            num_epochs: Likewise.

        Returns:
            An array of shape (count,), or (count, members) where members differ.

        Raises:
            InputError: The schedule returned no number, one that is negative, NaN or infinite, or
                an array that is not (members,).

        """
        scales = self._from_schedule(step, count, num_steps, num_epochs)
        decay = np.asarray(self.lr_decay ** (step // self.steps_per_epoch))
        if decay.ndim and scales.ndim == 1:
            scales = scales[:, None]
        return np.asarray(decay * scales)

    def _from_schedule(self, step: int, count: int, num_steps: int, num_epochs: int) -> np.ndarray:
        """Return what the schedule gives, of shape (count,) or (count, members)."""
        if self.schedule is constant:
            return np.ones(count)
        per_epoch = self.steps_per_epoch
        found = [
            self._factor(Moment(t, t / per_epoch, num_steps, num_epochs))
            for t in range(step, step + count)
        ]
        return np.stack(np.broadcast_arrays(*found))

    def _factor(self, moment: Moment) -> np.ndarray:
        """Return what the schedule gives at a moment, of the shape () or (members,)."""
        given: Any = self.schedule(moment)
        try:
            value = as_floats(given)
            fits = value.shape in ((), () if self.members is None else (self.members,))
        except (TypeError, ValueError):
            fits = False
        if not (fits and np.all(np.isfinite(value) & (value >= 0))):
            each = "" if self.members is None else f", or {self.members} of them, one a member"
            raise InputError(
                f"lr_schedule must return a number of 0 or more{each}; "
                f"at step {moment.step} it returned {given!r}"
            )
        return value
