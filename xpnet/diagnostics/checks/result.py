"""Whether the training comes to what the data allow."""

import math
from math import log10
from typing import Any

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_result"]

_NAME = "training result"
_LONGER = (3, 10, 30, 100)
_PLAIN: dict[str, Any] = {
    "clip_norm": None,
    "lr_decay": 1.0,
    "lr_schedule": None,
    "label_smoothing": 0.0,
}


def check_result(evidence: Evidence) -> Verdict:
    """Compare the best validation accuracy with that of a plain net, and with chance."""
    case, own, reference = evidence.case, evidence.own, evidence.reference
    finite = own.val_acc[[math.isfinite(v) for v in own.val_acc]]
    if not finite.size:
        return Verdict(_NAME, "not looked at", "the training diverged", "")
    metric, best, chance = case.metric.short, float(finite.max()), evidence.chance
    plain = reference.val_accuracy
    found = f"val {metric} {best:.3f} after {len(own.losses)} of {case.num_steps} steps"
    expected = f"near {plain:.3f}, which a plain net learns from {len(reference.y)} samples"
    least = _least(evidence)
    learns = evidence.above_chance(best, len(case.val[0]))
    if plain - chance < limits.NOTHING_LEARNT and not learns:
        return Verdict(_NAME, "not looked at", f"{found}: a plain net learns nothing either", "")
    if plain - chance < limits.NOTHING_LEARNT or best > least:
        return Verdict(_NAME, "fine", found, expected)
    if not evidence.is_whole and best - chance > 0.5 * (least - chance):
        return Verdict(_NAME, "fine", f"{found}, and still learning", expected)
    fails = evidence.is_whole and not learns
    return Verdict(_NAME, "fault" if fails else "warning", found, expected, _remedy(evidence))


def _least(evidence: Evidence) -> float:
    """Return the validation accuracy that is near enough to the plain net's."""
    case, plain, chance = evidence.case, evidence.reference.val_accuracy, evidence.chance
    noise = 0.0
    if not case.is_regression:
        noise = limits.SURE * standard_error(plain, len(case.val[0]))
    return chance + limits.BELOW_PLAIN * (plain - chance) - noise


def _remedy(evidence: Evidence) -> str:
    """Return what was tried and helps: another rate, a longer training, or Adam."""
    case, metric = evidence.case, evidence.case.metric.short
    for factor, trial in sorted(evidence.by_rate.items(), key=lambda item: abs(log10(item[0]))):
        if case.rate is not None and trial.val_acc[-1] > _least(evidence):
            return (
                f"Set learning_rate to {case.rate * factor:.2g}: val {metric} "
                f"{trial.val_acc[-1]:.3f} then."
            )
    for times in _LONGER:
        steps = times * case.num_steps
        if not evidence.is_whole or steps > limits.TRIAL_STEPS:
            break
        schedule = case.options.get("lr_schedule")
        trial = evidence.tried_otherwise(steps, lr_schedule=schedule)
        if trial.val_acc[-1] > _least(evidence):
            epochs = times * case.num_epochs
            return f"Set num_epochs to {epochs}: val {metric} {trial.val_acc[-1]:.3f} then."
    return _adam(evidence)


def _adam(evidence: Evidence) -> str:
    """Return what Adam comes to, in as many steps as are planned, or in enough of them."""
    case = evidence.case
    change = Change(reg_factor=0.0, keep_ratio=1.0)
    steps = max(evidence.steps, limits.TRIAL_STEPS_LEAST)
    epochs = max(1, steps // max(1, case.num_steps // case.num_epochs))
    longer = f", num_epochs {epochs}" if epochs > case.num_epochs else ""
    for rate in (1e-3, 1e-2):
        adam = {**_PLAIN, "update_rule": "adam", "optim_config": {"learning_rate": rate}}
        trial = evidence.tried_otherwise(steps, change, **adam)
        if trial.val_acc[-1] > _least(evidence):
            return (
                f"Begin from update_rule='adam', learning_rate {rate:g}, reg 0{longer}: val "
                f"{case.metric.short} {trial.val_acc[-1]:.3f} then."
            )
    return "Of longer trainings, other rates and Adam none helped: look at the data and the net."
