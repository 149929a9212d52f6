"""Whether the inputs are of like scale, and of one that weights are made for."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_feature_scale"]

_NAME = "input scale"
_EXPECTED = (
    f"ranges that differ by less than {limits.UNLIKE_RANGES:g} times, and inputs of about 1 "
    f"({limits.SMALLEST_INPUTS:g} to {limits.LARGEST_INPUTS:g})"
)


def check_feature_scale(evidence: Evidence) -> Verdict:
    """Compare the ranges of the features, and the size of all inputs with 1.

    Principal axes have unlike ranges on purpose, so that the features before the preprocessing
    count where they are more alike.
    """
    X, _ = evidence.case.look
    unlike = min(_unlikeness(X), _unlikeness(evidence.case.raw_look))
    size = float(np.sqrt(np.mean((X - X.mean(axis=0)) ** 2)))
    found = f"ranges differ by {unlike:.3g} times, the inputs are about {size:.2g}"
    if unlike > limits.UNLIKE_RANGES:
        remedy = "Divide each feature by its deviation: preprocess='standard'."
        much = unlike > limits.UNLIKE_RANGES_MUCH
        return Verdict(_NAME, "fault" if much else "warning", found, _EXPECTED, remedy)
    if not limits.SMALLEST_INPUTS <= size <= limits.LARGEST_INPUTS:
        remedy = "Scale the inputs to a deviation of 1: preprocess='standard'."
        much = not limits.SMALLEST_INPUTS / 10 <= size <= limits.LARGEST_INPUTS * 10
        return Verdict(_NAME, "fault" if much else "warning", found, _EXPECTED, remedy)
    return Verdict(_NAME, "fine", found, _EXPECTED)


def _unlikeness(X: np.ndarray) -> float:
    """Return the largest range to the median, or nine tenths of them to a tenth."""
    ranges = np.ptp(X, axis=0)
    ranges = ranges[ranges > 0]
    if not ranges.size:
        return 1.0
    low, middle, high = np.quantile(ranges, [0.1, 0.5, 0.9])
    return float(max(ranges.max() / middle, high / low))
