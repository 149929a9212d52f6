"""All verdicts on a training, and how they are shown."""

import shutil
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from xpnet.diagnostics.verdict import Verdict

__all__ = ["Diagnosis"]

_BAD = ("fault", "warning")
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
        """What cannot be right, causes before what follows from them."""
        return self._of("fault")

    @property
    def warnings(self) -> tuple[Verdict, ...]:
        """What could be better, likewise."""
        return self._of("warning")

    @property
    def healthy(self) -> bool:
        """Whether there is no fault and no warning."""
        return not (self.faults or self.warnings)

    @property
    def first(self) -> Verdict | None:
        """The fault, or the warning, to begin with; None where there is none."""
        return next(iter((*self.faults, *self.warnings)), None)

    @property
    def remedy(self) -> str:
        """What to change first, or ""."""
        bad = (*self.faults, *self.warnings)
        return next((v.remedy for v in bad if v.remedy and not v.follows), "")

    def __getitem__(self, name: str) -> Verdict:
        """Return the verdict of that name; raises KeyError where there is none."""
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(name)

    def __str__(self) -> str:
        return self.text()

    def text(self, *, is_whole: bool = False, hint: str = "") -> str:
        """Return faults and warnings, each with what follows from it, and a line on the rest.

        Args:
            is_whole: Whether what is fine, or was not looked at, has lines of its own.
            hint: What is said after the count of these, such as how to see them.

        """
        width = min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns)
        ordered = [v for cause in self._causes() for v in (cause, *self._followers(cause))]
        rest = [v for status in ("fine", "not looked at") for v in self._of(status)]
        shown = [*ordered, *rest] if is_whole else ordered
        lines = [line for verdict in shown for line in _lines(verdict, width)]
        if not is_whole and rest:
            lines.append(f"{self._counted()}{hint}")
        lines += textwrap.wrap(self.looked_at, width)
        return "\n".join([*lines, *textwrap.wrap(self._summary(), width)])

    def _of(self, status: str) -> tuple[Verdict, ...]:
        found = [v for v in self.verdicts if v.status == status]
        return tuple(sorted(found, key=lambda v: bool(v.follows)))

    def _causes(self) -> list[Verdict]:
        return [v for status in _BAD for v in self._of(status) if not v.follows]

    def _followers(self, cause: Verdict) -> list[Verdict]:
        return [v for status in _BAD for v in self._of(status) if v.follows == cause.name]

    def _counted(self) -> str:
        counts = {status: len(self._of(status)) for status in ("fine", "not looked at")}
        return ", ".join(f"{n} {status}" for status, n in counts.items() if n)

    def _summary(self) -> str:
        causes = self._causes()
        if not causes:
            return "healthy: no fault and no warning"
        counts = [(sum(v.status == status for v in causes), status) for status in _BAD]
        said = " and ".join(f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n)
        if following := len(self.faults) + len(self.warnings) - len(causes):
            said += f" ({following} more {'follow' if following > 1 else 'follows'} from "
            said += f"{'them' if len(causes) > 1 else 'it'})"
        first = causes[0]
        return f"{said}. First: {first.name}: {first.remedy or first.found}"

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
    """Return a verdict as a line, or as many as it takes; no remedy for what follows."""
    status = "  so also" if verdict.follows else verdict.status
    said = f"{status:13} {verdict.name}: {verdict.found}"
    if verdict.expected and not verdict.follows:
        said += f"; expected {verdict.expected}"
    if verdict.remedy and not verdict.follows:
        said += f". {verdict.remedy}"
    return textwrap.wrap(said, width, subsequent_indent=" " * 14, drop_whitespace=True)
