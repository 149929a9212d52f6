"""Thinc, on its NumPy backend with its own products."""

import numpy as np
from thinc.api import Linear, Relu, chain, fix_random_seed
from thinc.optimizers import SGD

from benchmark_peers.base import Training
from benchmark_peers.task import Task

__all__ = ["WithThinc"]


class WithThinc(Training):
    """Relu layers and a Linear one; the loss and its gradient are written out."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        fix_random_seed(1)
        *hidden, last = (w.shape for w in task.weights)
        affine = [*(Relu(m, n) for n, m in hidden), Linear(last[1], last[0])]
        self.model = chain(*affine)
        self.model.initialize()
        for layer, w in zip(affine, task.weights, strict=True):
            layer.set_param("W", np.ascontiguousarray(w.T, dtype=np.float32))
            layer.set_param("b", np.zeros(w.shape[1], dtype=np.float32))
        self.optimizer = SGD(task.learning_rate, grad_clip=0.0, use_averages=False)
        self.samples = np.arange(task.batch_size)
        self.loss_history: list[float] = []

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        for _ in range(epochs):
            for rows in self.task.shuffled(self.rng):
                self.step(self.task.X_train[rows].astype(np.float32), self.task.y_train[rows])

    def step(self, x: np.ndarray, y: np.ndarray) -> None:
        """Take a step."""
        x -= self.task.mean
        scores, backprop = self.model.begin_update(x)
        p = self.model.ops.softmax(scores)
        self.loss_history.append(float(-np.log(p[self.samples, y]).mean()))
        p[self.samples, y] -= 1
        p /= len(y)
        backprop(p)
        self.model.finish_update(self.optimizer)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        return np.argmax(self.model.predict(X.astype(np.float32) - self.task.mean), axis=1)
