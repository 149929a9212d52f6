"""Mean and variance over one axis, as the normalising layers take them."""

from typing import Any

from xpnet.backends import Array

__all__ = ["moments"]


def moments(x: Array, axis: int, xp: Any) -> tuple[Array, Array, Array]:
    """Return the mean, the biased variance, and x - mean, over axis -1 or -2, which keeps size 1.

    Variances by E[x^2] - E[x]^2 lose all digits of numbers far from 0. So would a mean that is
    added up from such numbers: at 1e4 in float32 it is off by 0.004, a thousand times as much as
    from the differences to the first one.
    """
    origin = x[..., :1] if axis == -1 else x[..., :1, :]
    centred = x - origin
    offset = xp.mean(centred, axis=axis, keepdims=True)
    centred -= offset
    return origin + offset, xp.mean(centred * centred, axis=axis, keepdims=True), centred
