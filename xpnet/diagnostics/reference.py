"""What a plain net, which shares nothing with the one under diagnosis, makes of the same data.

It tells what can be learnt from the inputs, so that poor data and a poor training are told apart.
Two nets learn a half of some training samples each, and predict the other half and the validation
part: all their predictions are of samples they have not seen.
"""

from dataclasses import dataclass

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.copies import few_rows
from xpnet.metrics import RSquared
from xpnet.nets import FullyConnectedNet
from xpnet.solver import Solver
from xpnet.streams import stream

__all__ = ["Reference", "make_reference", "mean_recall", "standardized"]


@dataclass(eq=False)
class Reference:
    """Predictions of samples that were not learnt from.

    Attributes:
        y: Targets of some training samples (N,), or (N, C).
        scores: Probabilities of the classes (N, C), or predicted targets.
        y_val, scores_val: Likewise of the validation part, by both nets: (2, N, C).
        simple: Scores of the training samples by what is simpler than a net: the nearest class
            mean, or the sum of the features by their covariance with the targets.

    """

    y: np.ndarray
    scores: np.ndarray
    y_val: np.ndarray
    scores_val: np.ndarray
    simple: np.ndarray

    @property
    def is_regression(self) -> bool:
        """Whether the targets are real."""
        return self.y.dtype.kind == "f"

    @property
    def accuracy(self) -> float:
        """The accuracy, or R squared, on training samples that were not learnt from."""
        return _accuracy(self.scores, self.y)

    @property
    def val_accuracy(self) -> float:
        """The accuracy, or R squared, on the validation part."""
        return float(np.mean([_accuracy(scores, self.y_val) for scores in self.scores_val]))

    @property
    def recall(self) -> float:
        """The mean over classes of the share that was found, by the net or by class means."""
        return max(mean_recall(self.scores, self.y), mean_recall(self.simple, self.y))

    @property
    def val_recall(self) -> float:
        """The mean over classes of the share that the nets find of the validation part."""
        return mean_recall(self.scores_val.mean(axis=0), self.y_val)


def make_reference(case: Case) -> Reference:
    """Train the two nets."""
    X, y = case.train
    most = min(limits.REFERENCE_ROWS, limits.REFERENCE_NUMBERS // X[0].size)
    rows = stream(1, "diagnosis").permutation(few_rows(len(X), most))
    X_val, y_val = case.val
    val_rows = few_rows(len(X_val), limits.REFERENCE_ROWS)
    features, of_val = standardized(_flat(X[rows]), _flat(X_val[val_rows]))
    y, y_val = y[rows], y_val[val_rows]
    half = len(rows) // 2
    parts = slice(0, half), slice(half, None)
    scores: list[np.ndarray] = []
    simple: list[np.ndarray] = []
    val_scores = []
    targets = y if y.dtype.kind != "f" else _scaled(y, y)
    for learnt, other in (parts, parts[::-1]):
        net = _trained(case, features[learnt], targets[learnt], features[other], targets[other])
        scores.append(_scores(net, features[other]))
        val_scores.append(_scores(net, of_val))
        simple.append(_simple(features[learnt], targets[learnt], features[other], case.num_classes))
    of_train, simply = (np.concatenate(found[::-1]) for found in (scores, simple))
    y_val = y_val if y.dtype.kind != "f" else _scaled(y_val, y)
    return Reference(targets, of_train, y_val, np.stack(val_scores), simply)


def standardized(X: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both with the mean 0 and the deviation 1 that `X` gets; outliers are cut off."""
    mean, std = X.mean(axis=0), X.std(axis=0)
    std[std <= 1e-6 * (np.abs(mean) + std.max(initial=0.0))] = np.inf
    return tuple(
        np.clip((x - mean) / std, -limits.OUTLIER, limits.OUTLIER).astype(np.float32)
        for x in (X, other)
    )


def mean_recall(scores: np.ndarray, y: np.ndarray) -> float:
    """Return the mean over the classes there are of the share of their samples that is found."""
    right = np.argmax(scores, axis=-1) == y
    return float(np.mean([right[y == c].mean() for c in np.unique(y)]))


def _trained(
    case: Case, X: np.ndarray, y: np.ndarray, X_other: np.ndarray, y_other: np.ndarray
) -> FullyConnectedNet:
    is_regression = y.dtype.kind == "f"
    net = FullyConnectedNet(
        [limits.REFERENCE_UNITS],
        X.shape[1],
        case.num_classes,
        loss="squared" if is_regression else "softmax",
        reg=limits.REFERENCE_REG,
    )
    batch = min(50, len(X))
    solver = Solver(
        net,
        {"X_train": X, "y_train": y, "X_val": X_other, "y_val": y_other},
        update_rule="adam",
        optim_config={"learning_rate": 3e-3},
        lr_schedule="cosine",
        batch_size=batch,
        num_epochs=min(
            limits.REFERENCE_EPOCHS,
            max(5, -(-limits.REFERENCE_STEPS // max(1, len(X) // batch))),
        ),
        num_train_samples=100,
        num_val_samples=100,
        verbose=False,
    )
    last: list[dict[str, np.ndarray]] = []
    solver.callbacks = (_Keep(last),)
    solver.train()
    net.params = last[0]  # the last, not the best on samples that are to be unseen
    return net


def _simple(X: np.ndarray, y: np.ndarray, other: np.ndarray, num_classes: int) -> np.ndarray:
    """Return scores of `other` by class means, or by covariances with the targets."""
    if y.dtype.kind == "f":
        targets = y.reshape(len(y), -1)
        return np.asarray(other @ (X.T @ (targets - targets.mean(axis=0))) / len(X))
    scores = np.full((len(other), num_classes), -np.inf)
    for c in np.unique(y):
        mean = X[y == c].mean(axis=0)
        scores[:, c] = other @ mean - 0.5 * float(mean @ mean)
    return scores


class _Keep:
    def __init__(self, kept: list[dict[str, np.ndarray]]) -> None:
        self.kept = kept

    def on_epoch(self, solver: Solver) -> None:
        self.kept[:] = [{name: w.copy() for name, w in solver.model.params.items()}]


def _scores(net: FullyConnectedNet, X: np.ndarray) -> np.ndarray:
    scores = np.asarray(net.loss(X), dtype=np.float64)
    if net.is_regression:
        return scores
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(scores / scores.sum(axis=-1, keepdims=True))


def _accuracy(scores: np.ndarray, y: np.ndarray) -> float:
    if y.dtype.kind != "f":
        return float((np.argmax(scores, axis=-1) == y).mean())
    y = y.reshape(len(y), -1)
    metric = RSquared()
    return float(metric.value(metric.sums(scores.reshape(y.shape), y, np), y))


def _scaled(y: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    std = fitted.std(axis=0)
    return np.asarray((y - fitted.mean(axis=0)) / np.where(std > 0, std, 1.0))


def _flat(X: np.ndarray) -> np.ndarray:
    return X.reshape(len(X), -1).astype(np.float64)
