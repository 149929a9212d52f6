"""What a peer is to train: the same bytes, initial weights and numbers for all."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

__all__ = ["Task", "read_task", "write_task"]

_ARRAYS = ("X_train", "y_train", "X_val", "y_val", "X_test", "y_test")


@dataclass
class Task:
    """A net, its data and its hyperparameters.

    Attributes:
        X_train, X_val, X_test: Pictures (N, D), uint8; of `X_train` whole batches.
        y_train, y_val, y_test: Classes (N,), int64.
        weights: The initial weights (fan_in, fan_out) of each layer, float64; biases start at 0.
        batch_size: Samples a step.
        learning_rate: Of plain gradient descent.
        batchnorm: Whether batch normalisation stands before each ReLU.

    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_val: np.ndarray
    y_val: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    weights: list[np.ndarray]
    batch_size: int
    learning_rate: float
    batchnorm: bool

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return len(self.X_train) // self.batch_size

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean picture, (D,), float32, which is subtracted from every picture."""
        return self.X_train.mean(axis=0).astype(np.float32)

    def shuffled(self, rng: np.random.Generator) -> np.ndarray:
        """Return an epoch's rows of X_train, (steps, batch_size)."""
        return rng.permutation(len(self.X_train)).reshape(self.steps, self.batch_size)


def write_task(folder: Path, task: Task) -> None:
    """Write all that a peer needs into `folder`."""
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(task, name))
    for i, w in enumerate(task.weights):
        np.save(folder / f"W{i}.npy", w)
    numbers = {name: getattr(task, name) for name in ("batch_size", "learning_rate", "batchnorm")}
    (folder / "task.json").write_text(json.dumps({"layers": len(task.weights), **numbers}))


def read_task(folder: Path) -> Task:
    """Return the task that was written there."""
    numbers = json.loads((folder / "task.json").read_text())
    weights = [np.load(folder / f"W{i}.npy") for i in range(numbers.pop("layers"))]
    arrays = {name: np.load(folder / f"{name}.npy") for name in _ARRAYS}
    return Task(**arrays, weights=weights, **numbers)
