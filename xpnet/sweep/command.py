"""Train a net for each of many configurations: `python -m xpnet.sweep --grid reg=0,0.1`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

import xpnet
from xpnet.checks import check_count
from xpnet.command_line import INTERRUPTED, exit_status
from xpnet.data import Dataset
from xpnet.errors import InputError
from xpnet.hyperparameters import RULE_OPTIONS, hyperparameters
from xpnet.interrupts import Terminated
from xpnet.options import OneLineParser, add_options
from xpnet.presets import EXTRAS
from xpnet.run_folder import open_folder
from xpnet.sweep import SweepResult, sweep
from xpnet.sweep.files import (
    STATE,
    begin_folder,
    forget_arguments,
    read_arguments,
    refuse_other_sweep,
    write_sweep,
)
from xpnet.sweep.plan import NAMES, check_names
from xpnet.sweep.space import Distribution, configurations, parse_distribution, parse_value

__all__ = ["main"]

_MOST = 10_000  # configurations without --yes


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
    _add_space(parser.add_argument_group("space"))
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = parser.parse_args(words)
    return exit_status("xpnet.sweep", lambda: _run(*_resumed(parser, options, words)))


def _add_space(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="NAME=A,B,...",
        help="values of a hyperparameter, each with each of the others; may be repeated; sizes of "
        "several hidden layers are joined by x: hidden-dims=50,100,100x50",
    )
    group.add_argument(
        "--space",
        action="append",
        default=[],
        metavar="NAME=DISTRIBUTION",
        help="where --random draws a hyperparameter from: loguniform(1e-5,1e-2), uniform(0,1) or "
        "choice(A,B,...); may be repeated",
    )
    group.add_argument(
        "--random", type=int, metavar="N", help="draw N configurations, of --grid and of --space"
    )
    group.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="train each with N seeds (default: 1)"
    )
    group.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="stacks of nets that train at a time (default: one a core where that is worth it)",
    )
    group.add_argument(
        "--resume",
        metavar="DIR",
        help="go on with the sweep in this folder, to the same table as if it had not been stopped",
    )
    group.add_argument(
        "--yes", action="store_true", help=f"train more than {_MOST:,} configurations"
    )
    # What a sweep has not.
    for name in (
        *("--config", "--profile", "--checkpoint-every", "--checkpoints-kept"),
        *("--compile", "--precision", "--threads", "--print-every"),
    ):
        group.add_argument(name, help=argparse.SUPPRESS, default=None, action=_NotHere)


class _NotHere(argparse.Action):
    """Refuses an option of the trainings that a sweep has not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "nargs": "?"})

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        parser.error(f"{given[-1]} is for python -m xpnet.train: leave it out")


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
    space = _space(options)
    check_count("--seeds", options.seeds)
    number = len(configurations(space, options.random, options.seed)) * options.seeds
    if number > _MOST and not options.yes:
        raise InputError(
            f"these are {number:,} configurations: leave out values, draw some by --random N, or "
            "say --yes"
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
    data = xpnet.data.load(
        options.dataset, data_dir=options.data_dir, download=options.download, seed=options.seed
    )
    check_names(space, "the space")
    fixed = _fixed(options, space, data)
    if not options.quiet:
        print(f"xpnet {xpnet.__version__}: {number:,} configurations of {data.name}", flush=True)
    if folder is not None and options.resume is None:
        begin_folder(folder, words)  # now that all else is known to be right
    watch = _Watch(number, quiet=options.quiet)
    status = 0
    try:
        found = sweep(
            data,
            space,
            num_samples=options.random,
            seeds=options.seeds,
            seed=options.seed,
            processes=options.processes,
            device=options.device,
            state=None if folder is None else folder / STATE,
            callback=watch,
            **{name: value for name, value in fixed.items() if name != "seed"},
        )
    except (KeyboardInterrupt, Terminated):
        if watch.result is None:
            raise
        found, status = watch.result, INTERRUPTED
        print(f"\nstopped after {len(found.rows):,} of {number:,} configurations", file=sys.stderr)
    except InputError:
        if folder is not None and options.resume is None and watch.result is None:
            forget_arguments(folder)  # of a sweep that never began
        raise
    finally:
        watch.close()
    seconds = time.perf_counter() - begun
    if not options.quiet:
        print(found, f"{len(found.rows):,} nets in {seconds:.2f} s", sep="\n", flush=True)
    if folder is not None:
        names = write_sweep(folder, found, {"dataset": options.dataset, "fixed": fixed})
        if not options.quiet:
            print(f"written to {folder}: {', '.join(names)}")
    return status


def _space(options: argparse.Namespace) -> dict[str, Any]:
    """Return the space that the options describe."""
    space: dict[str, Sequence[Any] | Distribution] = {}
    for kind, text in [
        *(("--grid", text) for text in options.grid),
        *(("--space", text) for text in options.space),
    ]:
        given, equals, values = text.partition("=")
        name = given.strip().replace("-", "_")
        name = {"hidden_dim": "hidden_dims"}.get(name, name)
        if not equals or not values.strip():
            raise InputError(f"{kind} takes NAME=VALUES, such as {kind} reg=0,0.1; got {text!r}")
        if name in space:
            raise InputError(f"{given} is in the space twice: join its values by commas")
        if kind == "--space":
            space[name] = parse_distribution(values)
        else:
            space[name] = [_value(name, item.strip()) for item in values.split(",")]
    if not space:
        raise InputError(
            "there is nothing to sweep: give --grid NAME=A,B,... or --space NAME=DISTRIBUTION, "
            f"with NAME of {', '.join(NAMES)}"
        )
    return space


def _value(name: str, item: str) -> Any:
    if name != "hidden_dims":
        return parse_value(item)
    try:
        return [int(size) for size in item.split("x")]
    except ValueError as error:
        raise InputError(
            f"hidden-dims takes sizes such as 100, or 100x50 for two layers; got {item!r}"
        ) from error


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


def _says_nothing(name: str, value: Any) -> bool:
    return name != "loss" and name in EXTRAS and EXTRAS[name] == value


class _Watch:
    """Shows how a sweep goes on: a bar on a terminal, elsewhere a line for each configuration."""

    def __init__(self, number: int, *, quiet: bool) -> None:
        self.result: SweepResult | None = None
        self._quiet = quiet
        self._said: set[int] = set()
        on_terminal = sys.stderr.isatty() and sys.stdout.isatty()
        self._bar: Any = None
        if on_terminal and not quiet:
            self._bar = tqdm(total=number, unit="net", leave=False, dynamic_ncols=True)

    def __call__(self, result: SweepResult) -> None:
        """Take note of a stack that is done."""
        self.result = result
        new = [row for row in result.rows if row["number"] not in self._said]
        self._said |= {row["number"] for row in new}
        if self._bar is not None:
            best = result.best
            values = " ".join(f"{name} {best[name]}" for name in result.names)
            self._bar.set_postfix_str(f"best {best['val_accuracy']:.4f}: {values}", refresh=False)
            self._bar.update(len(new))
        elif not self._quiet:
            for row in new:
                values = " ".join(f"{name} {row[name]}" for name in result.names)
                accuracies = f"train {row['train_accuracy']:.6f} val {row['val_accuracy']:.6f}"
                print(f"{values} {accuracies}", flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
