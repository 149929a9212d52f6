"""Scores in testing against those of the loss at the end of a training, where they may differ."""

from typing import Any

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.evaluation_words import NAME, not_told, rows_probed, work_of
from xpnet.diagnostics.copies import own_copy
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import without_noise
from xpnet.diagnostics.replay import Replay
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.trained_scores import trained_scores
from xpnet.diagnostics.trial import run_trials
from xpnet.diagnostics.verdict import Verdict
from xpnet.streams import stream

__all__ = ["of_noisy"]

_DROPOUT = (
    "Divide by the share that is kept in training, h * mask / keep, and leave h as it is where y "
    "is None."
)
_RUNNING = (
    "Let running means and variances follow those of the batches in training (0.9 of the old and "
    "0.1 of the new), and divide by sqrt(running_var + eps) where y is None."
)


def of_noisy(evidence: Evidence) -> Verdict:
    """Compare at the end of a training, where dropout or the batch's statistics play a part."""
    case, kept = evidence.case, _Keep()
    run_trials(case, [Change()], evidence.steps, callbacks=[kept])
    count = min(max(case.batch_size, limits.EVALUATED), limits.EVALUATED_MOST)
    X, y = case.samples(count)
    order = stream(4, "diagnosis").permutation(len(X))
    X, y = X[order], y[order]
    replay = Replay(kept.model if kept.model is not None else without_noise(case))
    classes = replay.scores(X[:2]).shape[-1]
    rows = rows_probed(classes, len(X))
    noisy = replay.draws(X, y)
    draws = limits.EVALUATED_DRAWS if noisy else 1
    if work_of(case, rows * classes * draws * len(X) / limits.EVALUATED) > limits.TRIAL_WORK:
        return not_told("the model is too large to try all labels with several draws")
    each = []
    for _ in range(draws):
        each.append(trained_scores(replay, X, y, rows))
        replay.advance(X, y)
    trained, scores = np.mean(each, axis=0), replay.scores(X)[:rows].reshape(rows, -1)
    if not np.isfinite(trained).all() or not np.isfinite(scores).all():
        return not_told("the training diverged")
    return _noisy_verdict(case, trained, scores, y[:rows], noisy)


def _noisy_verdict(
    case: Case, trained: np.ndarray, scores: np.ndarray, y: np.ndarray, noisy: bool
) -> Verdict:
    axis = 0 if case.is_regression else 1
    a, b = (x - x.mean(axis=axis, keepdims=True) for x in (scores, trained))
    sizes = np.linalg.norm(a), np.linalg.norm(b)
    alike = float((a * b).sum() / max(float(sizes[0] * sizes[1]), 1e-300))
    times = float((a * a).sum() / max(float((a * b).sum()), 1e-300)) if alike > 0 else np.inf
    remedy = _DROPOUT if noisy else _RUNNING
    right, right_trained = (_right(x, y) for x in (scores, trained))
    if right_trained > 2.0 * max(right, 0.0) and right_trained > limits.TRAINED_RIGHT:
        metric = case.metric.short
        found = (
            f"of {len(y)} training samples model.loss(X) has {metric} {right:.2f}, and the scores "
            f"of the loss {right_trained:.2f}"
        )
        return Verdict(NAME, "fault", found, "as much, or more where there is dropout", remedy)
    expected = "about the same size" + (", as a mean over dropout's draws" if noisy else "")
    if alike < limits.SCORES_ALIKE:
        found = f"the scores of model.loss(X) and of the loss correlate by {alike:.2f}"
        return Verdict(NAME, "fine", found, "more, but for noise")
    found = f"the scores of model.loss(X) are {times:.2g} times as large as those of the loss"
    if 1.0 / limits.SCORES_TIMES < times < limits.SCORES_TIMES:
        return Verdict(NAME, "fine", found, expected)
    return Verdict(NAME, "warning", found, expected, remedy)


def _right(scores: np.ndarray, y: np.ndarray) -> float:
    """Return the accuracy, or R squared, of some scores."""
    if y.dtype.kind != "f":
        return float((np.argmax(scores, axis=1) == y).mean())
    y = y.reshape(scores.shape)
    return 1.0 - float(((scores - y) ** 2).sum() / max(((y - y.mean(axis=0)) ** 2).sum(), 1e-300))


class _Keep:
    """A callback that keeps the model as the last epoch left it."""

    def __init__(self) -> None:
        self.model: Any = None

    def on_epoch(self, solver: Any) -> None:
        """Copy it."""
        self.model = own_copy(solver.model)
