"""Subtraction of the mean.

Reference: Stanford CS231n, "Neural Networks Part 2", data preprocessing.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.preprocessing.base import BasePreprocessor, Found, in_shape
from xpnet.preprocessing.rows import Rows

__all__ = ["MeanSubtraction"]


class MeanSubtraction(BasePreprocessor):
    """Subtracts the mean of the training inputs: for pictures, the mean picture.

    x - mean. Its number is `mean`, (D,).
    """

    name = "mean"
    form = "mean"

    @property
    def mean(self) -> np.ndarray | None:
        """The mean of shape (d1, ..., dk), float64; None before `fit`."""
        return None if self._numbers is None else in_shape(self._numbers["mean"], self.sample_shape)

    def find(self, rows: Rows) -> Found:
        """Return the mean of each feature."""
        return {"mean": rows.mean()}, {}

    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return x - mean, written into `x` where the library can.

        A second big temporary beside `x` costs ten times the subtraction on NumPy: the C allocator
        gives such blocks back to the system at each step.
        """
        x -= numbers["mean"]
        return x
