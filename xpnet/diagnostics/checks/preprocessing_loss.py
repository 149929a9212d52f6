"""Whether a preprocessing leaves what is to be learnt in the inputs."""

import copy

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.reference import make_reference
from xpnet.diagnostics.verdict import Verdict
from xpnet.preprocessing import transformed

__all__ = ["lost_in_preprocessing"]


def lost_in_preprocessing(evidence: Evidence, name: str) -> Verdict | None:
    """Compare the plain net on all inputs with the same on fewer; None where as much is learnt."""
    case, preprocess = evidence.case, evidence.case.preprocess
    if preprocess is None or evidence.ends_well:
        return None
    features = int(np.prod(case.train[0].shape[1:]))
    kept = preprocess.output_dim(features)
    if kept >= features:
        return None
    before = evidence.reference
    reduced = copy.copy(case)
    reduced.train, reduced.val = (
        (np.asarray(transformed(preprocess, X), dtype=np.float64), y)
        for X, y in (case.train, case.val)
    )
    after = make_reference(reduced)
    ways = [evidence.way_of(found.val_accuracy) for found in (before, after)]
    if ways[1] >= limits.BELOW_PLAIN * ways[0]:
        return None
    metric = case.metric.short
    return Verdict(
        name,
        "fault",
        f"of {features} inputs {preprocess} keeps {kept}: a plain net comes to val {metric} "
        f"{after.val_accuracy:.3f} with these, and {before.val_accuracy:.3f} with all",
        f"at most {1.0 - limits.BELOW_PLAIN:.0%} less",
        "Keep more components, such as preprocess='pca:0.95'.",
    )
