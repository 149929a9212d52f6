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
    least, smallest = min(ratios.items(), key=lambda item: item[1])
    found = f"{smallest:.1e} ({least}) to {largest:.1e} ({name}) of the weights"
    if largest > limits.UPDATE_MOST:
        found = f"a step changes {name} by {largest:.1e} of its size"
        return _judged(evidence, found, expected, lower=True)
    if largest < limits.UPDATE_LEAST:
        found = f"a step changes {name}, the fastest, by {largest:.1e} of its size"
        return _judged(evidence, found, expected, lower=False)
    return Verdict(_NAME, "fine", found, expected)


def _judged(evidence: Evidence, found: str, expected: str, *, lower: bool) -> Verdict:
    """Warn, unless the training learns and no such rate that was tried does nearly as well."""
    rate = evidence.case.rate
    if rate is None:
        remedy = f"Make the steps ten times {'smaller' if lower else 'larger'}."
        return Verdict(_NAME, "warning", found, expected, remedy)
    factors = [f for f in evidence.by_rate if (f < 1.0 if lower else f > 1.0)]
    trials = {f: evidence.by_rate[f] for f in factors if evidence.learns(evidence.by_rate[f])}
    ways = {f: min(evidence.way(t), evidence.way(t, on_val=True)) for f, t in trials.items()}
    own = min(evidence.way(evidence.own), evidence.way(evidence.own, on_val=True))
    best = max(ways, key=lambda f: ways[f], default=None)
    if best is not None and ways[best] >= limits.AS_FAR * own:
        remedy = f"Set learning_rate to {rate * best:.2g}."
        return Verdict(_NAME, "warning", found, expected, remedy)
    if evidence.ends_well:
        return Verdict(_NAME, "fine", f"{found}, and no other rate learns more", expected)
    side = "lower" if lower else "higher"
    return Verdict(_NAME, "warning", f"{found}, and no {side} rate learns", expected)
