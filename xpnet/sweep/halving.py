"""Successive halving: all configurations train a little, the better half goes on, and so forth.

Reference: K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
optimization", AISTATS 2016.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from xpnet.errors import InputError

__all__ = ["planned_epochs", "rungs", "score_until", "survivors"]

_MOST_DROPS = 3  # all together train at most 3 times as fast; below an eighth the ranks are noise


def rungs(num_epochs: int, configurations: int) -> list[int]:
    """Return the epochs after each of which the better half goes on; the last ends the training.

    Half of the last comes before it, and half of that before, so that each rung costs the same.

    Raises:
        InputError: There is nothing to halve.

    """
    if num_epochs < 2 or configurations < 2:
        raise InputError(
            "halving needs two epochs and two configurations or more; got "
            f"{num_epochs} and {configurations}"
        )
    found = [num_epochs]
    while len(found) <= min(_MOST_DROPS, int(math.log2(configurations))) and found[0] > 1:
        found.insert(0, -(-found[0] // 2))
    return found


def planned_epochs(num_epochs: int, configurations: int) -> int:
    """Return the epochs of all configurations together, where each rung lets half of them go on."""
    total, before = 0, 0
    for until in rungs(num_epochs, configurations):
        total += configurations * (until - before)
        before, configurations = until, -(-configurations // 2)
    return total


def score_until(curve: Iterable[Mapping[str, Any]], epoch: float) -> float:
    """Return the best validation accuracy of a run up to an epoch, or -infinity."""
    return max((row["val_accuracy"] for row in curve if row["epoch"] <= epoch), default=-math.inf)


def survivors(scores: Mapping[int, float]) -> list[int]:
    """Return the better half by the score, rounded up, in the order of their numbers.

    Of equal ones the first stay.
    """
    ranked = sorted(scores, key=lambda number: (-scores[number], number))
    return sorted(ranked[: -(-len(ranked) // 2)])
