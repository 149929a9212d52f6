"""What a run leaves behind: summary.json, history.csv, best_params.npz and pictures."""

import csv
import io
import json
import math
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpnet.data import Dataset
from xpnet.errors import InputError
from xpnet.saving import net_bytes

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["open_folder", "write_run"]

_PICTURES = ("curves.png", "weights.png")


def open_folder(path: str) -> Path:
    """Return the output folder, made if need be, after trying to write into it.

    Raises:
        InputError: The folder cannot be made or written.

    """
    if not path:
        raise InputError("--out needs the name of a folder; got an empty one")
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
    """Write everything, the pictures last, and return the names of the files.

    The pictures need matplotlib and are left out without it; those of an earlier run go, so that
    none stands beside figures that are not its own.
    """
    for name in _PICTURES:
        (folder / name).unlink(missing_ok=True)
    _write_whole(folder / "history.csv", _history(solver).encode())
    best = {**solver.best_params, **solver.best_state}
    _write_whole(folder / "best_params.npz", net_bytes(solver.model, best))
    text = json.dumps(_finite(summary), indent=2) + "\n"
    _write_whole(folder / "summary.json", text.encode())
    pictures = [] if find_spec("matplotlib") is None else _draw(folder, solver, data)
    return ["summary.json", "history.csv", "best_params.npz", *pictures]


def _draw(folder: Path, solver: "Solver", data: Dataset) -> list[str]:
    """Write the pictures and return their names."""
    # matplotlib takes most of a second to import, and is optional
    from xpnet.plots import plot_curves, plot_weights  # noqa: PLC0415

    curves, weights = _PICTURES
    best = f"best validation {solver.metric.name} {solver.best_val_acc:.3f}"
    plot_curves(solver, folder / curves, f"{data.name}: {best}")
    if data.picture_shape is None or data.picture_shape[0] not in (1, 3):
        return [curves]
    if not getattr(solver.preprocess, "keeps_shape", True):  # the units see no pictures
        return [curves]
    title = f"{data.name}: weights of the first layer, one picture a hidden unit"
    first = solver.model.backend.to_numpy(solver.best_params["W1"])
    if first.ndim == 3:  # of maxout: a picture for each piece, those of a unit side by side
        first = first.transpose(1, 2, 0).reshape(first.shape[1], -1)
    plot_weights(first, data.picture_shape, folder / weights, title)
    return [curves, weights]


def _history(solver: "Solver") -> str:
    """Return a row for every step as CSV; the accuracies stand in the rows of the checks."""
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
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    metric = solver.metric.short
    writer.writerow(["step", "epoch", "loss", f"train_{metric}", f"val_{metric}", "val_loss"])
    for step, loss in enumerate(solver.loss_history, 1):
        epoch = f"{step / solver.steps_per_epoch:.4f}"
        writer.writerow([step, epoch, loss, *checks.get(step, ("", "", ""))])
    return text.getvalue()


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader never finds half of it."""
    part = path.with_suffix(".part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _finite(value: Any) -> Any:
    """Return `value` with None for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
