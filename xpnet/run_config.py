"""config.toml: the options of a run by their names, which make the same run again."""

import argparse
import os
import reprlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from xpnet.errors import InputError, did_you_mean
from xpnet.presets import PRESETS
from xpnet.versions import __version__

__all__ = ["CONFIG", "arguments_of", "config_text"]

CONFIG = "config.toml"

# What says where a run goes and how it is watched, and not which run it is.
_NOT_OF_A_RUN = {
    *("help", "version", "list", "out", "config", "resume", "overwrite"),
    *("quiet", "profile", "download"),
}
_LARGEST = 2**20  # bytes; ours have a few hundred


def config_text(
    parser: argparse.ArgumentParser, options: argparse.Namespace, chosen: Mapping[str, Any]
) -> str:
    """Return the file's content.

    Args:
        parser: Of the command line.
        options: What it found.
        chosen: The hyperparameters in place of those that were not given.

    """
    values = {}
    for name, action in _options(parser).items():
        value = chosen.get(action.dest, getattr(options, action.dest))
        if action.dest == "data_dir" or (action.dest == "dataset" and value not in PRESETS):
            value = None if value is None else os.path.abspath(value)  # from wherever it is read
        if value is not None and value is not False:
            values[name] = _text(name, value) if isinstance(value, list) else value
    for name, value in values.items():
        if isinstance(value, str) and value != value.encode("utf-8", "replace").decode():
            raise InputError(
                f"--{name} {value!r} is no Unicode text, as {CONFIG} asks for: rename it"
            )
    head = f"# xpnet {__version__}: python -m xpnet.train --config FILE makes this run again\n"
    return head + tomli_w.dumps(values)


def arguments_of(path: Path, parser: argparse.ArgumentParser) -> list[str]:
    """Return the options of a file as the command line would have them.

    Raises:
        InputError: The file cannot be read, is no TOML, or has what is no option.

    """
    arguments = []
    options = _options(parser)
    for name, value in _read(path).items():
        if name not in options:
            hint = did_you_mean(name.lstrip("-"), options)
            raise InputError(f"{path}: {name!r} is no option of a run{hint}")
        is_flag = options[name].nargs == 0
        if isinstance(value, bool) != is_flag:
            wanted = (
                "true or false" if is_flag else "a text, a number of 64 bits, or a list of them"
            )
            raise InputError(f"{path}: {name} must be {wanted}; got {_shown(value)}")
        if is_flag:
            arguments += [f"--{name}"] if value else []
        else:
            arguments.append(f"--{name}={_text(f'{path}: {name}', value)}")
    return arguments


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Return the options that a run is made of, by their longest names."""
    named = {
        action.option_strings[-1].lstrip("-"): action
        for action in parser._actions
        if action.option_strings
    }
    return {name: action for name, action in named.items() if name not in _NOT_OF_A_RUN}


def _read(path: Path) -> dict[str, Any]:
    """Return what a TOML file says."""
    if not path.is_file():
        what = "is no file" if path.exists() else "is not there"
        raise InputError(f"{path} {what}: give the config.toml of a run")
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"cannot open {path} ({error.strerror or error})") from error
    if len(content) > _LARGEST:
        raise InputError(f"{path} is larger than {_LARGEST:,} bytes: it is no config of a run")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise InputError(f"{path} is no TOML file ({reason})") from error


def _text(what: str, value: Any) -> str:
    """Return a value as it stands on a command line."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(_is_plain(item) for item in items):
        raise InputError(
            f"{what} must be a text, a number of 64 bits, or a list of them; got {_shown(value)}"
        )
    return ",".join(item if isinstance(item, str) else repr(item) for item in items)


def _is_plain(item: Any) -> bool:
    """Return whether an item is a text, or a number of 64 bits: no option takes a longer one."""
    return type(item) in (str, float) or (type(item) is int and item.bit_length() <= 64)


def _shown(value: Any) -> str:
    """Return a value for a message, however deep or long it is."""
    try:
        return reprlib.repr(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__}"
