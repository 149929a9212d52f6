"""What a sweep found: a row for each configuration, the best net, and how much that is worth."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpnet.nets import FullyConnectedNet

__all__ = ["SweepResult"]

_HIGHEST = "the best of {} is a maximum over noise: expect less on new data"


@dataclass(eq=False)
class SweepResult:
    """The configurations of a sweep and what became of each.

    Attributes:
        names: The hyperparameters that varied.
        metric: What the accuracies are, "accuracy" or "R squared".
        rows: A dictionary for each configuration, in the order of the space: its number, the values
            of `names`, `val_accuracy` (the best), `train_accuracy` and `epoch` of that check,
            `epochs` trained, `diverged_at` and `stopped_at` (a step, or None). pandas.DataFrame
            takes them as they are.
        curves: A dictionary for each check of each configuration: `number`, `epoch`,
            `train_accuracy`, `val_accuracy`, `val_loss`.
        best_model: The net of the best row, with its preprocessing; None where all diverged.
        test_accuracy: Of that net on the test part, taken once at the end; None without one.
        seconds: Of the trainings together.

    """

    names: list[str]
    metric: str
    rows: list[dict[str, Any]]
    curves: list[dict[str, Any]] = field(repr=False)
    best_model: FullyConnectedNet | None = None
    test_accuracy: float | None = None
    seconds: float = 0.0

    @property
    def best(self) -> dict[str, Any]:
        """The row of the highest validation accuracy; of equal ones the first."""
        return self.top(1)[0]

    def top(self, n: int) -> list[dict[str, Any]]:
        """Return the n best rows, the best first; those without an accuracy come last."""
        accuracies = np.array([row["val_accuracy"] for row in self.rows], dtype=np.float64)
        order = np.argsort(-np.where(np.isfinite(accuracies), accuracies, -np.inf), kind="stable")
        return [self.rows[i] for i in order[:n]]

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the rows as columns by name."""
        return {name: [row[name] for row in self.rows] for name in self.rows[0]}

    def to_csv(self) -> str:
        """Return the rows as CSV."""
        return _csv(self.rows)

    def curves_to_csv(self) -> str:
        """Return the checks as CSV."""
        return _csv(self.curves)

    def __str__(self) -> str:
        """Return the five best as a table, and what to make of them."""
        shown = self.top(5)
        heads = [*self.names, f"validation {self.metric}"]
        cells = [[_text(row[name]) for name in self.names] for row in shown]
        for cell, row in zip(cells, shown, strict=True):
            cell.append(f"{row['val_accuracy']:.4f}")
        widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        lines = [
            "  ".join(item.ljust(width) for item, width in zip(line, widths, strict=True)).rstrip()
            for line in [heads, *cells]
        ]
        lost = sum(row["diverged_at"] is not None for row in self.rows)
        if lost:
            lines.append(f"{lost} of {len(self.rows)} diverged")
        if len(self.rows) > 1:
            lines.append(_HIGHEST.format(len(self.rows)))
        if self.test_accuracy is not None:
            lines.append(f"test {self.metric} of the best, taken once: {self.test_accuracy:.4f}")
        return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _csv(rows: list[Mapping[str, Any]] | list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: _cell(v) for k, v in row.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value
