"""Time xpnet against the notes' steps as printed, on CIFAR-10, in one run.

    python ci/against_notes.py DIR                    # DIR holds cifar-10-batches-py/
    python ci/against_notes.py DIR --epochs 10 --rounds 1

Both train the net 3072-50-10 by SGD on the same pictures, accuracy checks included, a few epochs in
turn. `NotesNet` does the notes' arithmetic: float64 throughout, batches drawn with replacement,
the gradient by the input computed and thrown away, checks in batches of 100.
"""

import argparse
import statistics
import time

import numpy as np
from threadpoolctl import threadpool_info

import xpnet
from xpnet.data import Dataset


class NotesNet:
    """The notes' two-layer net, in their arithmetic."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.W1, self.b1 = 1e-3 * rng.standard_normal((3072, 50)), np.zeros(50)
        self.W2, self.b2 = 1e-3 * rng.standard_normal((50, 10)), np.zeros(10)

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return class scores."""
        return np.maximum(X.dot(self.W1) + self.b1, 0.0).dot(self.W2) + self.b2

    def step(self, X: np.ndarray, y: np.ndarray, learning_rate: float, reg: float) -> float:
        """Take one step of gradient descent and return the loss."""
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
        self.W1, self.b1 = self.W1 - learning_rate * dW1, self.b1 - learning_rate * db1
        self.W2, self.b2 = self.W2 - learning_rate * dW2, self.b2 - learning_rate * db2
        return float(loss)


class NotesTraining:
    """The notes' Solver, as far as it takes time."""

    def __init__(self, data: Dataset) -> None:
        mean = data.X_train.mean(axis=0)
        self.X_train, self.X_val = data.X_train - mean, data.X_val - mean
        self.y_train, self.y_val = data.y_train, data.y_val
        self.rng = np.random.default_rng(0)
        self.net = NotesNet(self.rng)
        self.learning_rate, self.best = 1e-3, 0.0

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        for _ in range(epochs):
            for _ in range(len(self.X_train) // 100):
                rows = self.rng.choice(len(self.X_train), 100)
                X, y = self.X_train[rows], self.y_train[rows]
                self.net.step(X, y, self.learning_rate, 0.0)
            self.learning_rate *= 0.95
            rows = self.rng.choice(len(self.X_train), 1000)
            self.accuracy(self.X_train[rows], self.y_train[rows])
            self.best = max(self.best, self.accuracy(self.X_val, self.y_val))

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the share of right predictions, in batches of 100."""
        batches = [np.argmax(self.net.scores(X[i : i + 100]), 1) for i in range(0, len(X), 100)]
        return float(np.mean(np.hstack(batches) == y))


def make_solver(data: Dataset, epochs: int) -> xpnet.Solver:
    """Return the same training by xpnet; each `train()` goes on for `epochs`."""
    return xpnet.Solver(
        xpnet.TwoLayerNet(3072, 50, 10),
        data,
        optim_config={"learning_rate": 1e-3},
        lr_decay=0.95,
        num_epochs=epochs,
        preprocess="mean",
        verbose=False,
    )


def main() -> None:
    """Train both in turn and print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--epochs", type=int, default=2, help="epochs a round (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    options = parser.parse_args()
    data = xpnet.data.load("cifar10", data_dir=options.data_dir)
    notes, solver = NotesTraining(data), make_solver(data, options.epochs)
    seconds: dict[str, list[float]] = {"notes": [], "xpnet": []}
    for _ in range(options.rounds):
        for name, train in (
            ("notes", lambda: notes.train(options.epochs)),
            ("xpnet", solver.train),
        ):
            begun = time.perf_counter()
            train()
            seconds[name].append(time.perf_counter() - begun)
    ratios = [
        ours / theirs for ours, theirs in zip(seconds["xpnet"], seconds["notes"], strict=True)
    ]
    threads = max(pool["num_threads"] for pool in threadpool_info())
    print(f"CIFAR-10, 3072-50-10, {options.rounds} rounds of {options.epochs} epochs, in turn")
    print(f"NumPy {np.__version__}, {threads} BLAS threads")
    for name, best in (("notes", notes.best), ("xpnet", solver.best_val_acc)):
        low, high = min(seconds[name]), max(seconds[name])
        middle = statistics.median(seconds[name])
        print(f"{name}: {middle:.2f} s ({low:.2f} to {high:.2f}), best val accuracy {best:.3f}")
    low, high = min(ratios), max(ratios)
    print(f"xpnet / notes: {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
