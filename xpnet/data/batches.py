"""Batches: which rows each step of an epoch sees, and how they become floats."""

from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from xpnet.backends import Array
from xpnet.errors import InputError
from xpnet.streams import brief_stream

__all__ = [
    "Sampling",
    "Split",
    "check_sampling",
    "epoch_rows",
    "gather",
    "sample_rows",
    "take_rows",
]

Sampling = Literal["shuffle", "replacement"]


class Split(NamedTuple):
    """A part of the data, where its trainer wants it."""

    X: Array  # (N, d1, ..., dk), in the dtype that the caller gave
    y: Array  # (N,)
    is_preprocessed: bool = False
    rows: np.ndarray | None = None  # those that are meant, if not all are


def check_sampling(sampling: str) -> None:
    """Raise InputError unless `sampling` is a known way to draw batches."""
    if sampling not in get_args(Sampling):
        raise InputError(
            f"unknown sampling {sampling!r}: choose one of {', '.join(get_args(Sampling))}"
        )


def epoch_rows(
    num_train: int, batch_size: int, seeds: list[int], epoch: int, sampling: str
) -> np.ndarray:
    """Return the training rows of every step of one epoch.

    An epoch has num_train // batch_size steps. With "shuffle" no row comes twice, and the tail that
    does not fill a batch is left out, another one in each epoch. With "replacement" every batch is
    drawn from all rows, as in the notes, so that an epoch misses about a third of them.

    Returns:
        An integer array of shape (steps, batch_size) where all seeds are equal, and otherwise of
        shape (steps, len(seeds), batch_size).

    """
    steps = num_train // batch_size
    orders = {
        seed: _draw(num_train, (steps, batch_size), seed, epoch, sampling) for seed in set(seeds)
    }
    if len(orders) == 1:
        return orders[seeds[0]]
    return np.stack([orders[seed] for seed in seeds], axis=1)


def _draw(
    num_train: int, shape: tuple[int, int], seed: int, epoch: int, sampling: str
) -> np.ndarray:
    rng = brief_stream(seed, "order", epoch)
    if sampling == "replacement":
        return rng.integers(num_train, size=shape)
    return rng.permutation(num_train)[: shape[0] * shape[1]].reshape(shape)


def sample_rows(num_rows: int, num_samples: int, index: int) -> np.ndarray:
    """Return different rows to measure accuracy on, all of them where there are no more.

    They do not depend on a run's seed, so that the members of a stack share them.
    """
    rng = brief_stream(0, "accuracy", index)
    return rng.choice(num_rows, size=min(num_samples, num_rows), replace=False)


def gather(X: Array, y: Array, rows: Array, dtype: Any, xp: Any) -> tuple[Array, Array]:
    """Return the inputs and labels of `rows`, the inputs as a new array of `dtype`.

    Args:
        X: All inputs, of shape (N, D).
        y: All labels (N,), or targets (N,) or (N, C).
        rows: Row numbers of shape (B,), or (members, B).
        dtype: The dtype of the inputs returned.
        xp: The namespace.

    """
    return xp.astype(take_rows(X, rows, xp), dtype, copy=False), take_rows(y, rows, xp)


def take_rows(x: Array, rows: Array, xp: Any) -> Array:
    """Return the rows of `x` (N, ...) that `rows`, (B,) or (members, B), names."""
    if len(rows.shape) == 1:
        return xp.take(x, rows, axis=0)
    taken = xp.take(x, xp.reshape(rows, (-1,)), axis=0)
    return xp.reshape(taken, (*rows.shape, *x.shape[1:]))
