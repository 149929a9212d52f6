"""Whether steps are of a size that fits the weights."""

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.steps import update_ratios
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_update_ratio"]

_NAME = "update ratio"


def check_update_ratio(evidence: Evidence) -> Verdict:
    """Take the size of the updates to the size of the weights, after the first steps."""
    ratios = update_ratios(evidence.case)
    expected = f"about 1e-3 (from {limits.UPDATE_LEAST:.0e} to {limits.UPDATE_MOST:.0e})"
    if not ratios:
        return Verdict(_NAME, "not looked at", "no weights, or the training diverged", "")
    name, largest = max(ratios.items(), key=lambda item: item[1])
    rate = evidence.case.rate
    if largest > limits.UPDATE_MOST:
        found = f"a step changes {name} by {largest:.1e} of its size"
        return Verdict(_NAME, "warning", found, expected, _remedy(rate, 0.1, "smaller"))
    if largest < limits.UPDATE_LEAST:
        found = f"a step changes {name}, the fastest, by {largest:.1e} of its size"
        return Verdict(_NAME, "warning", found, expected, _remedy(rate, 10.0, "larger"))
    least, smallest = min(ratios.items(), key=lambda item: item[1])
    found = f"{smallest:.1e} ({least}) to {largest:.1e} ({name}) of the weights"
    return Verdict(_NAME, "fine", found, expected)


def _remedy(rate: float | None, factor: float, word: str) -> str:
    if rate is None:
        return f"Make the steps ten times {word}."
    return f"Make the learning rate {word}: {rate * factor:.2g}."
