"""What the peers have in common."""

from abc import ABC, abstractmethod

import numpy as np

from benchmark_peers.task import Task

__all__ = ["EPS", "MOMENTUM", "Training"]

EPS, MOMENTUM = 1e-5, 0.9  # of batch normalisation; momentum is what stays of the running numbers


class Training(ABC):
    """A net in training, and the order of its batches."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.rng = np.random.default_rng(1)

    @abstractmethod
    def train(self, epochs: int) -> None:
        """Train for so many epochs more, and return when all is done."""

    @abstractmethod
    def predict(self, X: np.ndarray) -> np.ndarray | None:
        """Return the classes of pictures (N, D), uint8."""

    def settle(self, _epochs: int) -> None:
        """Get ready to predict as after so many epochs in all, which most have just trained."""
        return
