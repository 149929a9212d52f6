"""Scores in testing against those of the loss, where nothing but a mistake can make them differ."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.checks.evaluation_words import (
    EXPECTED,
    NAME,
    not_told,
    of_spread,
    rows_probed,
    spread,
)
from xpnet.diagnostics.replay import Replay
from xpnet.diagnostics.trained_scores import trained_scores
from xpnet.diagnostics.verdict import Verdict

__all__ = ["of_exact", "of_mean_scores"]

_SAME_WAY = (
    "Take the same way to the scores with y and without: dropout and batch normalization alone "
    "differ between training and evaluation."
)
_LABELS = "Look at where the loss takes the scores of the labels: scores[arange(N), y]."


def of_exact(replay: Replay, X: np.ndarray, y: np.ndarray) -> Verdict:
    """Compare where nothing but a mistake can make them differ."""
    rows = rows_probed(replay.scores(X[:2]).shape[-1], len(X))
    scores = replay.scores(X)[:rows].reshape(rows, -1)
    trained = trained_scores(replay, X, y, rows)
    if y.dtype.kind == "f":
        apart = float(np.abs(trained - scores).max()) / max(spread(scores), 1e-12)
        return _verdict(apart)
    own = np.take_along_axis(scores, y[:rows, None], axis=1)
    # Where a probability is next to 0 an epsilon in the logarithm changes the loss.
    clear = (np.abs(scores - own) < limits.CLEAR_SCORES) & (np.abs(trained) < limits.CLEAR_SCORES)
    if clear.sum() < 2 * rows:
        return not_told("the scores are too large to be told from the loss")
    if (moved := _other_classes(trained, scores)) is not None:
        return Verdict(NAME, "fault", moved, "the label's own score", _LABELS)
    if _differ(trained, _softmax(scores) - np.take_along_axis(_softmax(scores), y[:rows, None], 1)):
        found = _like_a_share(trained, scores, own, clear)
        return _verdict(found)
    return Verdict(
        NAME,
        "fault",
        "the scores that the loss takes the softmax of are the softmax of those of model.loss(X)",
        "one softmax: of probabilities, which lie between 0 and 1, it is never near 0 or 1",
        "Give the softmax loss the scores, not their softmax.",
    )


def of_mean_scores(replay: Replay, X: np.ndarray, y: np.ndarray) -> Verdict | None:
    """Look whether each target is held against all scores, as (N, 1) less (N,) is (N, N)."""
    trained, scores = trained_scores(replay, X, y, 4), replay.scores(X)
    size = spread(scores[:4].reshape(4, -1)[:, 0])
    if size <= 1e-6 * np.abs(scores).max() or spread(trained[:, 0]) > limits.SAME_TRAINED * size:
        return None
    return Verdict(
        NAME,
        "fault",
        "the loss holds each target against the mean of all scores, and not against its own",
        EXPECTED,
        "Give scores and targets one shape: (N, 1) less (N,) is (N, N).",
    )


def _other_classes(trained: np.ndarray, scores: np.ndarray) -> str | None:
    """Return what is said where labels are trained by the scores of other classes, or None."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (trained, scores))
    apart = np.abs(a[:, :, None] - b[:, None, :]).max(axis=0)  # of each label from each score
    places, classes = np.argmin(apart, axis=1), np.arange(a.shape[1])
    exact = apart[classes, places].max() <= limits.SAME_SCORES * max(spread(b), 1e-12)
    is_own = np.diag(apart) <= limits.SAME_SCORES * max(spread(b), 1e-12)
    if not exact or is_own.all() or len(np.unique(places)) < len(classes):
        return None
    c = int(np.flatnonzero(~is_own)[0])
    return f"the loss takes the score of class {places[c]} for label {c}"


def _like_a_share(
    trained: np.ndarray, scores: np.ndarray, own: np.ndarray, clear: np.ndarray
) -> float:
    """Return how far trained scores are from the others, of their spread.

    Those that are some times as large are alike, and so are probabilities and their logarithms.
    """
    candidates = [scores - own]
    if np.all(scores > 0) and np.allclose(scores.sum(axis=1), 1.0, atol=1e-3):
        candidates.append(np.log(scores / own))
    found = []
    for one in candidates:
        a, b = one[clear], trained[clear]
        times = max(float(a @ b) / max(float(a @ a), 1e-300), 0.0)
        found.append(float(np.abs(b - times * a).max()) / max(spread(times * a), 1e-12))
    return min(found)


def _verdict(apart: float) -> Verdict:
    if apart <= 2.0 * limits.SAME_SCORES:
        return Verdict(NAME, "fine", "model.loss(X) gives the scores that are trained", EXPECTED)
    return Verdict(
        NAME,
        "fault",
        f"the scores of model.loss(X) differ from those of the loss by {of_spread(apart)}",
        f"{EXPECTED}, as it draws nothing and each sample is by itself",
        _SAME_WAY,
    )


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _differ(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.abs(a - b).max() > limits.SAME_SCORES * max(spread(b), 1e-12))
