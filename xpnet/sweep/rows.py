"""What became of a member of a stack, as rows of the sweep's tables."""

import math
from typing import Any

import numpy as np

from xpnet.diagnostics import Notice
from xpnet.solver import Solver

__all__ = ["curve_of", "notice_row", "row_of"]


def row_of(number: int, solver: Solver, k: int) -> dict[str, Any]:
    """Return the row of member `k`."""
    best = float(solver.best_val_acc[k])
    checks = [float(accuracy[k]) for accuracy in solver.val_acc_history]
    at = checks.index(best) if best in checks else None
    diverged, stopped = solver.diverged_at[k], solver.stopped_at[k]
    ended = diverged or stopped or solver.step
    return {
        "number": number,
        "val_accuracy": best if at is not None else math.nan,
        "train_accuracy": math.nan if at is None else float(solver.train_acc_history[at][k]),
        "epoch": None if at is None else solver.check_steps[at] / solver.steps_per_epoch,
        "epochs": ended / solver.steps_per_epoch,
        "diverged_at": diverged,
        "stopped_at": stopped,
    }


def curve_of(number: int, solver: Solver, k: int) -> list[dict[str, Any]]:
    """Return the checks of member `k`, up to its end."""
    histories = solver.train_acc_history, solver.val_acc_history, solver.val_loss_history
    rows = []
    for step, train_acc, val_acc, val_loss in zip(solver.check_steps, *histories, strict=True):
        if np.isfinite(val_acc[k]):
            rows.append(
                {
                    "number": number,
                    "epoch": step / solver.steps_per_epoch,
                    "train_accuracy": float(train_acc[k]),
                    "val_accuracy": float(val_acc[k]),
                    "val_loss": float(val_loss[k]),
                }
            )
    return rows


def notice_row(numbers: list[int], notice: Notice) -> dict[str, Any]:
    """Return the row of what a watch has said of a member."""
    said = notice.verdict
    return {
        "number": numbers[notice.member or 0],
        "step": notice.step,
        "layer": notice.layer,
        "name": said.name,
        "status": said.status,
        "found": said.found,
        "expected": said.expected,
        "remedy": said.remedy,
    }
