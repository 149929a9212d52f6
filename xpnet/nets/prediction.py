"""Predictions of a net from raw inputs, on the host and in batches."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.backends import backend_of, is_host_array
from xpnet.errors import InputError
from xpnet.preprocessing import transformed

if TYPE_CHECKING:
    from xpnet.nets.base import Net

__all__ = ["predict", "predict_proba", "predicted_classes", "raw_scores"]

_BATCH = 250


def raw_scores(net: "Net", X: Any) -> np.ndarray:
    """Return the scores (..., N, C) of raw inputs (N, d1, ..., dk), which are preprocessed first.

    Raises:
        InputError: There is no sample, one is not finite, or the samples do not fit the net or its
            preprocessing.

    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    if len(X.shape) < 2 or X.shape[0] == 0:
        raise InputError(
            f"X must hold samples, (N, d1, ..., dk), one or more; got shape {tuple(X.shape)}"
        )
    stops = range(_BATCH, X.shape[0] + _BATCH, _BATCH)
    batches = [X[stop - _BATCH : min(stop, X.shape[0]), ...] for stop in stops]
    return np.concatenate([_scores(net, x) for x in batches], axis=-2)


def _scores(net: "Net", X: Any) -> np.ndarray:
    """Return the scores of one batch of raw inputs, on the host."""
    if is_host_array(X) and X.dtype.kind == "f" and not np.isfinite(X).all():
        raise InputError(
            "X holds NaN or infinity, of which no net can say anything: drop such rows"
        )
    x = transformed(net.preprocess, X)
    # As rows: (members, 1, D) would be taken for a batch of each member's own.
    rows = backend_of(x).xp.reshape(x, (x.shape[0], math.prod(x.shape[1:])))
    return net.backend.to_numpy(net.loss(rows))


def predict(net: "Net", X: Any) -> np.ndarray:
    """Return class numbers (..., N), or the real targets (..., N, C) or (..., N)."""
    scores = raw_scores(net, X)
    if not net.is_regression:
        return predicted_classes(scores)
    return scores[..., 0] if net.flat_targets and net.num_classes == 1 else scores


def predicted_classes(scores: np.ndarray) -> np.ndarray:
    """Return the class with the highest score of every sample."""
    return np.asarray(np.argmax(scores, axis=-1))


def predict_proba(net: "Net", X: Any) -> np.ndarray:
    """Return softmax(scores), of shape (..., N, C), in float64.

    Raises:
        InputError: The net was trained by another loss than softmax, so that its scores are no
            log-probabilities.

    """
    loss = getattr(net, "loss_name", "softmax")
    if loss != "softmax":
        raise InputError(
            f"the scores of a net with the {loss} loss are no log-probabilities: "
            "use predict, or make the net with loss='softmax'"
        )
    scores = raw_scores(net, X).astype(np.float64)
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exps / exps.sum(axis=-1, keepdims=True))
