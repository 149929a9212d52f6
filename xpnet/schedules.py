"""Learning-rate schedules: what the learning rate is multiplied by at each step.

A schedule is any callable `(moment) -> factor`, where `moment` is a `Moment`. The factor is a
number of 0 or more; of a stack it may be an array of shape (members,). Schedules multiply the rate
besides the notes' decay per epoch, the Solver's `lr_decay`.

As texts: "constant", "exponential:0.95", "step:10:0.1" (every 10 epochs times 0.1), "cosine",
"cosine:0.01" (down to a hundredth), and "warmup:5" (up over 5 epochs), alone or before another one:
"warmup:5+cosine".

Reference: Stanford CS231n, "Neural Networks Part 3", annealing the learning rate.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from xpnet.errors import InputError

__all__ = [
    "Cosine",
    "Exponential",
    "Moment",
    "Schedule",
    "StepDecay",
    "Warmup",
    "constant",
    "factors",
    "get_schedule",
]


class Moment(NamedTuple):
    """Where a training stands before a step."""

    step: int  # steps done, from 0
    epoch: float  # epochs done, with the fraction
    num_steps: int  # of the whole training
    num_epochs: int  # of the whole training


Schedule: TypeAlias = Callable[[Moment], Any]


def constant(_moment: Moment) -> float:
    """Return 1: the learning rate stays."""
    return 1.0


@dataclass(frozen=True)
class Exponential:
    """rate ** (epochs that are complete): the notes' decay per epoch."""

    rate: float = 0.95

    def __post_init__(self) -> None:
        _check("rate", self.rate, 0 < self.rate <= 1, "above 0 and at most 1")

    def __call__(self, moment: Moment) -> float:
        """Return the factor."""
        return self.rate ** int(moment.epoch)


@dataclass(frozen=True)
class StepDecay:
    """factor ** (times that `every` epochs are complete)."""

    every: float = 10
    factor: float = 0.1

    def __post_init__(self) -> None:
        _check("every", self.every, self.every > 0, "above 0")
        _check("factor", self.factor, 0 < self.factor <= 1, "above 0 and at most 1")

    def __call__(self, moment: Moment) -> float:
        """Return the factor."""
        return self.factor ** int(moment.epoch / self.every)


@dataclass(frozen=True)
class Cosine:
    """From 1 down to `final` along half a cosine, final + (1 - final) (1 + cos(pi t / T)) / 2.

    Reference: I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
    ICLR 2017, equation 5 without restarts.
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        _check("final", self.final, 0 <= self.final <= 1, "from 0 to 1")

    def __call__(self, moment: Moment) -> float:
        """Return the factor."""
        done = min(1.0, moment.step / moment.num_steps)
        return self.final + (1.0 - self.final) * 0.5 * (1.0 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Warmup:
    """Linear from one part to 1 over the first `epochs`, times the schedule `after`.

    The first step already moves: step t of W has the factor (t + 1) / W.

    Reference: P. Goyal et al., "Accurate, large minibatch SGD", 2017, section 2.2.
    """

    epochs: float = 1
    after: Schedule = constant

    def __post_init__(self) -> None:
        _check("epochs", self.epochs, self.epochs > 0, "above 0")

    def __call__(self, moment: Moment) -> Any:
        """Return the factor."""
        steps = max(1.0, self.epochs * moment.num_steps / moment.num_epochs)
        return min(1.0, (moment.step + 1) / steps) * self.after(moment)


_NAMED: dict[str, Callable[..., Schedule]] = {
    "constant": lambda: constant,
    "exponential": Exponential,
    "step": StepDecay,
    "cosine": Cosine,
    "warmup": Warmup,
}


def get_schedule(schedule: str | Schedule | None) -> Schedule:
    """Return the schedule that a text names, the callable itself, or a constant one for None.

    Raises:
        InputError: The text names none, or a number in it is out of range.

    """
    if schedule is None:
        return constant
    if callable(schedule):
        return schedule
    if not isinstance(schedule, str):
        raise InputError(f"lr_schedule must be a text or a callable; got {schedule!r}")
    first, plus, rest = schedule.partition("+")
    made = _named(first, schedule)
    if not plus:
        return made
    if not isinstance(made, Warmup):
        raise InputError(f"only a warmup goes before another schedule; got {schedule!r}")
    return Warmup(made.epochs, get_schedule(rest))


def factors(schedule: Schedule, moments: list[Moment], members: int | None) -> np.ndarray:
    """Return the factor at each of the moments, of shape (steps,) or (steps, members).

    Raises:
        InputError: A factor is negative, NaN or infinite, or has another shape.

    """
    shape = () if members is None else (members,)
    found = []
    for moment in moments:
        try:
            value = np.asarray(schedule(moment), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"lr_schedule must return a number at step {moment.step}: {error}"
            ) from error
        if value.shape not in ((), shape) or not np.all(np.isfinite(value) & (value >= 0)):
            raise InputError(
                f"lr_schedule must return a number of 0 or more{' or one a member' * bool(shape)}; "
                f"at step {moment.step} it returned {value.tolist()}"
            )
        found.append(value)
    return np.stack(np.broadcast_arrays(*found))


def _named(text: str, whole: str) -> Schedule:
    """Return the schedule of a text such as "step:10:0.1"."""
    name, *numbers = text.split(":")
    if name not in _NAMED:
        raise InputError(f"unknown lr_schedule {whole!r}: choose one of {', '.join(_NAMED)}")
    try:
        return _NAMED[name](*map(float, numbers))
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"lr_schedule {whole!r} has no meaning: {name} takes other numbers, as in "
            "exponential:0.95, step:10:0.1, cosine:0.01, warmup:5+cosine"
        ) from error


def _check(name: str, value: Any, fits: bool, wanted: str) -> None:
    if not (fits and math.isfinite(value)):
        raise InputError(f"lr_schedule: {name} must be a number {wanted}; got {value!r}")
