"""Whitening: uncorrelated features of variance 1.

Reference: Stanford CS231n, "Neural Networks Part 2", data preprocessing.
"""

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from xpnet.backends import Array
from xpnet.errors import InputError
from xpnet.preprocessing.base import Found
from xpnet.preprocessing.pca import PCA
from xpnet.preprocessing.rows import Rows

__all__ = ["Whitening"]

_EPSILON = 1e-5


class Whitening(PCA):
    """PCA, and then each component divided by its standard deviation.

    (x - mean) @ components.T / scale, with scale = sqrt(explained variance + epsilon): components
    become uncorrelated and of variance 1, but for epsilon, which holds back those that hardly vary.
    Its numbers are those of PCA, and `scale`, (n,).

    Args:
        n_components: As in `PCA`: None for all directions in which the training inputs vary.
        epsilon: Added to each variance, at least 0; the default is the course's.

    Raises:
        InputError: As from `PCA`; or `epsilon` is negative or no number.

    """

    name = "whiten"
    form = "whiten[:N or SHARE or epsilon=E]"
    number_names = ("mean", "components", "scale")

    def __init__(self, n_components: int | float | None = None, epsilon: float = _EPSILON) -> None:
        super().__init__(n_components)
        is_number = isinstance(epsilon, int | float | np.integer | np.floating)
        if not (is_number and 0 <= epsilon < math.inf):
            raise InputError(f"epsilon of whiten must be 0 or a positive number; got {epsilon!r}")
        self.epsilon = float(epsilon)

    @classmethod
    def parse(cls, parameter: str) -> Self:
        """Return the one of a text such as "whiten", "whiten:100" or "whiten:100,epsilon=0.1"."""
        count, _, last = parameter.rpartition(",")
        if last.startswith("epsilon="):
            return cls(cls.parse_count(count), cls.parse_count(last.removeprefix("epsilon=")))
        return super().parse(parameter)

    @property
    def text(self) -> str:
        """The text that `get_preprocessor` makes an equal one of."""
        if self.epsilon == _EPSILON:
            return super().text
        # A plus joins the parts of a chain, so that 1e+20 would be two.
        own = f"epsilon={self.epsilon!r}".replace("+", "")
        count = [] if self.n_components is None else [repr(self.n_components)]
        return f"{self.name}:{','.join([*count, own])}"

    @property
    def scale(self) -> np.ndarray | None:
        """What each component is divided by, (n,); None before `fit`."""
        return None if self._numbers is None else self._numbers["scale"]

    def find(self, rows: Rows) -> Found:
        """Return the numbers of PCA, and what the components are divided by."""
        numbers, description = super().find(rows)
        scale = np.sqrt(description["explained_variance"] + self.epsilon)
        return {**numbers, "scale": scale}, description

    def check_numbers(self, numbers: Mapping[str, np.ndarray]) -> None:
        """Raise InputError unless there are the components asked for, and a scale for each."""
        super().check_numbers(numbers)
        scale, components = numbers["scale"].shape, numbers["components"].shape
        if scale != components[:1]:
            raise InputError(
                f"{self.text} cannot have a scale of shape {scale} for components of {components}"
            )

    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return (x - mean) @ components.T / scale; the mean is subtracted in `x` if possible."""
        x = super().apply(x, numbers, xp)
        x /= numbers["scale"]
        return x
