"""The function that puts small inputs to 0 and leaves the others: the hard threshold."""

from typing import Any, NamedTuple

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError
from xpnet.layers.checks import check_dout, floating_namespace

__all__ = ["HardshrinkCache", "hardshrink_backward", "hardshrink_forward"]


class HardshrinkCache(NamedTuple):
    """What the backward pass of hardshrink needs."""

    kept: Array  # 0 where |x| <= threshold, otherwise 1, of the input's shape and dtype


def hardshrink_forward(
    x: Array, *, threshold: float = 0.5, xp: Any = None
) -> tuple[Array, HardshrinkCache]:
    """Return x where |x| > threshold, otherwise 0, for `x` of any shape, and the cache.

    It jumps at the threshold on both sides. NaN stays NaN.

    Raises:
        InputError: `x` holds no real floating numbers, or `threshold` is not positive and finite.

    Reference: D. Donoho and I. Johnstone, "Ideal spatial adaptation by wavelet shrinkage",
    Biometrika 81, 1994; the threshold is PyTorch's.

    """
    if xp is None:
        xp = floating_namespace("hardshrink", x=x)
        if not 0.0 < threshold < float("inf"):
            raise InputError(
                f"hardshrink: threshold must be positive and finite; got {threshold!r}: "
                "use identity for 0"
            )
    # A product, not `where`, which branches for each number; and not |x| > threshold, which NaN is
    # not: JAX's compiler makes a choice of the product, and would put 0 for it.
    kept = xp.astype(xp.logical_not(xp.abs(x) <= threshold), x.dtype)
    return x * kept, HardshrinkCache(kept)


def hardshrink_backward(dout: Array, cache: HardshrinkCache, *, xp: Any = None) -> Array:
    """Return the gradient by the input: `dout` where |x| > threshold, otherwise 0.

    The jumps have no gradient: there it is 0. Where |x| <= threshold, a `dout` that is NaN or
    infinite gives NaN or 0, as the library has it.

    Raises:
        InputError: `dout` does not have the shape of the output.

    """
    if xp is None:
        array_namespace(dout, cache.kept)
        check_dout("hardshrink", dout, cache.kept.shape)
    return dout * cache.kept
