"""Whether the net has too few units for what the data hold."""

import math

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict
from xpnet.diagnostics.wider import wider_trial

__all__ = ["check_capacity"]

_NAME = "capacity"


def check_capacity(evidence: Evidence) -> Verdict:
    """Train a wider net, where there is no gap and the plain net learns more."""
    case = evidence.case
    train, val = evidence.last_accuracies
    net = case.net
    if net is None or not case.is_own_rule:
        return Verdict(_NAME, "not looked at", "the model is not xpnet's own", "")
    if not math.isfinite(train - val):
        return Verdict(_NAME, "not looked at", "the training diverged", "")
    sizes = "-".join(map(str, net.layer_sizes))
    best = max(_way(trial.train_acc[-1], evidence) for trial in evidence.by_rate.values())
    found = f"{sizes}: train {case.metric.short} {train:.3f}, gap {train - val:.3f}"
    expected = f"as much as a wider net, or a gap above {limits.SMALL_GAP:g}"
    plain = _way(evidence.reference.accuracy, evidence)
    narrow = not net.layer_sizes[1:-1] or min(net.layer_sizes[1:-1]) < limits.WIDER_LEAST
    if train - val > limits.SMALL_GAP or best >= limits.WELL_LEARNT or not narrow:
        return Verdict(_NAME, "fine", found, expected)
    if best >= plain - limits.WIDER:
        return Verdict(_NAME, "fine", found, expected)
    wider = wider_trial(case, evidence.steps)
    more = _way(wider.train_acc[-1], evidence)
    gain = _way(wider.val_acc[-1], evidence) - _way(val, evidence)
    if more - best < limits.WIDER or gain < limits.WIDER:
        return Verdict(_NAME, "fine", found, expected)
    return Verdict(
        _NAME,
        "warning",
        f"{found}; wider, train {case.metric.short} {wider.train_acc[-1]:.3f}",
        expected,
        f"There is capacity to spare: make each hidden layer {limits.WIDER_LEAST} units or more.",
    )


def _way(accuracy: float, evidence: Evidence) -> float:
    """Return how far an accuracy is on the way from chance to 1."""
    if not np.isfinite(accuracy):
        return 0.0
    return (float(accuracy) - evidence.chance) / (1.0 - evidence.chance)
