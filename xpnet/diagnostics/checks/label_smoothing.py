"""Whether label smoothing leaves enough of the labels."""

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_label_smoothing"]

_NAME = "label smoothing"


def check_label_smoothing(evidence: Evidence) -> Verdict:
    """Look at the share of each label that is spread over all classes."""
    share = float(evidence.case.options.get("label_smoothing") or 0.0)
    if share == 0:
        return Verdict(_NAME, "not looked at", "there is none", "")
    found = f"{share:.0%} of each label is spread over all classes"
    expected = f"{limits.SMOOTHING_MOST:.0%} at the most, usually 10%"
    if share <= limits.SMOOTHING_MOST:
        return Verdict(_NAME, "fine", found, expected)
    trial = evidence.tried_otherwise(label_smoothing=limits.SMOOTHING_USUAL)
    metric, val = evidence.case.metric.short, trial.val_acc[-1]
    remedy = f"Set label_smoothing to {limits.SMOOTHING_USUAL:g}: val {metric} {val:.3f} then."
    return Verdict(_NAME, "warning", found, expected, remedy)
