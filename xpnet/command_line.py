"""What the command lines have alike: how they end, and how they refuse what is another's."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

from xpnet.errors import InputError

__all__ = ["BAD_INPUT", "INTERRUPTED", "RefusedOption", "exit_status"]

BAD_INPUT, INTERRUPTED, _NO_READER = 2, 130, 141


class RefusedOption(argparse.Action):
    """Refuses an option of `python -m xpnet.train` that a command does not have."""

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        """End the program with the sentence."""
        parser.error(f"{given[-1]} is for python -m xpnet.train: leave it out")


def exit_status(name: str, run: Callable[[], int]) -> int:
    """Run a command and return its exit status, whatever happens.

    Args:
        name: What its errors begin with, such as "xpnet.train".
        run: The command.

    """
    try:
        return run()
    except BrokenPipeError:
        _close_output()  # whoever read the output has gone, as `| head` does
        return _NO_READER
    except InputError as error:
        reason = str(error)
    except OSError as error:
        reason = str(error)
        _close_output()  # which may be a file on a full disk
    except MemoryError as error:
        reason = f"not enough memory: {str(error) or 'the net or the data are too large for it'}"
    except KeyboardInterrupt:
        print("\ninterrupted: nothing more is written", file=sys.stderr)
        return INTERRUPTED
    print(f"{name}: error: {reason}", file=sys.stderr)
    return BAD_INPUT


def _close_output() -> None:
    """Let what is still to be written go nowhere: flushing it at exit must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
