"""What is known of a sweep so far, in a file that it goes on from."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xpnet.errors import InputError
from xpnet.model_variables import variables_of
from xpnet.net_records import net_arrays, net_of, net_record
from xpnet.nets import FullyConnectedNet
from xpnet.tensor_files import FORMAT, read_tensors, tensor_bytes
from xpnet.whole_files import write_whole

__all__ = ["Best", "Known", "plan_digest", "read_state", "write_state"]

Best = tuple[float, int]  # the accuracy, and the number counted down: the first of equal ones wins
_CURVE = ("number", "epoch", "train_accuracy", "val_accuracy", "val_loss")
_ROW = ("number", "val_accuracy", "train_accuracy", "epoch", "epochs", "diverged_at", "stopped_at")
_NOTICE = ("layer", "name", "status", "found", "expected", "remedy")
_MOST_NOTICES = 5000  # that fit the header of a file
_STEPS = ("diverged_at", "stopped_at")
_OR_NONE = ("epoch", *_STEPS)


class Known(NamedTuple):
    """What a file has."""

    rows: list[dict[str, Any]]  # without the values of the configurations, which the plan gives
    curves: list[dict[str, Any]]
    best: Best
    model: FullyConnectedNet | None
    metric: str
    seconds: float
    notices: list[dict[str, Any]]


def plan_digest(plan: dict[str, Any], fixed: dict[str, Any], data: str) -> str:
    """Return a digest of what a sweep trains, and on which data; of functions their names."""
    text = json.dumps([sorted(plan.items()), sorted(fixed.items()), data], default=_name)
    return hashlib.sha256(text.encode()).hexdigest()


def write_state(path: Path, known: Known, plan: str) -> None:
    """Write what is known, and the best net so far.

    Raises:
        OSError: The file cannot be written. What was there before is still there.

    """
    net = known.model
    header = {
        "format": FORMAT,
        "kind": "sweep",
        "net": None if net is None else net_record(net),
        "plan": plan,
        "best": known.best[1],
        "metric": known.metric,
        "seconds": known.seconds,
        "notices": known.notices[:_MOST_NOTICES],
    }
    arrays = {} if net is None else net_arrays(net, variables_of(net))
    for name, columns, rows in (("rows", _ROW, known.rows), ("curves", _CURVE, known.curves)):
        numbers = [[math.nan if row[c] is None else row[c] for c in columns] for row in rows]
        arrays[name] = np.asarray(numbers, dtype=np.float64).reshape(len(rows), len(columns))
    write_whole(path, tensor_bytes(arrays, header))


def read_state(path: Path, plan: str) -> Known:
    """Return what is known.

    Raises:
        InputError: The file is damaged, or is of another sweep.

    """
    try:
        arrays, header = read_tensors(path)
        _check_plan(header, plan)
        rows = [_row(numbers) for numbers in arrays["rows"].tolist()]
        curves = [dict(zip(_CURVE, row, strict=True)) for row in arrays["curves"].tolist()]
        for row in curves:
            row["number"] = int(row["number"])
        net = None if header["net"] is None else net_of(header["net"], arrays, "", "cpu")
        own = {row["number"]: row["val_accuracy"] for row in rows}
        score = own[-header["best"]] if net is not None else -math.inf
        best = (score if math.isfinite(score) else -math.inf, int(header["best"]))
        notices = [_notice(one) for one in header["notices"]]
        return Known(rows, curves, best, net, header["metric"], float(header["seconds"]), notices)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: the state of the sweep is damaged ({error!r})") from error


def _check_plan(header: dict[str, Any], plan: str) -> None:
    if header["kind"] != "sweep" or header.get("plan") != plan:
        raise InputError(
            "it is of another sweep, or of other data: choose another file, or give the same "
            "space, options and data"
        )


def _notice(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notice of a file."""
    found: dict[str, Any] = {name: str(saved[name]) for name in _NOTICE}
    return {"number": int(saved["number"]), "step": int(saved["step"]), **found}


def _row(numbers: list[float]) -> dict[str, Any]:
    """Return a row as it was: steps are integers, and what was None has no number."""
    row: dict[str, Any] = dict(zip(_ROW, numbers, strict=True))
    row["number"] = int(row["number"])
    for name in _OR_NONE:
        if math.isnan(row[name]):
            row[name] = None
        elif name in _STEPS:
            row[name] = int(row[name])
    return row


def _name(value: Any) -> str:
    return getattr(value, "__qualname__", None) or repr(value)
