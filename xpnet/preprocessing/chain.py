"""Several preprocessors, one after the other."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np

from xpnet.backends import Array
from xpnet.errors import InputError
from xpnet.preprocessing.base import BasePreprocessor, Found
from xpnet.preprocessing.rows import Rows

__all__ = ["Chain"]


class Chain(BasePreprocessor):
    """Applies its parts in their order, each fitted on what the ones before it give.

    Its text joins theirs by "+". Its numbers are theirs, the mean of the first by the name
    "1.mean", and so on.

    Args:
        parts: Two or more of this package's preprocessors, or others with the same base. The chain
            fits copies of them, and a chain among them stands for its parts.

    Raises:
        InputError: There are fewer, or one is something else.

    """

    name = "chain"

    def __init__(self, parts: Sequence[BasePreprocessor]) -> None:
        super().__init__()
        flat: list[BasePreprocessor] = []
        for part in parts:
            if not isinstance(part, BasePreprocessor):
                raise InputError(
                    f"a chain is made of preprocessors such as PCA(50); got {part!r}; a text such "
                    "as 'standard+pca:50' goes to get_preprocessor"
                )
            flat.extend(part.parts if isinstance(part, Chain) else [part])
        if len(flat) < 2:
            raise InputError(f"a chain has two parts or more; got {len(flat)}")
        self._given = tuple(flat)
        self.number_names = tuple(
            f"{k}.{name}" for k, part in enumerate(flat, 1) for name in part.number_names
        )

    @property
    def parts(self) -> tuple[BasePreprocessor, ...]:
        """The parts: fitted copies of those given, after `fit`."""
        parts: tuple[BasePreprocessor, ...] = self._description.get("parts", self._given)
        return parts

    @property
    def text(self) -> str:
        """The text that `get_preprocessor` makes an equal one of."""
        return "+".join(part.text for part in self._given)

    @property
    def note(self) -> str:
        """The notes of the parts."""
        return "; ".join(part.note for part in self.parts if part.note)

    @property
    def keeps_shape(self) -> bool:
        """Whether every part does."""
        return all(part.keeps_shape for part in self._given)

    def output_dim(self, input_dim: int) -> int:
        """Return how many features a sample of `input_dim` features has after the last part.

        Raises:
            InputError: As from a part.

        """
        for part in self.parts:
            input_dim = part.output_dim(input_dim)
        return input_dim

    def find(self, rows: Rows) -> Found:
        """Return the numbers of the parts, and copies of them that are fitted in turn."""
        parts = []
        for given in self._given:
            part = copy.copy(given).fit_rows(rows)
            shape = rows.sample_shape
            if not part.keeps_shape:
                shape = (part.output_dim(rows.num_features),)
            rows = rows.through(partial(part.apply, numbers=part.numbers(), xp=np), shape)
            parts.append(part)
        numbers = [x for part in parts for x in part.numbers().values()]
        return dict(zip(self.number_names, numbers, strict=True)), {"parts": tuple(parts)}

    def with_numbers(
        self, numbers: Mapping[str, Any], sample_shape: tuple[int, ...] | None = None
    ) -> Self:
        """Return a copy with the numbers that another one's `numbers()` gave.

        Raises:
            InputError: One is missing, or their shapes do not fit together.

        """
        made = super().with_numbers(numbers)
        parts = [part.with_numbers(own) for part, own in made._each(numbers)]
        if sample_shape is not None:  # what comes in is seen by the first part
            parts[0].check_shape(sample_shape)
            parts[0].sample_shape = made.sample_shape = sample_shape
        made._description = {"parts": tuple(parts)}
        return made

    def check_numbers(self, numbers: Mapping[str, np.ndarray]) -> None:
        """Raise InputError unless those of each part fit together."""
        for part, own in self._each(numbers):
            part.check_numbers(own)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise InputError unless samples of this shape fit the first part."""
        self.parts[0].check_shape(shape)

    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return `x` after all parts; may write into `x`."""
        for part, own in self._each(numbers):
            x = part.apply(x, own, xp)
        return x

    def _each(
        self, numbers: Mapping[str, Any]
    ) -> Iterator[tuple[BasePreprocessor, dict[str, Any]]]:
        """Yield each part with its own numbers, by its own names."""
        for k, part in enumerate(self.parts, 1):
            yield part, {name: numbers[f"{k}.{name}"] for name in part.number_names}
