"""Principal component analysis.

Reference: Stanford CS231n, "Neural Networks Part 2", data preprocessing.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

import numpy as np

from xpnet.backends import Array
from xpnet.errors import InputError
from xpnet.preprocessing.base import BasePreprocessor, Found
from xpnet.preprocessing.principal_axes import principal_axes, with_signs
from xpnet.preprocessing.rows import Rows

__all__ = ["PCA"]


class PCA(BasePreprocessor):
    """Subtracts the mean, and projects on the directions in which the training inputs vary most.

    (x - mean) @ components.T, of shape (N, n). The components are the eigenvectors of the
    covariance of the training inputs, those of the largest eigenvalues first, and each with the
    sign that makes its largest entry positive. Its numbers are `mean` (D,) and `components` (n, D).

    `fit` decomposes a D x D matrix on the host by LAPACK: for CIFAR-10's 3,072 features 20 to 40 s
    and 380 MB beside the pictures, for the digits' 64 nothing. Each training step projects its
    batch, with n D products a sample.

    Args:
        n_components: n; or the share of the variance, between 0 and 1, that the fewest components
            are taken for; or None for all directions in which the training inputs vary at all.

    Raises:
        InputError: `n_components` is none of these; or `fit` finds that the inputs vary in fewer
            directions.

    """

    name = "pca"
    form = "pca[:N or SHARE]"
    number_names: tuple[str, ...] = ("mean", "components")

    def __init__(self, n_components: int | float | None = None) -> None:
        super().__init__()
        self.n_components = _checked(n_components, self.name)

    @classmethod
    def parse(cls, parameter: str) -> Self:
        """Return the PCA of a text such as "pca", "pca:50" or "pca:0.95"."""
        return cls(cls.parse_count(parameter))

    @classmethod
    def parse_count(cls, text: str) -> Any:
        """Return a text as an int or a float, as itself if it is neither, or None for ""."""
        for kind in (int, float):
            with suppress(ValueError):
                return kind(text)
        return text or None

    @property
    def text(self) -> str:
        """The text that `get_preprocessor` makes an equal one of."""
        return self.name if self.n_components is None else f"{self.name}:{self.n_components!r}"

    @property
    def keeps_shape(self) -> bool:
        """No: what comes out is rows of components."""
        return False

    @property
    def mean(self) -> np.ndarray | None:
        """The mean, (D,), float64; None before `fit`."""
        return None if self._numbers is None else self._numbers["mean"]

    @property
    def components(self) -> np.ndarray | None:
        """The directions, (n, D), orthonormal; None before `fit`."""
        return None if self._numbers is None else self._numbers["components"]

    @property
    def explained_variance(self) -> np.ndarray | None:
        """The variance along each component, (n,), over N - 1; None where numbers were given."""
        return self._description.get("explained_variance")

    @property
    def explained_variance_ratio(self) -> np.ndarray | None:
        """The share that each component has of the whole variance, (n,)."""
        return self._description.get("explained_variance_ratio")

    @property
    def note(self) -> str:
        """How many components there are, and what they explain."""
        if self.components is None or self.explained_variance_ratio is None:
            return ""
        n, features = self.components.shape
        share = min(self.explained_variance_ratio.sum(), 1.0)
        return f"{n} components of {features} features, {share:.4f} of the variance"

    def output_dim(self, input_dim: int) -> int:
        """Return n, the number of components.

        Raises:
            InputError: It was fitted on another number of features; or n is known after `fit`
                alone; or there are fewer features than components.

        """
        if self.components is not None:
            n, features = map(int, self.components.shape)
            if input_dim != features:
                raise InputError(f"{self.text} was fitted on {features} features; got {input_dim}")
            return n
        if not isinstance(self.n_components, int):
            raise InputError(f"{self.text} finds how many components it keeps in fit(X_train)")
        if self.n_components > input_dim:
            raise InputError(
                f"{self.text} asks for {self.n_components} components of {input_dim} features: "
                f"ask for {input_dim} or fewer"
            )
        return self.n_components

    def find(self, rows: Rows) -> Found:
        """Return the mean and the components, and the variances along them."""
        mean = rows.mean()
        variances, vectors, total = principal_axes(rows, mean)
        if not len(variances):
            raise InputError(
                f"{self.text} needs inputs that vary; all training samples, {rows.count}, are equal"
            )
        n = self._chosen(variances / total, rows)
        numbers = {"mean": mean, "components": with_signs(vectors[:n])}
        return numbers, {
            "explained_variance": variances[:n].copy(),
            "explained_variance_ratio": variances[:n] / total,
        }

    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return (x - mean) @ components.T; the mean is subtracted in `x` where possible."""
        x -= numbers["mean"]
        components = numbers["components"]
        # One product of all members' rows: stacked ones are slower.
        flat = xp.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
        projected = xp.matmul(flat, xp.matrix_transpose(components))
        return xp.reshape(projected, (*x.shape[:-1], components.shape[0]))

    def check_numbers(self, numbers: Mapping[str, np.ndarray]) -> None:
        """Raise InputError unless there are the components asked for, of as many features."""
        mean, components = numbers["mean"].shape, numbers["components"].shape
        fit = len(components) == 2 and components[1:] == mean
        asked = self.n_components if isinstance(self.n_components, int) else None
        if not fit or asked not in (None, components[0]):
            raise InputError(
                f"{self.text} cannot have a mean of shape {mean} and components of {components}"
            )

    def _chosen(self, ratio: np.ndarray, rows: Rows) -> int:
        """Return how many of the directions are kept."""
        if self.n_components is None:
            return len(ratio)
        if isinstance(self.n_components, float):
            return min(int(np.searchsorted(np.cumsum(ratio), self.n_components)) + 1, len(ratio))
        if self.n_components > len(ratio):
            raise InputError(
                f"{self.text} asks for {self.n_components} components, but {rows.count} training "
                f"samples of {rows.num_features} features vary in {len(ratio)} directions: ask for "
                f"{len(ratio)} or fewer"
            )
        return self.n_components


def _checked(n_components: Any, name: str) -> int | float | None:
    """Return `n_components` as an int, a float or None."""
    if n_components is None:
        return None
    kind = type(n_components)
    if issubclass(kind, int | np.integer) and kind is not bool and n_components >= 1:
        return int(n_components)
    if issubclass(kind, float | np.floating) and 0 < n_components < 1:
        return float(n_components)
    raise InputError(
        f"{name} takes a number of components such as 50, or a share of the variance between 0 and "
        f"1 such as 0.95, or neither for all; got {n_components!r}"
    )
