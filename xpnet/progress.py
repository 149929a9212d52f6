"""How a training is watched: a bar on a terminal, plain lines elsewhere."""

import sys
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from xpnet.history_lines import number

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["Lines", "ProgressBar", "watch"]

_MOST_LINES = 20


class ProgressBar:
    """A callback that keeps a bar on standard error, with loss and validation accuracy."""

    def __init__(self, num_epochs: int, steps_per_epoch: int) -> None:
        self._num_steps = num_epochs * steps_per_epoch
        self._lines = Lines(num_epochs)
        self._bar: Any = None

    def on_interval(self, solver: "Solver") -> None:
        """Move the bar and show the last loss."""
        if self._bar is None:  # drawn at the first step, so that it stands below all that is said
            self._bar = tqdm(total=self._num_steps, unit="step", leave=False, dynamic_ncols=True)
        self._bar.set_postfix(self._figures(solver), refresh=False)
        self._bar.update(solver.step - self._bar.n)

    def on_epoch(self, solver: "Solver") -> None:
        """Print a line above the bar, where one is due, and move the bar."""
        if self._bar is not None and (line := self._lines.line(solver)):
            self._bar.write(line, file=sys.stdout)
        self.on_interval(solver)

    def on_end(self, solver: "Solver") -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    @staticmethod
    def _figures(solver: "Solver") -> dict[str, str]:
        figures = {"loss": f"{solver.loss_history[-1]:.4f}"}
        if solver.val_acc_history:
            figures[f"val_{solver.metric.short}"] = f"{solver.val_acc_history[-1]:.4f}"
        return figures


class Lines:
    """A callback that prints a line for the first epoch, the last, and twenty more at most."""

    def __init__(self, num_epochs: int) -> None:
        self.num_epochs = num_epochs
        self.every = -(-num_epochs // _MOST_LINES)

    def on_epoch(self, solver: "Solver") -> None:
        """Print the epoch's line, where one is due."""
        if line := self.line(solver):
            print(line, flush=True)

    def line(self, solver: "Solver") -> str:
        """Return loss and accuracies, or nothing for an epoch that is passed over."""
        stopped = solver.stopped_at is not None
        if solver.epoch % self.every and solver.epoch not in (1, self.num_epochs) and not stopped:
            return ""
        metric = solver.metric.short
        return (
            f"(Epoch {solver.epoch} / {self.num_epochs}) "
            f"loss: {number(solver.loss_history[-1])}; "
            f"train {metric}: {number(solver.train_acc_history[-1])}; "
            f"val_{metric}: {number(solver.val_acc_history[-1])}"
        )


def watch(num_epochs: int, steps_per_epoch: int) -> ProgressBar | Lines:
    """Return the callback that fits where the output goes."""
    if sys.stderr.isatty() and sys.stdout.isatty():
        return ProgressBar(num_epochs, steps_per_epoch)
    return Lines(num_epochs)
