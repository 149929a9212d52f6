"""Whether the regularisation enters the loss."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import call_loss, to_host
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_regularisation"]

_NAME = "regularisation"


def check_regularisation(evidence: Evidence) -> Verdict:
    """Compare the first loss with regularisation and without."""
    case = evidence.case
    model = case.model() if case.net is None else case.twin()
    if not isinstance(getattr(model, "reg", None), int | float):
        return Verdict(_NAME, "not looked at", "the model has no attribute reg", "")
    own = float(case.net.reg) if case.net is not None else float(model.reg)
    X, y = case.samples(limits.GRADIENT_SAMPLES)
    losses = []
    for reg in (0.0, own or 1.0):
        model = case.model() if case.net is None else case.twin()
        model.reg = reg
        losses.append(call_loss(model, X, y)[0])
    found = f"the first loss is {losses[0]:.3g} without and {losses[1]:.3g} with reg {own or 1:g}"
    expected = "a rise"
    all_zero = all(not np.any(to_host(w)) for w in case.model().params.values())
    if losses[1] > losses[0] or all_zero or not np.isfinite(losses).all():
        return Verdict(_NAME, "fine", found, expected)
    if own == 0.0:
        return Verdict(_NAME, "not looked at", "reg is 0, and the loss does not read it", "")
    return Verdict(
        _NAME, "fault", found, expected, "Add 0.5 * reg * sum(W * W) of each weight to the loss."
    )
