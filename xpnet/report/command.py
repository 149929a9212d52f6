"""`python -m xpnet.report DIR`: the page of a run or of a sweep, made anew."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from xpnet.command_line import exit_status
from xpnet.errors import InputError
from xpnet.options import OneLineParser
from xpnet.report.run_report import write_run_report
from xpnet.report.sweep_record import is_sweep, read_sweep
from xpnet.report.sweep_report import write_sweep_report

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 2 for input that was refused."""
    parser = OneLineParser(
        prog="python -m xpnet.report",
        description="Write report.html into the folder of a run or of a sweep: one file that any "
        "browser shows, with the verdicts, the curves, what is inside the net and what it says.",
        epilog="exit status: 0, or 2 where something was refused",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="DIR", help="of an earlier --out DIR")
    options = parser.parse_args(arguments)
    return exit_status("xpnet.report", lambda: _report(options))


def _report(options: argparse.Namespace) -> int:
    folder = Path(options.folder)
    try:
        if is_sweep(folder):
            path = write_sweep_report(folder, *read_sweep(folder))
        else:
            path = write_run_report(folder)
    except OSError as error:
        raise InputError(
            f"{folder} could not be written ({error.strerror or error}): make room, or copy it to "
            "where you may write"
        ) from error
    print(f"written: {path}", flush=True)
    return 0
