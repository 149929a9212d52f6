"""What is planted: changes of data and of models."""

from collections.abc import Callable
from typing import Any

import numpy as np

from planted.data import Arrays

__all__ = [
    "biases",
    "centred_by_all",
    "constant_labels",
    "copied_rows",
    "copies_of_units",
    "few_rows",
    "inputs",
    "labels",
    "mean_each",
    "min_max_by_all",
    "nan_inputs",
    "near_copies",
    "rare_class",
    "same_inputs",
    "same_weights",
    "scaled_weights",
    "shifted_rows",
    "shuffled_labels",
    "sorted_parts",
    "targets",
    "val_inputs",
    "wrapped_bytes",
]

Change = Callable[[Arrays], Arrays]


def inputs(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Change the inputs of both parts."""
    return lambda d: {n: change(x) if n[0] == "X" else x for n, x in d.items()}


def val_inputs(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Change the inputs of the validation part."""
    return lambda d: {**d, "X_val": change(d["X_val"])}


def labels(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Change the labels of both parts."""
    return lambda d: {n: change(x) if n[0] == "y" else x for n, x in d.items()}


targets = labels


def shuffled_labels(share: float, seed: int, parts: tuple[str, ...] = ("train", "val")) -> Change:
    """Shuffle a share of the labels among themselves."""

    def change(d: Arrays) -> Arrays:
        rng = np.random.default_rng(seed)
        changed = dict(d)
        for part in parts:
            y = d[f"y_{part}"].copy()
            rows = np.flatnonzero(rng.random(len(y)) < share)
            y[rows] = y[rng.permutation(rows)]
            changed[f"y_{part}"] = y
        return changed

    return change


def shifted_rows(start: float) -> Change:
    """Let the training labels slip by one row from a place on, as a lost line does."""

    def change(d: Arrays) -> Arrays:
        y = d["y_train"].copy()
        at = int(start * len(y))
        y[at:] = np.roll(y[at:], 1, axis=0)
        return {**d, "y_train": y}

    return change


def constant_labels(d: Arrays) -> Arrays:
    """Give all samples one label."""
    return labels(np.zeros_like)(d)


def rare_class(keep: float, seed: int) -> Change:
    """Take most samples of class 1 away, of both parts."""

    def change(d: Arrays) -> Arrays:
        rng = np.random.default_rng(seed)
        changed = {}
        for part in ("train", "val"):
            X, y = d[f"X_{part}"], d[f"y_{part}"]
            rows = (y != 1) | (rng.random(len(y)) < keep)
            changed |= {f"X_{part}": X[rows], f"y_{part}": y[rows]}
        return changed

    return change


def sorted_parts(d: Arrays) -> Arrays:
    """Sort all rows by their label before they are split."""
    X = np.concatenate([d["X_train"], d["X_val"]])
    y = np.concatenate([d["y_train"], d["y_val"]])
    order, cut = np.argsort(y, kind="stable"), len(d["y_train"])
    X, y = X[order], y[order]
    return {"X_train": X[:cut], "y_train": y[:cut], "X_val": X[cut:], "y_val": y[cut:]}


def few_rows(n: int) -> Change:
    """Keep the first training rows."""
    return lambda d: {**d, "X_train": d["X_train"][:n], "y_train": d["y_train"][:n]}


def copied_rows(share: float) -> Change:
    """Put training rows in the place of a share of the validation rows."""

    def change(d: Arrays) -> Arrays:
        X, y = d["X_val"].copy(), d["y_val"].copy()
        n = int(share * len(X))
        X[:n], y[:n] = d["X_train"][7 : 7 + n], d["y_train"][7 : 7 + n]
        return {**d, "X_val": X, "y_val": y}

    return change


def near_copies(share: float, noise: float, seed: int) -> Change:
    """Likewise, with a little noise, as augmentation before the split makes."""

    def change(d: Arrays) -> Arrays:
        d = copied_rows(share)(d)
        X = d["X_val"].astype(np.float64)
        n = int(share * len(X))
        X[:n] += noise * X.std() * np.random.default_rng(seed).normal(size=X[:n].shape)
        return {**d, "X_train": d["X_train"].astype(np.float64), "X_val": X}

    return change


def centred_by_all(d: Arrays) -> Arrays:
    """Standardise by the numbers of all rows, as before a split."""
    X = np.concatenate([d["X_train"], d["X_val"]]).astype(np.float64)
    std = X.std(axis=0)
    return inputs(lambda x: (x - X.mean(axis=0)) / np.where(std > 0, std, 1.0))(d)


def mean_each(d: Arrays) -> Arrays:
    """Subtract from each part its own mean."""
    return inputs(lambda x: x.astype(np.float64) - x.mean(axis=0))(d)


def min_max_by_all(d: Arrays) -> Arrays:
    """Scale to -1 to 1 by the smallest and largest of all rows."""
    X = np.concatenate([d["X_train"], d["X_val"]])
    low, high = X.min(axis=0), X.max(axis=0)
    return inputs(lambda x: 2.0 * (x - low) / (high - low) - 1.0)(d)


def nan_inputs(d: Arrays) -> Arrays:
    """Put a NaN into one training row."""
    X = d["X_train"].astype(np.float64)
    X[5, ..., 0] = np.nan
    return {**d, "X_train": X}


def same_inputs(d: Arrays) -> Arrays:
    """Give all samples the inputs of the first."""
    return inputs(lambda x: np.repeat(x[:1], len(x), axis=0))(d)


def wrapped_bytes(d: Arrays) -> Arrays:
    """Subtract the mean picture in bytes, which wraps round below 0."""
    X = d["X_train"].astype(np.float64)
    grey = np.uint8(np.round(X.mean()))
    return inputs(lambda x: x.astype(np.uint8) - grey)(d)


def same_weights(value: float, layers: tuple[str, ...] | None = None) -> Callable[[Any], None]:
    """Set all weights to one value."""

    def spoil(model: Any) -> None:
        for name in layers or [n for n, w in model.params.items() if w.ndim > 1]:
            model.params[name] = np.full_like(model.params[name], value)

    return spoil


def copies_of_units(name: str) -> Callable[[Any], None]:
    """Start all units of a layer as one of two."""

    def spoil(model: Any) -> None:
        w = model.params[name].copy()
        for k in range(w.shape[1]):
            w[:, k] = w[:, k % 2]
        model.params[name] = w
        out = f"W{int(name[1:]) + 1}"
        rows = model.params[out].copy()
        for k in range(len(rows)):
            rows[k] = rows[k % 2]
        model.params[out] = rows

    return spoil


def scaled_weights(factor: float) -> Callable[[Any], None]:
    """Multiply all weights."""

    def spoil(model: Any) -> None:
        for name, w in model.params.items():
            if w.ndim > 1:
                model.params[name] = w * w.dtype.type(factor)

    return spoil


def biases(name: str, value: float) -> Callable[[Any], None]:
    """Set the biases of a layer."""

    def spoil(model: Any) -> None:
        model.params[name] = np.full_like(model.params[name], value)

    return spoil
