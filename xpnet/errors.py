"""The errors that xpnet raises on purpose, and what they say of a name that is unknown."""

import sys
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = [
    "BackendError",
    "CheckpointWarning",
    "DivergenceWarning",
    "InputError",
    "WatchWarning",
    "did_you_mean",
    "warn",
]


class InputError(ValueError):
    """The caller gave something wrong: the message says what, what was given, what to do."""


class BackendError(InputError):
    """The library or device asked for cannot be used: the message says what is missing.

    Attributes:
        reason: The same in a few words, without the remedy.

    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written, or is damaged: the message says which is used instead."""


class DivergenceWarning(UserWarning):
    """A loss became NaN or infinite: the message names the step, the learning rate and a remedy."""


class WatchWarning(UserWarning):
    """Something is wrong with a watched training: the message names the step and the layer."""


def did_you_mean(given: object, choices: Iterable[str], prefix: str = "") -> str:
    """Return " (did you mean X?)" with the choice that is nearest to what was given, or ""."""
    import difflib  # noqa: PLC0415 - 5 ms that an error alone needs

    close = difflib.get_close_matches(str(given).lower(), list(choices), n=1)
    return f" (did you mean {prefix}{close[0]}?)" if close else ""


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line of the caller's that called into xpnet, however deep this is."""
    level = 1
    frame: FrameType | None = sys._getframe(0)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("xpnet."):
        level += 1
        frame = frame.f_back
    warnings.warn(message, category, stacklevel=level)
