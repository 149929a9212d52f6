"""Train a net for each of many configurations: `python -m xpnet.sweep --grid reg=0,0.1`."""

import argparse
import math
import sys
import time
from collections.abc import Sequence
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
from xpnet.sweep import sweep
from xpnet.sweep.display import Display
from xpnet.sweep.files import (
    STATE,
    begin_folder,
    forget_arguments,
    read_arguments,
    refuse_other_sweep,
    write_sweep,
)
from xpnet.sweep.halving import planned_epochs
from xpnet.sweep.plan import FOLD, NAMES, check_names
from xpnet.sweep.space import Distribution, parse_distribution, parse_value, spelt_size

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
        "--refine",
        type=int,
        metavar="N",
        help="draw N more around the best of --random: ranges a third as wide",
    )
    group.add_argument(
        "--coarse-epochs",
        type=int,
        metavar="N",
        help="epochs of those before --refine (default: as many as the others)",
    )
    group.add_argument(
        "--halving",
        action="store_true",
        help="let the better half go on after an eighth, a quarter and a half of the epochs",
    )
    group.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="train each K times, with each K-th of the training part once as validation part; "
        "the best by the mean then trains on all of it",
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
        *("--compile", "--precision", "--threads", "--print-every", "--watch"),
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
    for name in ("seeds", "folds", "random", "refine"):
        check_count_or_none(f"--{name}", getattr(options, name))
    number = _number(options, space)
    if number > _MOST and not options.yes:
        raise InputError(
            f"these are {number:,} nets to train ({_factors(options, space)}): leave out values, "
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
    data = xpnet.data.load(
        options.dataset, data_dir=options.data_dir, download=options.download, seed=options.seed
    )
    check_names(space, "the space")
    fixed = _fixed(options, space, data)
    if not options.quiet:
        print(f"xpnet {xpnet.__version__}: {number:,} nets on {data.name}", flush=True)
    if folder is not None and options.resume is None:
        begin_folder(folder, words)  # now that all else is known to be right
    names = [*space, *(["seed"] if options.seeds > 1 else []), *([FOLD] if options.folds else [])]
    display = Display(names, _planned(options, space, fixed, number), quiet=options.quiet)
    status = 0
    try:
        found = sweep(
            data,
            space,
            num_samples=options.random,
            refine=options.refine,
            coarse_epochs=options.coarse_epochs,
            halving=options.halving,
            folds=options.folds,
            seeds=options.seeds,
            seed=options.seed,
            processes=options.processes,
            device=options.device,
            state=None if folder is None else folder / STATE,
            callback=display.on_stack,
            tell=display.on_news if display.listens else None,
            **{name: value for name, value in fixed.items() if name != "seed"},
        )
    except (KeyboardInterrupt, Terminated):
        if display.result is None:
            raise
        found, status = display.result, INTERRUPTED
    except InputError:
        if folder is not None and options.resume is None and display.result is None:
            forget_arguments(folder)  # of a sweep that never began
        raise
    finally:
        display.close()
    if status:
        print(f"\nstopped after {len(found.rows):,} of {number:,} nets", file=sys.stderr)
    seconds = time.perf_counter() - begun
    if not options.quiet:
        print(found, f"{len(found.rows):,} nets in {seconds:.2f} s", sep="\n", flush=True)
    if folder is not None:
        told = {"dataset": options.dataset, "fixed": fixed}
        config = None
        if found.best_run is not None:
            best = {name: v for name, v in found.best_run.items() if name in NAMES}
            config = config_text(_parser_of_a_run(), options, _for_options({**fixed, **best}))
        names = write_sweep(folder, found, told, config)
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


def _number(options: argparse.Namespace, space: dict[str, Any]) -> int:
    """Return how many nets there are to train."""
    drawn = options.random
    if drawn is None:
        drawn = math.prod(1 if isinstance(v, Distribution) else len(v) for v in space.values())
    return int((drawn + (options.refine or 0)) * options.seeds * (options.folds or 1))


def _factors(options: argparse.Namespace, space: dict[str, Any]) -> str:
    """Return what would be trained: "10 learning_rate x 4 reg x 5 seeds"."""
    if options.random is not None:
        parts = [f"{options.random + (options.refine or 0):,} drawn"]
    else:
        parts = [spelt_size(name, values) for name, values in space.items()]
    parts += [f"{options.seeds} seeds"] if options.seeds > 1 else []
    parts += [f"{options.folds} folds"] if options.folds else []
    return " x ".join(parts)


def _planned(
    options: argparse.Namespace, space: dict[str, Any], fixed: dict[str, Any], number: int
) -> float:
    """Return the epochs of all nets together."""
    most = [v for v in space.get("num_epochs", ()) if isinstance(v, int)]
    epochs = max(most, default=fixed.get("num_epochs", 10))
    if options.halving and number > 1 and epochs > 1:
        return planned_epochs(epochs, number)
    fine = number
    if options.refine and options.coarse_epochs:
        fine = number * options.refine // (options.random + options.refine)
    return fine * epochs + (number - fine) * (options.coarse_epochs or 0)


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
