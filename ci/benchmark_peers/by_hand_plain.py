"""NumPy by hand as most people would: the notes' steps in float32, in place, and without waste.

There is no gradient by the input and no regularisation, and a large result is written into an array
that is there. The layout of the arrays and the order of the operations are those of the text books.
"""

import numpy as np

from benchmark_peers.base import Training
from benchmark_peers.task import Task

__all__ = ["Plain"]


class Plain(Training):
    """Two layers, a step after the other."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        (D, H), (_, C), B = *(w.shape for w in task.weights), task.batch_size
        self.W1, self.W2 = (w.astype(np.float32) for w in task.weights)
        self.b1, self.b2 = np.zeros(H, np.float32), np.zeros(C, np.float32)
        self.mean = task.mean.astype(np.float32)
        self.bytes, self.x = np.empty((B, D), np.uint8), np.empty((B, D), np.float32)
        self.h, self.dh, self.dW1 = (np.empty(s, np.float32) for s in ((B, H), (B, H), (D, H)))
        self.samples = np.arange(B)
        self.loss_history: list[float] = []

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        for _ in range(epochs):
            for rows in self.task.shuffled(self.rng):
                self.step(rows)

    def step(self, rows: np.ndarray) -> None:
        """Take a step."""
        x, h, dh, y = self.x, self.h, self.dh, self.task.y_train[rows]
        rate = np.float32(self.task.learning_rate)
        self.task.X_train.take(rows, axis=0, out=self.bytes, mode="clip")
        np.subtract(self.bytes, self.mean, out=x)
        np.matmul(x, self.W1, out=h)
        h += self.b1
        np.maximum(h, 0, out=h)
        scores = h @ self.W2
        scores += self.b2
        scores -= scores.max(axis=1, keepdims=True)
        right = scores[self.samples, y]
        np.exp(scores, out=scores)
        total = scores.sum(axis=1, keepdims=True)
        self.loss_history.append(float((np.log(total[:, 0]) - right).mean()))
        scores /= total
        scores[self.samples, y] -= 1
        scores /= len(y)
        np.matmul(scores, self.W2.T, out=dh)
        dh *= h > 0
        np.matmul(x.T, dh, out=self.dW1)
        self.dW1 *= rate
        self.W2 -= rate * (h.T @ scores)
        self.b2 -= rate * scores.sum(axis=0)
        self.W1 -= self.dW1
        self.b1 -= rate * dh.sum(axis=0)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        h = np.maximum((X - self.mean) @ self.W1 + self.b1, 0)
        return np.argmax(h @ self.W2 + self.b2, axis=1)
