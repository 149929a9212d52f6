"""Standardization: mean 0 and variance 1 for each feature.

Reference: Stanford CS231n, "Neural Networks Part 2", data preprocessing.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.preprocessing.base import BasePreprocessor, Found, in_shape
from xpnet.preprocessing.rows import Rows, check_finite

__all__ = ["Standardization"]

_LEAST = float(np.finfo(np.float32).tiny)


class Standardization(BasePreprocessor):
    """Subtracts the mean of each feature, and divides by its standard deviation.

    (x - mean) / scale, where scale is the standard deviation of the N training samples (the root of
    the mean square, over N). Where a feature is constant in all of them, as pixels at the margin
    are, scale is 1: it is centred and left undivided, and `note` says how many those are. Its
    numbers are `mean` and `scale`, (D,) each.
    """

    name = "standard"
    form = "standard"
    number_names = ("mean", "scale")

    @property
    def mean(self) -> np.ndarray | None:
        """The mean of shape (d1, ..., dk), float64; None before `fit`."""
        return None if self._numbers is None else in_shape(self._numbers["mean"], self.sample_shape)

    @property
    def scale(self) -> np.ndarray | None:
        """What is divided by, in the shape of `mean`."""
        if self._numbers is None:
            return None
        return in_shape(self._numbers["scale"], self.sample_shape)

    @property
    def constant_features(self) -> int | None:
        """How many features were constant; None before `fit`, and where the numbers were given.

        One whose deviation is below the smallest float32 counts as such.
        """
        return self._description.get("constant_features")

    @property
    def note(self) -> str:
        """How many features are constant, or "" if none is."""
        if not self.constant_features or self._numbers is None:
            return ""
        features = self._numbers["mean"].size
        verb = "is" if self.constant_features == 1 else "are"
        return f"{self.constant_features} of {features} features {verb} constant: left undivided"

    def find(self, rows: Rows) -> Found:
        """Return the mean of each feature, and what it is divided by."""
        mean = rows.mean()
        squares = np.zeros_like(mean)
        for x in rows.centred(mean):
            squares += np.square(x, out=x).sum(axis=0)
        std = np.sqrt(check_finite(squares / rows.count))
        constant = std < _LEAST
        numbers = {"mean": mean, "scale": np.where(constant, 1.0, std)}
        return numbers, {"constant_features": int(np.count_nonzero(constant))}

    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return (x - mean) / scale, written into `x` where the library can."""
        x -= numbers["mean"]
        x /= numbers["scale"]
        return x
