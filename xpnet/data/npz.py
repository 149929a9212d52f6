"""A user's own data set, from one .npz file of arrays."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from xpnet.data.array_checks import check_inputs, check_real_targets
from xpnet.data.dataset import Dataset, picture_shape_of, split_rows
from xpnet.data.labels import encode_targets
from xpnet.errors import InputError
from xpnet.npz_arrays import read_npz

__all__ = ["load_npz"]

_SPLIT = ("X_train", "y_train", "X_val", "y_val")
_TEST = ("X_test", "y_test")
_WHOLE = ("X", "y")
_NEEDED = f"{', '.join(_SPLIT)} with or without {' and '.join(_TEST)}; or X and y, to be split"


def load_npz(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    val_fraction: float = 0.1,
    test_fraction: float = 0.1,
) -> Dataset:
    """Read a data set from a file that `numpy.savez` wrote.

    The file holds X_train, y_train, X_val and y_val, and may hold X_test and y_test. Or it holds
    X and y, whose rows are dealt out by the seed. Labels are integers from 0 on, or strings.
    Floats are real targets for regression, of shape (N,) or (N, C); where all of them are whole
    numbers, as labels might be too, of shape (N, 1). Rows of shape (H, W), (1, H, W) or (3, H, W)
    count as pictures.

    Args:
        path: The file.
        seed: Seed of the split of X and y; unused when the file is split already.
        val_fraction: Part of the rows of X and y to validate on, above 0.
        test_fraction: Part of the rows of X and y to test on, or 0 for no test part.

    Raises:
        InputError: The file cannot be read, lacks an array, or its arrays do not fit.

    """
    path = Path(path)
    try:
        arrays = _read(path)
        if "X" in arrays:
            parts, class_names = _split(arrays, seed, val_fraction, test_fraction)
        else:
            codes, class_names = encode_targets({k: y for k, y in arrays.items() if k[0] == "y"})
            parts = arrays | codes
        return Dataset(
            name=path.stem,
            X_train=parts["X_train"],
            y_train=parts["y_train"],
            X_val=parts["X_val"],
            y_val=parts["y_val"],
            X_test=parts.get("X_test"),
            y_test=parts.get("y_test"),
            class_names=class_names,
            picture_shape=picture_shape_of(parts["X_train"].shape[1:]),
            source=str(path),
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _read(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of whichever of the two layouts the file has; flags become bytes."""
    arrays = read_npz(path, _keys)
    return {
        key: x.view(np.uint8) if key[0] == "X" and x.dtype == np.bool_ else x
        for key, x in arrays.items()
    }


def _keys(names: list[str]) -> tuple[str, ...]:
    """Return the names of the arrays to read, given all names in the file."""
    tests = set(_TEST) & set(names)
    if set(_SPLIT) <= set(names) and len(tests) != 1:
        return _SPLIT + _TEST if tests else _SPLIT
    if set(_WHOLE) <= set(names) and not {*_SPLIT, *_TEST} & set(names):
        return _WHOLE
    raise InputError(f"the file has {', '.join(names) or 'no arrays'}; save {_NEEDED}")


def _split(
    arrays: Mapping[str, np.ndarray], seed: int, val_fraction: float, test_fraction: float
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return the parts of X and y, and the class names."""
    X = arrays["X"]
    check_inputs(X, "X")  # here, while a row's number is still that of the file
    codes, class_names = encode_targets({"y": arrays["y"]})
    y = codes["y"]
    if not class_names:
        check_real_targets(y, len(X), "y")
    if len(X) != len(y):
        raise InputError(f"X has {len(X)} rows but y has {len(y)}; give one label per row")
    if not (0 < val_fraction < 1 and 0 <= test_fraction < 1 and val_fraction + test_fraction < 1):
        raise InputError(
            f"val_fraction={val_fraction} and test_fraction={test_fraction} leave nothing to "
            "train or validate on; give fractions such as 0.1 that add up to less than 1"
        )
    num_val, num_test = round(val_fraction * len(X)), round(test_fraction * len(X))
    if num_val < 1 or (num_test < 1 and test_fraction > 0) or num_val + num_test >= len(X):
        raise InputError(
            f"{len(X)} rows are too few to split with val_fraction={val_fraction} and "
            f"test_fraction={test_fraction}; bring more rows or save the parts yourself"
        )
    train, val, test = split_rows(len(X), num_val, num_test, seed)
    parts = {"X_train": X[train], "y_train": y[train], "X_val": X[val], "y_val": y[val]}
    if num_test:
        parts |= {"X_test": X[test], "y_test": y[test]}
    return parts, class_names
