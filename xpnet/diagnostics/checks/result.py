"""Whether the training comes to what the data allow."""

import math

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_result"]

_NAME = "training result"


def check_result(evidence: Evidence) -> Verdict:
    """Compare the best validation accuracy with that of a plain net, and with chance."""
    case, own, reference = evidence.case, evidence.own, evidence.reference
    finite = own.val_acc[[math.isfinite(v) for v in own.val_acc]]
    if not finite.size:
        return Verdict(_NAME, "not looked at", "the training diverged", "")
    metric, best, chance = case.metric.short, float(finite.max()), evidence.chance
    plain = reference.val_accuracy
    found = f"val {metric} {best:.3f} after {len(own.losses)} of {case.num_steps} steps"
    expected = f"near {plain:.3f}, which a plain net learns from {len(reference.y)} samples"
    noise = 0.0
    if not case.is_regression:
        noise = limits.SURE * standard_error(plain, len(case.val[0]))
    way = limits.BELOW_PLAIN * (plain - chance)
    if plain - chance < limits.NOTHING_LEARNT or best - chance > way - noise:
        return Verdict(_NAME, "fine", found, expected)
    if not evidence.is_whole and best - chance > 0.5 * way:
        return Verdict(_NAME, "fine", f"{found}, and still learning", expected)
    return Verdict(
        _NAME,
        "warning",
        found,
        expected,
        "Train longer, or begin from update_rule='adam' with its default rate and reg=0.",
    )
