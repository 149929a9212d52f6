"""scikit-learn's MLPClassifier, by plain gradient descent.

Its pictures are centred floats from the beginning, as it takes no bytes; that they are finite is
not checked anew in each round, which it would be otherwise.
"""

import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmark_peers.base import Training
from benchmark_peers.task import Task

__all__ = ["WithSklearn"]


class WithSklearn(Training):
    """`fit` with a warm start, so many epochs at a time."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        sklearn.set_config(assume_finite=True)
        warnings.simplefilter("ignore", ConvergenceWarning)  # that the epochs came to their end
        warnings.filterwarnings("ignore", "Got `batch_size` less than 1")  # of the call below
        self.X = task.X_train - task.mean
        self.classifier = MLPClassifier(
            [w.shape[1] for w in task.weights[:-1]],
            solver="sgd",
            alpha=0,
            batch_size=task.batch_size,
            learning_rate_init=task.learning_rate,
            momentum=0,
            nesterovs_momentum=False,
            n_iter_no_change=10**9,
            warm_start=True,
            random_state=np.random.RandomState(1),
        )
        classes, rows = np.unique(task.y_train, return_index=True)
        self.classifier.partial_fit(self.X[rows], classes, classes=classes)  # makes the arrays
        for i, w in enumerate(task.weights):
            self.classifier.coefs_[i][:] = w
            self.classifier.intercepts_[i][:] = 0

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        self.classifier.set_params(max_iter=epochs)
        self.classifier.fit(self.X, self.task.y_train)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        return self.classifier.predict(X - self.task.mean)
