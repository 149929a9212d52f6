"""Whether a few numbers are so far from all others that they hide these."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_outliers"]

_NAME = "outliers"


def check_outliers(evidence: Evidence) -> Verdict:
    """Hold the farthest number of each feature against the range of the middle half.

    Of features of which half of the values are one and the same nothing is told.
    """
    raw = evidence.case.raw_look
    low, middle, high = np.percentile(raw, [25, 50, 75], axis=0)
    spread = high - low
    away = np.abs(raw - middle) / np.where(spread > 0, spread, np.inf)
    few = (away >= limits.OUTLIERS_FAR).mean(axis=0) <= limits.OUTLIERS_MOST
    farthest = np.where(few, away.max(axis=0), 0.0)  # of more of them it is the middle half's doing
    expected = f"less than {limits.OUTLIERS_FAR:,.0f} times, or a training that ends well"
    j = int(np.argmax(farthest))
    found = f"the farthest number is {farthest[j]:.3g} times the range of the middle half away"
    if farthest[j] < limits.OUTLIERS_FAR or evidence.ends_well:
        return Verdict(_NAME, "fine", found, expected)
    count = int((farthest >= limits.OUTLIERS_FAR).sum())
    rows = int((away[:, j] >= limits.OUTLIERS_FAR).sum())
    also = f" and {count - 1} other features" if count > 1 else ""
    return Verdict(
        _NAME,
        "fault",
        f"feature {j}{also}: {rows} of {len(raw):,} numbers lie up to {farthest[j]:.3g} times the "
        "range of the middle half away",
        expected,
        "Look at these rows for other units or typing errors: mend them, leave them out, or clip.",
    )
