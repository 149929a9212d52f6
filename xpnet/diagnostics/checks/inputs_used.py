"""Whether a model's own loss and scores look at all features, and at the samples of all classes."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.copies import own_copy
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import call_loss, moved_model
from xpnet.diagnostics.replay import Replay, kept_draws
from xpnet.diagnostics.verdict import Verdict
from xpnet.streams import stream

__all__ = ["check_inputs_used"]

_NAME = "inputs used"
_EXPECTED = "a loss and scores that depend on all samples and features"


def check_inputs_used(evidence: Evidence) -> Verdict:
    """Put other numbers into some features, and other samples into a class, and look what changes.

    What never changes the scores or the loss by a bit has no part in the training.
    """
    case = evidence.case
    if case.net is not None:
        return Verdict(_NAME, "fine", "the net is xpnet's own", _EXPECTED)
    X, y = case.samples(limits.EVALUATED)
    replay = Replay(moved_model(case))
    if replay.writes(X, y) or len(np.unique(X.reshape(len(X), -1), axis=0)) < 2:
        return Verdict(_NAME, "not looked at", "loss() changes the parameters", "")
    if X.dtype.kind == "f" and (found := _of_features(replay, X, case.look[0])) is not None:
        return found
    if (found := _of_samples(replay, X, y)) is not None:
        return found
    if not case.is_regression and (found := _of_classes(evidence, replay)) is not None:
        return found
    return Verdict(_NAME, "fine", "each part of them changes the loss or the scores", _EXPECTED)


def _of_features(replay: Replay, X: np.ndarray, look: np.ndarray) -> Verdict | None:
    """Move some features by their deviation, one at a time."""
    std = look.std(axis=0)
    varies = np.flatnonzero(std > 0)
    rng = stream(4, "diagnosis")
    tried = rng.permutation(varies)[: limits.FEATURES_MOVED]
    before, unused = replay.scores(X), []
    for j in tried:
        other = X.copy().reshape(len(X), -1)
        other[:, j] += (std[j] * np.sign(rng.standard_normal(len(X)))).astype(X.dtype)
        if np.array_equal(replay.scores(other.reshape(X.shape)), before):
            unused.append(int(j))
    if len(unused) < limits.FEATURES_UNUSED * max(len(tried), 1):
        return None
    what = f"{len(unused)} of {len(tried)} features that were moved do not change the scores"
    return Verdict(
        _NAME,
        "fault" if len(unused) == len(tried) else "warning",
        f"{what}, such as feature {min(unused)}",
        "scores that depend on the features",
        "Look at what model.loss(X) does to X before the first layer.",
    )


def _of_samples(replay: Replay, X: np.ndarray, y: np.ndarray) -> Verdict | None:
    """Take the loss of other inputs with the same targets, anew and after the first."""
    other = np.repeat(X[:1], len(X), axis=0)
    with kept_draws(replay.model):
        model = own_copy(replay.model)
        loss, after = (call_loss(model, inputs, y)[0] for inputs in (X, other))
    anew = replay.loss(other, y)[0]
    if not np.isfinite(loss) or loss not in (after, anew):
        return None
    if loss != anew:
        return Verdict(
            _NAME,
            "fault",
            f"the loss is {loss:.4g} again for other inputs after the first: the model kept these",
            "the loss of the inputs that are given",
            "Keep no inputs from one call of model.loss to the next.",
        )
    return Verdict(
        _NAME,
        "fault",
        f"the loss is {loss:.4g} whatever the inputs are",
        "a loss that depends on X",
        "Look at what model.loss(X, y) does with X.",
    )


def _of_classes(evidence: Evidence, replay: Replay) -> Verdict | None:
    """Take the loss of each class's label with the inputs of others."""
    X, y = evidence.case.samples(limits.EVALUATED_MOST)
    losses = {}
    for c in np.unique(y)[: limits.PROBED_CLASSES]:
        others = X[y != c][: limits.EVALUATED]
        halves = np.array_split(others, 2)
        if min(map(len, halves)) > 0:
            labels = [np.full(len(half), c, dtype=y.dtype) for half in halves]
            losses[int(c)] = [replay.loss(*pair)[0] for pair in zip(halves, labels, strict=True)]
    ignored = [c for c, (one, other) in losses.items() if np.isfinite(one) and one == other]
    if not ignored or len(ignored) == len(losses):
        return None
    c = ignored[0]
    return Verdict(
        _NAME,
        "fault",
        f"the loss of samples of class {c} is {losses[c][0] + 0.0:.4g} whatever their inputs",
        "a loss that samples of each class have a part in",
        f"Look where class {c} is left out of the loss, by a mask or a weight.",
    )
