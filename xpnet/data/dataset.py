"""A data set: training, validation and test arrays on the host, checked once."""

import math
from dataclasses import dataclass, field

import numpy as np

from xpnet.data.array_checks import check_class_labels, check_inputs, check_real_targets
from xpnet.errors import InputError
from xpnet.pictures import PictureForm
from xpnet.streams import stream

__all__ = ["Dataset", "picture_form", "picture_shape_of", "split_rows"]

_PARTS = ("train", "val", "test")
_KEYS = tuple(f"{letter}_{part}" for part in _PARTS for letter in "Xy")


# Two data sets are never compared, and the generated == would fail on arrays.
@dataclass(frozen=True, eq=False)
class Dataset:
    """Arrays of a classification or regression task, and what people need to know about them.

    It also serves as the dictionary that the notes' Solver takes: `data["X_train"]`.

    Attributes:
        name: Short name, for messages and reports.
        X_train, X_val, X_test: Inputs of shape (N, D) or (N, d1, ..., dk), integers or floats, in
            memory or memory-mapped. The test part may be None.
        y_train, y_val, y_test: Class numbers of shape (N,), kept as int64; or for regression
            floats, real targets of shape (N,) or (N, C).
        class_names: One name per class, class c is `class_names[c]`; empty for regression.
        picture_shape: (channels, height, width) that a row of X reshapes to, or None when the
            input is not a picture.
        source: One line for people: where the data are from, and whose they are.

    Raises:
        InputError: An array has a wrong shape, type, label or value.

    """

    name: str
    X_train: np.ndarray = field(repr=False)
    y_train: np.ndarray = field(repr=False)
    X_val: np.ndarray = field(repr=False)
    y_val: np.ndarray = field(repr=False)
    X_test: np.ndarray | None = field(repr=False)
    y_test: np.ndarray | None = field(repr=False)
    class_names: tuple[str, ...]
    picture_shape: tuple[int, int, int] | None
    source: str

    def __post_init__(self) -> None:
        where = f"data set {self.name!r}"
        for part in _PARTS:
            X, y = getattr(self, f"X_{part}"), getattr(self, f"y_{part}")
            if part == "test" and X is None and y is None:
                continue
            check_inputs(X, f"{where}: X_{part}")
            if self.is_regression:
                y = check_real_targets(y, len(X), f"{where}: y_{part}")
                object.__setattr__(self, f"y_{part}", y)
                if y.shape[1:] != self.y_train.shape[1:]:
                    raise InputError(
                        f"{where}: a row of y_{part} has shape {y.shape[1:]} but one of y_train "
                        f"has {self.y_train.shape[1:]}; give every part the same targets"
                    )
            else:
                check_class_labels(y, len(X), self.class_names, f"{where}: y_{part}")
                object.__setattr__(self, f"y_{part}", y.astype(np.int64, copy=False))
            if X.shape[1:] != self.X_train.shape[1:]:
                raise InputError(
                    f"{where}: a row of X_{part} has shape {X.shape[1:]} but one of X_train has "
                    f"{self.X_train.shape[1:]}; give every part the same features"
                )
        if self.picture_shape is not None and math.prod(self.picture_shape) != self.input_dim:
            raise InputError(
                f"{where}: picture_shape {self.picture_shape} has "
                f"{math.prod(self.picture_shape)} numbers but a row of X has {self.input_dim}; "
                "give (channels, height, width) of one row, or None"
            )

    @property
    def num_classes(self) -> int:
        """Number of classes, or of targets a sample."""
        return math.prod(self.y_train.shape[1:]) if self.is_regression else len(self.class_names)

    @property
    def is_regression(self) -> bool:
        """Whether the targets are real numbers, and no classes."""
        return not self.class_names

    @property
    def input_dim(self) -> int:
        """Number of features of one sample, all axes after the first multiplied."""
        return math.prod(self.X_train.shape[1:])

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in self:
            raise InputError(
                f"data set {self.name!r} has no array {key!r}; it has {', '.join(self.keys())}"
            )
        array: np.ndarray = getattr(self, key)
        return array

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def keys(self) -> tuple[str, ...]:
        """Names of the arrays that are there, so that `dict(data)` works."""
        return _KEYS if self.X_test is not None else _KEYS[:4]

    def get(self, key: str, default: np.ndarray | None = None) -> np.ndarray | None:
        """Return the array of that name, or `default` if this data set has none."""
        value: np.ndarray | None = getattr(self, key) if key in self.keys() else default
        return value


def picture_form(data: Dataset) -> PictureForm | None:
    """Return what the samples look like where they are pictures, grey or in colours.

    White is the largest number of a thousand training samples, spread evenly over all; of bytes
    255, unless they use less than half of their range, as the digits do.
    """
    shape = data.picture_shape
    if shape is None or shape[0] not in (1, 3):
        return None
    rows = np.unique(np.linspace(0, len(data.X_train) - 1, 1000).astype(np.int64))
    white = float(data.X_train[rows].max())
    if data.X_train.dtype == np.uint8 and white > 127:
        white = 255.0
    return PictureForm(shape, white) if white > 0 else None


def split_rows(
    num_rows: int, num_val: int, num_test: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deal the rows 0 to `num_rows` - 1 out to (training, validation, test), by the seed.

    Each part is sorted, so that the rows taken keep the order of their file.

    Raises:
        InputError: A number is negative, or no row is left to train on.

    """
    if min(num_val, num_test) < 0 or num_val + num_test >= num_rows:
        raise InputError(
            f"cannot take {num_val} validation and {num_test} test rows out of {num_rows} and "
            "still train; ask for fewer, or bring more rows"
        )
    order = stream(seed, "split").permutation(num_rows)
    val, test, train = np.split(order, [num_val, num_val + num_test])
    return np.sort(train), np.sort(val), np.sort(test)


def picture_shape_of(row: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return (channels, height, width) of rows (H, W), (1, H, W) or (3, H, W), or None."""
    match row:
        case (height, width):
            return 1, height, width
        case (1 | 3 as channels, height, width):
            return channels, height, width
        case _:
            return None
