"""Train a net for each of many configurations: `python -m xpnet.sweep --grid reg=0,0.1`."""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import xpnet
from xpnet.checks import check_count_or_none
from xpnet.command_line import INTERRUPTED, exit_status
from xpnet.data import Dataset
from xpnet.errors import InputError
from xpnet.hyperparameters import RULE_OPTIONS, hyperparameters
from xpnet.interrupts import Terminated
from xpnet.options import OneLineParser, add_options
from xpnet.presets import EXTRAS
from xpnet.run_config import config_text
from xpnet.run_folder import open_folder
from xpnet.sweep import SweepResult, sweep
from xpnet.sweep.arguments import MOST, add_space, factors_of, number_of, planned_of, space_of
from xpnet.sweep.display import Display
from xpnet.sweep.files import (
    STATE,
    begin_folder,
    read_arguments,
    refuse_other_sweep,
    write_sweep,
)
from xpnet.sweep.plan import FOLD, NAMES, check_names
from xpnet.versions import versions

__all__ = ["main"]

_AS_GIVEN = (
    *("refine", "coarse_epochs", "halving", "folds", "seeds", "seed", "processes", "device"),
    "fill_up",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 2 for input that was refused, or 130."""
    parser = OneLineParser(
        prog="python -m xpnet.sweep",
        description="Train a net for each configuration of a space, many at once, and show the "
        "best. All options of python -m xpnet.train set what the configurations have alike.",
        epilog="exit status: 0 trained, 2 input refused, 130 stopped by Ctrl-C",
        allow_abbrev=False,
        conflict_handler="resolve",
    )
    add_options(parser)
    add_space(parser.add_argument_group("space"))
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = parser.parse_args(words)
    return exit_status("xpnet.sweep", lambda: _run(*_resumed(parser, options, words)))


def _resumed(
    parser: OneLineParser, options: argparse.Namespace, words: list[str]
) -> tuple[argparse.Namespace, list[str]]:
    """Return the options and words of the sweep that is to go on, or those that were given."""
    if options.resume is None:
        return options, words
    for word in (word.partition("=")[0] for word in words if word.startswith("--")):
        if word not in ("--resume", "--processes", "--quiet"):
            raise InputError(
                f"--resume goes on with the sweep as it was, so that {word} has no meaning: leave "
                "it out"
            )
    known = read_arguments(Path(options.resume))
    again = parser.parse_args([*known, *words])
    again.out = options.resume
    return again, known


def _run(options: argparse.Namespace, words: list[str]) -> int:
    """Sweep as the options say, and report."""
    begun = time.perf_counter()
    space = space_of(options)
    for name in ("seeds", "folds", "random", "refine"):
        check_count_or_none(f"--{name}", getattr(options, name))
    number = number_of(options, space)
    if number > MOST and not options.yes:
        raise InputError(
            f"these are {number:,} nets to train ({factors_of(options, space)}): leave out values, "
            "draw some by --random N, or say --yes"
        )
    if options.out is None:
        return _swept(options, words, space, number, None, begun)
    with open_folder(options.out) as folder:
        if options.resume is None and not options.overwrite:
            refuse_other_sweep(folder)
        return _swept(options, words, space, number, folder, begun)


def _swept(
    options: argparse.Namespace,
    words: list[str],
    space: dict[str, Any],
    number: int,
    folder: Path | None,
    begun: float,
) -> int:
    """Train, and return the exit status."""
    data = xpnet.data.load(
        options.dataset, data_dir=options.data_dir, download=options.download, seed=options.seed
    )
    check_names(space, "the space")
    fixed = _fixed(options, space, data)
    if not options.quiet:
        nets = "net" if number == 1 else "nets"
        print(f"xpnet {xpnet.__version__}: {number:,} {nets} on {data.name}", flush=True)
    names = [*space, *(["seed"] if options.seeds > 1 else []), *([FOLD] if options.folds else [])]
    display = Display(names, planned_of(options, space, fixed, number), quiet=options.quiet)
    is_new = folder is not None and options.resume is None
    status = 0
    try:
        found = sweep(
            data,
            space,
            **{name: getattr(options, name) for name in _AS_GIVEN},
            num_samples=options.random,
            watch=options.watch if isinstance(options.watch, int) else options.watch is not None,
            state=None if folder is None else folder / STATE,
            callback=display.on_stack,
            tell=display.on_news if display.listens else None,
            begin=partial(begin_folder, folder, words) if folder and is_new else None,
            **{name: value for name, value in fixed.items() if name != "seed"},
        )
    except (KeyboardInterrupt, Terminated):
        if folder is not None:
            print(f"\ngo on by python -m xpnet.sweep --resume {folder}", file=sys.stderr)
        if display.result is None:
            raise
        found, status = display.result, INTERRUPTED
    finally:
        display.close()
    if status:
        print(f"stopped after {len(found.rows):,} of {number:,} nets", file=sys.stderr)
    if not options.quiet:
        seconds = time.perf_counter() - begun
        print(found, f"{len(found.rows):,} nets in {seconds:.2f} s", sep="\n", flush=True)
    if folder is not None:
        _write(folder, found, options, fixed)
    return status


def _write(
    folder: Path, found: SweepResult, options: argparse.Namespace, fixed: dict[str, Any]
) -> None:
    """Write what was found into the sweep's folder."""
    config = None
    if found.best_run is not None:
        best = {name: v for name, v in found.best_run.items() if name in NAMES}
        config = config_text(_parser_of_a_run(), options, _for_options({**fixed, **best}))
    backend = xpnet.get_backend(options.device)
    told = {
        "dataset": options.dataset,
        "device": options.device,
        "backend": backend.description,
        "versions": versions(backend),
        "fixed": fixed,
    }
    names = write_sweep(folder, found, told, config)
    if not options.quiet:
        print(f"written to {folder}: {', '.join(names)}")


def _fixed(options: argparse.Namespace, space: dict[str, Any], data: Dataset) -> dict[str, Any]:
    """Return what the configurations have alike: what was given, and the data set's defaults."""
    chosen = hyperparameters(options, len(data.X_train), is_regression=data.is_regression)
    if "update_rule" in space:  # each rule has its own numbers
        chosen = {name: v for name, v in chosen.items() if name not in RULE_OPTIONS}
    return {
        name: None if value == "none" else value
        for name, value in chosen.items()
        if name in NAMES and name not in space and not _says_nothing(name, value)
    }


def _parser_of_a_run() -> OneLineParser:
    """Return the parser of `python -m xpnet.train`, whose config the best net has."""
    parser = OneLineParser(allow_abbrev=False)
    add_options(parser)
    return parser


def _for_options(chosen: dict[str, Any]) -> dict[str, Any]:
    """Return hyperparameters as options have them."""
    named = ("preprocess", "normalization")
    return {name: "none" if v is None and name in named else v for name, v in chosen.items()}


def _says_nothing(name: str, value: Any) -> bool:
    return name != "loss" and name in EXTRAS and EXTRAS[name] == value
