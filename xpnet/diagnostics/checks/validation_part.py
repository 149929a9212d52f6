"""Whether the validation part has all kinds of samples."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_validation_part"]

_NAME = "validation part"
_EXPECTED = "all kinds that are trained on"


def check_validation_part(evidence: Evidence) -> Verdict:
    """Look for a validation part of one class, or of one target, among several."""
    case = evidence.case
    y, y_val, count = case.train[1], case.val[1], case.num_val
    is_one = bool(np.all(y_val == y_val[:1]))
    share = float(np.mean(y == y_val[:1])) if is_one else 1.0
    if count < 2 or share**count >= limits.BY_CHANCE:
        return Verdict(_NAME, "fine", f"{count:,} samples", _EXPECTED)
    what = "target" if case.is_regression else "label"
    return Verdict(
        _NAME,
        "fault",
        f"all {count} validation samples have the {what} {np.ravel(y_val)[0]:.4g}, as {share:.1%} "
        "of the training samples have",
        _EXPECTED,
        "Shuffle the rows before they are split, and keep a tenth of them or more for validation.",
    )
