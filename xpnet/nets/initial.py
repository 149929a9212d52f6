"""What a net starts from: sizes that were checked, and parameters drawn on the host."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from xpnet.backends import Array, Backend
from xpnet.errors import InputError
from xpnet.initializers import Initializer, draw_weights
from xpnet.members import member_values
from xpnet.nets.storage import compute_dtype

__all__ = [
    "MAXOUT_PIECES",
    "check_choice",
    "check_keep_ratio",
    "check_size",
    "check_sizes",
    "initial_params",
    "initial_state",
    "place_members",
]

MAXOUT_PIECES = 2


def check_size(name: str, size: Any) -> int:
    """Return `size` as an int, or raise InputError unless it is a positive integer."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InputError(f"{name} must be a positive integer; got {size!r}")
    return int(size)


def check_sizes(name: str, sizes: Any) -> list[int]:
    """Return the units of each hidden layer, or raise InputError unless they are a list of sizes.

    A text or bytes would be one too, of its characters.
    """
    is_list = isinstance(sizes, Sequence) and not isinstance(sizes, str | bytes | bytearray)
    if not is_list and not (isinstance(sizes, np.ndarray) and sizes.ndim == 1):
        raise InputError(f"{name} must list the units of each hidden layer; got {sizes!r}")
    return [check_size(name, size) for size in sizes]


def check_choice(name: str, given: Any, choices: tuple[Any, ...]) -> Any:
    """Return `given`, or raise InputError unless it is one of the choices."""
    if given not in choices:
        raise InputError(f"unknown {name} {given!r}: choose one of {', '.join(map(str, choices))}")
    return given


def check_keep_ratio(value: Any, members: int | None) -> float | np.ndarray:
    """Return the share of units that dropout keeps, or raise InputError where it is out of range.

    Less than 1/65536 would keep none: a draw has 16 bits.
    """
    ratio = member_values("dropout_keep_ratio", value, members)
    if not np.all((np.asarray(ratio) >= 2**-16) & (np.asarray(ratio) <= 1)):
        raise InputError(
            "dropout_keep_ratio must be above 0, by 1/65536 at least, and at most 1, which keeps "
            f"all; got {value!r}"
        )
    return ratio


def initial_params(
    sizes: Sequence[int],
    initializer: Initializer,
    seed: int,
    *,
    pieces: int | None,
    has_norm: bool,
) -> dict[str, np.ndarray]:
    """Return the initial parameters of one net, on the host, in float64.

    Args:
        sizes: Features, units of each hidden layer, classes.
        initializer: Of the weights; biases and betas start at zero, gammas at one.
        seed: The net's seed.
        pieces: The affine pieces of a hidden maxout layer, or None.
        has_norm: Whether hidden layers have gammas and betas.

    """
    params = {}
    for i, shape in enumerate(pairwise(sizes), 1):
        is_hidden = i < len(sizes) - 1
        weights = draw_weights(initializer, shape, pieces if is_hidden else None, seed, i)
        params[f"W{i}"] = weights
        params[f"b{i}"] = np.zeros((*weights.shape[:-2], shape[1]))
        if is_hidden and has_norm:
            params[f"gamma{i}"], params[f"beta{i}"] = np.ones(shape[1]), np.zeros(shape[1])
    return params


def initial_state(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Return running means of 0 and variances of 1, by name, on the host."""
    return {name: np.full(shape, float("var" in name)) for name, shape in shapes.items()}


def place_members(
    draw: Callable[[int], Mapping[str, np.ndarray]],
    members: int | None,
    dtype: Any,
    backend: Backend,
) -> dict[str, Array]:
    """Return the arrays that `draw(k)` gives for each member, stacked and on the device.

    Those of 16 bits are float32's, rounded: not every library rounds float64 to 16 bits at once,
    and this way all start alike.
    """
    solos = [draw(k) for k in range(1 if members is None else members)]
    placed = {}
    with np.errstate(over="ignore"):  # weights beyond float32 diverge at the first step
        for name, first in solos[0].items():
            host = first if members is None else np.stack([solo[name] for solo in solos])
            if compute_dtype(dtype, backend.xp) != dtype:
                host = host.astype(np.float32)
            placed[name] = backend.asarray(host, dtype=dtype)
    return placed
