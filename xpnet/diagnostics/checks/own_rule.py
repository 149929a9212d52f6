"""Whether a user's own update rule goes downhill."""

from typing import Any

import numpy as np

from xpnet.backends import backend_of
from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import to_host
from xpnet.diagnostics.verdict import Verdict
from xpnet.streams import stream

__all__ = ["check_own_rule"]

_NAME = "update rule"
_EXPECTED = "weights that go against their gradient, and stay where it is 0"


def check_own_rule(evidence: Evidence) -> Verdict:
    """Call the rule with one gradient some times, and with none, and look where weights go."""
    case = evidence.case
    if case.is_own_rule:
        return Verdict(_NAME, "fine", "the rule is xpnet's own", _EXPECTED)
    g = stream(5, "diagnosis").standard_normal(limits.RULE_WEIGHTS)
    w = stream(6, "diagnosis").standard_normal(limits.RULE_WEIGHTS)
    try:
        away = _after(case, w, g, limits.RULE_STEPS) - w
        left = float(np.abs(_after(case, w, 0.0 * g, 1) - w).mean() / np.abs(w).mean())
    except Exception as error:  # whatever a rule wants besides
        return Verdict(_NAME, "not looked at", f"called by itself it raises {error!r}", "")
    length = float(np.linalg.norm(away))
    along = float(away @ g) / max(length * float(np.linalg.norm(g)), 1e-300)
    if left > limits.DECAY_A_STEP:
        found = f"a step without a gradient changes the weights by {left:.2g} of their size"
        remedy = "Look for a decay, or a rounding, in the rule."
    elif length == 0.0:
        found, remedy = "weights stay as they are", "Return the new weights: (next_w, config)."
    elif along > limits.UPHILL:
        found = f"in {limits.RULE_STEPS} steps weights go along their gradient (cosine {along:.2f})"
        remedy = "Turn the sign of the step: w - learning_rate * dw goes downhill."
    else:
        return Verdict(_NAME, "fine", f"weights go against their gradient ({along:.2f})", _EXPECTED)
    return Verdict(_NAME, "fault", found, _EXPECTED, remedy)


def _after(case: Case, w: np.ndarray, g: np.ndarray, steps: int) -> np.ndarray:
    """Return weights after some steps with one gradient."""
    like = next(iter(case.model().params.values()))
    backend = backend_of(like)
    config: Any = dict(case.options.get("optim_config") or {})
    now: Any = backend.asarray(w.copy(), like.dtype)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            now, config = case.rule(now, backend.asarray(g.copy(), like.dtype), config)
    return to_host(now)
