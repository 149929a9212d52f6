"""How often something may be done beside a training: a share of its time, from measured times."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Spacing"]


class Spacing:
    """Allows a thing again when all of it, with this time and a last one, is a small share of time.

    The first is always allowed.

    Args:
        share: Of the training's time.
        every: Steps from one to the next instead, or None.
        last_step: The step after which an earlier training did it last.
        forgives_first: Whether the first time is a compiler's, and no measure of the next.
        clock: Gives the time in seconds.

    """

    def __init__(
        self,
        share: float,
        every: int | None = None,
        *,
        last_step: int | None = None,
        forgives_first: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._share, self._every = share, every
        self._forgives = forgives_first
        self._clock = clock
        self._last_step = last_step
        self._spent = self._cost = self._allowed_at = 0.0
        self._taken = 0

    def allows(self, step: int, seconds: float, whole: float | None = None) -> bool:
        """Return whether it may be done after a step, when so many seconds were trained.

        Args:
            step: The step.
            seconds: Trained until now.
            whole: The seconds that the training will take, as far as that can be told. Then the
                first time and the last are charged to all of it, and those in between are evenly
                spread; otherwise all is charged to the time until now.

        """
        if self._last_step is None:
            return True
        if self._every is not None:
            return step - self._last_step >= self._every
        if step <= self._last_step:
            return False
        if whole is None:
            wanted = self._spent + 2.0 * self._cost  # the last comes in any case
            return wanted <= self._share * seconds
        more = int((self._share * whole - self._spent - self._cost) / max(self._cost, 1e-9))
        gap = whole / max(self._taken + more, 1)
        # Half a gap at least: a time that took less than the one before it makes room for more.
        if more <= 0 or seconds < max(gap * self._taken, self._allowed_at + 0.5 * gap):
            return False
        self._allowed_at = seconds
        return True

    @contextmanager
    def measured(self, step: int) -> Iterator[None]:
        """Measure what is done inside, after a step."""
        begun = self._clock()
        yield
        self._last_step = step
        self._taken += 1
        if self._forgives:
            self._forgives = False
            return
        self._cost = self._clock() - begun
        self._spent += self._cost
