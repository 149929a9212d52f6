"""Whether a model's own scores in testing are those that its loss trains."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.checks.evaluation_exact import of_exact, of_mean_scores
from xpnet.diagnostics.checks.evaluation_noisy import of_noisy
from xpnet.diagnostics.checks.evaluation_words import (
    EXPECTED,
    NAME,
    not_told,
    of_spread,
    spread,
    work_of,
)
from xpnet.diagnostics.copies import own_copy
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import moved_model
from xpnet.diagnostics.replay import Replay
from xpnet.diagnostics.trained_scores import is_softmax, is_squared, trained_scores
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_evaluation"]


def check_evaluation(evidence: Evidence) -> Verdict:
    """Call loss(X) in several ways, and hold its scores against those that loss(X, y) is of.

    The same samples have the same scores each time, whatever other samples are beside them. Without
    dropout and batch normalization they are those of the training; with these nearly so, at the end
    of a training.
    """
    case = evidence.case
    if case.net is not None:
        return Verdict(NAME, "fine", "the net is xpnet's own", EXPECTED)
    X, y = case.samples(limits.EVALUATED)
    replay = Replay(moved_model(case))
    if len(X) < 4 or replay.writes(X, y):
        return not_told("samples are too few, or loss() changes the parameters")
    return _of_calls(replay, X) or _of_scores(evidence, replay, X, y)


def _of_scores(evidence: Evidence, replay: Replay, X: np.ndarray, y: np.ndarray) -> Verdict:
    """Hold the scores against those of the loss, where these can be told."""
    classes = replay.scores(X[:2]).shape[-1]
    probes = limits.EVALUATED * min(classes, limits.PROBED_CLASSES)
    if classes > limits.PROBED_CLASSES or work_of(evidence.case, probes) > limits.TRIAL_WORK:
        return not_told("the model or its number of classes is too large to try all labels")
    X = _scaled(replay, X)
    if not _is_known(replay, X, y, classes):
        return not_told("the loss is neither a softmax's nor squared")
    if y.dtype.kind == "f" and (found := of_mean_scores(replay, X, y)) is not None:
        return found
    if replay.draws(X, y) or _needs_the_batch(replay, X, y):
        return of_noisy(evidence)
    return of_exact(replay, X, y)


def _of_calls(replay: Replay, X: np.ndarray) -> Verdict | None:
    """Look whether scores change from call to call, or with the samples beside them."""
    model = own_copy(replay.model)
    first, again = (np.asarray(model.loss(X.copy()), dtype=np.float64) for _ in range(2))
    if first.shape != again.shape or not np.isfinite(first).all():
        return None
    size = spread(first)
    if (apart := float(np.abs(first - again).max())) > limits.SAME_SCORES * size:
        return Verdict(
            NAME,
            "fault",
            f"model.loss(X) twice gives scores that differ by {of_spread(apart / size)}",
            "the same scores each time, without dropout or other noise",
            "Leave dropout out where y is None.",
        )
    half = np.arange(len(X))[::-2]
    apart = float(np.abs(replay.scores(X[half]) - first[half]).max())
    if apart <= limits.SAME_SCORES * size:
        return None
    return Verdict(
        NAME,
        "fault",
        f"scores of the same samples, with others beside them, differ by {of_spread(apart / size)}",
        "scores that are each sample's own, whatever else is in the batch",
        "Where y is None take no mean, variance or order of the batch: keep running means of the "
        "training.",
    )


def _is_known(replay: Replay, X: np.ndarray, y: np.ndarray, classes: int) -> bool:
    """Return whether the loss is one whose scores can be told."""
    rows = max(2, min(8, limits.PROBES // classes, len(X) // 2))
    if y.dtype.kind == "f":
        return is_squared(replay, X[:rows], y[:rows])
    batches = [(X[:rows], y[:rows]), (X[rows : 2 * rows], y[rows : 2 * rows])]
    return is_softmax(replay, batches, classes)


def _needs_the_batch(replay: Replay, X: np.ndarray, y: np.ndarray) -> bool:
    """Return whether the training's scores of a sample depend on the samples beside it."""
    first = trained_scores(replay, X, y, 2)
    rows = np.r_[0, 1, np.arange(len(X) - 1, len(X) // 2, -1)]
    other = trained_scores(replay, X[rows], y[rows], 2)
    size = max(spread(replay.scores(X)), 1e-12)
    return bool(np.abs(first - other).max() > limits.SAME_SCORES * size)


def _scaled(replay: Replay, X: np.ndarray) -> np.ndarray:
    """Return inputs so small that the scores are no larger than their logarithms can tell."""
    if X.dtype.kind != "f":
        return X
    for _ in range(4):
        scores = replay.scores(X)
        if np.ptp(scores) < limits.CLEAR_SCORES:
            break
        X = 0.3 * X
    return X
