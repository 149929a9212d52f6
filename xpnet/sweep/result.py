"""What a sweep found: a row for each training, the best net, and how much that is worth."""

import csv
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xpnet.nets import FullyConnectedNet

__all__ = ["SweepResult", "spelt"]


@dataclass(eq=False)
class SweepResult:
    """The trainings of a sweep and what became of each.

    Attributes:
        names: The hyperparameters that varied, with `seed` and `fold` where each configuration was
            trained several times.
        metric: What the accuracies are, "accuracy" or "R squared".
        rows: A dictionary for each training, in the order of the space: its number, the values
            of `names`, `val_accuracy` (the best), `train_accuracy` and `epoch` of that check,
            `epochs` trained, `diverged_at` and `stopped_at` (a step, or None). pandas.DataFrame
            takes them as they are.
        curves: A dictionary for each check of each training: `number`, `epoch`, `train_accuracy`,
            `val_accuracy`, `val_loss`.
        best_model: The net of the best row, with its preprocessing; None where all diverged.
        best_run: The row of the training that it is from, with its seed; with folds, whose seed it
            is.
        test_accuracy: Of that net on the test part, taken once at the end; None without one.
        seconds: Of the trainings together.
        repeats: Which of `names` repeat a configuration: `seed`, `fold`, both or none.
        runs_each: How many trainings a configuration has.
        refit_accuracy: With folds, what the best configuration reached on the validation part when
            it was trained on the whole training part; that net is `best_model`.
        notices: What a watch has said, a dictionary each: `number`, `step`, `layer`, `name`,
            `status`, `found`, `expected`, `remedy`.
        at_the_edge: Hyperparameters whose best value is at an end of what was tried.

    """

    names: list[str]
    metric: str
    rows: list[dict[str, Any]]
    curves: list[dict[str, Any]] = field(repr=False)
    best_model: FullyConnectedNet | None = None
    best_run: dict[str, Any] | None = None
    test_accuracy: float | None = None
    seconds: float = 0.0
    repeats: tuple[str, ...] = ()
    runs_each: int = 1
    refit_accuracy: float | None = None
    notices: list[dict[str, Any]] = field(default_factory=list, repr=False)
    at_the_edge: list[str] = field(default_factory=list)

    @property
    def configurations(self) -> list[dict[str, Any]]:
        """A row for each configuration, over its seeds and folds.

        The number of its first training, the values, the mean `val_accuracy` and `train_accuracy`,
        the standard deviation `val_std` from one training to the next, `runs`, and how many
        `diverged`; without an accuracy, NaN and None, where one of them has none. Where nothing was
        repeated, `rows`.
        """
        if not self.repeats:
            return self.rows
        return [self._configuration(rows) for rows in self._by_configuration().values()]

    @property
    def best(self) -> dict[str, Any]:
        """The configuration of the highest validation accuracy; of equal ones the first."""
        return self.top(1)[0]

    def top(self, n: int) -> list[dict[str, Any]]:
        """Return the n best configurations, the best first.

        Those without an accuracy come last, and before them those whose trainings are not all done.
        """

        def rank(row: Mapping[str, Any]) -> tuple[bool, float]:
            accuracy = row["val_accuracy"]
            is_part = row.get("runs", self.runs_each) < self.runs_each
            return is_part, -accuracy if math.isfinite(accuracy) else math.inf

        return sorted(self.configurations, key=rank)[:n]

    def numbers_of(self, configuration: Mapping[str, Any]) -> list[int]:
        """Return the numbers of the trainings of a configuration."""
        unit = configuration["number"] // self.runs_each
        return [row["number"] for row in self.rows if row["number"] // self.runs_each == unit]

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the rows as columns by name."""
        return {name: [row[name] for row in self.rows] for name in self.rows[0]}

    def to_csv(self) -> str:
        """Return the rows as CSV."""
        return _csv(self.rows)

    def configurations_to_csv(self) -> str:
        """Return the configurations as CSV."""
        return _csv(self.configurations)

    def curves_to_csv(self) -> str:
        """Return the checks as CSV."""
        return _csv(self.curves)

    def notices_to_csv(self) -> str:
        """Return what a watch has said as CSV."""
        values = {row["number"]: {name: row[name] for name in self.names} for row in self.rows}
        return _csv(
            [
                {"number": one["number"], **values.get(one["number"], {}), **one}
                for one in self.notices
            ]
        )

    def __str__(self) -> str:
        """Return the five best as a table, and what to make of them."""
        return "\n".join([*self.table(5), *self.remarks()])

    def table(self, n: int) -> list[str]:
        """Return the n best configurations as lines, below a line of names."""
        names = [name for name in self.names if name not in self.repeats]
        of = f"validation {self.metric}"
        cells = [[*names, f"{of}, mean and deviation" if self.repeats else of]]
        for row in self.top(n):
            accuracy = f"{row['val_accuracy']:.4f}"
            if row.get("val_std") is not None:
                accuracy += f" +- {row['val_std']:.4f}"
            if row.get("runs", self.runs_each) < self.runs_each:
                accuracy += f" ({row['runs']} of {self.runs_each} trained)"
            cells.append([*(spelt(row[name]) for name in names), accuracy])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return [
            "  ".join(item.ljust(width) for item, width in zip(line, widths, strict=True)).rstrip()
            for line in cells
        ]

    def remarks(self) -> list[str]:
        """Return what to make of the best, as lines."""
        found, number = [], len(self.configurations)
        lost = sum(row["diverged_at"] is not None for row in self.rows)
        if lost:
            found.append(f"{lost} of {len(self.rows)} diverged")
        if lost == len(self.rows):
            return [*found, "none of them is worth a look: try learning rates far lower"]
        for name in sorted({notice["name"] for notice in self.notices}):
            nets = {notice["number"] for notice in self.notices if notice["name"] == name}
            found.append(f"watched: {name} in {len(nets)} of {len(self.rows)} (see the notices)")
        if self.at_the_edge:
            values = ", ".join(f"{name} {spelt(self.best[name])}" for name in self.at_the_edge)
            found.append(f"the best is at an end of what was tried ({values}): look beyond it")
        if number > 1:
            found.append(f"the best of {number} is a maximum over noise: expect less on new data")
        if number > 1 and not self.repeats:
            found.append("several seeds of each, or folds, tell how much of it is chance")
        if self.refit_accuracy is not None:
            found.append(
                f"trained anew on the whole training part: validation {self.metric} "
                f"{self.refit_accuracy:.4f}"
            )
        if self.test_accuracy is not None:
            found.append(f"test {self.metric} of the best, taken once: {self.test_accuracy:.4f}")
        return found

    def _by_configuration(self) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = {}
        for row in self.rows:
            found.setdefault(row["number"] // self.runs_each, []).append(row)
        return found

    def _configuration(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        accuracies = [row["val_accuracy"] for row in rows]
        has_spread = len(rows) > 1 and all(map(math.isfinite, accuracies))
        return {
            "number": rows[0]["number"],
            **{name: rows[0][name] for name in self.names if name not in self.repeats},
            "val_accuracy": statistics.fmean(accuracies),
            "val_std": statistics.stdev(accuracies) if has_spread else None,
            "train_accuracy": statistics.fmean(row["train_accuracy"] for row in rows),
            "runs": len(rows),
            "diverged": sum(row["diverged_at"] is not None for row in rows),
        }


def spelt(value: Any) -> str:
    """Return a hyperparameter's value as tables show it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: _cell(v) for k, v in row.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value
