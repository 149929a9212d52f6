"""What the layers ask of their arguments, when a caller has not checked them."""

from typing import Any

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError

__all__ = ["check_dout", "floating_namespace"]


def floating_namespace(layer: str, **arrays: Array) -> Any:
    """Return the namespace that the arrays share.

    Raises:
        InputError: They are arrays of different libraries, or one holds no real floating numbers.

    """
    xp = array_namespace(*arrays.values())
    for name, array in arrays.items():
        if not xp.isdtype(array.dtype, "real floating"):
            raise InputError(
                f"{layer}: {name} must be real floating; got dtype {array.dtype}: cast it first"
            )
    return xp


def check_dout(layer: str, dout: Array, shape: tuple[int, ...]) -> None:
    """Raise InputError unless `dout` has the shape of the layer's output."""
    if tuple(dout.shape) != tuple(shape):
        raise InputError(
            f"{layer}: dout must have the output's shape {tuple(shape)}; got {tuple(dout.shape)}"
        )
