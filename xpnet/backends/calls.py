"""The arrays that the calls of a tape touch, and the same calls on arrays that lie elsewhere."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

__all__ = [
    "Call",
    "Moved",
    "Places",
    "address",
    "arrays_in",
    "laid_out",
    "moved",
    "replaced",
    "root",
]

Call = Callable[[], Any]
Moved = Callable[[np.ndarray], np.ndarray]
# By the address of an allocation: the new one, and at which byte of it the old one begins.
Places = dict[int, tuple[np.ndarray, int]]


def arrays_in(x: Any) -> Iterator[np.ndarray]:
    """Yield the arrays of calls, also those among nested arguments and that methods are of."""
    if isinstance(x, np.ndarray):
        yield x
    elif isinstance(x, list | tuple):
        for item in x:
            yield from arrays_in(item)
    elif isinstance(x, dict):
        yield from arrays_in(list(x.values()))
    elif isinstance(x, partial):
        yield from arrays_in([x.func, x.args, x.keywords])
    elif isinstance(owner := getattr(x, "__self__", None), np.ndarray):
        yield owner


def replaced(x: Any, change: Moved) -> Any:
    """Return a call, or nested arguments, with other arrays."""
    if isinstance(x, np.ndarray):
        return change(x)
    if isinstance(x, list | tuple):
        return type(x)([replaced(item, change) for item in x])
    if isinstance(x, dict):
        return {name: replaced(item, change) for name, item in x.items()}
    if isinstance(x, partial):
        return partial(
            replaced(x.func, change), *replaced(x.args, change), **replaced(x.keywords, change)
        )
    owner = getattr(x, "__self__", None)  # as of x.take
    return getattr(change(owner), x.__name__) if isinstance(owner, np.ndarray) else x


def root(x: np.ndarray) -> np.ndarray:
    """Return the array whose memory this one is a view of."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def address(x: np.ndarray) -> int:
    """Return where an array begins in memory."""
    return int(x.__array_interface__["data"][0])


def laid_out(columns: Iterable[tuple[int, ...]], roots: dict[int, np.ndarray]) -> Places:
    """Return one new allocation for those of each column, with their numbers, one after another.

    Args:
        columns: Addresses of allocations.
        roots: The arrays that own them.

    """
    places: Places = {}
    for column in columns:
        whole = np.concatenate([roots[own].ravel(order="K") for own in column])
        start = 0
        for own in column:
            places[own] = whole, start
            start += roots[own].nbytes
    return places


def moved(x: np.ndarray, places: Places) -> np.ndarray:
    """Return an array, or a view, at its new place, or itself where it has none."""
    own = address(root(x))
    if own not in places:
        return x
    whole, start = places[own]
    return np.ndarray(x.shape, x.dtype, whole, start + address(x) - own, x.strides)
