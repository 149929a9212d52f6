"""A user's own data set, from a folder of .npy files, which may be larger than the memory."""

import os
from pathlib import Path

import numpy as np

from xpnet.data.dataset import Dataset, picture_shape_of
from xpnet.data.labels import encode_targets
from xpnet.errors import InputError
from xpnet.npy_arrays import read_npy

__all__ = ["load_folder"]

_PARTS = ("train", "val")
_NEEDED = (
    "X_train.npy, y_train.npy, X_val.npy and y_val.npy, with or without X_test.npy and y_test.npy"
)
_CLASS_NAMES = "class_names.npy"


def load_folder(path: str | os.PathLike[str]) -> Dataset:
    """Read a data set from a folder of files that `numpy.save` wrote; its inputs stay in them.

    The folder holds X_train.npy, y_train.npy, X_val.npy and y_val.npy, and may hold X_test.npy and
    y_test.npy. Inputs are memory-mapped, so that no more of them is in memory than is worked on;
    they need their rows one after the other (C order). Targets are read, and mean what they mean
    in `load_npz`. Where labels are integers, class_names.npy may hold a string for each class.

    Raises:
        InputError: A file is missing or cannot be read, or the arrays do not fit.

    """
    path = Path(path)
    try:
        inputs, targets = _read(path)
        targets, class_names = encode_targets(targets)
        return Dataset(
            name=path.resolve().name,
            X_train=inputs["X_train"],
            y_train=targets["y_train"],
            X_val=inputs["X_val"],
            y_val=targets["y_val"],
            X_test=inputs.get("X_test"),
            y_test=targets.get("y_test"),
            class_names=_class_names(path / _CLASS_NAMES, class_names),
            picture_shape=picture_shape_of(inputs["X_train"].shape[1:]),
            source=str(path),
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _read(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return inputs, memory-mapped, and targets by their names; flags become bytes."""
    try:
        there = {file.name for file in folder.iterdir()}
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error}); check the path") from error
    parts = [*_PARTS, *(["test"] if {"X_test.npy", "y_test.npy"} & there else [])]
    inputs, targets = {}, {}
    for name in (f"{letter}_{part}" for part in parts for letter in "Xy"):
        file = folder / f"{name}.npy"
        if file.name not in there:
            raise InputError(f"there is no {file.name}; save {_NEEDED}")
        if name.startswith("y"):
            targets[name] = read_npy(file)
            continue
        X = read_npy(file, mapped=True)
        inputs[name] = X.view(np.uint8) if X.dtype == np.bool_ else X
    return inputs, targets


def _class_names(file: Path, found: tuple[str, ...]) -> tuple[str, ...]:
    """Return the class names of the file if it is there, or else those found in the labels."""
    if not file.exists():
        return found
    names = read_npy(file)
    if names.ndim != 1 or names.dtype.kind != "U":
        raise InputError(
            f"{file.name} holds {names.dtype} of shape {names.shape}; save one string a class: "
            "numpy.save(path, ['cat', 'dog'])"
        )
    if not found:
        raise InputError(f"{file.name} is for labels, and the targets are real; remove it")
    if found != tuple(map(str, range(len(found)))):
        raise InputError(f"{file.name} is for integers, and the labels are names; remove it")
    return tuple(map(str, names))
