"""Whether the classes have about as many samples each."""

from typing import Any

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_class_balance"]

_NAME = "class balance"


def check_class_balance(evidence: Evidence) -> Verdict:
    """Compare the class that weighs most with that which weighs least, of those there are."""
    case = evidence.case
    if case.is_regression:
        return Verdict(_NAME, "not looked at", "real targets have no classes", "")
    if (verdict := _few_that_weigh(case.options.get("sample_weights"))) is not None:
        return verdict
    counts = np.bincount(case.train[1], minlength=case.num_classes)
    every = _weights(evidence, counts)
    of_class, weights = counts[counts > 0], every[counts > 0]
    expected = f"less than {limits.CLASS_IMBALANCE:g} times"
    ratio = float(weights.max() / weights.min()) if weights.min() > 0 else np.inf
    found = f"the heaviest class has {ratio:.1f} times the weight of the lightest"
    if ratio < limits.CLASS_IMBALANCE:
        return Verdict(_NAME, "fine", found, expected)
    if case.options.get("class_weights") is None and case.options.get("sample_weights") is None:
        found = (
            f"the largest class has {ratio:.1f} times the samples of the smallest; "
            f"{of_class.max() / of_class.sum():.0%} are right who always say that one"
        )
    remedy = "Weigh the classes: class_weights='balanced'."
    if weights.min() <= 0:
        none = int(np.flatnonzero((counts > 0) & (every <= 0))[0])
        found = f"the samples of class {none} have no weight"
        remedy = "Give them one above 0, or leave the weights out: what weighs 0 is not learnt."
    return Verdict(_NAME, "warning", found, expected, remedy)


def _few_that_weigh(weights: Any) -> Verdict | None:
    """Look for sample weights that leave next to nothing of the samples."""
    if weights is None:
        return None
    w = np.asarray(weights, dtype=np.float64)
    count = float(w.sum() ** 2 / max(float((w * w).sum()), 1e-300))
    if count >= limits.WEIGHTED_SAMPLES * len(w):
        return None
    return Verdict(
        _NAME,
        "warning",
        f"sample_weights give {np.mean(w <= 0):.0%} of the samples nothing, and the rest count as "
        f"{count:,.0f} of {len(w):,}",
        f"{limits.WEIGHTED_SAMPLES:.0%} of them or more",
        "Look at how sample_weights are made, or leave them out.",
    )


def _weights(evidence: Evidence, counts: np.ndarray) -> np.ndarray:
    """Return how much each class weighs in the loss."""
    options, y = evidence.case.options, evidence.case.train[1]
    weights: np.ndarray = counts.astype(np.float64)
    if (by_sample := options.get("sample_weights")) is not None:
        weights = np.bincount(y, np.asarray(by_sample, dtype=np.float64), minlength=len(counts))
    by_class = options.get("class_weights")
    if isinstance(by_class, str):  # balanced
        return np.asarray(weights / np.maximum(counts, 1))
    return weights if by_class is None else weights * np.asarray(by_class, dtype=np.float64)
