"""What is asked of the training of a stack, what it tells as it goes on, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from xpnet.nets import FullyConnectedNet
from xpnet.sweep.plan import Group

__all__ = ["Carried", "Job", "News", "TrainedStack"]


class Carried(NamedTuple):
    """Where the state of a member lies that is to go on."""

    path: Path
    member: int


class Job(NamedTuple):
    """What is to be trained as one stack.

    Attributes:
        part: The configurations.
        until: The epoch after which they pause, or None for their end.
        carried: What each goes on from, or nothing for all.
        kept_in: The file for what they could go on from, or None.

    """

    part: Group
    until: int | None = None
    carried: Sequence[Carried] = ()
    kept_in: Path | None = None


class News(NamedTuple):
    """How far a stack is."""

    part: Group
    epoch: int
    scores: list[float]  # the best validation accuracy of each, or -infinity
    going: list[bool]


@dataclass(eq=False)
class TrainedStack:
    """What became of the members of a stack.

    Attributes:
        part: The configurations.
        rows: What is measured of each, with its `number`.
        curves: A row for each check of each.
        best: The accuracy and the number of the best of them; the number counts down.
        model: That net.
        metric: What the accuracies are.
        seconds: That its training took.
        kept_in: The file that they can go on from, or None.
        notices: What a watch has said of them, as rows.

    """

    part: Group
    rows: list[dict[str, Any]]
    curves: list[dict[str, Any]]
    best: tuple[float, int]
    model: FullyConnectedNet
    metric: str
    seconds: float
    kept_in: Path | None
    notices: list[dict[str, Any]]
