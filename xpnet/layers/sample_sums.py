"""Sums over the samples of a batch, as a product with ones.

The gradient of a bias is the row of ones that its inputs might have been, times `dout`. A product
goes through memory in its order, where a sum over axis -2 starts anew at each sample: measured on
NumPy at (100, 50), 0.9 µs instead of 2.8.
"""

from typing import Any

from xpnet.backends import Array, device

__all__ = ["sum_over_samples"]


def sum_over_samples(x: Array, xp: Any) -> Array:
    """Return the sum over axis -2, (..., M) from (..., N, M)."""
    # As many as there are members: CuPy takes products with a broadcast axis one by one.
    ones = xp.ones((*x.shape[:-2], 1, x.shape[-2]), dtype=x.dtype, device=device(x))
    return (ones @ x)[..., 0, :]
