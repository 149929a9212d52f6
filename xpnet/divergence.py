"""Which runs have diverged, at which step, and what to tell their user."""

from typing import Any

import numpy as np

from xpnet.errors import DivergenceWarning, warn
from xpnet.members import steps_or_none

__all__ = ["Divergence", "divergence_line"]

_LARGE_TARGET = 100.0


class Divergence:
    """Watches the losses of one run, or of each member of a stack.

    Attributes:
        steps: The first step with a NaN or infinite loss, or 0, of the member shape.

    Args:
        members: The size of the stack, or None.
        centred: Whether the inputs are preprocessed.
        y: The labels, or real targets, of the training.

    """

    def __init__(self, members: int | None, *, centred: bool, y: np.ndarray) -> None:
        self.steps = np.zeros(() if members is None else (members,), dtype=np.int64)
        self._advice = (
            "" if centred else ", and see that the inputs are centred (preprocess='mean')"
        )
        size = float(np.abs(y, dtype=np.float64).max()) if y.dtype.kind == "f" else 0.0
        if size > _LARGE_TARGET:
            self._advice += f", and scale the targets, which are as large as {size:.1e}"

    @property
    def gone(self) -> np.ndarray:
        """Whether a run has diverged, of the member shape."""
        return self.steps > 0

    @property
    def at(self) -> Any:
        """The step, or None; of a stack, a list with one such value a member."""
        return steps_or_none(self.steps)

    def look(self, losses: np.ndarray, first: int, rate: Any) -> None:
        """Note and warn of the runs that diverge in these losses.

        Args:
            losses: Of shape (steps, *member shape).
            first: The number of the first of these steps.
            rate: The learning rate now, per member where an array, or None if it is not known.

        """
        finite = np.isfinite(losses)
        if finite.all():
            return
        newly = ~self.gone & ~finite.all(axis=0)
        self.steps = np.where(newly, first + np.argmin(finite, axis=0), self.steps)
        for k in np.flatnonzero(newly):
            own = None
            if rate is not None:
                own = float(np.broadcast_to(rate, self.steps.shape).reshape(-1)[k])
            line = divergence_line(
                int(k) if self.steps.ndim else None,
                int(self.steps.reshape(-1)[k]),
                own,
                self._advice,
            )
            warn(line, DivergenceWarning)


def divergence_line(
    member: int | None, step: int, learning_rate: float | None, advice: str = ""
) -> str:
    """Return the sentence that says where a run diverged, and what to try."""
    who = "training" if member is None else f"member {member}"
    line = f"{who} diverged: the loss is NaN or infinite at step {step}"
    if learning_rate is None:
        remedy = "; try a learning rate ten times smaller"
    else:
        remedy = f", with learning rate {learning_rate:.3g}; try {learning_rate / 10:.2g}"
    return f"{line}{remedy}{advice}. The best parameters are kept."
