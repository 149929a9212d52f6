"""Whether batches are large enough for batch normalisation."""

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_batch_normalization"]

_NAME = "batch normalization"


def check_batch_normalization(evidence: Evidence) -> Verdict:
    """Look at the batch that means and variances are taken of."""
    case = evidence.case
    if case.net is None or case.net.normalization != "batchnorm":
        return Verdict(_NAME, "not looked at", "there is none, or it is the model's own", "")
    found = f"its means are of batches of {case.batch_size}"
    expected = f"{limits.BATCHNORM_LEAST} samples or more"
    if case.batch_size >= limits.BATCHNORM_LEAST:
        return Verdict(_NAME, "fine", found, expected)
    batch = min(limits.BATCHNORM_USUAL, len(case.train[0]))
    trial = evidence.tried_otherwise(batch_size=batch)
    remedy = (
        f"Set batch_size to {batch} (val {case.metric.short} {trial.val_acc[-1]:.3f} then), or "
        "take normalization='layernorm'."
    )
    return Verdict(_NAME, "warning", found, expected, remedy)
