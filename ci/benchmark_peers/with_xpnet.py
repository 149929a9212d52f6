"""Ours, by its public names: a net and a Solver.

A Solver takes accuracies after each epoch, which the peers do not: it is given one picture of each
part for them, and the time of that is in its steps. Losses are looked at once an epoch.
"""

from typing import Any

import numpy as np

import xpnet
from benchmark_peers.base import Training
from benchmark_peers.task import Task

__all__ = ["WithXpnet", "WithXpnetCompiled"]

_CHECKED = 1  # picture of each part
_NEVER = 10**9  # steps


class _LastParameters:
    """Keeps copies of the parameters at the end of the last epoch; a Solver gives back the best."""

    def on_epoch(self, solver: Any) -> None:
        copy = solver.model.backend.copy
        self.params = {name: copy(w) for name, w in solver.model.params.items()}
        self.state = {name: copy(w) for name, w in solver.model.state.items()}


class WithXpnet(Training):
    """A Solver on the device that is asked for."""

    compiled = False

    def __init__(self, task: Task, device: str) -> None:
        super().__init__(task)
        self.device = device
        self.solver = self.make()

    def make(self, epochs: int = 1, callbacks: Any = ()) -> xpnet.Solver:
        """Return a Solver of a net with the task's weights."""
        task, weights = self.task, iter(self.task.weights)
        fan_in, *hidden, classes = task.weights[0].shape[0], *(w.shape[1] for w in task.weights)
        net = xpnet.FullyConnectedNet(
            hidden,
            fan_in,
            classes,
            normalization="batchnorm" if task.batchnorm else None,
            initializer=lambda _rng, _shape: next(weights),
            device=self.device,
        )
        data = {
            "X_train": task.X_train,
            "y_train": task.y_train,
            "X_val": task.X_val[:_CHECKED],
            "y_val": task.y_val[:_CHECKED],
        }
        return xpnet.Solver(
            net,
            data,
            optim_config={"learning_rate": task.learning_rate},
            batch_size=task.batch_size,
            num_epochs=epochs,
            num_train_samples=_CHECKED,
            print_every=_NEVER,
            preprocess="mean",
            verbose=False,
            compile=self.compiled,
            callbacks=callbacks,
        )

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        self.solver.num_epochs = epochs
        self.solver.train()
        self.solver.model.backend.synchronize()

    def settle(self, epochs: int) -> None:
        """Train anew: each `train` began with the best parameters, not with the last."""
        last = _LastParameters()
        self.solver = self.make(epochs, [last])
        self.solver.train()
        self.solver.model.params.update(last.params)
        self.solver.model.state.update(last.state)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        return self.solver.predict(X)


class WithXpnetCompiled(WithXpnet):
    """With the steps compiled, where the library leaves the choice."""

    compiled = True
