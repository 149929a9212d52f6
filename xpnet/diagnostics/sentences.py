"""How numbers are said in a verdict."""

from collections.abc import Sequence

__all__ = ["listed", "listed_numbers"]


def listed(words: Sequence[str]) -> str:
    """Return words as "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def listed_numbers(numbers: Sequence[float]) -> str:
    """Return numbers as "0.01, 0.1 and 1", with two digits."""
    return listed([f"{number:.2g}" for number in numbers])
