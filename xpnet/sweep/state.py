"""What is known of a sweep so far, in a file that it goes on from."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.errors import InputError
from xpnet.model_variables import variables_of
from xpnet.net_records import net_arrays, net_of, net_record
from xpnet.sweep.result import SweepResult
from xpnet.tensor_files import FORMAT, read_tensors, tensor_bytes
from xpnet.whole_files import write_whole

__all__ = ["Best", "plan_digest", "read_state", "write_state"]

Best = tuple[float, int]  # the accuracy, and the number counted down: the first of equal ones wins
_CURVE = ("number", "epoch", "train_accuracy", "val_accuracy", "val_loss")


def plan_digest(configurations: list[dict[str, Any]], fixed: dict[str, Any], data: str) -> str:
    """Return a digest of what a sweep trains, and on which data; of functions their names."""
    text = json.dumps([configurations, sorted(fixed.items()), data], default=_name)
    return hashlib.sha256(text.encode()).hexdigest()


def write_state(path: Path, result: SweepResult, best: Best, plan: str) -> None:
    """Write what is known, and the best net so far.

    Raises:
        OSError: The file cannot be written. What was there before is still there.

    """
    net = result.best_model
    header = {
        "format": FORMAT,
        "kind": "sweep",
        "net": None if net is None else net_record(net),
        "plan": plan,
        "best": best[1],
        "metric": result.metric,
        "seconds": result.seconds,
        "rows": [{name: _finite(value) for name, value in row.items()} for row in result.rows],
    }
    arrays = {} if net is None else net_arrays(net, variables_of(net))
    curves = [[row[name] for name in _CURVE] for row in result.curves]
    arrays["curves"] = np.asarray(curves, dtype=np.float64).reshape(len(curves), len(_CURVE))
    write_whole(path, tensor_bytes(arrays, header))


def read_state(path: Path, names: list[str], plan: str) -> tuple[SweepResult, Best]:
    """Return what is known, and the best.

    Raises:
        InputError: The file is damaged, or is of another sweep.

    """
    try:
        arrays, header = read_tensors(path)
        _check_plan(header, plan)
        rows = [{name: _number(name, v) for name, v in row.items()} for row in header["rows"]]
        curves = [dict(zip(_CURVE, row, strict=True)) for row in arrays["curves"].tolist()]
        for row in curves:
            row["number"] = int(row["number"])
        net = None if header["net"] is None else net_of(header["net"], arrays, "", "cpu")
        found = SweepResult(names, header["metric"], rows, curves, net)
        found.seconds = float(header["seconds"])
        own = {row["number"]: row["val_accuracy"] for row in rows}
        score = own[-header["best"]] if net is not None else -math.inf
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: the state of the sweep is damaged ({error!r})") from error
    return found, (score if math.isfinite(score) else -math.inf, header["best"])


def _check_plan(header: dict[str, Any], plan: str) -> None:
    if header["kind"] != "sweep" or header.get("plan") != plan:
        raise InputError(
            "it is of another sweep, or of other data: choose another file, or give the same "
            "space, options and data"
        )


def _number(name: str, value: Any) -> Any:
    """Return a value of a row; JSON has no NaN."""
    return math.nan if value is None and name in ("val_accuracy", "train_accuracy") else value


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _name(value: Any) -> str:
    return getattr(value, "__qualname__", None) or repr(value)
