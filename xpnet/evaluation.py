"""How good a model is on a part of the data, in batches."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array, backend_of
from xpnet.data.batches import Split
from xpnet.errors import InputError
from xpnet.metrics import Metric
from xpnet.nets import Net, Variables
from xpnet.nets.storage import in_dtype
from xpnet.preprocessing import Preprocessor, transformed

__all__ = ["CHECK_BATCH", "evaluate_net", "host_scores", "scores_of_raw"]

# Rows at once when the Solver checks itself: batches of 100 spend their time in Python, and those
# of 1,000 pictures outgrow the cache.
CHECK_BATCH = 250


def evaluate_net(
    net: Net,
    variables: Variables,
    split: Split,
    metric: Metric,
    preprocess: Preprocessor | None,
    numbers: Mapping[str, Array],
    batch_size: int,
) -> Array:
    """Return the metric's sums and the loss of one of our nets; the result stays on the device.

    Args:
        net: The net.
        variables: Its parameters and its state.
        split: Inputs (N, D), not preprocessed, and targets (N,) or (N, C), on the device.
        metric: What to add up.
        preprocess: What the inputs go through first.
        numbers: The preprocessor's numbers, on the device.
        batch_size: Rows at once.

    Returns:
        An array of shape (*member shape, k + 1): the metric's k sums, and the loss with its
        regularisation, of samples that weigh the same.

    """
    xp, dtype, state = net.backend.step_xp, net.compute_dtype, variables.state
    params = in_dtype(variables.params, dtype, xp)
    X, y = split
    reg = net.constants()["reg"]
    sums: Any = 0.0
    loss: Any = 0.0
    for start in range(0, X.shape[0], batch_size):
        stop = min(start + batch_size, X.shape[0])  # the standard leaves slices beyond open
        x, targets = xp.astype(X[start:stop, ...], dtype, copy=True), y[start:stop, ...]
        if preprocess is not None:
            x = preprocess.apply(x, numbers, xp)
        scores = net.scores(params, state, x, xp)
        sums = sums + metric.sums(scores, targets, xp)
        share = (stop - start) / X.shape[0]
        loss = loss + share * net.objective(params, scores, targets, reg, xp)
    return xp.concat([sums, loss[..., None]], axis=-1)


def host_scores(model: Any, X: np.ndarray) -> np.ndarray:
    """Return the scores (..., N, C) of one batch, on the host, by any model with `loss(X)`.

    Raises:
        InputError: The scores are not one row a sample.

    """
    scores = model.loss(X)
    if scores is None:
        raise InputError("model.loss(X) returned None: it must return scores where y is not given")
    host = np.asarray(scores) if isinstance(scores, list) else backend_of(scores).to_numpy(scores)
    if host.ndim < 2 or host.shape[-2] != len(X):
        raise InputError(
            f"model.loss(X) must return scores of shape ({len(X)}, C) for {len(X)} samples; "
            f"got {host.shape}"
        )
    return host


def scores_of_raw(model: Any, preprocess: Preprocessor | None, X: np.ndarray) -> np.ndarray:
    """Return the scores (..., N, C) of inputs that are not preprocessed, in batches."""
    batches = [
        host_scores(model, transformed(preprocess, X[start : start + CHECK_BATCH]))
        for start in range(0, len(X), CHECK_BATCH)
    ]
    return np.concatenate(batches, axis=-2)
