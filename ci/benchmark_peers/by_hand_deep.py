"""NumPy by hand: layers of affine, batch normalisation and ReLU, as fast as we could write them.

Batch normalisation takes the batch's mean away, so the pictures' mean and the biases before it
would change nothing and are left out. Every array is made once and written into by `out=`.
"""

from itertools import pairwise

import numpy as np

from benchmark_peers.base import EPS, MOMENTUM, Training
from benchmark_peers.task import Task

__all__ = ["Deep"]


class _Hidden:
    """A hidden layer: its parameters, and the buffers of a step."""

    def __init__(self, w: np.ndarray, x: np.ndarray) -> None:
        fan_out = w.shape[1]
        self.w, self.x = w.astype(np.float32), x
        self.gamma, self.beta = np.ones(fan_out, np.float32), np.zeros(fan_out, np.float32)
        self.mean, self.var = np.zeros(fan_out, np.float32), np.ones(fan_out, np.float32)
        self.normal, self.out, self.dout = (
            np.empty((len(x), fan_out), np.float32) for _ in range(3)
        )
        self.positive = np.empty((len(x), fan_out), np.bool_)
        self.dw = np.empty_like(self.w)
        self.dx: np.ndarray | None = None  # the dout of the layer before, if there is one

    def forward(self) -> None:
        """Go from x to out."""
        normal, out, B = self.normal, self.out, len(self.x)
        np.dot(self.x, self.w, out=normal)
        mean = np.add.reduce(normal, axis=0)
        mean /= B
        normal -= mean
        var = np.einsum("ij,ij->j", normal, normal)
        var /= B
        self.mean += (1 - MOMENTUM) * (mean - self.mean)
        self.var += (1 - MOMENTUM) * (var - self.var)
        self.inverse_std = 1 / np.sqrt(var + EPS)
        normal *= self.inverse_std
        np.multiply(normal, self.gamma, out=out)
        out += self.beta
        np.maximum(out, 0, out=out)

    def backward(self) -> None:
        """Go from dout, the learning rate in it, to dx, and update."""
        dout, normal, B = self.dout, self.normal, len(self.x)
        np.greater(self.out, 0, out=self.positive)
        np.multiply(dout, self.positive, out=dout)
        dgamma, dbeta = np.einsum("ij,ij->j", dout, normal), np.add.reduce(dout, axis=0)
        dout -= dbeta / B
        normal *= dgamma / B
        dout -= normal
        dout *= self.gamma * self.inverse_std
        np.dot(self.x.T, dout, out=self.dw)
        if self.dx is not None:
            np.dot(dout, self.w.T, out=self.dx)
        self.w -= self.dw
        self.gamma -= dgamma
        self.beta -= dbeta


class Deep(Training):
    """The whole net."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        B, (_, C) = task.batch_size, task.weights[-1].shape
        self.bytes = np.empty((B, task.X_train.shape[1]), np.uint8)
        self.x = x = np.empty(self.bytes.shape, np.float32)
        self.layers: list[_Hidden] = []
        for w in task.weights[:-1]:
            self.layers.append(_Hidden(w, x))
            x = self.layers[-1].out
        for before, after in pairwise(self.layers):
            after.dx = before.dout
        self.w, self.b = task.weights[-1].astype(np.float32), np.zeros((C, 1), np.float32)
        self.scores, self.rate = np.empty((C, B), np.float32), np.float32(task.learning_rate / B)
        self.samples = np.arange(B)
        self.loss_history: list[float] = []

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        for _ in range(epochs):
            batches = self.task.shuffled(self.rng)
            right = np.empty(batches.shape, np.float32)
            for rows, kept in zip(batches, right, strict=True):
                self.task.X_train.take(rows, axis=0, out=self.bytes, mode="clip")
                np.copyto(self.x, self.bytes)
                self.step(self.task.y_train[rows], kept)
            self.loss_history += (-np.log(right / self.rate)).mean(axis=1).tolist()

    def step(self, y: np.ndarray, right: np.ndarray) -> None:
        """Take a step, and write the probabilities of the right classes, times the rate."""
        for layer in self.layers:
            layer.forward()
        last, scores = self.layers[-1], self.scores
        np.dot(self.w.T, last.out.T, out=scores)
        scores += self.b
        scores -= scores.max(axis=0)
        np.exp(scores, out=scores)
        scores *= self.rate / scores.sum(axis=0)
        right[:] = scores[y, self.samples]
        scores[y, self.samples] -= self.rate
        np.dot(scores.T, self.w.T, out=last.dout)
        self.w -= np.dot(last.out.T, scores.T)
        self.b -= scores.sum(axis=1, keepdims=True)
        for layer in reversed(self.layers):
            layer.backward()

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures, by the running numbers."""
        h = X.astype(np.float32)
        for layer in self.layers:
            scale = layer.gamma / np.sqrt(layer.var + EPS)
            h = np.maximum((h @ layer.w - layer.mean) * scale + layer.beta, 0)
        return np.argmax(h @ self.w + self.b[:, 0], axis=1)
