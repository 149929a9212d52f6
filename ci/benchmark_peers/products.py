"""The floor: a step's matrix products and nothing else, on buffers that are there already."""

import numpy as np

from benchmark_peers.base import Training
from benchmark_peers.task import Task

__all__ = ["Products"]


class Products(Training):
    """For each layer x W, x^T dy and, but for the first layer, dy W^T; nothing is learnt."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.layers = []
        for i, w in enumerate(np.asarray(w, dtype=np.float32) for w in task.weights):
            fan_in, fan_out = w.shape
            x, y = (np.ones((task.batch_size, n), dtype=np.float32) for n in (fan_in, fan_out))
            self.layers.append((x, w, y, np.empty_like(w), np.empty_like(x) if i else None))

    def train(self, epochs: int) -> None:
        """Multiply for so many epochs."""
        for _ in range(epochs * self.task.steps):
            for x, w, y, _, _ in self.layers:
                np.dot(x, w, out=y)
            for x, w, y, dw, dx in reversed(self.layers):
                np.dot(x.T, y, out=dw)
                if dx is not None:
                    np.dot(y, w.T, out=dx)

    def predict(self, X: np.ndarray) -> None:
        """Return nothing, as nothing was learnt."""
