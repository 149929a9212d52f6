"""The best parameters so far, of one run or of each member of a stack, and when to stop waiting."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array, Backend
from xpnet.members import per_member, steps_or_none
from xpnet.model_variables import copied
from xpnet.nets import Variables

__all__ = ["Best"]


class Best:
    """What validated best, by the higher score, and of equal ones by the lower loss.

    Attributes:
        score: The best score, -inf before the first check, of the member shape.
        variables: The parameters and the state that reached it.
        stopped: The step at which a run's patience ended, or 0, of the member shape.

    Args:
        members: The size of the stack, or None.
        patience: Epochs to wait for a better validation, or None to wait for ever.

    """

    def __init__(self, members: int | None, patience: int | None) -> None:
        shape = () if members is None else (members,)
        self.score = np.full(shape, -np.inf)
        self.variables = Variables({}, {})
        self.patience = patience
        self._loss = np.full(shape, np.inf)
        self.be_patient()

    @property
    def stopped_at(self) -> Any:
        """The step, or None; of a stack, a list with one such value a member."""
        return steps_or_none(self.stopped)

    def be_patient(self) -> None:
        """Start to wait anew, also for those that had stopped."""
        self.stopped = np.zeros(self.score.shape, dtype=np.int64)
        self._epochs_waited = np.zeros(self.score.shape, dtype=np.int64)

    def stop(self, step: int, running: np.ndarray) -> np.ndarray:
        """Note and return which of the running runs have waited for too long."""
        if self.patience is None:
            return np.zeros(self.score.shape, dtype=np.bool_)
        newly = running & (self._epochs_waited >= self.patience)
        self.stopped = np.where(newly, step, self.stopped)
        return np.asarray(newly)

    def look(self, score: np.ndarray, loss: np.ndarray, *, ends_epoch: bool) -> np.ndarray:
        """Return which runs improved; NaN never does."""
        improved = (score > self.score) | ((score == self.score) & (loss < self._loss))
        if improved.any():
            self.score = np.where(improved, score, self.score)
            self._loss = np.where(improved, loss, self._loss)
        self._epochs_waited = np.where(improved, 0, self._epochs_waited + ends_epoch)
        return np.asarray(improved)

    def keep(self, variables: Variables, improved: np.ndarray, backend: Backend) -> None:
        """Copy the numbers of the runs that improved, or of all where none was kept before."""
        if improved.all() or not self.variables.params:
            self.variables = copied(variables)
        elif improved.any():
            mask = backend.asarray(improved)

            def mixed(new: dict[str, Array], old: dict[str, Array]) -> dict[str, Array]:
                where: Any = backend.xp.where
                return {name: where(per_member(mask, w), w, old[name]) for name, w in new.items()}

            self.variables = Variables(
                mixed(variables.params, self.variables.params),
                mixed(variables.state, self.variables.state),
            )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what `look` goes by, as `restore` takes it."""
        return {
            "best_score": self.score,
            "best_loss": self._loss,
            "stopped": self.stopped,
            "epochs_waited": self._epochs_waited,
        }

    def restore(self, saved: Mapping[str, np.ndarray], variables: Variables) -> None:
        """Go on from what `arrays` returned, and from these parameters."""
        self.score, self._loss = saved["best_score"].copy(), saved["best_loss"].copy()
        self.stopped, self._epochs_waited = saved["stopped"].copy(), saved["epochs_waited"].copy()
        self.variables = variables
