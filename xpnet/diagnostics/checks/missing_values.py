"""Whether one number stands for values that are missing, such as -999."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_missing_values"]

_NAME = "missing values"
_EXPECTED = "values that lie among the others of their feature"


def check_missing_values(evidence: Evidence) -> Verdict:
    """Look for a lowest or highest value that many rows have exactly, far from all others.

    Measured values of a feature that come near its end differ, and a limit of the measurement has
    others next to it. 0 is left out, as counts and amounts have it by their nature.
    """
    case = evidence.case
    X, y = case.raw_look, case.look[1]
    if case.train[0].dtype == np.uint8:
        return Verdict(_NAME, "fine", "the inputs are bytes", _EXPECTED)
    if (found := _marks(X)) is not None:
        return _verdict(X, *found)
    if case.is_regression and (found := _marks(y.reshape(len(y), -1))) is not None:
        value, share = found[1], float((y == found[1]).mean())
        return Verdict(
            _NAME,
            "fault",
            f"{value:.6g} stands in {share:.1%} of the targets, far from all others",
            "targets that lie among the others",
            "Leave the samples out whose target is missing.",
        )
    return Verdict(_NAME, "fine", "no value far from all others comes again", _EXPECTED)


def _verdict(X: np.ndarray, features: list[int], value: float) -> Verdict:
    """Say in how many features and entries the value stands."""
    marked = np.isin(X, value)
    share, holders = float(marked.mean()), int(marked.any(axis=0).sum())
    places = f"in {holders} of {X.shape[1]} features"
    found = f"{value:.6g} stands in {share:.1%} of the inputs, {places}"
    if holders == 1:
        share = float(marked[:, features[0]].mean())
        found = f"{value:.6g} stands in {share:.1%} of feature {features[0]}"
    return Verdict(
        _NAME,
        "warning",
        f"{found}, far from all other values",
        _EXPECTED,
        "If it stands for what is missing, put the feature's median there, and add a feature that "
        "is 1 where it was.",
    )


def _marks(X: np.ndarray) -> tuple[list[int], float] | None:
    """Return the features that have such a value, and the value of the most of them."""
    found: dict[float, list[int]] = {}
    for j in range(X.shape[1]):
        column = np.sort(X[:, j])
        if column[0] == column[-1]:
            continue
        for value in (column[0], column[-1]):
            others = column[column != value]
            if value != 0 and _is_mark(value, others, len(column) - len(others)):
                found.setdefault(float(value), []).append(j)
    if not found:
        return None
    value = max(found, key=lambda v: len(found[v]))
    return found[value], value


def _is_mark(value: float, others: np.ndarray, count: int) -> bool:
    """Return whether a value at an end is far from the others, (M,) in order."""
    often = count >= max(limits.MARK_ROWS, limits.MARK_SHARE * (count + len(others)))
    if not often or len(others) < limits.MARK_OTHERS:
        return False
    spread = float(others[-1] - others[0])
    gap = float(others[0] - value) if value < others[0] else float(value - others[-1])
    if gap <= limits.MARK_GAP * spread:
        return False
    return len(np.unique(others)) >= limits.MARK_VALUES
