"""Whether a model's gradients are of the batch that it was given, and of no earlier one."""

import numpy as np

from xpnet.diagnostics.case import Case
from xpnet.diagnostics.own_loss import call_loss, moved_model
from xpnet.diagnostics.replay import Replay, kept_draws

__all__ = ["remembered_gradient"]

Grads = dict[str, np.ndarray]


def remembered_gradient(case: Case, X: np.ndarray, y: np.ndarray) -> str | None:
    """Call the loss on two batches in turn; return what of the first is left, or None.

    A gradient is left where that of the second batch is exactly the first one's, or the sum of
    both. A model whose training goes by a mean of earlier batches has neither.
    """
    half = len(X) // 2
    if case.net is not None or half < 1 or np.array_equal(X[:half], X[half : 2 * half]):
        return None
    one, other = (X[:half], y[:half]), (X[half : 2 * half], y[half : 2 * half])
    model = moved_model(case)
    replay = Replay(model)
    with np.errstate(all="ignore"):
        alone = replay.loss(*other)[1]
        with kept_draws(model):
            first = _copied(call_loss(model, *one)[1])
            second = call_loss(model, *other)[1]
    if not _are_equal(alone, first) and _are_equal(second, first):
        return "the gradient of the second of two batches is that of the first"
    total = {name: first[name] + alone[name] for name in first if name in alone}
    if not _are_equal(alone, total) and _are_equal(second, total):
        return "the gradient of the second of two batches is the sum of both batches'"
    return None


def _copied(grads: Grads) -> Grads:
    return {name: dw.copy() for name, dw in grads.items()}


def _are_equal(some: Grads, others: Grads) -> bool:
    """Return whether gradients that are not all 0 are the same, but for rounding."""
    if some.keys() != others.keys() or not any(dw.any() for dw in some.values()):
        return False
    return all(
        dw.shape == others[name].shape
        and np.allclose(
            dw, others[name], rtol=1e-5, atol=1e-9 * max(np.abs(dw).max(initial=0.0), 1e-300)
        )
        for name, dw in some.items()
    )
