"""Whether a model's own loss rewards what the accuracy counts."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_loss_and_accuracy"]

_NAME = "loss and accuracy"
_EXPECTED = "an accuracy that rises as the loss falls"


def check_loss_and_accuracy(evidence: Evidence) -> Verdict:
    """Look for a loss that falls while the accuracy goes below that of a guess."""
    case = evidence.case
    if case.net is not None or case.is_regression:
        return Verdict(_NAME, "fine", "the loss is xpnet's own, or there are no classes", _EXPECTED)
    own, y = evidence.own, case.train[1]
    first, last = float(own.losses[0]), own.final_loss()
    accuracy, guess = float(own.train_acc[-1]), 1.0 / len(np.unique(y))
    error = standard_error(guess, min(len(y), limits.ROWS_CHECKED))
    found = f"the loss goes from {first:.3g} to {last:.3g}, the training accuracy to {accuracy:.3f}"
    if not last < limits.LOSS_FALLEN * first or not accuracy < guess - limits.SURE * error:
        return Verdict(_NAME, "fine", found, _EXPECTED)
    return Verdict(
        _NAME,
        "fault",
        f"{found}, which is less than a guess has ({guess:.3f})",
        _EXPECTED,
        "Look at the signs: the loss makes the label's score the lowest, or scores are turned.",
    )
