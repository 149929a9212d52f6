"""A batch too large for the cache, in parts: the mean of their losses and gradients is its own."""

from collections.abc import Callable
from typing import TypeAlias

from xpnet.backends import Array
from xpnet.nets import Params

__all__ = ["Gradients", "mean_over_parts"]

Gradients: TypeAlias = Callable[[Array], tuple[Array, Params, Params]]


def mean_over_parts(gradients: Gradients, rows: Array, size: int) -> tuple[Array, Params, Params]:
    """Return loss, gradients and next state of a batch.

    Args:
        gradients: Returns them for some rows; the gradients are new arrays.
        rows: The batch's rows, (B,) or (members, B).
        size: Rows at once, a divisor of B.

    """
    batch_size = rows.shape[-1]
    if size == batch_size:
        return gradients(rows)
    loss, grads, state = gradients(rows[..., :size])
    for start in range(size, batch_size, size):
        more, others, state = gradients(rows[..., start : start + size])
        loss = loss + more
        for name, other in others.items():
            grads[name] += other
    share = size / batch_size
    for name in grads:
        grads[name] *= share
    return loss * share, grads, state
