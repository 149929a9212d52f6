"""Copies of a model, and which rows of the data are looked at."""

import copy
from typing import Any, TypeVar

import numpy as np

from xpnet.errors import InputError
from xpnet.model_variables import copied, variables_of
from xpnet.nets import Net
from xpnet.streams import stream

__all__ = ["few_rows", "is_float16", "own_copy"]

_T = TypeVar("_T")


def own_copy(model: _T) -> _T:
    """Return a copy of a model, so that nobody's own is changed.

    Raises:
        InputError: It cannot be copied.

    """
    if isinstance(model, Net):
        made = copy.copy(model)
        made.params, made.state = copied(variables_of(model))
        return made
    try:
        return copy.deepcopy(model)
    except Exception as error:
        raise InputError(
            f"a diagnosis works on a copy of the model, and {type(model).__name__} cannot be "
            f"copied ({error}): give it a method __deepcopy__"
        ) from error


def is_float16(model: Any) -> bool:
    """Return whether a net keeps its numbers in float16, of whichever library."""
    return isinstance(model, Net) and str(model.dtype).rpartition(".")[2] == "float16"


def few_rows(num_rows: int, most: int) -> np.ndarray:
    """Return some rows, drawn once and for all, in their order; or all."""
    if num_rows <= most:
        return np.arange(num_rows)
    return np.sort(stream(0, "diagnosis").choice(num_rows, most, replace=False))
