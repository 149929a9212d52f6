"""The schedules: curves of the learning rate over a training."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from xpnet.errors import InputError

__all__ = ["Cosine", "Exponential", "Moment", "Schedule", "StepDecay", "Warmup", "constant"]


class Moment(NamedTuple):
    """Where a training stands before a step.

    A second `train()` makes the training longer: it goes on at the same step, of more steps.
    """

    step: int  # steps done, from 0
    epoch: float  # epochs done, with the fraction
    num_steps: int  # of the whole training
    num_epochs: int  # of the whole training


Schedule: TypeAlias = Callable[[Moment], Any]

_ROUNDING = 1e-9  # 0.3 epochs are three times 0.1, although the quotient of the floats is below 3


def constant(_moment: Moment) -> float:
    """Return 1: the learning rate stays."""
    return 1.0


@dataclass(frozen=True)
class Exponential:
    """rate ** (epochs that are complete): the notes' decay per epoch."""

    rate: float = 0.95

    def __post_init__(self) -> None:
        _check("rate", self.rate, lambda v: 0 < v <= 1, "above 0 and at most 1")

    def __call__(self, moment: Moment) -> float:
        """Return the factor."""
        return self.rate ** int(moment.epoch)


@dataclass(frozen=True)
class StepDecay:
    """factor ** (times that `every` epochs are complete)."""

    every: float = 10
    factor: float = 0.1

    def __post_init__(self) -> None:
        _check("every", self.every, lambda v: v > 0, "above 0")
        _check("factor", self.factor, lambda v: 0 < v <= 1, "above 0 and at most 1")

    def __call__(self, moment: Moment) -> float:
        """Return the factor."""
        return self.factor ** int(moment.epoch / self.every + _ROUNDING)


@dataclass(frozen=True)
class Cosine:
    """From 1 down to `final` along half a cosine, final + (1 - final) (1 + cos(pi t / T)) / 2.

    Reference: I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
    ICLR 2017, equation 5 without restarts.
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        _check("final", self.final, lambda v: 0 <= v <= 1, "from 0 to 1")

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
        _check("epochs", self.epochs, lambda v: v > 0, "above 0")
        if not callable(self.after) or isinstance(self.after, type):
            raise InputError(
                f"lr_schedule: after must be a schedule such as Cosine(); got {self.after!r}"
            )

    def __call__(self, moment: Moment) -> Any:
        """Return the factor."""
        steps = max(1.0, self.epochs * moment.num_steps / moment.num_epochs)
        return min(1.0, (moment.step + 1) / steps) * self.after(moment)


def _check(name: str, value: Any, accepts: Callable[[Any], bool], wanted: str) -> None:
    """Raise InputError unless a schedule's own number is in its range."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and accepts(value)):
        raise InputError(f"lr_schedule: {name} must be a number {wanted}; got {value!r}")
