"""Whether the training has steps enough to come anywhere."""

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_training_length"]

_NAME = "training length"


def check_training_length(evidence: Evidence) -> Verdict:
    """Where there are few steps, and the training does not end well, try more in small batches."""
    case = evidence.case
    rows = len(case.train[0])
    plural = "s" * (case.num_steps != 1)
    found = f"{case.num_steps:,} step{plural}, of batches of {case.batch_size:,}"
    expected = f"{limits.STEPS_FEW} or more, or a training that ends well"
    if case.num_steps >= limits.STEPS_FEW or evidence.ends_well:
        return Verdict(_NAME, "fine", found, expected)
    batch = max(1, min(case.batch_size, max(limits.BATCH_SMALL, rows // 50), rows))
    trial = evidence.tried_otherwise(limits.STEPS_ENOUGH, batch_size=batch)
    if not evidence.learns(trial) or not evidence.is_beaten_by(trial):
        return Verdict(_NAME, "fine", f"{found}, and more of smaller ones learn no more", expected)
    epochs = max(1, limits.STEPS_ENOUGH // max(1, rows // batch))
    metric, own = case.metric.short, evidence.way(evidence.own, on_val=True)
    smaller = f"batch_size to {batch} and " if batch < case.batch_size else ""
    return Verdict(
        _NAME,
        "fault" if own < 0.5 * evidence.way(trial, on_val=True) else "warning",
        f"{found}: val {metric} {evidence.own.val_acc[-1]:.3f} after them",
        expected,
        f"Set {smaller}num_epochs to {epochs}: val {metric} {trial.val_acc[-1]:.3f} then.",
    )
