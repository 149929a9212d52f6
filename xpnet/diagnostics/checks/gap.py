"""Whether the net learns its training samples by heart, or could learn more."""

import math

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.trial import wider_trial
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_capacity", "check_gap"]

_GAP, _CAPACITY = "train/validation gap", "capacity"


def check_gap(evidence: Evidence) -> Verdict:
    """Compare the last accuracies of both parts."""
    train, val = _last(evidence)
    metric = evidence.case.metric.short
    if not math.isfinite(train - val):
        return Verdict(_GAP, "not looked at", "the training diverged", "")
    found = f"train {metric} {train:.3f}, val {metric} {val:.3f}"
    expected = f"less than {limits.GAP:g} between them"
    counts = min(1000, len(evidence.case.train[0])), len(evidence.case.val[0])
    chance = 0.0
    if not evidence.case.is_regression:
        chance = 2.0 * standard_error(val, *counts)
    if train - val < limits.GAP + chance:
        return Verdict(_GAP, "fine", found, expected)
    return Verdict(
        _GAP,
        "warning",
        found,
        expected,
        "The net overfits: make reg larger, or bring more samples.",
    )


def check_capacity(evidence: Evidence) -> Verdict:
    """Train a wider net, where there is no gap and the plain net learns more."""
    case = evidence.case
    train, val = _last(evidence)
    net = case.net
    if net is None or not case.is_own_rule:
        return Verdict(_CAPACITY, "not looked at", "the model is not xpnet's own", "")
    if not math.isfinite(train - val):
        return Verdict(_CAPACITY, "not looked at", "the training diverged", "")
    sizes = "-".join(map(str, net.layer_sizes))
    best = max(_way(trial.train_acc[-1], evidence) for trial in evidence.by_rate.values())
    found = f"{sizes}: train {case.metric.short} {train:.3f}, gap {train - val:.3f}"
    expected = f"as much as a wider net, or a gap above {limits.SMALL_GAP:g}"
    plain = _way(evidence.reference.accuracy, evidence)
    narrow = not net.layer_sizes[1:-1] or min(net.layer_sizes[1:-1]) < limits.WIDER_LEAST
    if train - val > limits.SMALL_GAP or best >= limits.WELL_LEARNT or not narrow:
        return Verdict(_CAPACITY, "fine", found, expected)
    if best >= plain - limits.WIDER:
        return Verdict(_CAPACITY, "fine", found, expected)
    wider = wider_trial(case, evidence.steps)
    more = _way(wider.train_acc[-1], evidence)
    gain = _way(wider.val_acc[-1], evidence) - _way(val, evidence)
    if more - best < limits.WIDER or gain < limits.WIDER:
        return Verdict(_CAPACITY, "fine", found, expected)
    return Verdict(
        _CAPACITY,
        "warning",
        f"{found}; wider, train {case.metric.short} {wider.train_acc[-1]:.3f}",
        expected,
        f"There is capacity to spare: make each hidden layer {limits.WIDER_LEAST} units or more.",
    )


def _last(evidence: Evidence) -> tuple[float, float]:
    own = evidence.own
    return float(own.train_acc[-1]), float(own.val_acc[-1])


def _way(accuracy: float, evidence: Evidence) -> float:
    """Return how far an accuracy is on the way from chance to 1."""
    if not np.isfinite(accuracy):
        return 0.0
    return (float(accuracy) - evidence.chance) / (1.0 - evidence.chance)
