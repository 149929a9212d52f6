"""What verdicts on the evaluation have in common."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.verdict import Verdict

__all__ = ["EXPECTED", "NAME", "not_told", "of_spread", "rows_probed", "spread", "work_of"]

NAME = "evaluation"
EXPECTED = "the scores that model.loss(X, y) trains"


def not_told(why: str) -> Verdict:
    """Return the verdict that nothing can be said, and why."""
    return Verdict(NAME, "not looked at", why, "")


def spread(scores: np.ndarray) -> float:
    """Return the range of scores, in which differences of them are told."""
    return float(np.ptp(scores))


def of_spread(apart: float) -> str:
    """Return how far scores are apart, as a share of their spread or as times it."""
    return f"{apart:.0%} of their spread" if apart < 10.0 else f"{apart:.2g} times their spread"


def rows_probed(classes: int, most: int) -> int:
    """Return of how many samples all labels are tried."""
    return max(2, min(limits.EVALUATED // 2, limits.PROBES // classes, most))


def work_of(case: Case, calls: float) -> float:
    """Return the multiplications and additions of so many calls of the loss."""
    numbers = sum(int(np.prod(w.shape)) for w in case.model().params.values())
    return 6.0 * limits.EVALUATED * numbers * calls
