"""Dropout: each unit is left out of a step with a chance, so that none can lean on another.

Inverted: what is kept is divided by the ratio that is kept, so that its mean stays and test mode
does nothing at all. The random numbers are drawn on the host from a counted stream, hence the same
masks on every backend. They are 16 bits each, a quarter of what a uniform number takes to move.

Reference: N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
overfitting", JMLR 15, 2014; Stanford CS231n, "Neural Networks Part 2", inverted dropout.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from xpnet.backends import Array, array_namespace, is_host_array
from xpnet.errors import InputError
from xpnet.layers.checks import floating_namespace
from xpnet.members import as_floats, per_member
from xpnet.streams import stream

__all__ = ["DropoutCache", "draw_dropout", "dropout_backward", "dropout_forward", "keep_threshold"]

_STEPS = 2**16  # the values of a draw, from -_STEPS / 2 on


class DropoutCache(NamedTuple):
    """What the backward pass of dropout needs."""

    mask: Array  # 0 or 1 / keep_ratio, (N, D) where all members share it, or (..., N, D)


def dropout_forward(
    x: Array,
    draws: Array,
    keep_ratio: float | Array,
    *,
    threshold: int | Array | None = None,
    xp: Any = None,
) -> tuple[Array, DropoutCache]:
    """Return x / keep_ratio where an element is kept, otherwise 0, and the cache. NaN stays NaN.

    An element is kept where its draw is less than `keep_threshold(keep_ratio)`. For training alone:
    in test mode there is nothing to do.

    Args:
        x: Inputs of shape (..., N, D).
        draws: From `draw_dropout`: int16 of shape (N, D), shared by all members, or (..., N, D).
        keep_ratio: The chance to be kept, above 0 and at most 1: a Python number, or an array of
            the member shape on the device, in the dtype of `x`.
        threshold: `keep_threshold(keep_ratio)`, from a loop that has taken it once, as a Python
            number or an int32 array of the member shape on the device.
        xp: The namespace, from a caller that has checked the arguments.

    Returns:
        The output, of the shape of `x`, and the cache.

    Raises:
        InputError: The shapes or dtypes do not fit, or a ratio (seen on the host alone) is out of
            range.

    """
    if xp is None:
        xp = floating_namespace("dropout", x=x)
        keep_ratio = _checked_ratio(x, draws, keep_ratio, xp)
    if threshold is None:
        threshold = keep_threshold(keep_ratio)
    # In int32, as the threshold that keeps all is one above the largest int16.
    kept = xp.astype(draws, xp.int32) < per_member(threshold, x, xp=xp)
    mask = xp.astype(kept, x.dtype) / per_member(keep_ratio, x, xp=xp)
    return x * mask, DropoutCache(mask)


def dropout_backward(dout: Array, cache: DropoutCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: dout / keep_ratio where it was kept, otherwise 0.

    Raises:
        InputError: `dout` does not have the axes of the mask as its last ones.

    """
    mask = cache.mask
    if xp is None:
        array_namespace(dout, mask)
        if tuple(dout.shape[-len(mask.shape) :]) != tuple(mask.shape):
            raise InputError(
                f"dropout: dout must have the output's shape, which ends with "
                f"{tuple(mask.shape)}; got {tuple(dout.shape)}"
            )
    return dout * mask


def keep_threshold(keep_ratio: float | Array) -> int | Array:
    """Return round(65536 keep_ratio) - 32768, below which a draw keeps its element.

    So the share that is kept is the ratio to 1/131072. The ratio is rounded to float32 first, that
    host and device may come to the same number.

    Args:
        keep_ratio: A number, or an array of one for each member.

    Returns:
        A Python number, or an int32 array like the one given.

    Raises:
        InputError: A ratio on the host is not above 0 and at most 1, or is no number.

    """
    if hasattr(keep_ratio, "shape") and not is_host_array(keep_ratio):
        xp = array_namespace(keep_ratio)
        steps = xp.round(xp.astype(keep_ratio, xp.float32) * float(_STEPS))
        return xp.astype(steps, xp.int32) - _STEPS // 2
    ratios = _host_ratios(keep_ratio).astype(np.float32)
    thresholds = np.rint(ratios * np.float32(_STEPS)).astype(np.int32) - _STEPS // 2
    return thresholds if ratios.ndim else int(thresholds)


def draw_dropout(seed: int, step: int, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Return the draws of one step on the host, int16 from -32768 to 32767, a layer after another.

    Taken from the words of the generator themselves: those are fixed for ever, while NumPy may
    change what it makes of them, and making integers takes twice as long. Members of one seed share
    the draws; those of different seeds take a stack of each one's.

    Args:
        seed: The run's seed.
        step: The number of the step.
        shapes: The shape of each layer's output, (N, D); the layers keep their order.

    Raises:
        InputError: The seed is not an integer in range.

    """
    generator = stream(seed, "dropout", step).bit_generator
    drawn = []
    for shape in shapes:
        size = math.prod(shape)
        words = np.asarray(generator.random_raw(-(-size // 4)), dtype="<u8")  # four draws each
        drawn.append(words.view("<i2")[:size].reshape(shape).astype(np.int16, copy=False))
    return drawn


def _host_ratios(keep_ratio: Any) -> np.ndarray:
    """Return ratios on the host as float64, or raise InputError."""
    try:
        ratios = as_floats(keep_ratio)
    except (TypeError, ValueError) as error:
        raise InputError(f"dropout: keep_ratio must be a number; got {keep_ratio!r}") from error
    if not np.all((ratios >= 1 / _STEPS) & (ratios <= 1)):
        raise InputError(
            f"dropout: keep_ratio must be above 0, by 1/{_STEPS} at least, and at most 1; "
            f"got {keep_ratio}"
        )
    return ratios


def _checked_ratio(x: Array, draws: Array, keep_ratio: Any, xp: Any) -> float | Array:
    """Return the ratio as the layer computes with it, or raise InputError."""
    is_number = isinstance(keep_ratio, int | float | np.number)
    array_namespace(x, draws, *(() if is_number else (keep_ratio,)))
    shape, given = tuple(x.shape), tuple(draws.shape)
    if len(shape) < 2 or given not in (shape, shape[-2:]):
        raise InputError(
            f"dropout: x must be (..., N, D) and draws (N, D) or (..., N, D); "
            f"got x {shape} and draws {given}"
        )
    if draws.dtype != xp.int16:
        raise InputError(
            f"dropout: draws must be int16; got dtype {draws.dtype}: take them from draw_dropout"
        )
    if is_number:
        return float(_host_ratios(keep_ratio))
    if is_host_array(keep_ratio):
        _host_ratios(keep_ratio)
    if tuple(keep_ratio.shape) not in ((), shape[:-2]):
        raise InputError(
            f"dropout: keep_ratio must be one number or of the member shape {shape[:-2]}; "
            f"got shape {tuple(keep_ratio.shape)}"
        )
    return xp.astype(keep_ratio, x.dtype)
