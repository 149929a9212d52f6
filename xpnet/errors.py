"""The errors that xpnet raises on purpose."""

__all__ = ["BackendError", "DivergenceWarning", "InputError"]


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


class DivergenceWarning(UserWarning):
    """A loss became NaN or infinite: the message names the step, the learning rate and a remedy."""
