"""All verdicts on a training, and how they are shown."""

import shutil
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from xpnet.diagnostics.verdict import Verdict

__all__ = ["Diagnosis"]

_ORDER = {"fault": 0, "warning": 1, "fine": 2, "not looked at": 3}
_WIDTH = 100


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a training, and what is not; `print(diagnosis)` shows it.

    Attributes:
        verdicts: One of each thing that was looked at, causes before effects.
        looked_at: Which part of the data and of the training, in one line.

    """

    verdicts: tuple[Verdict, ...]
    looked_at: str

    @property
    def faults(self) -> tuple[Verdict, ...]:
        """What cannot be right, causes before effects."""
        return tuple(v for v in self.verdicts if v.status == "fault")

    @property
    def warnings(self) -> tuple[Verdict, ...]:
        """What could be better."""
        return tuple(v for v in self.verdicts if v.status == "warning")

    @property
    def healthy(self) -> bool:
        """Whether there is no fault and no warning."""
        return not (self.faults or self.warnings)

    @property
    def remedy(self) -> str:
        """What to change first, or ""."""
        return next((v.remedy for v in (*self.faults, *self.warnings) if v.remedy), "")

    def __getitem__(self, name: str) -> Verdict:
        """Return the verdict of that name; raises KeyError where there is none."""
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(name)

    def __str__(self) -> str:
        ordered = sorted(self.verdicts, key=lambda v: _ORDER[v.status])
        width = min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns)
        lines = [line for verdict in ordered for line in _lines(verdict, width)]
        lines += textwrap.wrap(self.looked_at, width)
        return "\n".join([*lines, *textwrap.wrap(self._summary(), width)])

    def _summary(self) -> str:
        if self.healthy:
            return "healthy: no fault and no warning"
        counts = [(len(self.faults), "fault"), (len(self.warnings), "warning")]
        said = " and ".join(f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n)
        return f"{said}. First: {self.remedy}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {
            "healthy": self.healthy,
            "faults": len(self.faults),
            "warnings": len(self.warnings),
            "remedy": self.remedy,
            "looked_at": self.looked_at,
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
        }


def _lines(verdict: Verdict, width: int) -> list[str]:
    """Return a verdict as a line, or as many as it takes."""
    said = f"{verdict.status:13} {verdict.name}: {verdict.found}"
    if verdict.expected:
        said += f"; expected {verdict.expected}"
    if verdict.remedy:
        said += f". {verdict.remedy}"
    return textwrap.wrap(said, width, subsequent_indent=" " * 14)
