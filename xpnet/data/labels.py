"""Class numbers and class names, or real targets, from what people bring."""

from collections.abc import Mapping

import numpy as np

from xpnet.errors import InputError

__all__ = ["encode_labels", "encode_targets"]

# Scores take a column per class: a number beyond this is a postal code, not a class.
_MOST_CLASSES = 65_536


def encode_targets(
    targets: Mapping[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return floats as they are, real targets without class names, or what `encode_labels` does.

    Args:
        targets: One array per part, named as messages shall call it ("y_train").

    Raises:
        InputError: Some parts are floats and others not; the floats look like labels: all whole
            numbers, and no column of shape (N, 1), or one-hot rows; or as in `encode_labels`.

    """
    parts = {key: np.asarray(y) for key, y in targets.items()}
    if not any(y.dtype.kind == "f" for y in parts.values()):
        return encode_labels(parts)
    key, y = next((key, y) for key, y in parts.items() if y.dtype.kind == "f")
    if any(y.dtype.kind != "f" for y in parts.values()):
        listed = ", ".join(f"{key} {y.dtype}" for key, y in parts.items())
        raise InputError(
            f"some parts hold floats and others do not: {listed}; cast all to integers for "
            "classes, or all to floats for regression"
        )
    if y.ndim == 1 and all(_is_whole(y) for y in parts.values()):
        raise InputError(
            f"{key} has dtype {y.dtype} but holds whole numbers alone, which may be labels or "
            "targets; for classes cast them, y.astype(numpy.int64), and for regression give a "
            "column, y.reshape(-1, 1)"
        )
    if y.ndim == 2 and y.shape[1] > 1 and all(_is_one_hot(y) for y in parts.values()):
        raise InputError(f"{key} holds one-hot rows; give class numbers, y.argmax(axis=1)")
    return parts, ()


def _is_whole(y: np.ndarray) -> bool:
    return bool((np.isfinite(y) & (y == np.floor(y))).all())


def _is_one_hot(y: np.ndarray) -> bool:
    return bool((((y == 0) | (y == 1)).all(axis=-1) & (y.sum(axis=-1) == 1)).all())


def encode_labels(
    labels: Mapping[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return the labels as int64 class numbers, and the name of each class.

    Strings become places in the sorted list of all names of all parts. Integers keep their
    numbers, and the classes 0 to the highest are called "0", "1" and so on.

    Args:
        labels: One array of shape (N,) per part, named as messages shall call it
            ("y_train").

    Raises:
        InputError: Labels that are no strings and no integers from 0 on, or some of both.

    """
    parts = {key: _as_strings_or_integers(np.asarray(y), key) for key, y in labels.items()}
    kinds = {key: y.dtype.kind for key, y in parts.items()}
    if len(set(kinds.values())) > 1:
        listed = ", ".join(
            f"{key} {'strings' if k == 'U' else 'integers'}" for key, k in kinds.items()
        )
        raise InputError(f"the parts label in different ways: {listed}; use one way for all")
    if "U" in kinds.values():
        names = np.unique(np.concatenate(list(parts.values())))
        codes = {key: np.searchsorted(names, y).astype(np.int64) for key, y in parts.items()}
        return codes, tuple(str(name) for name in names)
    num_classes = 1 + max((int(y.max()) for y in parts.values()), default=-1)
    return parts, tuple(str(c) for c in range(num_classes))


def _as_strings_or_integers(y: np.ndarray, key: str) -> np.ndarray:
    """Return `y` as unicode strings or as int64."""
    if y.ndim != 1 or y.size == 0:
        raise InputError(
            f"{key} has shape {y.shape}; give one label per row, of shape (N,): y.ravel() for a "
            "column, y.argmax(axis=1) for one-hot rows"
        )
    if y.dtype.kind in "iu":
        return _class_numbers(y, key)
    if y.dtype.kind in "UT" or (y.dtype.kind == "O" and all(isinstance(v, str) for v in y)):
        return y.astype(np.str_)
    if y.dtype.kind == "S":
        try:
            return np.strings.decode(y, "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{key} holds byte strings that are not UTF-8 ({error}); "
                "decode them to str before saving"
            ) from error
    raise InputError(
        f"{key} has dtype {y.dtype} (row 0 is {y[0]!r}); labels are integers from 0 on or "
        "strings: cast them: y.astype(numpy.int64), or y.astype(str)"
    )


def _class_numbers(y: np.ndarray, key: str) -> np.ndarray:
    wrong = np.flatnonzero((y < 0) | (y >= _MOST_CLASSES))
    if wrong.size:
        raise InputError(
            f"{key} holds label {y[wrong[0]]} in row {wrong[0]}; number the classes from 0 on, "
            f"below {_MOST_CLASSES}, or name them by strings: y.astype(str)"
        )
    return y.astype(np.int64, copy=False)
