"""How a training is watched: a bar on a terminal, plain lines elsewhere."""

import sys
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["Lines", "ProgressBar", "watch"]

_MOST_LINES = 20


class ProgressBar:
    """A callback that keeps a bar on standard error, with loss and validation accuracy."""

    def __init__(self, num_steps: int) -> None:
        self._num_steps = num_steps
        self._bar: Any = None

    def on_interval(self, solver: "Solver") -> None:
        """Move the bar and show the last loss."""
        if self._bar is None:  # drawn at the first step, so that it stands below all that is said
            self._bar = tqdm(total=self._num_steps, unit="step", leave=False, dynamic_ncols=True)
        self._bar.set_postfix(self._figures(solver), refresh=False)
        self._bar.update(solver.step - self._bar.n)

    on_epoch = on_interval

    def on_end(self, solver: "Solver") -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    @staticmethod
    def _figures(solver: "Solver") -> dict[str, str]:
        figures = {"loss": f"{solver.loss_history[-1]:.4f}"}
        if solver.val_acc_history:
            figures["val_acc"] = f"{solver.val_acc_history[-1]:.4f}"
        return figures


class Lines:
    """A callback that prints a line for the first epoch, and for twenty more at most."""

    def __init__(self, num_epochs: int) -> None:
        self.num_epochs = num_epochs
        self.every = -(-num_epochs // _MOST_LINES)

    def on_epoch(self, solver: "Solver") -> None:
        """Print loss and accuracies."""
        if solver.epoch % self.every and solver.epoch not in (1, self.num_epochs):
            return
        print(
            f"(Epoch {solver.epoch} / {self.num_epochs}) loss: {solver.loss_history[-1]:.6f}; "
            f"train acc: {solver.train_acc_history[-1]:.6f}; "
            f"val_acc: {solver.val_acc_history[-1]:.6f}",
            flush=True,
        )


def watch(num_epochs: int, steps_per_epoch: int) -> ProgressBar | Lines:
    """Return the callback that fits where the output goes."""
    if sys.stderr.isatty() and sys.stdout.isatty():
        return ProgressBar(num_epochs * steps_per_epoch)
    return Lines(num_epochs)
