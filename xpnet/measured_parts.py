"""The training and validation part where their trainer wants them, and how they are measured."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xpnet.data.batches import Split, sample_rows
from xpnet.trainers import Trainer

__all__ = ["Measured", "MeasuredParts"]


class Measured(NamedTuple):
    """What a check finds, each of the member shape."""

    train_acc: np.ndarray
    val_acc: np.ndarray
    val_loss: np.ndarray
    finite: np.ndarray  # whether the validation loss, or the scores of a foreign model, are


class MeasuredParts:
    """The two parts of the data that a training needs.

    Attributes:
        train: All training samples, as the trainer wants them.

    Args:
        trainer: What places and evaluates them.
        train, val: Inputs and targets, on the host.
        num_train_samples: How many training samples a check takes, or None for all.
        num_val_samples: Likewise for validation, the same ones each time.

    """

    def __init__(
        self,
        trainer: Trainer,
        train: tuple[np.ndarray, np.ndarray],
        val: tuple[np.ndarray, np.ndarray],
        num_train_samples: int | None,
        num_val_samples: int | None,
    ) -> None:
        self._trainer = trainer
        self._num_train_samples = num_train_samples
        self.train: Split = trainer.place(*train)
        self._val: Split = trainer.place(*val)
        self._y_train, self._y_val = train[1], val[1]
        if num_val_samples is not None:
            rows = sample_rows(len(val[0]), num_val_samples, 0)
            self._val, self._y_val = trainer.subset(self._val, rows), val[1][rows]

    def measure(self, variables: Any, epoch: int) -> Measured:
        """Return the scores of both parts, and the validation loss, after so many epochs."""
        return _measured(self._trainer.evaluate(variables, *self._taken(epoch)))

    def begin(self, variables: Any, epoch: int) -> Callable[[], Measured]:
        """Begin to measure our own net, and return what waits for what `measure` returns."""
        trainer: Any = self._trainer
        finish = trainer.begin_evaluation(variables, *self._taken(epoch))
        return lambda: _measured(finish())

    def _taken(self, epoch: int) -> tuple[list[Split], list[np.ndarray]]:
        """Return what is measured after so many epochs, and its targets on the host."""
        train, y_train, samples = self.train, self._y_train, self._num_train_samples
        if samples is not None and samples < len(y_train):
            rows = sample_rows(len(y_train), samples, epoch + 1)
            train, y_train = self._trainer.some(train, rows), y_train[rows]
        return [train, self._val], [y_train, self._y_val]


def _measured(found: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Measured:
    (train_acc, _, _), (val_acc, val_loss, finite) = found
    return Measured(train_acc, val_acc, val_loss, finite)
