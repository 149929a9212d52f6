"""Whether the classes have about as many samples each."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_class_balance"]

_NAME = "class balance"


def check_class_balance(evidence: Evidence) -> Verdict:
    """Compare the largest class with the smallest that there is."""
    case = evidence.case
    if case.is_regression:
        return Verdict(_NAME, "not looked at", "real targets have no classes", "")
    counts = np.bincount(case.train[1])
    counts = counts[counts > 0]
    ratio = counts.max() / counts.min()
    found = f"the largest class has {ratio:.1f} times the samples of the smallest"
    expected = f"less than {limits.CLASS_IMBALANCE:g} times"
    if case.options.get("class_weights") is not None:
        return Verdict(_NAME, "fine", f"{found}, and classes are weighted", expected)
    if case.options.get("sample_weights") is not None:
        return Verdict(_NAME, "fine", f"{found}, and samples are weighted", expected)
    if ratio < limits.CLASS_IMBALANCE:
        return Verdict(_NAME, "fine", found, expected)
    return Verdict(
        _NAME,
        "warning",
        f"{found}; {counts.max() / counts.sum():.0%} are right who always say that one",
        expected,
        "Weigh the classes: class_weights='balanced'.",
    )
