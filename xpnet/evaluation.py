"""How good a model is on a part of the data, in batches."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from xpnet.backends import Array, backend_of
from xpnet.data.batches import Split
from xpnet.errors import InputError
from xpnet.metrics import Metric
from xpnet.nets import Net
from xpnet.nets.storage import in_dtype
from xpnet.preprocessing import Preprocessor, transformed
from xpnet.streamed_rows import StreamedRows

__all__ = [
    "CHECK_BATCH",
    "Measure",
    "host_scores",
    "make_measure",
    "measured_batches",
    "scores_of_raw",
]

Measure: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Array]], Array]

# Rows at once when the Solver checks itself: batches of 100 spend their time in Python, and those
# of 1,000 pictures outgrow the cache.
CHECK_BATCH = 250


def make_measure(net: Net, metric: Metric, preprocess: Preprocessor | None) -> Measure:
    """Return the pure function that measures one of our nets on a batch.

    `measure(live, batch)` takes the net's `variables` and the preprocessor's `numbers`, and a batch
    of inputs `X` (N, D), not preprocessed, and targets `y`. It returns an array of shape (*member
    shape, k + 1): the metric's k sums, and the loss with its regularisation, of samples that weigh
    the same.
    """
    xp, dtype, reg = net.backend.step_xp, net.compute_dtype, net.constants()["reg"]

    def measure(live: Mapping[str, Any], batch: Mapping[str, Array]) -> Array:
        variables, y = live["variables"], batch["y"]
        params = in_dtype(variables.params, dtype, xp)
        x = xp.astype(batch["X"], dtype, copy=preprocess is not None)  # which may write into it
        if preprocess is not None:
            x = preprocess.apply(x, live["numbers"], xp)
        scores = net.scores(params, variables.state, x, xp)
        loss = net.objective(params, scores, y, reg, xp)
        return xp.concat([metric.sums(scores, y, xp), loss[..., None]], axis=-1)

    return measure


def measured_batches(
    measure: Measure, live: Mapping[str, Any], split: Split, batch_size: int
) -> Iterator[tuple[float, Array]]:
    """Yield what `measure` finds on each batch, still on the device, and the batch's share."""
    X, y, num_samples = split.X, split.y, split.X.shape[0]
    if num_samples <= batch_size and not isinstance(X, StreamedRows):
        yield 1.0, measure(live, {"X": X, "y": y})
        return
    for start in range(0, num_samples, batch_size):
        stop = min(start + batch_size, num_samples)  # the standard leaves slices beyond open
        batch = {"X": X[start:stop, ...], "y": y[start:stop, ...]}
        yield (stop - start) / num_samples, measure(live, batch)


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
