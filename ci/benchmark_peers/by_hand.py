"""NumPy by hand: the fastest steps of the two-layer net that we could write with NumPy alone.

Every array is made once and written into by `out=`. Scores lie as (C, B), so that sums over the
classes run along whole rows; learning_rate / B is multiplied into the gradient by the scores, so
that an update is one subtraction; there is no gradient by the input; and the losses are taken once
an epoch, from the probabilities of the right classes that the steps leave behind.
"""

from abc import abstractmethod

import numpy as np

from benchmark_peers.base import Training
from benchmark_peers.by_hand_deep import Deep
from benchmark_peers.task import Task

__all__ = ["FromBytes", "FromFloats", "by_hand"]

_SMALL = 2**24  # bytes of pictures as float32 that are worth keeping
_PART = 250  # pictures at once; more of them outgrow a cache of 1 MB


def by_hand(task: Task) -> Training:
    """Return the training that is fastest for the task."""
    if task.batchnorm:
        return Deep(task)
    return FromFloats(task) if 4 * task.X_train.size < _SMALL else FromBytes(task)


class _TwoLayers(Training):
    """What does not depend on how a batch is made; `B` pictures are taken at once."""

    def __init__(self, task: Task, B: int) -> None:
        super().__init__(task)
        C = task.weights[1].shape[1]
        self.scores = np.empty((C, B), dtype=np.float32)
        self.by_sample, self.flat = self.scores.T, self.scores.reshape(-1)
        self.per_sample = np.empty(B, dtype=np.float32)
        self.rate = np.float32(task.learning_rate / task.batch_size)
        self.samples = np.arange(B)
        self.loss_history: list[float] = []

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        for _ in range(epochs):
            batches = self.task.shuffled(self.rng)
            parts = self.task.y_train[batches].reshape(-1, len(self.samples))
            places = (parts * len(self.samples) + self.samples).reshape(batches.shape)
            right = np.empty(batches.shape, dtype=np.float32)
            for rows, place, kept in zip(batches, places, right, strict=True):
                self.step(rows, place, kept)
            self.loss_history += (-np.log(right / self.rate)).mean(axis=1).tolist()

    @abstractmethod
    def step(self, rows: np.ndarray, place: np.ndarray, right: np.ndarray) -> None:
        """Take a step.

        Args:
            rows: The batch's rows of X_train.
            place: Where the right classes are in `flat`.
            right: Is written: their probabilities, times the rate.

        """

    def scores_to_gradient(self, place: np.ndarray, right: np.ndarray) -> None:
        """Make of the scores the loss's gradient by them, times the learning rate."""
        scores, per_sample = self.scores, self.per_sample
        np.maximum.reduce(scores, axis=0, out=per_sample)
        np.subtract(scores, per_sample, out=scores)
        np.exp(scores, out=scores)
        np.add.reduce(scores, axis=0, out=per_sample)
        np.divide(self.rate, per_sample, out=per_sample)
        np.multiply(scores, per_sample, out=scores)
        self.flat.take(place, out=right, mode="clip")
        self.flat[place] = right - self.rate


class FromFloats(_TwoLayers):
    """For few pictures: kept as centred floats, with a column of ones.

    So the biases are the last rows of the weights. W1 has one column more besides, which makes the
    hidden layer's ones, and which no update touches.
    """

    def __init__(self, task: Task) -> None:
        (D, H), (_, C), B = *(w.shape for w in task.weights), task.batch_size
        super().__init__(task, B)
        self.X = np.ones((len(task.X_train), D + 1), dtype=np.float32)
        np.subtract(task.X_train, task.mean, out=self.X[:, :D])
        full1, self.W2 = np.zeros((D + 1, H + 1), np.float32), np.zeros((H + 1, C), np.float32)
        full1[:D, :H], full1[D, H], self.W2[:H] = task.weights[0], 1, task.weights[1]
        self.full1, self.W1, self.W2_inner = full1, full1[:, :H], self.W2[:H].T
        self.x, self.h = np.empty((B, D + 1), np.float32), np.empty((B, H + 1), np.float32)
        self.dh, self.positive = np.empty((B, H), np.float32), np.empty((B, H), np.bool_)
        self.dW1, self.dW2 = np.empty((D + 1, H), np.float32), np.empty_like(self.W2)
        self.xT, self.hT, self.W2T, self.h_inner = self.x.T, self.h.T, self.W2.T, self.h[:, :H]

    def step(self, rows: np.ndarray, place: np.ndarray, right: np.ndarray) -> None:
        """Take a step."""
        self.X.take(rows, axis=0, out=self.x, mode="clip")
        np.dot(self.x, self.full1, out=self.h)
        np.maximum(self.h, 0, out=self.h)
        np.dot(self.W2T, self.hT, out=self.scores)
        self.scores_to_gradient(place, right)
        np.dot(self.hT, self.by_sample, out=self.dW2)
        np.dot(self.by_sample, self.W2_inner, out=self.dh)
        np.greater(self.h_inner, 0, out=self.positive)
        np.multiply(self.dh, self.positive, out=self.dh)
        np.dot(self.xT, self.dh, out=self.dW1)
        np.subtract(self.W1, self.dW1, out=self.W1)
        np.subtract(self.W2, self.dW2, out=self.W2)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        h = np.maximum((X - self.task.mean) @ self.W1[:-1] + self.W1[-1], 0)
        return np.argmax(h @ self.W2[:-1] + self.W2[-1], axis=1)


class FromBytes(_TwoLayers):
    """For many pictures, which stay bytes: each batch is gathered, then converted, once.

    The mean is not subtracted from the batch, which would go through it again. It is a row more of
    the batch: (x - mean) W1 is the product less that row's, and (x - mean)^T dh is the product with
    -sum(dh) as the gradient of that row. A large batch is taken in parts that stay in the cache.
    """

    def __init__(self, task: Task) -> None:
        (D, H), (_, C), B = *(w.shape for w in task.weights), part_size(task.batch_size)
        super().__init__(task, B)
        self.W1, self.W2 = (w.astype(np.float32) for w in task.weights)
        self.b1, self.b2 = np.zeros(H, np.float32), np.zeros((C, 1), np.float32)
        self.bytes = np.empty((B, D), np.uint8)
        self.all_x = np.empty((B + 1, D), np.float32)
        self.x, self.all_x[B] = self.all_x[:B], task.mean
        self.all_h, self.all_dh = (np.empty((B + 1, H), np.float32) for _ in range(2))
        self.h, self.h_mean, self.dh = self.all_h[:B], self.all_h[B], self.all_dh[:B]
        self.dh_mean, self.offset = self.all_dh[B], np.empty(H, np.float32)
        self.positive = np.empty((B, H), np.bool_)
        self.params = [self.W1, self.b1, self.W2, self.b2]
        self.grads, self.part_grads = ([np.empty_like(p) for p in self.params] for _ in range(2))
        self.all_xT, self.hT, self.W2T = self.all_x.T, self.h.T, self.W2.T

    def step(self, rows: np.ndarray, place: np.ndarray, right: np.ndarray) -> None:
        """Take a step."""
        size = len(self.samples)
        self.gradients(rows[:size], place[:size], right[:size], self.grads)
        for i in range(size, len(rows), size):
            part = slice(i, i + size)
            self.gradients(rows[part], place[part], right[part], self.part_grads)
            for total, grad in zip(self.grads, self.part_grads, strict=True):
                np.add(total, grad, out=total)
        for p, grad in zip(self.params, self.grads, strict=True):
            np.subtract(p, grad, out=p)

    def gradients(
        self, rows: np.ndarray, place: np.ndarray, right: np.ndarray, out: list[np.ndarray]
    ) -> None:
        """Write the gradients of a part of the batch, times the learning rate, into `out`."""
        dW1, db1, dW2, db2 = out
        # "clip" for speed: otherwise NumPy gathers into a buffer of its own first
        self.task.X_train.take(rows, axis=0, out=self.bytes, mode="clip")
        np.copyto(self.x, self.bytes)
        np.dot(self.all_x, self.W1, out=self.all_h)
        np.subtract(self.b1, self.h_mean, out=self.offset)
        np.add(self.h, self.offset, out=self.h)
        np.maximum(self.h, 0, out=self.h)
        np.dot(self.W2T, self.hT, out=self.scores)
        np.add(self.scores, self.b2, out=self.scores)
        self.scores_to_gradient(place, right)
        np.dot(self.hT, self.by_sample, out=dW2)
        np.dot(self.by_sample, self.W2T, out=self.dh)
        np.greater(self.h, 0, out=self.positive)
        np.multiply(self.dh, self.positive, out=self.dh)
        np.add.reduce(self.dh, axis=0, out=db1)
        np.negative(db1, out=self.dh_mean)
        np.dot(self.all_xT, self.all_dh, out=dW1)
        np.add.reduce(self.scores, axis=1, keepdims=True, out=db2)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        h = np.maximum((X - self.task.mean) @ self.W1 + self.b1, 0)
        return np.argmax(h @ self.W2 + self.b2[:, 0], axis=1)


def part_size(batch_size: int) -> int:
    """Return the largest divisor of the batch that is at most _PART."""
    return next(n for n in range(min(batch_size, _PART), 0, -1) if batch_size % n == 0)
