"""Whether the net learns its training samples by heart."""

import math

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_gap"]

_NAME = "train/validation gap"


def check_gap(evidence: Evidence) -> Verdict:
    """Compare the last accuracies of both parts."""
    train, val = evidence.last_accuracies
    metric = evidence.case.metric.short
    if not math.isfinite(train - val):
        return Verdict(_NAME, "not looked at", "the training diverged", "")
    learnt = evidence.above_chance(train, len(evidence.case.train[0]))
    if not learnt or evidence.way_of(train) < limits.NOTHING_LEARNT:
        return Verdict(_NAME, "not looked at", "the net has learnt nothing yet", "")
    found = f"train {metric} {train:.3f}, val {metric} {val:.3f}"
    expected = f"less than {limits.GAP:g} between them"
    counts = min(1000, len(evidence.case.train[0])), len(evidence.case.val[0])
    chance = 0.0
    if not evidence.case.is_regression:
        chance = 2.0 * standard_error(val, *counts)
    if train - val < limits.GAP or train - val - chance < limits.SMALL_GAP:
        return Verdict(_NAME, "fine", found, expected)
    return Verdict(
        _NAME,
        "warning",
        found,
        expected,
        "The net overfits: make reg larger, or bring more samples.",
    )
