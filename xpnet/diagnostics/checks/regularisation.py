"""Whether the regularisation enters the loss, and is not all that is learnt."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import call_loss, to_host
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.trial import Trial
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_held_down", "check_regularisation", "held_down"]

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
    return Verdict(
        _NAME, "fault", found, expected, "Add 0.5 * reg * sum(W * W) of each weight to the loss."
    )


def check_held_down(evidence: Evidence) -> Verdict:
    """Compare the training with one that has no regularisation."""
    without = evidence.trials.get(Change(has_reg=False))
    if without is None:
        return Verdict("regularisation strength", "not looked at", "reg is 0, or not known", "")
    net = evidence.case.net
    reg = 0.0 if net is None else float(net.reg)
    remedy = f"Make reg smaller: {reg / 10:.2g}." if reg else "Make weight_decay ten times smaller."
    return held_down(evidence, without, "regularisation strength", "regularisation", remedy)


def held_down(evidence: Evidence, without: Trial, name: str, what: str, remedy: str) -> Verdict:
    """Compare the training with one that lacks something."""
    own = evidence.own
    scores = []
    for trial in (own, without):
        at = np.asarray([trial.train_acc[-1], trial.val_acc[-1]], dtype=np.float64)
        scores.append(np.where(np.isfinite(at), at, evidence.chance))
    metric = evidence.case.metric.short
    found = (
        f"train/val {metric} {scores[0][0]:.3f}/{scores[0][1]:.3f} with {what}, "
        f"{scores[1][0]:.3f}/{scores[1][1]:.3f} without"
    )
    expected = f"at most {limits.HELD_DOWN:.0%} less on both"
    way = scores[1] - evidence.chance
    lost = scores[1] - scores[0]
    if np.all(way > 0.05) and np.all(lost > limits.HELD_DOWN * way):
        return Verdict(name, "fault", found, expected, remedy)
    return Verdict(name, "fine", found, expected)
