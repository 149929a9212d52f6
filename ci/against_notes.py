"""Time xpnet against the notes' steps as printed, on CIFAR-10, in one run.

    python ci/against_notes.py DIR                    # DIR holds cifar-10-batches-py/
    python ci/against_notes.py DIR --epochs 10 --rounds 3

Both train the net 3072-50-10 by SGD on the same pictures, accuracy checks included, in turn, each
time in a process of its own: what one leaves in memory changes the other's time. Loading is not
timed. `NotesNet` does the notes' arithmetic: float64 throughout, batches drawn with replacement,
the gradient by the input computed and thrown away, checks in batches of 100.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
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


def train_notes(data: Dataset, epochs: int) -> tuple[float, float]:
    """Return seconds and the best validation accuracy of the notes' steps."""
    notes = NotesTraining(data)
    begun = time.perf_counter()
    notes.train(epochs)
    return time.perf_counter() - begun, notes.best


def train_xpnet(data: Dataset, epochs: int) -> tuple[float, float]:
    """Return seconds and the best validation accuracy of the same training by xpnet."""
    solver = xpnet.Solver(
        xpnet.TwoLayerNet(3072, 50, 10),
        data,
        optim_config={"learning_rate": 1e-3},
        lr_decay=0.95,
        num_epochs=epochs,
        preprocess="mean",
        verbose=False,
    )
    begun = time.perf_counter()
    solver.train()
    return time.perf_counter() - begun, solver.best_val_acc


TRAININGS = {"notes": train_notes, "xpnet": train_xpnet}


def measure(name: str, options: argparse.Namespace) -> tuple[float, float]:
    """Return seconds and accuracy of one training in a new process."""
    command = [sys.executable, __file__, options.data_dir, "--epochs", str(options.epochs)]
    done = subprocess.run(
        [*command, "--only", name], check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(done.returncode)  # it has said why
    seconds, accuracy = json.loads(done.stdout)
    return seconds, accuracy


def main() -> None:
    """Train both in turn and print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--epochs", type=int, default=2, help="of each training (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--only", choices=TRAININGS, help="train this one, here, and print JSON")
    options = parser.parse_args()
    if options.only:
        try:
            data = xpnet.data.load("cifar10", data_dir=options.data_dir)
        except xpnet.InputError as error:
            sys.exit(str(error))
        print(json.dumps(TRAININGS[options.only](data, options.epochs)))
        return
    rounds = [{name: measure(name, options) for name in TRAININGS} for _ in range(options.rounds)]
    threads = max(pool["num_threads"] for pool in threadpool_info())
    print(f"CIFAR-10, 3072-50-10, {options.rounds} rounds of {options.epochs} epochs, in turn")
    print(f"NumPy {np.__version__}, BLAS threads: {threads}, load {os.getloadavg()[0]:.1f}")
    for name in TRAININGS:
        seconds, best = [r[name][0] for r in rounds], rounds[0][name][1]
        print(f"{name}: {spread(seconds, '.2f')} s, best validation accuracy {best:.3f}")
    print(f"xpnet / notes: {spread([r['xpnet'][0] / r['notes'][0] for r in rounds], '.3f')}")


def spread(values: list[float], form: str) -> str:
    """Return median, minimum and maximum as text."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):{form}} ({low:{form}} to {high:{form}})"


if __name__ == "__main__":
    main()
