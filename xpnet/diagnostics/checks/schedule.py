"""Whether the learning rate lasts as long as the training."""

from typing import Any

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict
from xpnet.schedules import RateScales

__all__ = ["check_schedule"]

_NAME = "learning-rate schedule"
_POINTS = 500
_CONSTANT: dict[str, Any] = {"lr_decay": 1.0, "lr_schedule": None}


def check_schedule(evidence: Evidence) -> Verdict:
    """Look at the factor of the learning rate over the whole planned training."""
    case = evidence.case
    decay, factors = case.options.get("lr_decay", 1.0), _factors(case)
    largest = float(factors.max())
    if largest == 0:
        remedy = "Take another lr_schedule, such as 'cosine'."
        return Verdict(_NAME, "fault", "the rate is 0 throughout", "a rate above 0", remedy)
    mean = float(factors.mean() / largest)
    gone = float((factors < limits.RATE_GONE * largest).mean())
    found = f"the rate is {mean:.2g} of its largest in the mean"
    expected = f"{limits.RATE_MEAN_LEAST:g} or more, and no training after it is gone"
    if mean < limits.RATE_MEAN_LEAST or gone > limits.RATE_GONE_SHARE:
        if gone > 0:
            found += f", and below a thousandth for {gone:.0%} of the steps"
        return Verdict(
            _NAME,
            "fault",
            found,
            expected,
            _remedy(evidence),
        )
    grown = float(factors[-1] / factors[0]) if factors[0] > 0 else 1.0
    if decay > 1.0 and grown > limits.RATE_GROWS:
        return Verdict(
            _NAME,
            "warning",
            f"the rate is {grown:.3g} times as large at the end",
            "one that falls or stays",
            "Make lr_decay at most 1.",
        )
    # Of the rate as it was given: a schedule that begins far below it may end before it gets there.
    if float(factors.mean()) < limits.RATE_MEAN_USUAL and not evidence.ends_well:
        without = evidence.tried_otherwise(**_CONSTANT)
        if evidence.is_beaten_by(without):
            found = f"the rate is {float(factors.mean()):.2g} of the one that is given in the mean"
            expected = f"{limits.RATE_MEAN_USUAL:g} or more, as a warmup or a decay leaves"
            found += f"; val {case.metric.short} {evidence.own.val_acc[-1]:.3f}, and "
            found += f"{without.val_acc[-1]:.3f} at a constant rate"
            return Verdict(_NAME, "fault", found, expected, _remedy(evidence))
    return Verdict(_NAME, "fine", found, expected)


def _factors(case: Case) -> np.ndarray:
    """Return what the learning rate is multiplied by, at some steps of the planned training."""
    options = case.options
    decay, schedule = options.get("lr_decay", 1.0), options.get("lr_schedule")
    per_epoch = max(1, case.num_steps // case.num_epochs)
    scales = RateScales(decay, schedule, None, per_epoch, case.num_epochs)
    steps = np.unique(np.linspace(0, case.num_steps - 1, _POINTS).astype(int))
    at = (scales.at(int(t), 1, case.num_steps, case.num_epochs)[0] for t in steps)
    return np.asarray([float(factor) for factor in at])


def _remedy(evidence: Evidence) -> str:
    """Return a schedule that was tried and does better, or that none was."""
    for said, schedule in (("'cosine'", "cosine"), ("None", None)):
        trial = evidence.tried_otherwise(lr_decay=1.0, lr_schedule=schedule)
        if evidence.learns(trial) and trial.val_acc[-1] >= evidence.own.val_acc[-1]:
            val = f"val {evidence.case.metric.short} {trial.val_acc[-1]:.3f}"
            return f"Set lr_schedule to {said} and lr_decay to 1: {val} then."
    return "Let the rate fall more slowly."
