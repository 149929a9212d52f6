"""Train a fully connected net from the command line: `python -m xpnet.train`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xpnet
from xpnet.choices import choices_text
from xpnet.command_line import exit_status
from xpnet.errors import InputError
from xpnet.hyperparameters import RULE_OPTIONS
from xpnet.options import OneLineParser, add_options
from xpnet.run_config import CONFIG, arguments_of
from xpnet.training_run import run

__all__ = ["main"]

# How a run is done, and not which run it is.
_WITH_RESUME = (
    *("--resume", "--num-epochs", "--dataset", "--data-dir", "--device", "--compile"),
    *("--precision", "--threads"),
    *("--print-every", "--checkpoint-every", "--checkpoints-kept", "--profile", "--quiet"),
    "--watch",
)
# What a config has for one of these has no meaning for another.
_REPLACED = {
    "--update-rule": (
        "--learning-rate",
        *(f"--{name.replace('_', '-')}" for name in RULE_OPTIONS),
    ),
    "--initializer": ("--weight-scale",),
    "--device": ("--threads", "--compile", "--precision"),
    "--dataset": ("--data-dir",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 after a training; 1 if it diverged; 2 for input that was refused; 130 after Ctrl-C, 143 after
    SIGTERM.
    """
    started = time.perf_counter()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = OneLineParser(
        prog="python -m xpnet.train",
        description="Train a fully connected net. Without options: on handwritten digits, in a "
        "second.",
        epilog="exit status: 0 trained, 1 diverged, 2 input refused, 130 stopped by Ctrl-C, 143 by "
        "SIGTERM",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"xpnet {xpnet.__version__}")
    parser.add_argument("--list", action=_ListChoices, nargs=0, help="print what can be chosen")
    add_options(parser)
    options = parser.parse_args(arguments)
    return exit_status(
        "xpnet.train", lambda: run(parser, _with_config(parser, options, arguments), started)
    )


class _ListChoices(argparse.Action):
    """Prints the choices and ends, as --version does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(choices_text())
        parser.exit()


def _with_config(
    parser: OneLineParser, options: argparse.Namespace, arguments: list[str]
) -> argparse.Namespace:
    """Return the options with those of a config file, which the command line's own go before."""
    if options.resume is None and options.config is None:
        return options
    path = Path(options.config) if options.resume is None else Path(options.resume) / CONFIG
    if options.resume is not None:
        for option in [word.partition("=")[0] for word in arguments if word.startswith("--")]:
            if option not in _WITH_RESUME:
                raise InputError(
                    f"--resume goes on with the run as it was, so that {option} has no meaning: "
                    f"leave it out, or start another run from --config {path}"
                )
        if not path.is_file() or path.is_symlink():
            raise InputError(_no_run(Path(options.resume)))
    given = {word.partition("=")[0] for word in arguments}
    replaced = {name for option, names in _REPLACED.items() if option in given for name in names}
    of_file = [
        word for word in arguments_of(path, parser) if word.partition("=")[0] not in replaced
    ]
    parser.where = f"{path}: "
    saved = parser.parse_args(of_file)  # alone, so that an error in it is said to be there
    parser.where = ""
    options = parser.parse_args([*of_file, *arguments])
    if options.resume is not None:
        options.out = options.resume
        options.last_epoch = options.num_epochs if "--num-epochs" in given else None
        options.num_epochs = saved.num_epochs
    return options


def _no_run(folder: Path) -> str:
    """Return why a folder cannot be resumed."""
    if (folder.parent / CONFIG).is_file():
        return f"--resume takes the folder of a run: give --resume {folder.parent}"
    why = f"there is no {CONFIG} in it" if folder.is_dir() else "it is not there"
    return f"{folder} holds no run, as {why}: give the folder of an earlier --out"


if __name__ == "__main__":
    sys.exit(main())
