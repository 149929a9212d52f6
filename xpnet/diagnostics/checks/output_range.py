"""Whether a model's own outputs can be what the targets are."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import moved_model, scores_of
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_output_range"]

_NAME = "output range"
_EXPECTED = "outputs of any size, or targets within those that there are"


def check_output_range(evidence: Evidence) -> Verdict:
    """Make the weights a thousand times as large, with either sign, and look how far outputs go.

    A last layer without an activation goes far beyond the targets; a ReLU ends at 0, a sigmoid at
    0 and 1.
    """
    case = evidence.case
    if case.net is not None or not case.is_regression:
        return Verdict(_NAME, "fine", "scores of any size are good", _EXPECTED)
    X, y = case.samples(limits.EVALUATED_MOST)
    try:
        scores = np.stack(
            [_scores_far_out(evidence, X, sign * limits.FAR_OUT) for sign in (1.0, -1.0)]
        )
    except Exception:  # a model's own code need not bear such weights
        return Verdict(_NAME, "not looked at", "the model refuses large weights", "")
    if not np.isfinite(scores).all():
        return Verdict(_NAME, "not looked at", "large weights give scores that are infinite", "")
    targets = y.reshape(len(y), -1)
    scores = scores.reshape(-1, targets.shape[1])
    lows, highs = scores.min(axis=0), scores.max(axis=0)
    room = limits.SAME_SCORES * targets.std(axis=0)
    shares = ((targets < lows - room) | (targets > highs + room)).mean(axis=0)
    outside, low, high = max(zip(shares.tolist(), lows, highs, strict=True))
    said = f"scores lie from {low + 0.0:.3g} to {high + 0.0:.3g} whatever the weights are"
    if outside < limits.OUT_OF_RANGE:
        return Verdict(_NAME, "fine", "the targets are within reach of the scores", _EXPECTED)
    return Verdict(
        _NAME,
        "fault",
        f"{said}, and {outside:.0%} of the targets beyond",
        _EXPECTED,
        "Leave the activation after the last layer out.",
    )


def _scores_far_out(evidence: Evidence, X: np.ndarray, times: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return scores_of(moved_model(evidence.case, times), X)
