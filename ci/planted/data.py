"""Small data sets, by seed: dictionaries as the Solver takes them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import xpnet

Arrays = dict[str, np.ndarray]

__all__ = [
    "Arrays",
    "blobs",
    "board",
    "cifar10",
    "digits",
    "friedman",
    "linear",
    "moons",
    "parts",
    "rings",
    "spiral",
    "waves",
]


def parts(X: np.ndarray, y: np.ndarray, num_val: int) -> Arrays:
    """Return rows as a training and a validation part."""
    cut = len(X) - num_val
    return {"X_train": X[:cut], "y_train": y[:cut], "X_val": X[cut:], "y_val": y[cut:]}


def digits(seed: int) -> Arrays:
    """Return the digits, dealt out anew."""
    data = xpnet.data.load("digits")
    X = np.concatenate([data.X_train, data.X_val, data.X_test])
    y = np.concatenate([data.y_train, data.y_val, data.y_test])
    order = np.random.default_rng(seed).permutation(len(X))
    return parts(X[order], y[order], 350)


def blobs(seed: int, n: int = 1000, d: int = 10, c: int = 4, apart: float = 1.0) -> Arrays:
    """Return Gaussian classes around random centres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(c, d)) * apart
    y = rng.integers(0, c, n)
    return parts(centres[y] + rng.normal(size=(n, d)), y, n // 4)


def moons(seed: int, n: int = 900, noise: float = 0.12) -> Arrays:
    """Return two half circles that reach into each other."""
    rng = np.random.default_rng(seed)
    y, t = rng.integers(0, 2, n), rng.random(n) * math.pi
    X = np.stack([np.cos(t) * (1 - 2 * y) + y, np.sin(t) * (1 - 2 * y) + 0.5 * y], 1)
    return parts(X + noise * rng.normal(size=(n, 2)), y, n // 4)


def spiral(seed: int, n: int = 1200, arms: int = 3) -> Arrays:
    """Return the course's spiral."""
    rng = np.random.default_rng(seed)
    y, r = rng.integers(0, arms, n), rng.random(n)
    t = 4.0 * r + y * 2.0 * math.pi / arms + rng.normal(size=n) * 0.2
    return parts(np.stack([r * np.sin(t), r * np.cos(t)], 1) * 2.0, y, n // 4)


def rings(seed: int, n: int = 1200, d: int = 5, c: int = 3) -> Arrays:
    """Return classes by the distance from the origin."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    length = np.linalg.norm(X, axis=1)
    y = np.searchsorted(np.quantile(length, np.arange(1, c) / c), length)
    return parts(X, y, n // 4)


def board(seed: int, n: int = 1500, extra: int = 3) -> Arrays:
    """Return a chess board of 2 by 2 fields, and features that tell nothing."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.0, 1.0, size=(n, 2 + extra))
    return parts(X * 1.7, ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(np.int64), n // 4)


def friedman(seed: int, n: int = 1200, d: int = 8, noise: float = 0.5) -> Arrays:
    """Return a regression: J. Friedman, "Multivariate adaptive regression splines", 1991."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    y = 10 * np.sin(math.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    y = y + 10 * X[:, 3] + 5 * X[:, 4] + noise * rng.normal(size=n)
    return parts((X - 0.5) * math.sqrt(12.0), (y - y.mean()) / y.std(), n // 4)


def linear(seed: int, n: int = 800, d: int = 12, targets: int = 2, noise: float = 0.3) -> Arrays:
    """Return a linear regression of several targets."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=(d, targets)) / math.sqrt(d) + noise * rng.normal(size=(n, targets))
    return parts(X, y, n // 4)


def waves(seed: int, n: int = 900, noise: float = 0.1) -> Arrays:
    """Return a regression of one sine on one feature."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.7, 1.7, size=(n, 1))
    return parts(x, np.sin(3.0 * x[:, 0]) + noise * rng.normal(size=n), n // 4)


def cifar10(folder: str | None) -> Arrays | None:
    """Return CIFAR-10 where it is at hand."""
    try:
        data = xpnet.data.load("cifar10", data_dir=folder)
    except xpnet.InputError:
        return None
    return {name: data[name] for name in ("X_train", "y_train", "X_val", "y_val")}


Maker = Callable[..., Arrays]
Options = dict[str, Any]
