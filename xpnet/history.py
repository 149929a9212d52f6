"""What a training writes down of its runs, and which of them go on."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.best import Best
from xpnet.divergence import Divergence
from xpnet.errors import InputError
from xpnet.measured_parts import Measured
from xpnet.members import plain
from xpnet.nets import Variables

__all__ = ["History"]

_CHECKED = ("train_acc", "val_acc", "val_loss")


class History:
    """The losses of every step, the values of every check, and the ends of the runs.

    A run is the training of a single net, or of one member of a stack.

    Attributes:
        loss: The loss of every step, floats or arrays of shape (members,).
        train_acc, val_acc, val_loss: Likewise a value for each check.
        check_steps: The step of each check.
        best: The best parameters so far, and which runs have stopped early.
        divergence: Which runs have diverged.

    """

    def __init__(self, best: Best, divergence: Divergence) -> None:
        self.best = best
        self.divergence = divergence
        self.loss: list[Any] = []
        self.train_acc: list[Any] = []
        self.val_acc: list[Any] = []
        self.val_loss: list[Any] = []
        self.check_steps: list[int] = []
        self._gone = _Gone(divergence.steps, best.stopped)

    @property
    def gone(self) -> np.ndarray:
        """Which runs have diverged or stopped early, of the member shape."""
        return self._now_gone().runs

    @property
    def any_gone(self) -> bool:
        """Whether a run has diverged or stopped early."""
        return self._now_gone().any

    @property
    def all_gone(self) -> bool:
        """Whether all runs have."""
        return self._now_gone().all

    def _now_gone(self) -> "_Gone":
        """Return it, looked at anew only where it changed: it is asked for six times an epoch."""
        steps, stopped, known = self.divergence.steps, self.best.stopped, self._gone
        if steps is not known.steps or stopped is not known.stopped:
            self._gone = _Gone(steps, stopped)
        return self._gone

    def add_losses(self, losses: np.ndarray, first: int, rate: Any) -> None:
        """Append losses, up to the step at which a run diverged.

        Args:
            losses: Of shape (steps, *member shape).
            first: The number of the first of these steps.
            rate: The learning rate now, or None if it is not known.

        """
        # A run that has ended is left alone: what becomes of it later, nobody hears.
        self.divergence.look(
            np.where(self.gone, 0.0, losses) if self.any_gone else losses, first, rate
        )
        if not self.any_gone:
            self.loss.extend(losses.tolist() if losses.ndim == 1 else losses.astype(np.float64))
            return
        steps = first + np.arange(len(losses))
        ended = np.where(self.divergence.gone, self.divergence.steps, self.best.stopped)
        last = np.where(ended > 0, ended, steps[-1])
        if losses.ndim == 1:
            self.loss.extend(losses[steps <= last].tolist())
        else:
            kept = np.where(steps[:, None] <= last, losses, np.nan)
            self.loss.extend(kept.astype(np.float64))

    def add_check(
        self, measured: Measured, step: int, rate: Any, *, ends_epoch: bool
    ) -> np.ndarray:
        """Append the values of a check, and return which runs are better than ever."""
        # A step can ruin the parameters after its own loss was taken.
        if not measured.finite.all():
            ruined = np.where(measured.finite | self.gone, 0.0, np.nan)
            self.divergence.look(ruined[None], step, rate)
        train_acc, val_acc, val_loss, _ = measured
        if self.any_gone:
            train_acc, val_acc, val_loss = (
                np.where(self.gone, np.nan, values) for values in (train_acc, val_acc, val_loss)
            )
        self.train_acc.append(plain(train_acc))
        self.val_acc.append(plain(val_acc))
        self.val_loss.append(plain(val_loss))
        self.check_steps.append(step)
        return self.best.look(val_acc, val_loss, ends_epoch=ends_epoch)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that is written down, as `restore` takes it."""
        shape = self.divergence.steps.shape
        lists = {"loss": self.loss} | {name: getattr(self, name) for name in _CHECKED}
        return {
            **{
                name: np.asarray(values, dtype=np.float64).reshape(len(values), *shape)
                for name, values in lists.items()
            },
            "check_steps": np.asarray(self.check_steps, dtype=np.int64),
            "diverged": self.divergence.steps,
            **self.best.arrays(),
        }

    def checked(self, saved: Mapping[str, np.ndarray], steps: int) -> dict[str, np.ndarray]:
        """Return what a file has of `arrays()`, after a look whether it fits so many steps.

        Raises:
            InputError: It does not.

        """
        now = self.arrays()
        found = {name: x for name, x in saved.items() if name in now}
        if self.divergence.steps.ndim == 0 and found.get("diverged", np.zeros(1)).ndim == 0:
            end = int(found["diverged"])  # a single run's losses end where it diverged
            steps = min(steps, end) if end > 0 else steps
        checks = found.get("check_steps", np.zeros(0)).shape[:1]
        lengths = {"loss": (steps,), "check_steps": checks, **dict.fromkeys(_CHECKED, checks)}
        members = self.divergence.steps.shape
        for name, x in now.items():
            shape = lengths.get(name, ()) + (() if name == "check_steps" else members)
            if name not in found or found[name].dtype != x.dtype or found[name].shape != shape:
                raise InputError(f"the checkpoint's history of {name} does not fit {steps} steps")
        return found

    def restore(self, saved: Mapping[str, np.ndarray], best: Variables) -> None:
        """Take over what `checked` has returned, into the lists that others hold too."""
        for name in ("loss", *_CHECKED):
            values = saved[name]
            getattr(self, name)[:] = values.tolist() if values.ndim == 1 else list(values.copy())
        self.check_steps[:] = saved["check_steps"].tolist()
        self.divergence.steps = saved["diverged"].copy()
        self.best.restore(saved, best)


class _Gone:
    """Which runs have ended, by arrays that are replaced where they change, not written into."""

    def __init__(self, steps: np.ndarray, stopped: np.ndarray) -> None:
        self.steps, self.stopped = steps, stopped
        self.runs = np.asarray((steps > 0) | (stopped > 0))
        self.any, self.all = bool(self.runs.any()), bool(self.runs.all())
