"""Whether real targets are of a scale that a net's outputs reach."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_target_scale"]

_NAME = "target scale"


def check_target_scale(evidence: Evidence) -> Verdict:
    """Compare the deviation of the targets with 1, where the training does not end well.

    A net's first outputs are of about 1. Adam moves each weight by the learning rate, whatever the
    loss is; gradient descent moves it by gradients that grow with the targets.
    """
    case = evidence.case
    if not case.is_regression:
        return Verdict(_NAME, "not looked at", "labels have no scale", "")
    y = case.train[1]
    std = float(np.max(y.reshape(len(y), -1).astype(np.float64).std(axis=0)))
    found = f"the targets have a deviation of {std:.3g}"
    expected = f"about 1 (up to {limits.TARGETS_WIDE:g}), as the net's outputs have"
    if std <= limits.TARGETS_WIDE or evidence.ends_well:
        return Verdict(_NAME, "fine", found, expected)
    remedy = "Train on (y - y.mean()) / y.std() of the training part."
    return Verdict(_NAME, "fault", found, expected, remedy)
