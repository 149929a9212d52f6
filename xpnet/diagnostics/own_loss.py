"""What a model's loss is at the start: which of the known ones, and how much of it is penalty."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.backends import backend_of
from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.chance import losses_of_scores
from xpnet.streams import stream

__all__ = [
    "LossAtStart",
    "call_loss",
    "look_at_loss",
    "moved_model",
    "scores_of",
    "to_host",
    "without_noise",
]

_SAMPLES = 256


@dataclass(eq=False)
class LossAtStart:
    """The first loss, without regularisation where that can be told.

    Attributes:
        loss: The loss.
        scores: Of its samples, as in testing.
        kind: "softmax", "svm" or "squared", or None for another one.
        count: How many samples.

    """

    loss: float
    scores: np.ndarray
    kind: str | None
    count: int


def look_at_loss(case: Case) -> LossAtStart:
    """Take the loss before the first step."""
    count = _SAMPLES if case.net is None else limits.ROWS_LOOKED_AT
    X, y = case.samples(count)
    model = without_noise(case)
    with np.errstate(all="ignore"):
        loss, _ = call_loss(model, X, y)
        scores = scores_of(model, X)
    kind = case.net.loss_name if case.net is not None else None
    if case.net is None:
        known = losses_of_scores(scores, y)
        close = [
            name
            for name, value in known.items()
            if abs(loss - value) <= limits.SAME_LOSS * max(abs(value), 1e-12)
        ]
        above = [name for name, value in known.items() if loss > value]
        if close:
            kind = close[0]
        elif above and not hasattr(model, "reg"):  # a penalty that cannot be taken out
            kind = None
    return LossAtStart(loss, scores, kind, len(y))


def without_noise(case: Case) -> Any:
    """Return a copy of the model without regularisation and dropout, where it has them."""
    if case.net is not None:
        return case.twin()
    model = case.model()
    if isinstance(getattr(model, "reg", None), int | float):
        model.reg = 0.0
    return model


def moved_model(case: Case, times: float = 1.0) -> Any:
    """Return the model without its noise, at weights that were moved a little.

    So that none stands at 0, where a ReLU has a kink and where some mistakes do not show.

    Args:
        case: What is diagnosed.
        times: What each weight is then multiplied by: outputs of another size, or sign.

    """
    model, rng = without_noise(case), stream(3, "diagnosis")
    for name, w in list(model.params.items()):
        host = to_host(w)
        size = max(float(np.sqrt(np.mean(host * host))), 0.05)
        moved = host + 0.3 * size * rng.standard_normal(host.shape)
        model.params[name] = backend_of(w).asarray(times * moved, w.dtype)
    return model


def call_loss(model: Any, X: np.ndarray, y: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    """Return the loss and the gradients on the host; the model gets copies of the arrays."""
    loss, grads = model.loss(X.copy(), y.copy())
    return float(to_host(loss)), {name: to_host(dw) for name, dw in grads.items()}


def scores_of(model: Any, X: np.ndarray) -> np.ndarray:
    """Return the scores (N, C) on the host."""
    return to_host(model.loss(X.copy()))


def to_host(x: Any) -> np.ndarray:
    """Return a number or an array of any library as floats on the host."""
    if isinstance(x, int | float | np.ndarray | np.generic):
        return np.asarray(x, dtype=np.float64)
    return np.asarray(backend_of(x).to_numpy(x), dtype=np.float64)
