"""history.csv, read back: the loss of every step, and the checks between them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xpnet.errors import InputError

__all__ = ["HistoryTable", "read_history"]

_COLUMNS = 6  # step, epoch, loss, and the training and validation values of a check


@dataclass(frozen=True, eq=False)
class HistoryTable:
    """What a training wrote down.

    Attributes:
        steps, epochs, loss: Of shape (N,), of every step.
        check_steps, check_epochs, train, val, val_loss: Of shape (M,), of every check.
        metric: "acc" or "R2".

    """

    steps: np.ndarray
    epochs: np.ndarray
    loss: np.ndarray
    check_steps: np.ndarray
    check_epochs: np.ndarray
    train: np.ndarray
    val: np.ndarray
    val_loss: np.ndarray
    metric: str

    @property
    def best(self) -> int | None:
        """Which check had the best validation, of equal ones the lower loss; None of none."""
        if not np.isfinite(self.val).any():
            return None
        score = np.where(np.isfinite(self.val), self.val, -np.inf)
        loss = np.where(np.isfinite(self.val_loss), self.val_loss, np.inf)
        return int(np.lexsort((loss, -score))[0])


def read_history(path: Path) -> HistoryTable:
    """Return the content of a file; a last row that is not whole is left out.

    Raises:
        InputError: It cannot be read, or is no history of a single net.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path} ({error}): give the folder of a run") from error
    whole = text[: text.rfind("\n") + 1]  # a run that was killed may have left half a row
    rows = list(csv.reader(whole.splitlines()))
    head = rows[0] if rows else []
    if head[:3] != ["step", "epoch", "loss"] or len(head) != _COLUMNS:
        raise InputError(f"{path} does not begin as a history of xpnet does: it is damaged")
    try:
        table = np.array(
            [[float(cell) if cell else np.nan for cell in row] for row in rows[1:]],
            dtype=np.float64,
        ).reshape(len(rows) - 1, _COLUMNS)
    except ValueError as error:
        raise InputError(f"{path} is no table of numbers ({error}): it is damaged") from error
    if not _is_in_order(table[:, 0], table[:, 1]) or head[4] not in ("val_acc", "val_R2"):
        raise InputError(f"{path} does not count its steps from 1 on: it is damaged")
    is_check = np.array([row[4] != "" for row in rows[1:]], dtype=np.bool_)
    steps, epochs, loss, train, val, val_loss = table.T
    return HistoryTable(
        *(steps, epochs, loss, steps[is_check], epochs[is_check]),
        *(train[is_check], val[is_check], val_loss[is_check]),
        metric=head[4].removeprefix("val_"),
    )


def _is_in_order(steps: np.ndarray, epochs: np.ndarray) -> bool:
    """Return whether steps are 1, 2, 3, ..., and epochs rise and have a step or more each."""
    counted = np.array_equal(steps, np.arange(1, len(steps) + 1))
    return counted and bool(((epochs <= steps) & (np.diff(epochs, prepend=0) >= 0)).all())
