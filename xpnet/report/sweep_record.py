"""The tables of a sweep's folder, read back."""

import csv
import json
import math
from pathlib import Path
from typing import Any

from xpnet.errors import InputError
from xpnet.sweep.result import SweepResult

__all__ = ["is_sweep", "read_sweep"]

_RESULTS, _CURVES, _SUMMARY = "results.csv", "curves.csv", "summary.json"
_LONGEST = 100  # of what may be a number
_ROW = {"number", "val_accuracy", "train_accuracy", "epoch", "diverged_at"}
_CHECK = {"number", "epoch", "val_accuracy"}


def is_sweep(folder: Path) -> bool:
    """Return whether a folder holds the tables of a sweep."""
    return (folder / _RESULTS).is_file()


def read_sweep(folder: Path) -> tuple[SweepResult, dict[str, Any]]:
    """Return what a sweep found, without its net, and what its summary says.

    Raises:
        InputError: A file cannot be read, or does not fit the others.

    """
    try:
        told = json.loads((folder / _SUMMARY).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read {folder / _SUMMARY} ({error}): sweep again") from error
    if not isinstance(told, dict) or not (
        all(_are_texts(told.get(name)) for name in ("varied", "repeats", "remarks"))
        and all(isinstance(told.get(name, {}), dict) for name in ("fixed", "versions"))
        and type(told.get("runs_each")) is int
        and told["runs_each"] > 0
    ):
        raise InputError(f"{folder / _SUMMARY} is none of a sweep's, or damaged: sweep again")
    names = told["varied"]
    rows = _table(folder / _RESULTS, {*_ROW, *names})
    curves = _table(folder / _CURVES, _CHECK) if (folder / _CURVES).is_file() else []
    if not rows or not all(map(_is_check, curves + rows)) or not all(map(_is_row, rows)):
        raise InputError(f"a table of {folder} has no numbers where they belong: sweep again")
    for row in curves + rows:
        row["val_accuracy"] = float(row["val_accuracy"])
    metric = "R squared" if told.get("metric") == "R squared" else "accuracy"
    test, seconds = told.get("test_accuracy"), told.get("seconds")
    result = SweepResult(
        names,
        metric,
        rows,
        curves,
        test_accuracy=test if isinstance(test, float) else None,
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        repeats=tuple(told["repeats"]),
        runs_each=told["runs_each"],
    )
    return result, told


def _table(path: Path, needed: set[str]) -> list[dict[str, Any]]:
    """Return the rows of a CSV file, with numbers as such."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path} ({error}): sweep again") from error
    if any(not needed <= set(row) or None in row or None in row.values() for row in rows):
        raise InputError(f"{path} lacks columns of a sweep: it is damaged")
    return [{name: _value(text) for name, text in row.items()} for row in rows]


def _is_check(row: dict[str, Any]) -> bool:
    epoch = 0 if row["epoch"] is None else row["epoch"]
    is_time = isinstance(epoch, int | float) and math.isfinite(epoch)
    return (
        is_time and isinstance(row["number"], int) and isinstance(row["val_accuracy"], int | float)
    )


def _is_row(row: dict[str, Any]) -> bool:
    is_number = isinstance(row["train_accuracy"], int | float)
    return is_number and isinstance(row["diverged_at"], int | None)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _value(text: str) -> Any:
    """Return a cell as the number, the list of numbers or the text that it was."""
    if not text or len(text) > _LONGEST:
        return text or None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    parts = text.split(",")
    if len(parts) > 1 and all(part.isdecimal() for part in parts):
        return [int(part) for part in parts]
    return text
