"""Whether the inputs have the mean 0."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_centring"]

_NAME = "input centring"
_SAMPLES = 500
_ROUNDS = 30


def check_centring(evidence: Evidence) -> Verdict:
    """Hold the squared length of the mean against the largest variance of any direction."""
    case = evidence.case
    if "channel-mean" in str(case.preprocess):
        return Verdict(
            _NAME, "fine", "each channel has the mean 0", "that of each channel or pixel"
        )
    X = case.look[0][:_SAMPLES]
    mean = X.mean(axis=0)
    length = float(mean @ mean)
    spread = _largest_variance(X - mean)
    ratio = np.sqrt(length / spread) if spread > 0 else np.inf if length > 0 else 0.0
    found = f"the inputs' mean is {ratio:.2g} times as long as their widest spread"
    limit = float(np.sqrt(limits.MEAN_TO_SPREAD))
    expected = f"less than {limit:.2g} times, best 0"
    if case.net is None and case.train[0].dtype.kind in "iu" and evidence.ends_well:
        return Verdict(_NAME, "fine", f"{found}, which does the model no harm", expected)
    if ratio <= limit:
        return Verdict(_NAME, "fine", found, expected)
    return Verdict(_NAME, "warning", found, expected, _remedy(evidence))


def _remedy(evidence: Evidence) -> str:
    """Return which preprocessing does better in a trial, the simpler one if they do alike."""
    remedies = {
        "mean": "Subtract the training part's mean",
        "standard": "Subtract the training part's mean and divide by its deviation",
    }
    if evidence.case.preprocess is not None:
        return f"{remedies['mean']}, of what the preprocessing leaves."
    trials = {name: evidence.tried_otherwise(preprocess=name) for name in remedies}
    ways = {name: evidence.way(trial, on_val=True) for name, trial in trials.items()}
    best = "mean" if ways["mean"] >= limits.WELL_LEARNT * ways["standard"] else "standard"
    said = f"{remedies[best]}: preprocess='{best}'"
    if not evidence.learns(trials[best]):
        return f"{said}."
    return f"{said}, val {evidence.case.metric.short} {trials[best].val_acc[-1]:.3f} then."


def _largest_variance(centred: np.ndarray) -> float:
    """Return the largest eigenvalue of the covariance, by power iteration."""
    largest = np.abs(centred).max(initial=0.0)
    if largest == 0.0:
        return 0.0
    scaled = centred / largest
    v = scaled[np.argmax((scaled * scaled).sum(axis=1))].copy()
    for _ in range(_ROUNDS):
        v /= np.linalg.norm(v)
        v = scaled.T @ (scaled @ v)
    return float(np.linalg.norm(v) / len(centred) * largest**2)
