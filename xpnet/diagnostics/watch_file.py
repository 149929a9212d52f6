"""watch.safetensors: the record of a watched training as a file."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np

from xpnet.diagnostics.verdict import Status, Verdict
from xpnet.diagnostics.watch_record import WATCHED, Notice, WatchRecord
from xpnet.errors import InputError
from xpnet.tensor_files import FORMAT, read_tensors, tensor_bytes
from xpnet.whole_files import write_whole

__all__ = ["read_watch", "write_watch"]

_NOTICE = ("step", "layer", "member", "name", "status", "found", "expected", "remedy")


def write_watch(path: Path, record: WatchRecord) -> None:
    """Write the record.

    Raises:
        OSError: The file cannot be written. What was there before is still there.

    """
    header = {
        "format": FORMAT,
        "kind": "watch",
        "net": None,
        "layers": record.layers,
        "weights": record.weights,
        "members": record.members,
        "notices": [_as_row(notice) for notice in record.notices],
    }
    arrays = {f"statistics.{name}": x for name, x in record.statistics.items()}
    arrays |= {f"histograms.{name}": x for name, x in record.histograms.items()}
    arrays |= {f"edges.{name}": x for name, x in record.edges.items()}
    arrays["steps"] = np.asarray(record.steps, dtype=np.int64)
    write_whole(path, tensor_bytes(arrays, header))


def read_watch(path: str | Path) -> WatchRecord:
    """Return the record that a file holds.

    Raises:
        InputError: The file cannot be read, is damaged, or holds something else.

    """
    path = Path(path)
    try:
        return _record(*read_tensors(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _record(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> WatchRecord:
    """Return the record of a whole file, whatever it has in it."""
    if header["kind"] != "watch":
        raise InputError(
            f"it holds {header['kind']!r}, and no watch of a training: give the watch.safetensors "
            "that python -m xpnet.train --watch --out writes"
        )
    names: list[Any] = [header.get(name) for name in ("layers", "weights", "members")]
    layers, weights, members = names
    if not (_are_texts(layers) and _are_texts(weights) and layers and len(layers) == len(weights)):
        raise InputError("its layers and weights are no equal lists of names")
    if not (members is None or (type(members) is int and members > 0)):
        raise InputError(f"it has {members!r} members")
    given = arrays.get("steps", np.zeros(0))
    steps = _checked(arrays, "steps", (given.shape[0] if given.ndim == 1 else 0,), "i")
    if any(a >= b for a, b in pairwise([-1, *steps.tolist()])):
        raise InputError("its steps do not rise from 0 on")
    record = WatchRecord(layers, weights, members)
    edges = {
        name: _checked(arrays, f"edges.{name}", x.shape, "f") for name, x in record.edges.items()
    }
    for name, x in edges.items():
        if not (np.isfinite(x).all() and (np.diff(x) > 0).all()):
            raise InputError(f"the edges of its {name} do not rise")
    record.edges = edges
    found = {
        name: _checked(
            arrays,
            f"{'statistics' if name in WATCHED else 'histograms'}.{name}",
            (len(steps), *shape),
            "f",
        )
        for name, shape in record.shapes().items()
    }
    for i, step in enumerate(steps.tolist()):
        record.add(step, {name: x[i] for name, x in found.items()})
    notices = header.get("notices")
    if not isinstance(notices, list):
        raise InputError("it has no list of notices")
    record.notices = [_notice(row, record) for row in notices]
    return record


def _checked(
    arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...], kind: str
) -> np.ndarray:
    """Return an array of the file, which must be there with that shape and kind of numbers."""
    x = arrays.get(name)
    if x is None or x.shape != shape or x.dtype.kind != kind:
        given = "none" if x is None else f"{x.dtype} {x.shape}"
        what = "integers" if kind == "i" else "floats"
        raise InputError(f"its {name} must be {what} {shape}; the file has {given}")
    return x


def _as_row(notice: Notice) -> dict[str, Any]:
    own = {name: getattr(notice, name) for name in _NOTICE[:3]}
    return own | {name: getattr(notice.verdict, name) for name in _NOTICE[3:]}


def _notice(row: Any, record: WatchRecord) -> Notice:
    """Return a notice of the file."""
    if not (isinstance(row, dict) and set(row) == set(_NOTICE)):
        raise InputError("one of its notices is none")
    step, member = row["step"], row["member"]
    fits = type(step) is int and step >= 0 and row["status"] in get_args(Status)
    fits = fits and all(isinstance(row[name], str) for name in ("layer", *_NOTICE[3:]))
    fits = fits and (row["layer"] in ("", *record.layers))
    of_stack = type(member) is int and 0 <= member < (record.members or 0)
    if not fits or not (of_stack if record.members is not None else member is None):
        raise InputError("one of its notices does not fit the net")
    return Notice(step, Verdict(**{name: row[name] for name in _NOTICE[3:]}), row["layer"], member)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
