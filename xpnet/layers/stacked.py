"""One product for all members of a stack that share a batch.

A stack's weights (K, D, H) are kept in memory as (D, K, H), and seen as (K, D, H) by a permutation
of the axes. Then (N, D) @ (D, K * H) needs no copy of them, nor does their update by gradients that
lie in the same way; one large product goes through memory fewer times than K small ones.
"""

from typing import Any

from xpnet.backends import Array

__all__ = ["gradients_of_all", "is_shared", "laid_out_for_one", "product_of_all"]

_SWAPPED = (1, 0, 2)


def is_shared(x: Array, w: Array) -> bool:
    """Return whether inputs (N, D) are those of all members of weights (K, D, H)."""
    return len(x.shape) == 2 and len(w.shape) == 3


def laid_out_for_one(w: Array, xp: Any) -> Array:
    """Return weights (K, D, H) whose memory is that of (D, K, H); a copy."""
    members, features, units = w.shape
    flat = xp.reshape(xp.permute_dims(w, _SWAPPED), (-1,))
    return xp.permute_dims(xp.reshape(flat, (features, members, units)), _SWAPPED)


def product_of_all(x: Array, w: Array, xp: Any) -> Array:
    """Return x @ w, (K, N, H) from (N, D) and (K, D, H)."""
    members, features, units = w.shape
    weights = xp.reshape(xp.permute_dims(w, _SWAPPED), (features, members * units))
    outs = xp.matmul(x, weights)
    return xp.permute_dims(xp.reshape(outs, (x.shape[0], members, units)), _SWAPPED)


def gradients_of_all(x: Array, dout: Array, xp: Any) -> Array:
    """Return x^T @ dout, (K, D, H) from (N, D) and (K, N, H), in memory as (D, K, H)."""
    members, samples, units = dout.shape
    douts = xp.reshape(xp.permute_dims(dout, _SWAPPED), (samples, members * units))
    dw = xp.matmul(xp.matrix_transpose(x), douts)
    return xp.permute_dims(xp.reshape(dw, (x.shape[1], members, units)), _SWAPPED)
