"""A run of the command line that is watched: what its watch says, keeps and sums up."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from xpnet.diagnostics import WATCH, Notice, Watch, read_watch
from xpnet.diagnostics.watch_divergence import DIVERGENCE
from xpnet.errors import InputError
from xpnet.options import WATCHED_BY_TIME

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["go_on_watching", "said_divergence", "watch_of", "watch_summary"]


def watch_of(options: argparse.Namespace, folder: Path | None) -> Watch | None:
    """Return what watches a run, or None where nobody asked for it."""
    if options.watch is None:
        return None
    every = None if options.watch == WATCHED_BY_TIME else options.watch
    return Watch(every, say=_say, path=None if folder is None else folder / WATCH)


def go_on_watching(watch: Watch, solver: "Solver", folder: Path) -> None:
    """Let a watch go on with the record of the run that was resumed; a bad one begins anew."""
    path = folder / WATCH
    if not path.exists():
        return
    try:
        watch.go_on_from(read_watch(path), solver)
    except InputError as error:
        _line(f"{error}. The record begins anew")


def watch_summary(watch: Watch | None) -> dict[str, Any] | None:
    """Return what summary.json says of a watch."""
    if watch is None:
        return None
    record = watch.record
    notices = [] if record is None else record.notices
    return {
        "looks": 0 if record is None else len(record.steps),
        "notices": [
            {"step": notice.step, "layer": notice.layer, **vars(notice.verdict)}
            for notice in notices
        ],
    }


def said_divergence(watch: Watch | None) -> bool:
    """Return whether a watch has said which layer a divergence began in."""
    record = None if watch is None else watch.record
    return record is not None and any(
        notice.verdict.name == DIVERGENCE for notice in record.notices
    )


def _say(notice: Notice) -> None:
    _line(str(notice))


def _line(text: str) -> None:
    """Print a line on standard error, above a bar that may be there."""
    tqdm.write(f"xpnet.train: {text}", file=sys.stderr)
