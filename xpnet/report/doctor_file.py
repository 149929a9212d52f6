"""doctor.json: what `python -m xpnet.doctor --json` found, read for the report."""

import json
from pathlib import Path
from typing import Any, get_args

from xpnet.diagnostics import Verdict
from xpnet.diagnostics.verdict import Status
from xpnet.errors import InputError

__all__ = ["read_doctor"]

_LARGEST = 2**20  # bytes; ours have ten thousand
_TEXTS = ("name", "found", "expected", "remedy")


def read_doctor(path: Path) -> list[Verdict]:
    """Return the verdicts of a file.

    Raises:
        InputError: It cannot be read, or holds no verdicts.

    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        found = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({error})") from error
    rows = found.get("verdicts") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(map(_is_verdict, rows)):
        raise InputError(f"{path} holds no verdicts of python -m xpnet.doctor --json")
    return [
        Verdict(
            status=row["status"],
            follows=row.get("follows", ""),
            **{name: row[name] for name in _TEXTS},
        )
        for row in rows
    ]


def _is_verdict(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(name), str) for name in _TEXTS)
        and isinstance(row.get("follows", ""), str)
        and row.get("status") in get_args(Status)
    )
