"""Whether the net has too few units for what the data hold."""

import math

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict
from xpnet.diagnostics.wider import wider_trial, wider_units

__all__ = ["check_capacity"]

_NAME = "capacity"


def check_capacity(evidence: Evidence) -> Verdict:
    """Train a wider net, where there is no gap and the plain net learns more."""
    case = evidence.case
    train, val = evidence.last_accuracies
    net = case.net
    if net is None or not case.is_own_rule:
        return Verdict(_NAME, "not looked at", "the model is not xpnet's own", "")
    if net.activation == "identity" and net.num_layers > 1:
        what = "a net of several layers without an activation is a linear one"
        remedy = "Take activation='relu', or leave the hidden layers out."
        return Verdict(_NAME, "warning", what, "an activation between layers", remedy)
    if not math.isfinite(train - val):
        return Verdict(_NAME, "not looked at", "the training diverged", "")
    sizes = "-".join(map(str, net.layer_sizes))
    found = f"{sizes}: train {case.metric.short} {train:.3f}, gap {train - val:.3f}"
    expected = f"as much as a wider net, or a gap above {limits.SMALL_GAP:g}"
    if not _is_worth_a_trial(evidence, train - val):
        learns = any(map(evidence.learns, evidence.by_rate.values()))
        return Verdict(_NAME, "fine" if learns else "not looked at", found, expected)
    wider = wider_trial(case, evidence.steps)
    best = max(evidence.way(trial) for trial in evidence.by_rate.values())
    gain = evidence.way(wider, on_val=True) - evidence.way_of(val)
    if evidence.way(wider) - best < limits.WIDER or gain < limits.WIDER:
        return Verdict(_NAME, "fine", found, expected)
    return Verdict(
        _NAME,
        "warning",
        f"{found}; wider, train {case.metric.short} {wider.train_acc[-1]:.3f}",
        expected,
        f"Set hidden_dims to {', '.join(map(str, wider_units(net)))}, which was tried.",
    )


def _is_worth_a_trial(evidence: Evidence, gap: float) -> bool:
    """Return whether a net is narrow, without a gap, and the plain net learns more."""
    net = evidence.case.net
    hidden = () if net is None else net.layer_sizes[1:-1]
    narrow = not hidden or min(hidden) < limits.WIDER_LEAST
    trials = evidence.by_rate.values()
    best = max(map(evidence.way, trials))
    plain = evidence.way_of(evidence.reference.accuracy)
    # What has learnt but half of what can be learnt has a gap by chance, or by a part of it.
    most = limits.GAP if best < 0.5 * plain else limits.SMALL_GAP
    full = gap > most or best >= limits.WELL_LEARNT
    # A deep net that learns nothing at any rate has another illness, and a wide one takes long.
    can_help = len(hidden) < 2 or any(map(evidence.learns, trials))
    return narrow and can_help and not full and best < plain - limits.WIDER
