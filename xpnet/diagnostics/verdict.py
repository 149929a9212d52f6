"""A verdict on one thing about a training: the number, what was expected, and what to change."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Status", "Verdict"]

Status: TypeAlias = Literal["fine", "warning", "fault", "not looked at"]


@dataclass(frozen=True)
class Verdict:
    """What was found about one thing.

    Attributes:
        name: What was looked at, such as "initial loss"; the same words in every report.
        status: "fault" where the training cannot be right, "warning" where it could be better,
            "fine", or "not looked at" where it could not be told.
        found: What was found, with its number: "the first loss is 4.13".
        expected: What it should have been, and why: "2.30 = -log(1/10), as no class is known yet".
        remedy: What to change, the likeliest first; "" where nothing is.
        follows: The name of another verdict that explains this one, or "".

    """

    name: str
    status: Status
    found: str
    expected: str
    remedy: str = ""
    follows: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether it is a fault or a warning."""
        return self.status in ("fault", "warning")

    def __str__(self) -> str:
        """Return it as one line."""
        said = f"{self.status}: {self.name}: {self.found}; expected {self.expected}"
        if self.follows:
            return f"{said}. It follows from: {self.follows}"
        return f"{said}. {self.remedy}" if self.remedy else said
