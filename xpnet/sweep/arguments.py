"""What a sweep is asked for on the command line: its options, its space, and how much that is."""

import argparse
import math
from typing import Any

from xpnet.command_line import RefusedOption
from xpnet.errors import InputError
from xpnet.options import add_options
from xpnet.sweep.halving import planned_epochs
from xpnet.sweep.plan import NAMES
from xpnet.sweep.space import (
    Choice,
    Distribution,
    parse_distribution,
    parse_value,
    spelt_size,
)
from xpnet.sweep.values import values_of

__all__ = ["MOST", "add_space", "factors_of", "number_of", "planned_of", "space_of"]

MOST = 10_000  # nets without --yes
_WITH_DEFAULTS = ("seed", "dtype", "sampling", "preprocess")
_WHOLE = ("hidden_dims", "batch_size", "num_epochs", "patience", "seed")


def add_space(group: argparse._ArgumentGroup) -> None:
    """Add the options of the space, and take those away that a sweep has not."""
    _add_configurations(group)
    _add_trainings(group)
    group.add_argument(
        "--out",
        metavar="DIR",
        help="keep the state there, and at the end results.csv, curves.csv, summary.json, a "
        "picture, report.html and best/ with the best net; one that holds a sweep is refused",
    )
    for name in (
        *("--config", "--profile", "--checkpoint-every", "--checkpoints-kept"),
        *("--compile", "--precision", "--threads", "--print-every"),
    ):
        group.add_argument(
            name, help=argparse.SUPPRESS, default=None, action=RefusedOption, nargs="?"
        )


def _add_configurations(group: argparse._ArgumentGroup) -> None:
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


def _add_trainings(group: argparse._ArgumentGroup) -> None:
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
    group.add_argument("--yes", action="store_true", help=f"train more than {MOST:,} nets")
    group.add_argument(
        "--no-fill-up",
        action="store_false",
        dest="fill_up",
        help="train small nets of each hidden size apart, to the bits that they would have alone",
    )


def space_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the space that the options describe.

    Raises:
        InputError: A part of it is no name with values, or is given elsewhere too.

    """
    space: dict[str, Any] = {}
    aliases = _aliases()
    for kind, text in [
        *(("--grid", text) for text in options.grid),
        *(("--space", text) for text in options.space),
    ]:
        given, equals, values = text.partition("=")
        name = given.strip().lstrip("-").replace("-", "_")
        name = aliases.get(name, name)
        if not equals or not values.strip():
            raise InputError(f"{kind} takes NAME=VALUES, such as {kind} reg=0,0.1; got {text!r}")
        if name in space:
            raise InputError(f"{given} is in the space twice: join its values by commas")
        fixed = getattr(options, name, None)
        if name not in _WITH_DEFAULTS and fixed is not None:
            raise InputError(
                f"{given} is in the space and is fixed at {fixed} too: leave one of them out"
            )
        space[name] = _drawn(name, values) if kind == "--space" else _listed(name, values)
    if not space:
        raise InputError(
            "there is nothing to sweep: give --grid NAME=A,B,... or --space NAME=DISTRIBUTION, "
            f"such as --grid reg=0,0.1; NAME is one of {', '.join(NAMES)}"
        )
    return space


def _aliases() -> dict[str, str]:
    """Return the hyperparameters by the names of their options, and by one that everybody tries."""
    parser = argparse.ArgumentParser(add_help=False)
    add_options(parser)
    named = {
        option.lstrip("-").replace("-", "_"): action.dest
        for action in parser._actions
        for option in action.option_strings
    }
    return {option: name for option, name in named.items() if name in NAMES} | {
        "lr": "learning_rate"
    }


def _listed(name: str, values: str) -> list[Any]:
    """Return the values of --grid."""
    if "(" in values:
        raise InputError(
            f"--grid takes values, and {values!r} is a distribution: use --space {name}={values} "
            "with --random N"
        )
    return [_value(name, item.strip()) for item in values.split(",")]


def _drawn(name: str, values: str) -> Distribution:
    """Return the distribution of --space."""
    found = parse_distribution(values)
    if isinstance(found, Choice):
        items = values.strip().removeprefix("choice(").removesuffix(")").split(",")
        return Choice(tuple(_value(name, item.strip()) for item in items))
    if name in _WHOLE:
        raise InputError(f"{name} takes whole numbers: draw it by choice(A,B,...); got {values!r}")
    return found


def _value(name: str, item: str) -> Any:
    if name != "hidden_dims":
        return parse_value(item)
    try:
        return [int(size) for size in item.split("x")]
    except ValueError as error:
        raise InputError(
            f"hidden-dims takes sizes such as 100, or 100x50 for two layers; got {item!r}"
        ) from error


def number_of(options: argparse.Namespace, space: dict[str, Any]) -> int:
    """Return how many nets there are to train."""
    drawn = options.random
    if drawn is None:
        drawn = math.prod(1 if isinstance(v, Distribution) else len(v) for v in space.values())
    return int((drawn + (options.refine or 0)) * options.seeds * (options.folds or 1))


def factors_of(options: argparse.Namespace, space: dict[str, Any]) -> str:
    """Return what would be trained: "10 learning_rate x 4 reg x 5 seeds"."""
    if options.random is not None:
        parts = [f"{options.random + (options.refine or 0):,} drawn"]
    else:
        parts = [spelt_size(name, values) for name, values in space.items()]
    parts += [f"{options.seeds} seeds"] if options.seeds > 1 else []
    parts += [f"{options.folds} folds"] if options.folds else []
    return " x ".join(parts)


def planned_of(
    options: argparse.Namespace, space: dict[str, Any], fixed: dict[str, Any], number: int
) -> float:
    """Return the epochs of all nets together."""
    most = [v for v in values_of(space.get("num_epochs")) if isinstance(v, int)]
    epochs = max(most, default=fixed.get("num_epochs", 10))
    each = options.seeds * (options.folds or 1)
    stages = [(number // each, epochs)]
    if options.refine and options.random:
        stages = [(options.random, options.coarse_epochs or epochs), (options.refine, epochs)]
    total = sum(
        planned_epochs(length, units)
        if options.halving and units > 1 and length > 1
        else units * length
        for units, length in stages
    )
    return float(each * total)
