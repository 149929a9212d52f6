"""Preprocessing: numbers taken from the training part alone, applied to every part.

A preprocessor has `fit(X)`, `transform(X)`, and two halves that the Solver uses inside a step:
`numbers()`, what `fit` found, and `apply(x, numbers, xp)`, array arithmetic that consumes `x`.

Reference: Stanford CS231n, "Neural Networks Part 2", data preprocessing.
"""

from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np

from xpnet.backends import Array, backend_of, is_host_array
from xpnet.errors import InputError

__all__ = [
    "PREPROCESSORS",
    "MeanSubtraction",
    "Preprocessor",
    "get_preprocessor",
    "transformed",
]


class Preprocessor(Protocol):
    """What the Solver asks of a preprocessor."""

    def fit(self, X: np.ndarray) -> Self:
        """Take the numbers from training inputs of shape (N, d1, ..., dk)."""

    def transform(self, X: Array) -> Array:
        """Return inputs preprocessed, as floats, in their own shape."""

    def numbers(self) -> dict[str, np.ndarray]:
        """Return what `fit` found, one float64 array of D values or the like by name."""

    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return `x` of shape (..., N, D) preprocessed; may write into `x`."""


class MeanSubtraction:
    """Subtracts the mean of the training inputs: for pictures, the mean picture.

    Attributes:
        mean: The mean of shape (d1, ..., dk), float64; None before `fit`.

    """

    def __init__(self) -> None:
        self.mean: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"MeanSubtraction({'not fitted' if self.mean is None else self.mean.shape})"

    def fit(self, X: Array) -> Self:
        """Take the mean over the samples of `X`, of shape (N, d1, ..., dk).

        Raises:
            InputError: There is no sample.

        """
        host = X if is_host_array(X) else backend_of(X).to_numpy(X)
        if len(host.shape) < 2 or host.shape[0] == 0:
            raise InputError(f"the mean needs samples, (N, d1, ..., dk); got shape {host.shape}")
        self.mean = np.asarray(np.mean(host, axis=0, dtype=np.float64))
        return self

    def transform(self, X: Array) -> Array:
        """Return X - mean in the dtype of `X`, or in float32 where `X` holds integers.

        Raises:
            InputError: `fit` was not called, or the samples have another shape.

        """
        mean = self._fitted()
        if tuple(X.shape[1:]) != mean.shape:
            raise InputError(
                f"MeanSubtraction was fitted on samples of shape {mean.shape}; "
                f"got {tuple(X.shape[1:])}"
            )
        if is_host_array(X):
            host_dtype = X.dtype if X.dtype.kind == "f" else np.float32
            return X.astype(host_dtype, copy=False) - mean.astype(host_dtype)
        backend = backend_of(X)
        floating = backend.xp.isdtype(X.dtype, "real floating")
        dtype = X.dtype if floating else backend.xp.float32
        return backend.xp.astype(X, dtype) - backend.asarray(mean, dtype=dtype)

    def numbers(self) -> dict[str, np.ndarray]:
        """Return the mean, flattened."""
        return {"mean": self._fitted().reshape(-1)}

    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return x - mean, written into `x` where the library can.

        A second big temporary beside `x` costs ten times the subtraction on NumPy: the C allocator
        gives such blocks back to the system at each step.
        """
        x -= numbers["mean"]
        return x

    def _fitted(self) -> np.ndarray:
        if self.mean is None:
            raise InputError("MeanSubtraction has no mean yet: call fit(X_train) first")
        return self.mean


PREPROCESSORS = {"mean": MeanSubtraction}


def get_preprocessor(preprocess: str | Preprocessor | None) -> Preprocessor | None:
    """Return the preprocessor of that name, the object itself, or None for None and "none".

    Raises:
        InputError: The name is unknown, or the object has not the methods of a `Preprocessor`.

    """
    if preprocess is None or preprocess == "none":
        return None
    if isinstance(preprocess, str):
        if preprocess not in PREPROCESSORS:
            raise InputError(
                f"unknown preprocess {preprocess!r}: choose one of none, {', '.join(PREPROCESSORS)}"
            )
        return PREPROCESSORS[preprocess]()
    missing = [m for m in ("fit", "transform", "numbers", "apply") if not hasattr(preprocess, m)]
    if isinstance(preprocess, type):
        raise InputError(
            f"preprocess must be an object; got the class {preprocess.__name__}: call it first"
        )
    if missing:
        raise InputError(
            f"preprocess must be a name or have fit, transform, numbers and apply; "
            f"{type(preprocess).__name__} lacks {', '.join(missing)}"
        )
    return preprocess


def transformed(preprocess: Preprocessor | None, X: Array) -> Array:
    """Return inputs (N, d1, ..., dk) preprocessed, or as they are where there is nothing to do."""
    return X if preprocess is None else preprocess.transform(X)
