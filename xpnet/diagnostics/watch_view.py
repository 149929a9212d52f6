"""What a rule of the watch sees of a single net, or of one member of a stack."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xpnet.diagnostics.verdict import Status, Verdict
from xpnet.diagnostics.watch_record import WatchRecord
from xpnet.diagnostics.watch_thresholds import LEARNT_ERRORS, LEARNT_R_SQUARED
from xpnet.metrics import Accuracy
from xpnet.nets import FullyConnectedNet

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["EpochLosses", "Finding", "View", "warning"]


class Finding(NamedTuple):
    """A verdict and the name of the layer, "" where it is about the whole training."""

    verdict: Verdict
    layer: str = ""


def warning(
    name: str,
    found: str,
    expected: str,
    remedy: str,
    layer: str = "",
    status: Status = "warning",
) -> Finding:
    """Return a finding that says something is wrong."""
    return Finding(Verdict(name, status, found, expected, remedy), layer)


class EpochLosses(NamedTuple):
    """The first loss, the means of the epoch before the last two and of the last, and the error.

    That is the standard error of the difference of these means.
    """

    first: float
    before: float
    now: float
    error: float


@dataclass(frozen=True)
class View:
    """One run among those that train together.

    Attributes:
        record: Its looks, and those of the others.
        solver: What trains it.
        net: The net, or the stack.
        member: Its number, or 0.
        rate_scale: What its learning rate is multiplied by now.

    """

    record: WatchRecord
    solver: "Solver"
    net: FullyConnectedNet
    member: int
    rate_scale: float

    def rows(self, name: str, looks: int = 1) -> np.ndarray:
        """Return the newest looks of a statistic, (looks, layers), oldest first."""
        found = self.record.last(name, looks)
        return found.reshape(len(found), -1, len(self.layers))[:, self.member]

    def twice(self, name: str) -> np.ndarray | None:
        """Return the last two looks, as one may be a moment's; the first alone tells of the start.

        None where the record begins later.
        """
        looks = min(2, len(self.record.steps))
        return self.rows(name, looks) if looks == 2 or self.record.steps[0] == 0 else None

    @property
    def layers(self) -> list[str]:
        """The names of the layers."""
        return self.record.layers

    @property
    def hidden(self) -> int:
        """How many of the layers are hidden."""
        return len(self.layers) - 1

    @property
    def learning_rate(self) -> float | None:
        """The rate that was asked for, or None where the rule keeps it to itself."""
        base: Any = self.solver._loop.base_rate
        return None if base is None else float(self._own(np.asarray(base)))

    def has_fallen_to(self, share: float) -> bool:
        """Return whether the mean loss of the last epoch is at most that share of the first loss.

        True also before the third epoch's end.
        """
        per_epoch, losses = self.solver.steps_per_epoch, self.solver.loss_history
        if len(losses) < 3 * per_epoch:
            return True
        now, first = (np.asarray(part) for part in (losses[-per_epoch:], losses[:1]))
        mean, begun = (float(self._own_of_each(part).mean()) for part in (now, first))
        return mean <= share * begun

    @cached_property
    def epoch_losses(self) -> "EpochLosses | None":
        """How the loss fell, or None before the third epoch's end."""
        per_epoch, losses = self.solver.steps_per_epoch, self.solver.loss_history
        if len(losses) < 3 * per_epoch:
            return None
        parts = losses[-3 * per_epoch : -2 * per_epoch], losses[-per_epoch:]
        before, now = (self._own_of_each(np.asarray(part)) for part in parts)
        error = math.sqrt((before.var() + now.var()) / per_epoch)
        first = float(self._own_of_each(np.asarray(losses[:1]))[0])
        return EpochLosses(first, float(before.mean()), float(now.mean()), error)

    def checks(self, name: str) -> list[float]:
        """Return the last two values of a history of checks, oldest first."""
        return [float(self._own(np.asarray(x))) for x in getattr(self.solver, name)[-2:]]

    @property
    def first_accuracy(self) -> float:
        """The training accuracy after the first step."""
        return float(self._own(np.asarray(self.solver.train_acc_history[0])))

    @cached_property
    def chance(self) -> float:
        """The accuracy of the best constant answer: the largest class's share, or R squared 0."""
        if not isinstance(self.solver.metric, Accuracy):
            return 0.0
        y = self.solver._task.y_train
        return float(np.bincount(y).max() / len(y))

    def learns(self, accuracy: float) -> bool:
        """Return whether a training accuracy is more than chance, or an R squared more than 0."""
        if not isinstance(self.solver.metric, Accuracy):
            return accuracy > LEARNT_R_SQUARED
        number = min(self.solver.num_train_samples or math.inf, self.solver.num_train)
        error = math.sqrt(self.chance * (1.0 - self.chance) / number)
        return accuracy > self.chance + LEARNT_ERRORS * error

    def beyond_chance(self, accuracy: float) -> float:
        """Return how far an accuracy is on the way from chance to 1."""
        return (accuracy - self.chance) / max(1.0 - self.chance, 1e-9)

    def _own_of_each(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(len(values), -1)[:, self.member].astype(np.float64)

    def _own(self, values: np.ndarray) -> Any:
        return values if values.ndim == 0 else values.reshape(-1)[self.member]
