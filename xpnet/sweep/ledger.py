"""What a sweep knows so far: rows and curves of all trainings, the best net, and its file."""

import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xpnet.errors import CheckpointWarning, warn
from xpnet.sweep.halving import score_until
from xpnet.sweep.jobs import TrainedStack
from xpnet.sweep.result import SweepResult
from xpnet.sweep.state import Best, Known, read_state, write_state

__all__ = ["Ledger"]

_SECONDS = 2.0  # at least, from one writing of the state to the next
_SHARE = 20  # and so many times what a writing takes


class Ledger:
    """Notes what became of stacks, shows it in a result, and keeps it in a file.

    Attributes:
        result: What is known of the rounds that were begun.
        best: The best accuracy, and the number of its training, counted down.

    Args:
        result: To show it in.
        path: Of the file, or None.
        plan: The digest of what the sweep trains.
        is_new: Whether what is in the file is another sweep's.

    """

    def __init__(self, result: SweepResult, path: Path | None, plan: str, *, is_new: bool) -> None:
        self.result = result
        self.best: Best = (-math.inf, 0)
        self._path, self._plan = path, plan
        self._runs: dict[int, Mapping[str, Any]] = {}
        self._rows: dict[int, dict[str, Any]] = {}
        self._shown: dict[int, dict[str, Any]] = {}
        self._curves: dict[int, list[dict[str, Any]]] = {}
        self._notices: dict[tuple[int, str, str], dict[str, Any]] = {}
        self._written, self._pause = time.monotonic(), _SECONDS
        if path is not None and not is_new and path.exists():
            self._take_over(path)

    def begin_round(self, runs: Mapping[int, Mapping[str, Any]]) -> None:
        """Show what is known of a round's trainings, by their numbers."""
        self._runs |= runs
        self.result.names = list(next(iter(runs.values())))
        self._show(number for number in runs if number in self._rows)

    def shown(self, number: int) -> dict[str, Any]:
        """Return the row of a training that is known."""
        return self._shown[number]

    def is_done(self, number: int, until: float) -> bool:
        """Return whether a training is known to have come to an epoch, or to have ended."""
        row = self._rows.get(number)
        if row is None:
            return False
        return bool(row["epochs"] >= until or row["diverged_at"] or row["stopped_at"])

    def score(self, number: int, until: int) -> float:
        """Return what a training is ranked by after so many epochs; one that diverged comes last.

        One that patience has ended is ranked by its best, as those that go on are.
        """
        row = self._rows[number]
        is_lost = row["diverged_at"] is not None and row["epochs"] <= until
        return -math.inf if is_lost else score_until(self._curves[number], until)

    def add(self, stack: TrainedStack) -> None:
        """Add what became of a stack."""
        self.result.seconds += stack.seconds
        self.result.metric = stack.metric
        for row in stack.rows:
            self._rows[row["number"]] = row
            self._curves[row["number"]] = []
        for notice in stack.notices:  # said anew in each rung for as long as it is true
            said = notice["number"], notice["layer"], notice["name"]
            self._notices.setdefault(said, notice)
        for row in stack.curves:
            self._curves[row["number"]].append(row)
        # An equal one is the same net, trained further: as accurate, with a lower loss.
        if math.isfinite(stack.best[0]) and stack.best >= self.best:
            self.best, self.result.best_model = stack.best, stack.model
        self._show(stack.part.numbers)
        if self.result.best_model is not None:
            self.result.best_run = self._shown.get(-self.best[1])
        self.keep()

    def _show(self, numbers: Iterable[int]) -> None:
        """Show in the result what is known of some runs, and all in the order of their numbers."""
        for number in numbers:
            values = {name: self._runs[number].get(name) for name in self.result.names}
            self._shown[number] = {"number": number, **values, **self._rows[number]}
        known = sorted(self._shown)
        self.result.notices = sorted(
            self._notices.values(), key=lambda row: (row["number"], row["step"])
        )
        self.result.rows = [self._shown[number] for number in known]
        self.result.curves = [row for number in known for row in self._curves.get(number, ())]

    def _take_over(self, path: Path) -> None:
        """Go on from what an earlier sweep has kept."""
        known = read_state(path, self._plan)
        self._rows = {row["number"]: row for row in known.rows}
        for row in known.curves:
            self._curves.setdefault(row["number"], []).append(row)
        for row in known.notices:
            self._notices[row["number"], row["layer"], row["name"]] = row
        self.best, self.result.best_model = known.best, known.model
        self.result.metric, self.result.seconds = known.metric, known.seconds

    def _known(self) -> Known:
        """Return all that is known, also of rounds that an earlier sweep has got to."""
        curves = [row for number in sorted(self._curves) for row in self._curves[number]]
        rows = [self._rows[number] for number in sorted(self._rows)]
        model, metric = self.result.best_model, self.result.metric
        notices = self.result.notices
        return Known(rows, curves, self.best, model, metric, self.result.seconds, notices)

    def keep(self, *, must: bool = False) -> None:
        """Write what is known; where the disk is full, say so and let the sweep go on."""
        begun = time.monotonic()
        if self._path is None or not self._rows:
            return
        if not must and begun - self._written < self._pause:
            return
        try:
            write_state(self._path, self._known(), self._plan)
        except OSError as error:
            warn(
                f"{self._path} could not be written ({error.strerror or error}). The sweep goes on",
                CheckpointWarning,
            )
        self._written = time.monotonic()
        self._pause = max(_SECONDS, _SHARE * (self._written - begun))
