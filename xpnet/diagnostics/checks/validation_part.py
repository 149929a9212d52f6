"""Whether the validation part is one that an accuracy can be measured on."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_validation_part"]

_NAME = "validation part"
_REMEDY = "Shuffle the rows before they are split, and keep a tenth of them or more for validation."


def check_validation_part(evidence: Evidence) -> Verdict:
    """Look for a validation part of one class among several, or of a handful of samples."""
    case = evidence.case
    y, y_val, count = case.train[1], case.val[1], case.num_val
    is_one = bool(np.all(y_val == y_val[:1]))
    share = float(np.mean(y == y_val[:1])) if is_one else 1.0
    if is_one and share < 1.0 and share**count < limits.BY_CHANCE:
        what = "target" if case.is_regression else "label"
        return Verdict(
            _NAME,
            "fault",
            f"all {count} validation samples have the {what} {np.ravel(y_val)[0]}, as {share:.1%} "
            "of the training samples have",
            "all kinds that are trained on",
            _REMEDY,
        )
    said = f"{count:,} samples"
    expected = f"{limits.VALIDATION_LEAST} or more"
    if count < limits.VALIDATION_LEAST:
        found = f"{said}: one of them is {1.0 / count:.0%} of the accuracy"
        if case.is_regression:
            found = f"{said}, of which hardly a variance can be told"
        return Verdict(_NAME, "warning", found, expected, _REMEDY)
    return Verdict(_NAME, "fine", said, expected)
