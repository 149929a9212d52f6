"""The values of a sweep, as plain Python has them, and checked where a stack is cut by them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.checks import check_count
from xpnet.errors import InputError
from xpnet.nets.initial import check_sizes

__all__ = ["check_values", "plain_value", "values_of"]

_COUNTS = ("batch_size", "num_epochs")
_NAMED = ("activation", "loss", "normalization", "dtype", "sampling")


def plain_value(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's, also in a list, and others as given."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    return value


def check_values(configuration: Mapping[str, Any]) -> None:
    """Raise InputError unless what says how stacks are cut is of its kind.

    All else is refused by the net and the Solver that get it.
    """
    for name in _COUNTS:
        if name in configuration:
            check_count(name, configuration[name])
    if "hidden_dims" in configuration:
        given = configuration["hidden_dims"]
        if isinstance(given, int):
            raise InputError(
                f"hidden_dims lists the units of each hidden layer; got {given}: give [[{given}]], "
                "of one net with one hidden layer"
            )
        check_sizes("hidden_dims", given)
    for name in _NAMED:
        value = configuration.get(name)
        if value is not None and not isinstance(value, str):
            raise InputError(f"{name} must be a name; got {value!r}")


def values_of(values: Any) -> list[Any]:
    """Return the values that a space lists for a name, or nothing of a distribution without."""
    listed = getattr(values, "values", values)  # of a Choice
    return list(listed) if isinstance(listed, list | tuple) else []
