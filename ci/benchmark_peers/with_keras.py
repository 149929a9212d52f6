"""Keras 3 on JAX, by `fit`, with the pictures as bytes that its first layer centres."""

import keras
import numpy as np

from benchmark_peers.base import EPS, MOMENTUM, Training
from benchmark_peers.task import Task

__all__ = ["WithKeras"]


class WithKeras(Training):
    """A `Sequential` model with one execution an epoch."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        keras.utils.set_random_seed(1)
        fan_in = task.weights[0].shape[0]
        first = [
            keras.Input((fan_in,), dtype="uint8"),
            keras.layers.Rescaling(1.0, offset=-task.mean),
        ]
        hidden = []
        for w in task.weights[:-1]:
            hidden.append(keras.layers.Dense(w.shape[1], use_bias=not task.batchnorm))
            if task.batchnorm:
                hidden.append(keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPS))
            hidden.append(keras.layers.ReLU())
        last = keras.layers.Dense(task.weights[-1].shape[1])
        self.model = keras.Sequential([*first, *hidden, last])
        dense = [layer for layer in self.model.layers if isinstance(layer, keras.layers.Dense)]
        for layer, w in zip(dense, task.weights, strict=True):
            layer.kernel.assign(w)
        self.model.compile(
            optimizer=keras.optimizers.SGD(task.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            steps_per_execution=task.steps,
        )

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        task = self.task
        arguments = {"batch_size": task.batch_size, "epochs": epochs, "verbose": 0}
        self.model.fit(task.X_train, task.y_train, **arguments)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        return np.argmax(self.model.predict(X, batch_size=1000, verbose=0), axis=1)
