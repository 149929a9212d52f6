"""The folder of a run: config.toml, history.csv, checkpoints, and at the end what came of it."""

import io
import json
import math
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from filelock import FileLock, Timeout

from xpnet.checkpoint_files import checkpoints_named
from xpnet.data import Dataset
from xpnet.diagnostics import WATCH
from xpnet.errors import InputError
from xpnet.nets import Variables
from xpnet.run_config import CONFIG
from xpnet.saving import BEST, net_bytes
from xpnet.whole_files import remove_parts, write_whole

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = [
    "CHECKPOINT",
    "DOCTOR",
    "HISTORY",
    "REPORT",
    "SUMMARY",
    "is_complete",
    "open_folder",
    "refuse_other_run",
    "remove_run",
    "write_results",
]

HISTORY, CHECKPOINT = "history.csv", "checkpoint"
REPORT, DOCTOR = "report.html", "doctor.json"
SUMMARY = "summary.json"
_PICTURES = ("curves.png", "weights.png")
_LOCK = ".lock"
_FILES = (CONFIG, HISTORY, BEST, WATCH, SUMMARY, *_PICTURES, REPORT)


@contextmanager
def open_folder(path: str) -> Iterator[Path]:
    """Give the folder, made if need be, to this process alone, after trying to write into it.

    The system frees it again when the process ends, however that comes.

    Raises:
        InputError: The folder cannot be made or written, or another process writes to it.

    """
    if not path:
        raise InputError("--out needs the name of a folder; got an empty one")
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        lock = FileLock(str(folder / _LOCK), timeout=0)
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"another process is writing to {path}: wait for its end, or choose another folder"
        ) from error
    except OSError as error:
        raise InputError(
            f"the output folder {path} cannot be written ({error.strerror or error}): "
            "choose another with --out DIR"
        ) from error
    try:
        remove_parts(folder, "|".join(map(re.escape, _FILES)))
        yield folder
    finally:
        lock.release()


def refuse_other_run(folder: Path) -> None:
    """Raise InputError if the folder holds a run."""
    if there := _files_of_run(folder):
        raise InputError(
            f"{folder} holds a run already ({there[0].name}): go on with it by --resume {folder}, "
            "replace it by --overwrite, or choose another --out DIR"
        )


def remove_run(folder: Path) -> None:
    """Remove the files of the run that the folder holds; what is not a run's stays.

    What the doctor found of that run goes with it; of none, it was asked about the next.
    """
    if there := _files_of_run(folder):
        for path in [*there, folder / DOCTOR]:
            path.unlink(missing_ok=True)


def _files_of_run(folder: Path) -> list[Path]:
    there = [folder / name for name in _FILES if (folder / name).exists()]
    return [*there, *checkpoints_named(folder / CHECKPOINT)]


def is_complete(folder: Path, solver: "Solver") -> bool:
    """Return whether a run was trained to its end, and its results are written."""
    try:
        summary = json.loads((folder / SUMMARY).read_bytes())
        told = summary["steps"], summary["interrupted"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    written = all((folder / name).is_file() for name in (HISTORY, BEST))
    return solver.epoch == solver.last_epoch and told == (solver.step, False) and written


def write_results(
    folder: Path, solver: "Solver", data: Dataset, summary: dict[str, Any]
) -> list[str]:
    """Write the best net, the summary and the pictures, and return the names of the files.

    The pictures need matplotlib and are left out without it.
    """
    best = Variables(solver.best_params, solver.best_state)
    write_whole(folder / BEST, net_bytes(solver.model, best, step=solver.step))
    text = json.dumps(_finite(summary), indent=2) + "\n"
    write_whole(folder / SUMMARY, text.encode())
    pictures = [] if find_spec("matplotlib") is None else _draw(folder, solver, data)
    return [SUMMARY, HISTORY, CONFIG, BEST, *pictures]


def _draw(folder: Path, solver: "Solver", data: Dataset) -> list[str]:
    """Write the pictures and return their names."""
    # matplotlib takes most of a second to import, and is optional
    from xpnet.plots import plot_curves, plot_weights  # noqa: PLC0415

    curves, weights = _PICTURES
    best = f"best validation {solver.metric.name} {solver.best_val_acc:.3f}"
    with _whole(folder / curves) as file:
        plot_curves(solver, file, f"{data.name}: {best}")
    if data.picture_shape is None or data.picture_shape[0] not in (1, 3):
        return [curves]
    if not getattr(solver.preprocess, "keeps_shape", True):  # the units see no pictures
        return [curves]
    title = f"{data.name}: weights of the first layer, one picture a hidden unit"
    first = solver.model.backend.to_numpy(solver.best_params["W1"])
    if first.ndim == 3:  # of maxout: a picture for each piece, those of a unit side by side
        first = first.transpose(1, 2, 0).reshape(first.shape[1], -1)
    with _whole(folder / weights) as file:
        plot_weights(first, data.picture_shape, file, title)
    return [curves, weights]


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file in memory, whose content is then written as a whole."""
    content = io.BytesIO()
    yield content
    write_whole(path, content.getvalue())


def _finite(value: Any) -> Any:
    """Return `value` with None for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
