"""What xpnet's own preprocessors share."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from xpnet.backends import Array, backend_of, is_host_array
from xpnet.errors import InputError
from xpnet.preprocessing.rows import Rows

__all__ = ["BasePreprocessor", "Found", "in_shape"]

Found = tuple[dict[str, np.ndarray], dict[str, Any]]  # numbers to apply; what describes the fit


class BasePreprocessor(ABC):
    """A preprocessor whose numbers are found in passes over batches, and can be saved and loaded.

    A subclass gives `find` and `apply`, and names its numbers; `transform` is `apply` on inputs of
    any shape, library and number type.

    Attributes:
        name: What a text calls it, as in `get_preprocessor(name)`.
        form: The text with all that can follow the name.
        number_names: The keys of `numbers()`; the first number has one value a feature.
        sample_shape: The shape (d1, ..., dk) that it was fitted on; None before `fit`, and where
            the numbers were given, as they are the same for every shape of so many features.

    """

    name: ClassVar[str]
    form: ClassVar[str]
    number_names: tuple[str, ...] = ("mean",)

    def __init__(self) -> None:
        self.sample_shape: tuple[int, ...] | None = None
        self._numbers: dict[str, np.ndarray] | None = None
        self._description: dict[str, Any] = {}  # these are never written into: copies share them

    @abstractmethod
    def find(self, rows: Rows) -> Found:
        """Return the numbers, float64, found in training rows, and what describes the fit."""

    @abstractmethod
    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return `x` of shape (..., N, D) as (..., N, output_dim); may write into `x`."""

    @classmethod
    def parse(cls, parameter: str) -> Self:
        """Return the unfitted preprocessor of a text `name:parameter`, "" for a name alone.

        Raises:
            InputError: The parameter makes no sense for this one.

        """
        if parameter:
            raise InputError(f"{cls.name} takes no parameter; got {cls.name}:{parameter}")
        return cls()

    @property
    def text(self) -> str:
        """The text that `get_preprocessor` makes an equal one of."""
        return self.name

    @property
    def note(self) -> str:
        """What a user should hear of the fit, in one line, or ""."""
        return ""

    @property
    def keeps_shape(self) -> bool:
        """Whether a sample keeps its shape, so that a picture remains a picture."""
        return True

    @property
    def fitted(self) -> bool:
        """Whether it has its numbers."""
        return self._numbers is not None

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        state = "not fitted"
        if self.fitted:
            state = f"fitted on {self.sample_shape}" if self.sample_shape else "numbers given"
        own = [self.text] if self.text != self.name else []
        notes = [self.note] if self.note else []
        return f"{type(self).__name__}({', '.join([*own, state, *notes])})"

    def output_dim(self, input_dim: int) -> int:
        """Return how many features a sample of `input_dim` features has afterwards."""
        return input_dim

    def fit(self, X: Array) -> Self:
        """Take the numbers from training inputs (N, d1, ..., dk) of any number type.

        Sums are float64, and taken in batches: no second copy of `X` is made.

        Raises:
            InputError: There is no sample, or a feature is not finite.

        """
        return self.fit_rows(Rows(X))

    def fit_rows(self, rows: Rows) -> Self:
        """Take the numbers from training rows, as `fit` does."""
        with np.errstate(all="ignore"):
            numbers, self._description = self.find(rows)
        # As files hold them: products with a transposed array are rounded otherwise.
        self._numbers = {name: np.asarray(x, order="C") for name, x in numbers.items()}
        self.sample_shape = rows.sample_shape
        return self

    def numbers(self) -> dict[str, np.ndarray]:
        """Return what `fit` found, by name: all that `transform` needs, to be saved as .npz.

        Raises:
            InputError: `fit` was not called.

        """
        if self._numbers is None:
            raise InputError(
                f"{type(self).__name__} has no {self.number_names[0]} yet: call fit(X_train) first"
            )
        return dict(self._numbers)

    def with_numbers(
        self, numbers: Mapping[str, Any], sample_shape: tuple[int, ...] | None = None
    ) -> Self:
        """Return a copy with the numbers that another one's `numbers()` gave.

        Args:
            numbers: These by their names, and others beside them, such as an .npz file that is
                open.
            sample_shape: The other one's `sample_shape`, if inputs of another shape are to be
                refused as it refuses them.

        Raises:
            InputError: One is missing, or their shapes do not fit together.

        """
        missing = [name for name in self.number_names if name not in numbers]
        if missing:
            raise InputError(
                f"{self.text} needs the numbers {', '.join(self.number_names)}; there is no "
                f"{missing[0]!r}"
            )
        taken = {name: np.array(numbers[name], dtype=np.float64) for name in self.number_names}
        self.check_numbers(taken)
        made = copy.copy(self)
        made._numbers, made._description, made.sample_shape = taken, {}, None
        if sample_shape is not None:
            made.check_shape(sample_shape)
            made.sample_shape = sample_shape
        return made

    def check_numbers(self, numbers: Mapping[str, np.ndarray]) -> None:
        """Raise InputError unless each holds one value a feature."""
        shapes = {name: x.shape for name, x in numbers.items()}
        if set(map(len, shapes.values())) != {1} or len(set(shapes.values())) != 1:
            raise InputError(f"{self.text} needs one value a feature; got the shapes {shapes}")

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise InputError unless samples of this shape fit the numbers."""
        if self.sample_shape is not None:
            if shape != self.sample_shape:
                raise InputError(
                    f"{type(self).__name__} was fitted on samples of shape {self.sample_shape}; "
                    f"got {shape}"
                )
            return
        features = self.numbers()[self.number_names[0]].size
        if not shape or math.prod(shape) != features:
            raise InputError(f"{self.text} has numbers for {features} features; got shape {shape}")

    def transform(self, X: Array) -> Array:
        """Return inputs (N, d1, ..., dk) preprocessed, in their own shape or as (N, output_dim).

        They come in the dtype of `X`, or in float32 where `X` holds integers.

        Raises:
            InputError: `fit` was not called, or the samples do not fit what it found.

        """
        found = self.numbers()
        shape = tuple(X.shape[1:])
        self.check_shape(shape)
        backend = backend_of(X)
        xp = backend.xp
        dtype = X.dtype if xp.isdtype(X.dtype, "real floating") else xp.float32
        if is_host_array(X):
            dtype = np.dtype(dtype).newbyteorder("=")
        with backend.context():
            numbers = {name: backend.asarray(x, dtype=dtype) for name, x in found.items()}
            x = xp.reshape(xp.astype(X, dtype, copy=True), (X.shape[0], math.prod(shape)))
            x = self.apply(x, numbers, xp)
            return xp.reshape(x, X.shape) if self.keeps_shape else x


def in_shape(values: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray:
    """Return one value a feature, (D,), in the shape of a sample where that is known."""
    return values if shape is None else values.reshape(shape)
