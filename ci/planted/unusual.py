"""Healthy development cases on small, sorted or unequal data, and of one's own. In no score."""

from functools import partial
from typing import Any

import numpy as np

from planted import data
from planted.run import Case, run

__all__ = ["UNUSUAL"]


def _unequal(seed: int, share: float, apart: float, n: int = 1000) -> data.Arrays:
    """Return two classes, the first with so large a share."""
    rng = np.random.default_rng(seed)
    centres = apart * rng.normal(size=(2, 8))
    y = rng.choice(2, n, p=[share, 1.0 - share])
    return data.parts(centres[y] + rng.normal(size=(n, 8)), y, n // 5)


def _tiny(seed: int, n: int) -> data.Arrays:
    """Return two classes that a line separates; some of each are in both parts."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = np.where(y[:, None] == 1, 1.5, -1.5) + rng.normal(size=(n, 4))
    return data.parts(X, y, n // 4)


def _sorted(d: data.Arrays) -> data.Arrays:
    """Sort the training part by its classes, as the Solver shuffles it."""
    order = np.argsort(d["y_train"], kind="stable")
    return {**d, "X_train": d["X_train"][order], "y_train": d["y_train"][order]}


class _OwnModel:
    """What the two models share: an array of weights, and a loss of the scores."""

    def __init__(self, features: int, outputs: int, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.params = {"W": 0.1 * self.rng.normal(size=(features, outputs))}


class DropoutNet(_OwnModel):
    """A linear classifier that drops inputs by its own generator."""

    def loss(self, X: Any, y: Any = None) -> Any:
        """Return scores, or the loss and the gradient."""
        if y is None:
            return X @ self.params["W"]
        X = X * (self.rng.random(X.shape) < 0.8) / 0.8
        scores, rows = X @ self.params["W"], np.arange(len(y))
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        loss = float(-np.log(shares[rows, y]).mean())
        shares[rows, y] -= 1.0
        return loss, {"W": X.T @ shares / len(y)}


class MeanOverEntries(_OwnModel):
    """A linear regression whose loss is the mean of all entries' squares."""

    def loss(self, X: Any, y: Any = None) -> Any:
        """Return scores, or the loss and the gradient."""
        scores = X @ self.params["W"]
        if y is None:
            return scores
        errors = scores - y.reshape(scores.shape)
        return float((errors**2).mean()), {"W": 2.0 * X.T @ errors / errors.size}


UNUSUAL = [
    Case(one)
    for one in (
        *(run(f"tiny {n}", partial(_tiny, n, n), (8,), "adam", 1e-2, num_epochs=40, batch_size=4) for n in (16, 24, 40, 80)),
        *(run(f"small sine {n}", partial(data.waves, n, n), (32,), "adam", 1e-2, num_epochs=200, batch_size=16) for n in (80, 120, 250)),
        run("sorted training part", lambda: _sorted(data.blobs(401, 24000, 100, 8, 0.4)), (500, 500), "adam", 1e-3, num_epochs=5, batch_size=50),
        *(run(f"margins, {share:.0%} of one class", partial(_unequal, 402, share, 1.0), (16,), "adam", 3e-3, num_epochs=20, batch_size=32, preprocess="mean", net={"loss": "svm"}) for share in (0.65, 0.8, 0.88)),
        *(run(f"90/10 classes {seed}", partial(_unequal, seed, 0.88, 0.5), (16,), "adam", 3e-3, num_epochs=20, batch_size=32) for seed in (403, 404)),
        run("one feature", partial(data.waves, 405, 600), (64,), "adam", 1e-2, num_epochs=60, batch_size=32),
        run("own dropout", partial(data.blobs, 406, 800, 8, 3), (), "adam", 3e-3, num_epochs=20, batch_size=32).but(own_model=partial(DropoutNet, 8, 3)),
        run("own mean over entries", partial(data.linear, 407, 800, 6, 3), (), "adam", 1e-2, num_epochs=20, batch_size=32).but(own_model=partial(MeanOverEntries, 6, 3)),
    )
]  # fmt: skip
