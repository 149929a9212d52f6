"""The notes' two-layer net and Solver, in their arithmetic: CS231n's modular layers.

Batches are drawn with replacement, the gradient by the input is computed and thrown away, and the
pictures are floats from the beginning: float64 as printed, or float32.
"""

import numpy as np

from benchmark_peers.base import Training
from benchmark_peers.task import Task

__all__ = ["Notes", "NotesNet"]


class NotesNet:
    """Affine, ReLU, affine, softmax."""

    def __init__(self, W1: np.ndarray, W2: np.ndarray) -> None:
        self.W1, self.b1 = W1, np.zeros(W1.shape[1], dtype=W1.dtype)
        self.W2, self.b2 = W2, np.zeros(W2.shape[1], dtype=W2.dtype)

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return class scores."""
        return np.maximum(X.dot(self.W1) + self.b1, 0.0).dot(self.W2) + self.b2

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the share of right predictions, in batches of 100."""
        batches = [np.argmax(self.scores(X[i : i + 100]), 1) for i in range(0, len(X), 100)]
        return float(np.mean(np.hstack(batches) == y))

    def gradients(
        self, X: np.ndarray, y: np.ndarray, reg: float
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and its gradient by each parameter."""
        rows = np.arange(len(y))
        before = X.dot(self.W1) + self.b1
        hidden = np.maximum(before, 0.0)
        scores = hidden.dot(self.W2) + self.b2
        exps = np.exp(scores - np.max(scores, axis=1).reshape(-1, 1))
        softmax = exps / np.sum(exps, axis=1, keepdims=True)
        loss = np.sum(-np.log(softmax[rows, y])) / len(y)
        loss += 0.5 * reg * (np.sum(self.W1**2) + np.sum(self.W2**2))
        dscores = softmax.copy()
        dscores[rows, y] -= 1
        dscores /= len(y)
        dhidden = np.dot(dscores, self.W2.T)
        dW2, db2 = np.dot(hidden.T, dscores) + reg * self.W2, np.sum(dscores, axis=0)
        dhidden[before < 0] = 0
        np.dot(dhidden, self.W1.T)  # the gradient by the input, which nobody reads
        dW1, db1 = np.dot(X.T, dhidden) + reg * self.W1, np.sum(dhidden, axis=0)
        return float(loss), {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}

    def step(self, X: np.ndarray, y: np.ndarray, learning_rate: float, reg: float = 0.0) -> float:
        """Take one step of gradient descent and return the loss."""
        loss, grads = self.gradients(X, y, reg)
        for name, grad in grads.items():
            setattr(self, name, getattr(self, name) - learning_rate * grad)
        return loss


class Notes(Training):
    """The notes' steps; with a thousand checks or none, as the caller likes."""

    def __init__(self, task: Task, dtype: str) -> None:
        super().__init__(task)
        self.dtype = np.dtype(dtype)
        self.mean = task.X_train.mean(axis=0).astype(self.dtype)
        self.X_train = task.X_train.astype(self.dtype)
        self.X_train -= self.mean
        self.net = NotesNet(*(w.astype(self.dtype) for w in task.weights))
        self.loss_history: list[float] = []

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        for _ in range(epochs):
            self.epoch(self.task.learning_rate)

    def epoch(self, learning_rate: float) -> None:
        """Train for one epoch."""
        for _ in range(self.task.steps):
            rows = self.rng.choice(len(self.X_train), self.task.batch_size)
            X, y = self.X_train[rows], self.task.y_train[rows]
            self.loss_history.append(self.net.step(X, y, learning_rate))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        return np.argmax(self.net.scores(X - self.mean), axis=1)
