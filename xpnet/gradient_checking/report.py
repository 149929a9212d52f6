"""What a gradient check found: numbers for programs, a small table for people."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xpnet.errors import InputError

__all__ = ["GradientReport", "InputReport"]


@dataclass(frozen=True)
class InputReport:
    """What was found for the gradient by one input.

    Attributes:
        size: The number of entries of the input.
        checked: How many of them were judged, right or wrong.
        wrong: How many of those are wrong.
        kinks: How many were left out, as the function has no derivative there.
        largest_error: The largest relative error of the entries judged; 0 where none was.
        index: Where it is, or None where no entry was judged.
        analytic: The gradient there, as the function gave it.
        numeric: The gradient there by central differences.
        ratio: analytic / numeric, where it is the same at all wrong entries; otherwise None.
        problem: Why nothing could be compared, such as a shape that differs; otherwise "".

    """

    size: int
    checked: int = 0
    wrong: int = 0
    kinks: int = 0
    largest_error: float = 0.0
    index: tuple[int, ...] | None = None
    analytic: float = math.nan
    numeric: float = math.nan
    ratio: float | None = None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether entries were judged, and none is wrong; an input of no entries is right."""
        return not self.problem and not self.wrong and (self.checked > 0 or self.size == 0)

    def __str__(self) -> str:
        if self.problem:
            return f"WRONG: {self.problem}"
        if not self.checked:
            return f"NOT CHECKED: all {self.kinks} entries lie at kinks" if self.size else "empty"
        right = f"{self.checked - self.wrong} of {self.checked} entries right"
        if self.checked + self.kinks < self.size:
            right += f" (drawn from {self.size})"
        if self.kinks:
            right += f", {self.kinks} left out at kinks"
        if not self.wrong:
            return f"{right}, largest relative error {self.largest_error:.1e}"
        ratio = "" if self.ratio is None else f", {self.ratio:.4g} times the numeric throughout"
        return (
            f"WRONG at {self.index}: analytic {self.analytic:.8g}, numeric {self.numeric:.8g}, "
            f"relative error {self.largest_error:.1e}{ratio}; {right}"
        )


@dataclass(frozen=True)
class GradientReport:
    """What `gradient_check` found; `print(report)` shows it, a line for each input.

    Attributes:
        inputs: An `InputReport` for each input that was differentiated, by name.
        problems: What else is wrong, such as a function that writes into its arguments.
        cast: The inputs that were cast to float64 for the check.
        step: As given to `gradient_check`.
        tolerance: As given to `gradient_check`.

    """

    inputs: Mapping[str, InputReport]
    problems: tuple[str, ...]
    cast: tuple[str, ...]
    step: float
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether every input has entries that were judged, all are right, and nothing else is."""
        return not self.problems and all(found.ok for found in self.inputs.values())

    def __str__(self) -> str:
        lines = [
            f"gradient check, {'right' if self.ok else 'WRONG'}: central differences in float64, "
            f"step {self.step:g}, tolerance {self.tolerance:g}"
        ]
        lines += [f"  {name}: {found}" for name, found in self.inputs.items()]
        lines += [f"  WRONG: {problem}" for problem in self.problems]
        if self.cast:
            lines.append(f"  cast to float64 for the check: {', '.join(self.cast)}")
        return "\n".join(lines)

    def raise_if_wrong(self) -> None:
        """Raise InputError with the table unless the report is `ok`."""
        if not self.ok:
            raise InputError(str(self))
