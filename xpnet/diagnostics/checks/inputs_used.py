"""Whether a model's own loss and scores look at all features, and at the samples of all classes."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
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
    if len(np.unique(X.reshape(len(X), -1), axis=0)) < 2:
        return Verdict(_NAME, "not looked at", "the inputs are all alike", "")
    if replay.writes(X, y):
        return Verdict(_NAME, "not looked at", "loss() changes the parameters", "")
    # At weights that are next to nothing as well: a loss far on its flat side is 0 of all inputs.
    small = Replay(moved_model(case, limits.NEXT_TO_NOTHING))
    return (
        _of_features(replay, X)
        or _of_samples(replay, small, X, y)
        or (None if case.is_regression else _of_classes(case, replay, small))
        or Verdict(_NAME, "fine", "each part of them changes the loss or the scores", _EXPECTED)
    )


def _of_features(replay: Replay, X: np.ndarray) -> Verdict | None:
    """Give some features, one at a time, the numbers that they have in other rows."""
    flat = X.reshape(len(X), -1)
    varies = np.flatnonzero(flat.max(axis=0) != flat.min(axis=0))
    tried = stream(4, "diagnosis").permutation(varies)[: limits.FEATURES_MOVED]
    before, unused = replay.scores(X), []
    for j in tried:
        other = flat.copy()
        order = np.argsort(flat[:, j], kind="stable")
        other[order, j] = flat[order[::-1], j]
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


def _of_samples(replay: Replay, small: Replay, X: np.ndarray, y: np.ndarray) -> Verdict | None:
    """Take the loss of other inputs with the same targets, anew and after the first."""
    (loss, after, anew), again = _losses(replay, X, y), _losses(small, X, y)
    if loss == anew and again[0] == again[2]:
        return Verdict(
            _NAME,
            "fault",
            f"the loss is {loss:.4g} whatever the inputs are",
            "a loss that depends on X",
            "Look at what model.loss(X, y) does with X.",
        )
    if loss == after and again[0] == again[1] and loss != anew:
        return Verdict(
            _NAME,
            "fault",
            f"the loss is {loss:.4g} again for other inputs after the first: the model kept these",
            "the loss of the inputs that are given",
            "Keep no inputs from one call of model.loss to the next.",
        )
    return None


def _losses(replay: Replay, X: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Return the loss of inputs, of others after these, and of others anew; NaN equals none."""
    other = np.repeat(X[:1], len(X), axis=0)
    with kept_draws(replay.model):
        model = own_copy(replay.model)
        loss, after = (call_loss(model, inputs, y)[0] for inputs in (X, other))
    anew = replay.loss(other, y)[0]
    return (loss, after, anew) if np.isfinite(loss) else (np.nan, np.nan, np.nan)


def _of_classes(case: Case, replay: Replay, small: Replay) -> Verdict | None:
    """Take the loss of each class's label with the inputs of others."""
    X, y = case.samples(limits.EVALUATED_MOST)
    losses: dict[int, list[float]] = {}
    for c in np.unique(y)[: limits.PROBED_CLASSES]:
        halves = np.array_split(X[y != c][: limits.EVALUATED], 2)
        if min(map(len, halves)) > 0:
            losses[int(c)] = [_loss_as(c, half, y, replay) for half in halves]
            if losses[int(c)][0] == losses[int(c)][1]:
                losses[int(c)] += [_loss_as(c, half, y, small) for half in halves]
    ignored = [c for c, found in losses.items() if len(found) == 4 and _are_the_same(found)]
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


def _loss_as(c: int, X: np.ndarray, y: np.ndarray, replay: Replay) -> float:
    """Return the loss of inputs whose labels are all this class."""
    return replay.loss(X, np.full(len(X), c, dtype=y.dtype))[0]


def _are_the_same(losses: list[float]) -> bool:
    """Return whether two pairs of losses are a pair of equals each."""
    return bool(np.isfinite(losses).all()) and losses[0] == losses[1] and losses[2] == losses[3]
