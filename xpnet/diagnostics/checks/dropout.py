"""Whether dropout leaves enough units."""

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.checks.regularisation import held_down
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_dropout"]

_NAME = "dropout"


def check_dropout(evidence: Evidence) -> Verdict:
    """Look at the share of units that is kept, and compare with a training without dropout."""
    net = evidence.case.net
    if net is None or not net.has_dropout:
        return Verdict(_NAME, "not looked at", "there is none, or it is the model's own", "")
    ratio = float(net.dropout_keep_ratio)
    if ratio < limits.KEEP_RATIO_LEAST:
        return Verdict(
            _NAME,
            "warning",
            f"a step keeps {ratio:.0%} of the hidden units",
            f"{limits.KEEP_RATIO_LEAST:.0%} or more",
            "Set dropout_keep_ratio to 0.5.",
        )
    without = evidence.trials.get(Change(has_dropout=False))
    if without is None:
        return Verdict(_NAME, "fine", f"a step keeps {ratio:.0%} of the hidden units", "enough")
    return held_down(evidence, without, _NAME, "dropout", "Set dropout_keep_ratio nearer to 1.")
