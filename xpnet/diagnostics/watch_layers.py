"""What the layers of a training show when something is wrong with them."""

import math
from collections.abc import Iterator

import numpy as np

from xpnet.diagnostics.thresholds import EXPLODED, VANISHED
from xpnet.diagnostics.watch_thresholds import (
    DEAD_SHARE,
    FITTING_UPDATE,
    LARGE_UPDATE,
    SATURATED_SHARE,
    WHOLE_UPDATE,
)
from xpnet.diagnostics.watch_view import Finding, View, warning

__all__ = ["layer_findings", "lower_rate", "reference_ratios"]


def layer_findings(view: View) -> Iterator[Finding]:
    """Yield what is wrong with the layers at the last look; of layers in a row, the first."""
    broken = np.flatnonzero(view.rows("nonfinite_share")[-1] > 0)
    if len(broken):
        share = view.rows("nonfinite_share")[-1][broken[0]]
        yield warning(
            "finite numbers",
            f"{view.layers[broken[0]]}: {share:.0%} of the outputs are NaN or infinite",
            "finite numbers in every layer",
            "Lower the learning rate tenfold",
            view.layers[broken[0]],
            "fault",
        )
        return
    dead = list(_dead(view))
    yield from dead
    yield from _saturated(view)
    if not dead:  # of units that are 0 no gradient comes back
        yield from _gradients(view)
    yield from _large_updates(view)


def _dead(view: View) -> Iterator[Finding]:
    shares = view.rows("validation_dead_share")[-1][: view.hidden]
    for i in np.flatnonzero(shares >= DEAD_SHARE)[:1]:
        if view.rows("weight_norm")[-1][i] == 0:
            remedy = "Begin with other weights: initializer='kaiming'"
        elif view.record.steps[-1] == 0:
            remedy = "Begin with biases of 0 and initializer='kaiming'"
        else:
            remedy = "Lower the learning rate; or take leaky_relu"
        yield warning(
            "dead units",
            f"{view.layers[i]}: {shares[i]:.0%} of the units are 0 on the whole validation set",
            f"less than {DEAD_SHARE:.0%}, as such a unit gets no gradient and stays so",
            remedy,
            view.layers[i],
        )


def _saturated(view: View) -> Iterator[Finding]:
    found = view.twice("saturated_share")
    if found is None or view.net.activation not in ("sigmoid", "tanh"):
        return
    for i in np.flatnonzero((found >= SATURATED_SHARE).all(axis=0))[:1]:
        yield warning(
            "saturated units",
            f"{view.layers[i]}: {found[-1][i]:.0%} of the outputs are where {view.net.activation} "
            "is flat",
            f"less than {SATURATED_SHARE:.0%}, as they pass on less than 6% of their gradient",
            "Scale the inputs (preprocess='standard') and begin with initializer='xavier'",
            view.layers[i],
        )


def _gradients(view: View) -> Iterator[Finding]:
    norms = view.twice("output_gradient_norm")
    if norms is None or not view.hidden or (norms[:, -1] == 0).any():
        return
    if view.hidden == 1 and len(norms) == 1:
        return  # at the start it is the size of the last weights alone, which grow
    ratio = norms[:, 0].astype(np.float64) / norms[:, -1]
    depth = f"the gradient that reaches {view.layers[0]} is {ratio[-1]:.1e} of that at the scores"
    if (ratio < VANISHED).all():
        sigmoid = view.net.activation in ("sigmoid", "tanh")
        yield warning(
            "vanishing gradients",
            depth,
            f"more than {VANISHED:.0e}, as the first layer hardly learns",
            "Take relu" if sigmoid else "Begin with initializer='kaiming', or add batchnorm",
            view.layers[0],
        )
    if (ratio > EXPLODED).all():
        yield warning(
            "exploding gradients",
            depth,
            f"less than {EXPLODED:.0e}, as the first layer's steps are too long for the others",
            "Begin with initializer='kaiming', or add batchnorm",
            view.layers[0],
        )


def _large_updates(view: View) -> Iterator[Finding]:
    looks = min(2, len(view.record.steps))
    ratios = reference_ratios(view, looks)
    at_once = ratios[-1] >= WHOLE_UPDATE
    twice = (ratios >= LARGE_UPDATE).all(axis=0) & (looks > 1) & (view.record.steps[-looks] > 0)
    for i in np.flatnonzero(at_once | twice)[:1]:
        rate = lower_rate(view.learning_rate, float(ratios[-1][i]))
        yield warning(
            "update ratio",
            f"{view.layers[i]}: a step changes the weights by {_of_size(float(ratios[-1][i]))}",
            "about 1e-3",
            "Lower the learning rate" + ("" if rate is None else f": try {rate:.1g}"),
            view.layers[i],
        )


def _of_size(ratio: float) -> str:
    """Return how large a change is beside what is changed, in words."""
    return f"{ratio:.2g} times their size" if ratio > 1 else f"{ratio:.0%} of their size"


def reference_ratios(view: View, looks: int) -> np.ndarray:
    """Return updates over weights, (looks, layers), of weights at least as large as Xavier's.

    The norm of Xavier's is the square root of the layer's units: smaller weights are meant to grow.
    """
    ratio, norm = view.rows("update_ratio", looks), view.rows("weight_norm", looks)
    units = np.asarray(view.net.layer_sizes[1:])
    return np.asarray(ratio.astype(np.float64) * norm / np.maximum(norm, np.sqrt(units)))


def lower_rate(rate: float | None, ratio: float) -> float | None:
    """Return a rate to try: a tenth, or less where the ratio of update to weights asks for it."""
    if rate is None:
        return None
    return min(rate / 10, rate * FITTING_UPDATE / ratio if ratio > 0 else math.inf)
