"""What is wrong with a training, before it begins: `python -m xpnet.doctor`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

import xpnet
from xpnet.backends import get_backend
from xpnet.command_line import RefusedOption, exit_status
from xpnet.diagnostics import Diagnosis, Verdict, diagnose
from xpnet.errors import InputError
from xpnet.hyperparameters import hyperparameters, worth_saying
from xpnet.options import OneLineParser, add_options
from xpnet.run_config import arguments_of
from xpnet.run_parts import fitted_preprocess, load_data, make_net, solver_options
from xpnet.whole_files import write_whole

__all__ = ["FAULTS", "main"]

FAULTS = 1
_NOT_HERE = (
    *("--out", "--overwrite", "--resume", "--checkpoint-every", "--checkpoints-kept"),
    *("--print-every", "--profile", "--compile", "--watch"),
)
_FLAGS = ("--overwrite", "--compile")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 if there is no fault, also with warnings; 1 if there is one; 2 for input that was refused; 130
    after Ctrl-C.
    """
    parser = OneLineParser(
        prog="python -m xpnet.doctor",
        description="Say what is wrong with a training before it begins, by short trials of it. "
        "All options are those of python -m xpnet.train.",
        epilog="exit status: 0 no fault, 1 faults found, 2 input refused, 130 stopped by Ctrl-C",
        allow_abbrev=False,
        conflict_handler="resolve",
    )
    parser.add_argument("--version", action="version", version=f"xpnet {xpnet.__version__}")
    add_options(parser)
    group = parser.add_argument_group("diagnosis")
    group.add_argument(
        "--all", action="store_true", help="print also what is fine, and what was not looked at"
    )
    group.add_argument(
        "--json", metavar="FILE", help="write the verdicts there too, or to the output if it is -"
    )
    for name in _NOT_HERE:  # a diagnosis keeps nothing, and is not gone on with
        takes = 0 if name in _FLAGS else "?"  # as a config file has them
        group.add_argument(
            name, help=argparse.SUPPRESS, default=None, action=RefusedOption, nargs=takes
        )
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = parser.parse_args(words)
    options.compile = False
    return exit_status("xpnet.doctor", lambda: _run(_with_config(parser, options, words)))


def _with_config(
    parser: OneLineParser, options: argparse.Namespace, words: list[str]
) -> argparse.Namespace:
    """Return the options with those of a config file, which the command line's own go before."""
    if options.config is None:
        return options
    of_file = [
        word
        for word in arguments_of(Path(options.config), parser)
        if word.partition("=")[0] not in _NOT_HERE
    ]
    return parser.parse_args([*of_file, *words])


def _run(options: argparse.Namespace) -> int:
    """Diagnose what the options describe, and report."""
    backend = get_backend(options.device)
    data = load_data(options)
    chosen = hyperparameters(options, len(data.X_train), is_regression=data.is_regression)
    options.quiet = quiet = options.quiet or options.json == "-"
    with backend.threads(options.threads):
        preprocess = fitted_preprocess(options, chosen, data)
        net = make_net(options, chosen, data, preprocess)
        if not quiet:
            print(f"xpnet {xpnet.__version__}: {data.name}, {worth_saying(chosen)}", flush=True)
        bar = _Bar(quiet=quiet)
        try:
            found = diagnose(
                net,
                data,
                progress=bar,
                preprocess=preprocess,
                **solver_options(options, chosen),
            )
        finally:
            bar.close()
    if options.json is not None:
        _write(found, options.json)
    if not quiet:
        print(found.text(is_whole=options.all, hint=": --all shows them"), flush=True)
    elif options.json != "-":
        print(*found.faults, *found.warnings, sep="\n", end="\n" if not found.healthy else "")
    return FAULTS if found.faults else 0


def _write(found: Diagnosis, path: str) -> None:
    """Write the verdicts as JSON."""
    text = json.dumps(found.as_dict(), indent=1) + "\n"
    if path == "-":
        print(text, end="", flush=True)
        return
    try:
        write_whole(Path(path), text.encode())
    except OSError as error:
        raise InputError(
            f"--json {path} could not be written ({error.strerror or error}): give another FILE"
        ) from error


class _Bar:
    """A bar on a terminal, with what is looked at; nothing elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = sys.stderr.isatty() and not quiet
        self._bar: Any = None

    def __call__(self, done: int, total: int, verdict: Verdict) -> None:
        """Move it."""
        if not self._shown:
            return
        if self._bar is None:
            self._bar = tqdm(total=total, unit="check", leave=False, dynamic_ncols=True)
        self._bar.set_postfix_str(verdict.name, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take it away."""
        if self._bar is not None:
            self._bar.close()


if __name__ == "__main__":
    sys.exit(main())
