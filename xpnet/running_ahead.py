"""Stretches of steps with their checks, one after the other, or the next begun before one is read.

Where a device works by itself while Python goes on, as JAX's do, it would wait at each boundary
until its losses are read, written down and printed, and the next stretch is drawn: on small nets as
long as it works. So the next stretches are begun first, and what is read is of those before. The
numbers are the same.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from xpnet.measured_parts import Measured, MeasuredParts
from xpnet.model_trainer import ModelTrainer
from xpnet.net_trainer import NetTrainer
from xpnet.nets import Variables
from xpnet.stretches import Stretch
from xpnet.trainers import Trainer

__all__ = ["Taken", "taken_ahead"]


class Taken(NamedTuple):
    """A stretch whose steps are done, and where its trainer stands then."""

    stretch: Stretch
    losses: np.ndarray
    variables: Variables
    measure: Callable[[], Measured]


def taken_ahead(
    trainer: Trainer, parts: MeasuredParts, stretches: Iterator[Stretch], ahead: int
) -> Iterator[Taken]:
    """Yield the stretches, each after so many that follow it were begun.

    What fails while a stretch is begun is raised in its turn, after those before it.
    """
    if isinstance(trainer, ModelTrainer) or not ahead:
        for stretch in stretches:
            yield _taken(trainer, parts, stretch)
        return
    begun: deque[Callable[[], Taken]] = deque()
    try:
        while True:
            try:
                begun.append(_begun(trainer, parts, next(stretches)))
            except StopIteration:
                break
            except Exception:  # of a schedule, or of a compiler
                yield from (finish() for finish in begun)
                raise
            if len(begun) > ahead:
                yield begun.popleft()()
        yield from (finish() for finish in begun)
    finally:
        trainer.forget_begun()


def _taken(trainer: Trainer, parts: MeasuredParts, stretch: Stretch) -> Taken:
    """Take a stretch, and leave its check to who wants it."""
    losses = trainer.advance(stretch.rows, stretch.scales, stretch.first, stretch.following)
    now = trainer.variables
    return Taken(stretch, losses, now, partial(parts.measure, now, stretch.epoch))


def _begun(trainer: NetTrainer, parts: MeasuredParts, stretch: Stretch) -> Callable[[], Taken]:
    """Begin a stretch, and its check if it has one, and return what waits for them."""
    now, finish = trainer.begin_stretch(
        stretch.rows, stretch.scales, stretch.first, stretch.following
    )
    measure: Callable[[], Measured] = partial(parts.measure, now, stretch.epoch)
    if stretch.is_checked:
        measure = parts.begin(now, stretch.epoch)
    return lambda: Taken(stretch, finish(), now, measure)
