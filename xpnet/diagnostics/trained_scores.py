"""The scores that a model's loss trains, found from the loss alone.

With other labels the softmax loss of one sample changes by the difference of two scores:
l(c) - l(y) = s_y - s_c. With other targets a squared distance is a parabola whose lowest point is
the score. So a loss with its labels changed one by one tells the scores that it is the loss of,
with the dropout and the batch's statistics of training, and whether it is such a loss at all.
"""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.replay import Replay

__all__ = ["is_softmax", "is_squared", "trained_scores"]


def trained_scores(replay: Replay, X: np.ndarray, y: np.ndarray, rows: int) -> np.ndarray:
    """Return the scores (rows, C) that training has of the first rows of a batch.

    Args:
        replay: The model.
        X: Inputs of the batch, of which all samples have a part in its statistics.
        y: Their labels or targets.
        rows: How many of them are asked for.

    Returns:
        Scores of classes less that of the label, or predictions of targets.

    """
    if y.dtype.kind == "f":
        return _of_targets(replay, X, y, rows)[0]
    return _of_labels(replay, X, y, rows)


def is_softmax(replay: Replay, batches: list[tuple[np.ndarray, np.ndarray]], classes: int) -> bool:
    """Return whether the loss is the mean of the softmax losses of scores, and a penalty.

    The penalty is what is left, and has to be the same of all batches.
    """
    left = []
    for X, y in batches:
        scores = _of_labels(replay, X, y, len(y), classes)
        of_scores = float(np.mean(np.log(np.sum(np.exp(scores), axis=1))))
        left.append((replay.loss(X, y)[0] - of_scores, of_scores))
    penalties, sizes = np.transpose(left)
    tiny = limits.SAME_TRAINED * float(np.max(np.abs(sizes)))
    return bool(
        np.isfinite(penalties).all() and np.ptp(penalties) <= tiny and min(penalties) > -tiny
    )


def is_squared(replay: Replay, X: np.ndarray, y: np.ndarray) -> bool:
    """Return whether the loss is a parabola of each target."""
    return _of_targets(replay, X, y, len(y))[1]


def _of_labels(
    replay: Replay, X: np.ndarray, y: np.ndarray, rows: int, classes: int | None = None
) -> np.ndarray:
    count = replay.scores(X[:2]).shape[-1] if classes is None else classes
    loss, found = replay.loss(X, y)[0], np.zeros((rows, count))
    for i in range(rows):
        for c in range(count):
            if c != y[i]:
                other = y.copy()
                other[i] = c
                found[i, c] = len(y) * (loss - replay.loss(X, other)[0])
    return found


def _of_targets(replay: Replay, X: np.ndarray, y: np.ndarray, rows: int) -> tuple[np.ndarray, bool]:
    flat = y.reshape(len(y), -1)
    step, found = float(flat.std()) or 1.0, np.zeros((rows, flat.shape[1]))
    is_parabola = True
    for i in range(rows):
        for c in range(flat.shape[1]):
            below, here, above, far = (
                _at(replay, X, y, (i, c), k * step) for k in (-1.0, 0.0, 1.0, 2.0)
            )
            bend, slope = (above + below - 2.0 * here) / 2.0, (above - below) / 2.0
            expected = here + 2.0 * slope + 4.0 * bend
            size = max(abs(x) for x in (below - here, above - here, far - here))
            is_parabola &= bend > 0 and abs(far - expected) <= limits.SAME_TRAINED * size
            found[i, c] = flat[i, c] - step * slope / (2.0 * bend) if bend > 0 else np.nan
    return found, is_parabola


def _at(replay: Replay, X: np.ndarray, y: np.ndarray, place: tuple[int, int], by: float) -> float:
    """Return the loss with one target moved."""
    other = y.copy()
    other.reshape(len(y), -1)[place] += by
    return replay.loss(X, other)[0]
