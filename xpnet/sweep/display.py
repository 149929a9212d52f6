"""How a sweep is watched: a live table on a terminal, elsewhere a line for each training."""

import math
import sys
import time
from typing import Any

from tqdm import tqdm

from xpnet.sweep.jobs import News
from xpnet.sweep.result import SweepResult, spelt

__all__ = ["Display"]

_SHOWN = 5
_SECONDS = 0.2  # from one drawing to the next
_FORMAT = "{percentage:3.0f}% |{bar}| {elapsed} gone, {remaining} left"


class Display:
    """Shows how a sweep goes on.

    Attributes:
        result: What is known, or None before the first stack is done.

    Args:
        names: The hyperparameters that vary.
        planned: The epochs of all trainings together.
        quiet: Show nothing.

    """

    def __init__(self, names: list[str], planned: float, *, quiet: bool) -> None:
        self._names = names
        self.result: SweepResult | None = None
        self._quiet = quiet
        self._done: dict[int, float] = {}
        self._epochs: dict[int, float] = {}
        self._running: dict[int, tuple[float, dict[str, Any], bool]] = {}
        self._drawn = -math.inf
        self._table: _Table | None = None
        if not quiet and sys.stderr.isatty() and sys.stdout.isatty():
            self._table = _Table(planned)

    @property
    def listens(self) -> bool:
        """Whether `on_news` does anything."""
        return self._table is not None

    def on_news(self, news: News) -> None:
        """Take note of a stack that goes on."""
        for k, number in enumerate(news.part.numbers):
            has_ended = self._done.get(number) == math.inf
            if news.epoch > self._epochs.get(number, 0.0) and not has_ended:  # it may come late
                self._epochs[number] = news.epoch
                self._running[number] = news.scores[k], news.part.values(k), news.going[k]
        self._draw()

    def on_stack(self, result: SweepResult) -> None:
        """Take note of a stack that is done, or done up to its next rung."""
        self.result = result
        new = [row for row in result.rows if row["epochs"] > self._done.get(row["number"], 0.0)]
        for row in new:
            number, epochs = row["number"], row["epochs"]
            has_ended = bool(row["diverged_at"] or row["stopped_at"])
            self._done[number] = math.inf if has_ended else epochs
            if has_ended or epochs >= self._epochs.get(number, 0.0):
                self._epochs[number] = epochs
                self._running.pop(number, None)
        if self._table is not None:
            self._draw()
        elif not self._quiet:
            for row in new:
                values = " ".join(f"{name} {spelt(row[name])}" for name in result.names)
                accuracies = f"train {row['train_accuracy']:.6f} val {row['val_accuracy']:.6f}"
                print(f"{values} epochs {spelt(row['epochs'])} {accuracies}", flush=True)

    def close(self) -> None:
        """Take the table away."""
        if self._table is not None:
            self._table.close()

    def _draw(self) -> None:
        if self._table is None or time.monotonic() - self._drawn < _SECONDS:
            return
        self._drawn = time.monotonic()
        rows = [] if self.result is None else self.result.rows
        done = [row for row in rows if row["number"] not in self._running]
        scored = [(row["val_accuracy"], row, "") for row in done]
        scored += [(score, values, " ...") for score, values, _ in self._running.values()]
        best = sorted((one for one in scored if math.isfinite(one[0])), key=lambda one: -one[0])
        lines = [
            f"{score:.4f}  "
            + "  ".join(f"{name} {spelt(values[name])}" for name in self._names)
            + mark
            for score, values, mark in best[:_SHOWN]
        ]
        alive = sum(going for _, _, going in self._running.values())
        lost = sum(row["diverged_at"] is not None for row in done)
        head = f"best of {len(scored)} so far; {alive} in training, {len(done)} done"
        self._table.draw([head + (f", {lost} diverged" if lost else ""), *lines])
        self._table.move(sum(self._epochs.values()))


class _Table:
    """Some lines and a bar, drawn in place."""

    def __init__(self, total: float) -> None:
        self._lines = [
            tqdm(total=0, position=i, bar_format="{desc}", leave=False) for i in range(_SHOWN + 1)
        ]
        self._total = total
        self._bar = tqdm(
            total=total, position=_SHOWN + 1, bar_format=_FORMAT, leave=False, dynamic_ncols=True
        )

    def draw(self, lines: list[str]) -> None:
        width = (self._bar.ncols or 80) - 1
        for i, shown in enumerate(self._lines):
            shown.set_description_str(lines[i][:width] if i < len(lines) else "")

    def move(self, done: float) -> None:
        self._bar.n = min(done, self._total)
        self._bar.refresh()

    def close(self) -> None:
        for shown in (*self._lines, self._bar):
            shown.close()
