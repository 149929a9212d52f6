"""What every preprocessor is, whoever wrote it."""

from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np

from xpnet.backends import Array

__all__ = ["Preprocessor", "transformed"]


class Preprocessor(Protocol):
    """What the Solver asks of a preprocessor."""

    def fit(self, X: np.ndarray) -> Self:
        """Take the numbers from training inputs of shape (N, d1, ..., dk)."""

    def transform(self, X: Array) -> Array:
        """Return inputs preprocessed, as floats, in their own shape or as (N, output_dim)."""

    def numbers(self) -> dict[str, np.ndarray]:
        """Return what `fit` found, by name, as float64 arrays on the host."""

    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return `x` of shape (..., N, D) as (..., N, output_dim); may write into `x`."""

    def output_dim(self, input_dim: int) -> int:
        """Return how many features a sample of `input_dim` features has afterwards."""


def transformed(preprocess: Preprocessor | None, X: Array) -> Array:
    """Return inputs (N, d1, ..., dk) preprocessed, or as they are where there is nothing to do."""
    return X if preprocess is None else preprocess.transform(X)
