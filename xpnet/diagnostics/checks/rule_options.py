"""Which option of the training is why a learning rate does not learn, found by leaving it out."""

from collections.abc import Iterator
from typing import Any

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.optim import UpdateRule

__all__ = ["guilty_option", "long_memory"]


def guilty_option(evidence: Evidence) -> tuple[str, str] | None:
    """Return what was found without an option, and what to set; None where none is why.

    The training at its own learning rate, with one option after the other as it is by default.
    """
    for what, remedy, options in _defaults(evidence):
        trial = evidence.tried_otherwise(**options)
        if evidence.is_beaten_by(trial) and evidence.learns(trial):
            val = f"{evidence.case.metric.short} {trial.val_acc[-1]:.3f}"
            return f"at the same rate {what} it comes to val {val}", remedy
    return None


def long_memory(evidence: Evidence) -> tuple[str, str] | None:
    """Return what is said of a mean of gradients over more steps than the training has, or None."""
    rule, case = evidence.case.rule, evidence.case
    config = case.options.get("optim_config") or {}
    for name in ("momentum", "beta1"):
        value = float(config.get(name, 0.0))
        if not isinstance(rule, UpdateRule) or value < limits.LONG_MEMORY:
            continue
        steps = 1.0 / (1.0 - value)
        if steps > case.num_steps / 2.0:
            what = f"{name} {value:g} takes the mean of {steps:,.0f} steps, of {case.num_steps:,}"
            return what, f"Set {name} to {rule.defaults[name]:g}."
    return None


def _defaults(evidence: Evidence) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each option that is not at its default, as words, a remedy and the default."""
    options, rule = evidence.case.options, evidence.case.rule
    if (norm := options.get("clip_norm")) is not None:
        what = f"without clip_norm {norm:g}"
        yield what, "Leave clip_norm out, or make it about 1.", {"clip_norm": None}
    if not isinstance(rule, UpdateRule):
        return
    config = dict(options.get("optim_config") or {})
    for name, default in rule.defaults.items():
        value = config.get(name, default)
        if name in ("learning_rate", "weight_decay") or value == default:
            continue
        what = f"with {name} {default:g}, not {value:g},"
        changed = {"learning_rate": evidence.case.rate, **config, name: default}
        yield what, f"Set {name} to {default:g}.", {"optim_config": changed}
