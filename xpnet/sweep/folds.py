"""K-fold cross-validation: each part of the training data once as the validation part.

Reference: M. Stone, "Cross-validatory choice and assessment of statistical predictions", Journal of
the Royal Statistical Society B 36, 1974; the notes' advice where data are few.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from xpnet.data import Dataset
from xpnet.data.mapped import is_mapped
from xpnet.errors import InputError
from xpnet.host_arrays import host_split
from xpnet.streams import stream

__all__ = ["check_folds", "fold_of"]


def check_folds(folds: int, data: Mapping[str, Any] | Dataset) -> None:
    """Raise InputError unless the training part can be cut into so many folds."""
    X, y = host_split(data, "train")
    # R squared needs two targets that differ.
    most = len(X) // 2 if y.dtype.kind == "f" else len(X)
    if not 2 <= folds <= most:
        raise InputError(
            f"folds must be from 2 to {most}, as the training part has {len(X)} samples; got "
            f"{folds}"
        )
    if is_mapped(X):
        raise InputError(
            "folds take rows from all over the training part, and X_train is memory-mapped: read "
            "it into memory, or leave folds out"
        )


def fold_of(
    data: Mapping[str, Any] | Dataset, fold: int, folds: int, seed: int
) -> dict[str, Any] | Dataset:
    """Return the data with one fold of the training part as the validation part.

    The folds are drawn by the seed, with as many samples of each class in each, to one. A copy: the
    training part is the other folds, in the order of the data.

    Args:
        data: With `X_train` and `y_train`.
        fold: Which, from 0.
        folds: How many there are.
        seed: Of the draw.

    """
    X, y = host_split(data, "train")
    order = stream(seed, "folds").permutation(len(X))
    if y.dtype.kind != "f":  # dealt out class by class
        order = order[np.argsort(y[order], kind="stable")]
    is_out = np.zeros(len(X), dtype=np.bool_)
    is_out[order[fold::folds]] = True
    arrays: dict[str, Any] = {
        **{"X_train": X[~is_out], "y_train": y[~is_out]},
        **{"X_val": X[is_out], "y_val": y[is_out]},
    }
    return replace(data, **arrays) if isinstance(data, Dataset) else {**data, **arrays}
