"""history.csv: a row for every step, appended while a training goes on."""

import csv
import io
import time
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpnet.errors import CheckpointWarning, warn
from xpnet.whole_files import write_whole

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["HistoryFile"]

_SECONDS = 1.0


class HistoryFile:
    """A callback that keeps the file at the Solver's histories, at most a second or an epoch late.

    The accuracies stand in the rows of the checks. A stack's cells are lists.

    Attributes:
        error: Why the file is not complete, or "".

    Args:
        path: The file. What is there is replaced by what the Solver has, which may be resumed.
        solver: Whose histories they are.

    Raises:
        OSError: The file cannot be written now. Later such errors are warnings.

    """

    def __init__(self, path: Path, solver: "Solver") -> None:
        self._path = path
        self._written = solver.step
        self._last = time.monotonic()
        self._failed = False
        self.error = ""
        self._write_all(solver)

    def on_interval(self, solver: "Solver") -> None:
        """Append the rows before this step, whose check may come yet, where a second has passed."""
        if time.monotonic() - self._last >= _SECONDS:
            self._append(solver, solver.step - 1)

    def on_epoch(self, solver: "Solver") -> None:
        """Append all rows."""
        self._append(solver, solver.step)

    def on_end(self, solver: "Solver") -> None:
        """Append what is left, or write it all where appending has failed."""
        if not self._failed:
            self._append(solver, solver.step)
        if self._failed:
            try:
                self._write_all(solver)
                self.error = ""
            except OSError as error:
                self._fail(error, "The rows up to the last that could be written are there")

    def _append(self, solver: "Solver", stop: int) -> None:
        self._last = time.monotonic()
        stop = min(stop, len(solver.loss_history))  # which ends where a run has diverged
        if self._failed or stop <= self._written:
            return
        try:
            with self._path.open("a", encoding="utf-8", newline="") as file:
                file.write(_rows(solver, self._written, stop))
        except OSError as error:
            self._failed = True
            self._fail(error, "The training goes on, and all of it will be written at its end")
        self._written = stop

    def _fail(self, error: OSError, remedy: str) -> None:
        self.error = f"{self._path} could not be written ({error.strerror or error})"
        warn(f"{self.error}. {remedy}", CheckpointWarning)

    def _write_all(self, solver: "Solver") -> None:
        metric = solver.metric.short
        head = f"step,epoch,loss,train_{metric},val_{metric},val_loss\n"
        write_whole(self._path, (head + _rows(solver, 0, len(solver.loss_history))).encode())


def _rows(solver: "Solver", start: int, stop: int) -> str:
    """Return the rows of the steps after `start`, up to `stop`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    check = bisect_left(solver.check_steps, start + 1)
    for step in range(start + 1, stop + 1):
        values: tuple[object, ...] = ("", "", "")
        if check < len(solver.check_steps) and solver.check_steps[check] == step:
            histories = solver.train_acc_history, solver.val_acc_history, solver.val_loss_history
            values = tuple(_cell(history[check]) for history in histories)
            check += 1
        epoch = f"{step / solver.steps_per_epoch:.4f}"
        writer.writerow([step, epoch, _cell(solver.loss_history[step - 1]), *values])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a number; of a stack the text of a list, with all digits."""
    return value.tolist() if hasattr(value, "tolist") else value
