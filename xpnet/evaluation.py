"""How good parameters are on a part of the data: hits and loss, in batches."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array, array_namespace, backend_of
from xpnet.data.batches import Split
from xpnet.errors import InputError
from xpnet.nets import Net
from xpnet.preprocessing import Preprocessor

__all__ = ["evaluate_net", "host_scores"]


def evaluate_net(
    net: Net,
    params: dict[str, Array],
    split: Split,
    preprocess: Preprocessor | None,
    numbers: Mapping[str, Array],
    batch_size: int,
) -> Array:
    """Return hits and loss of one of our nets, without a stop: the result stays on the device.

    Args:
        net: The net.
        params: Its parameters.
        split: Inputs (N, D), not preprocessed, and labels (N,), on the device.
        preprocess: What the inputs go through first.
        numbers: The preprocessor's numbers, on the device.
        batch_size: Rows at once.

    Returns:
        An array of shape (2, *member shape): the number of rows whose highest score is the
        label's, and the loss as `net.loss` gives it.

    """
    xp = array_namespace(*params.values())
    X, y = split
    dtype = net.dtype
    reg = net.device_reg()
    hits, loss = 0, 0.0
    for start in range(0, X.shape[0], batch_size):
        stop = min(start + batch_size, X.shape[0])  # the standard leaves slices beyond open
        rows, labels = X[start:stop, ...], y[start:stop]
        x = xp.astype(rows, dtype, copy=True)
        if preprocess is not None:
            x = preprocess.apply(x, numbers, xp)
        scores = net.scores(params, x, xp)
        right = xp.astype(xp.argmax(scores, axis=-1) == labels, dtype)
        hits = hits + xp.sum(right, axis=-1)
        share = rows.shape[0] / X.shape[0]
        loss = loss + share * net.objective(params, scores, labels, reg, xp)
    return xp.stack([hits, loss])


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
