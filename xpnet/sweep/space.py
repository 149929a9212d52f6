"""The space of a sweep: values to combine, and distributions to draw from."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from xpnet.errors import InputError
from xpnet.streams import stream
from xpnet.sweep.values import plain_value

__all__ = [
    "Choice",
    "LogUniform",
    "Uniform",
    "configurations",
    "parse_distribution",
    "parse_value",
    "spelt_size",
]


@dataclass(frozen=True)
class Uniform:
    """Numbers from `low` to `high`, all as likely."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self, self.low, self.high, least=-math.inf)

    def draw(self, rng: np.random.Generator) -> float:
        """Return a number."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
    """Numbers whose logarithms are uniform: as many from 1e-4 to 1e-3 as from 1e-3 to 1e-2.

    Reference: J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", JMLR 13,
    2012; the notes' advice for learning rates and regularisation.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self, self.low, self.high, least=0.0)

    def draw(self, rng: np.random.Generator) -> float:
        """Return a number."""
        return float(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))


@dataclass(frozen=True)
class Choice:
    """One of the values, all as likely."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise InputError("choice() needs a value; got none")

    def draw(self, rng: np.random.Generator) -> Any:
        """Return a value."""
        return self.values[int(rng.integers(len(self.values)))]


Distribution: TypeAlias = Uniform | LogUniform | Choice
_FORMS = "uniform(LOW,HIGH), loguniform(LOW,HIGH) or choice(A,B,...)"


def parse_distribution(text: str) -> Distribution:
    """Return the distribution of a text such as "loguniform(1e-5,1e-2)".

    Raises:
        InputError: The text is none.

    """
    name, parenthesis, rest = text.strip().partition("(")
    items = [item.strip() for item in rest.removesuffix(")").split(",")] if parenthesis else []
    if not rest.endswith(")") or name not in ("uniform", "loguniform", "choice"):
        raise InputError(f"a distribution is {_FORMS}; got {text!r}")
    if name == "choice":
        return Choice(tuple(parse_value(item) for item in items if item))
    try:
        low, high = map(float, items)
    except ValueError as error:
        raise InputError(
            f"{name} takes two numbers, as in {name}(1e-5,1e-2); got {text!r}"
        ) from error
    return Uniform(low, high) if name == "uniform" else LogUniform(low, high)


def parse_value(text: str) -> Any:
    """Return a number where the text is one, None for "none", and otherwise the text."""
    if text == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def configurations(
    space: Mapping[str, Sequence[Any] | Distribution], num_samples: int | None, seed: int
) -> list[dict[str, Any]]:
    """Return the configurations of a space: every combination, or so many that are drawn.

    Args:
        space: By the name of a hyperparameter a sequence of values, or a distribution.
        num_samples: How many to draw; a sequence is then drawn from, each value as likely.
        seed: Of the draws.

    Raises:
        InputError: The space is empty, or a distribution is to be combined.

    """
    for name, values in space.items():
        if isinstance(values, str) or not isinstance(values, Iterable | Distribution):
            raise InputError(
                f"{name} needs a list of values or a distribution; got {values!r}: give "
                f"[{values!r}]"
            )
        if not isinstance(values, Distribution) and not len(values):
            raise InputError(f"{name} has no values: give one or more")
    if not space:
        raise InputError("the space of a sweep is empty: give values for a hyperparameter")
    if num_samples is None:
        if drawn := [name for name, v in space.items() if isinstance(v, Distribution)]:
            raise InputError(
                f"{', '.join(drawn)} is drawn from a distribution: say how often (num_samples, "
                "--random N), or give values"
            )
        lists = [list(values) for values in space.values()]  # type: ignore[arg-type]
        lists = [[plain_value(value) for value in values] for values in lists]
        return [dict(zip(space, one, strict=True)) for one in itertools.product(*lists)]
    rng = stream(seed, "sweep")
    drawers = {
        name: values if isinstance(values, Distribution) else Choice(tuple(values))
        for name, values in space.items()
    }
    return [
        {name: plain_value(one.draw(rng)) for name, one in drawers.items()}
        for _ in range(num_samples)
    ]


def spelt_size(name: str, values: Sequence[Any] | Distribution) -> str:
    """Return how many values there are: "4 reg"."""
    return f"{name} drawn" if isinstance(values, Distribution) else f"{len(values):,} {name}"


def _check_range(kind: Any, low: float, high: float, *, least: float) -> None:
    if not (least < low < high < math.inf):
        above = "" if least == -math.inf else " above 0"
        name = type(kind).__name__.lower()
        raise InputError(f"{name} needs two numbers{above}, the smaller first; got {low}, {high}")
