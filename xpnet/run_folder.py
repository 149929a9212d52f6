"""What a run leaves behind: summary.json, history.csv, best_params.npz and pictures."""

import csv
import json
import math
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.data import Dataset
from xpnet.errors import InputError

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["open_folder", "write_run"]


def open_folder(path: str) -> Path:
    """Return the output folder, made if need be, after trying to write into it.

    Raises:
        InputError: The folder cannot be made or written.

    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"the output folder {path} cannot be written ({error.strerror or error}): "
            "choose another with --out DIR"
        ) from error
    return folder


def write_run(folder: Path, solver: "Solver", data: Dataset, summary: dict[str, Any]) -> list[str]:
    """Write everything and return the names of the files.

    The pictures need matplotlib and are left out without it.
    """
    _write_whole(folder / "summary.json", json.dumps(_finite(summary), indent=2) + "\n")
    _write_history(folder / "history.csv", solver)
    _write_params(folder / "best_params.npz", solver, data)
    names = ["summary.json", "history.csv", "best_params.npz"]
    if find_spec("matplotlib") is None:
        return names
    # matplotlib takes most of a second to import, and is optional
    from xpnet.plots import plot_curves, plot_weights  # noqa: PLC0415

    best = f"best validation accuracy {solver.best_val_acc:.3f}"
    plot_curves(solver, folder / "curves.png", f"{data.name}: {best}")
    names.append("curves.png")
    if data.picture_shape is not None and data.picture_shape[0] in (1, 3):
        weights = solver.model.backend.to_numpy(solver.best_params["W1"])
        title = f"{data.name}: weights of the first layer, one picture a hidden unit"
        plot_weights(weights, data.picture_shape, folder / "weights.png", title)
        names.append("weights.png")
    return names


def _write_history(path: Path, solver: "Solver") -> None:
    """Write a row for every step; the accuracies stand in the rows of the checks."""
    checks = dict(
        zip(
            solver.check_steps,
            zip(
                solver.train_acc_history,
                solver.val_acc_history,
                solver.val_loss_history,
                strict=True,
            ),
            strict=True,
        )
    )
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "epoch", "loss", "train_acc", "val_acc", "val_loss"])
        for step, loss in enumerate(solver.loss_history, 1):
            epoch = f"{step / solver.steps_per_epoch:.4f}"
            writer.writerow([step, epoch, loss, *checks.get(step, ("", "", ""))])


def _write_params(path: Path, solver: "Solver", data: Dataset) -> None:
    """Write the best parameters, the preprocessing's numbers and the class names as .npz."""
    backend = solver.model.backend
    arrays = {name: backend.to_numpy(w) for name, w in solver.best_params.items()}
    if solver.preprocess is not None:
        arrays.update(solver.preprocess.numbers())
    np.savez(path, class_names=np.asarray(data.class_names), **arrays)


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader never finds half of it."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def _finite(value: Any) -> Any:
    """Return `value` with None for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
