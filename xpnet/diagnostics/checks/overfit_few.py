"""Whether the net can learn a few samples by heart."""

from typing import Any

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case, Pair
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.reference import standardized
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.trial import Trial, run_trials
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_overfit_few"]

_NAME = f"overfit {limits.FEW} samples"
_FACTORS = (1e-2, 1e-1, 1.0, 1e1, 1e2)
_REMEDY = "The net cannot learn at all: look at its first weights, activations and gradients."
_BARE = {"reg_factor": 0.0, "decay_factor": 0.0, "keep_ratio": 1.0}
_PLAIN = {"class_weights": None, "sample_weights": None, "label_smoothing": 0.0}


def check_overfit_few(evidence: Evidence) -> Verdict:
    """Train on a few samples without regularisation, by several learning rates.

    If none of them learns nearly all (FEW_ACCURACY), then by Adam, so that a poor rule is not
    taken for a poor net.
    """
    case = evidence.case
    X, y = _few(case.train, _count(evidence))
    if len(X) < 2 or (not case.is_regression and len(np.unique(y)) < 2):
        return Verdict(_NAME, "not looked at", "there are no samples that differ", "")
    few = {"X_train": X, "y_train": y, "X_val": X[:2], "y_val": y[:2]}
    options = {
        "batch_size": len(X),
        "clip_norm": case.options.get("clip_norm"),
        "lr_decay": 1.0,
        "lr_schedule": None,
        **{name: value for name, value in _PLAIN.items() if name in case.options},
    }
    factors = _FACTORS if case.rate is not None else (1.0,)
    needed = limits.FEW_R_SQUARED
    if not case.is_regression:  # halfway from who always says the largest class, at least
        largest = float(np.bincount(y).max() / len(y))
        needed = max(limits.FEW_ACCURACY, (1.0 + largest) / 2.0)
    best, steps = _learnt(
        case, few, [Change(factor, **_BARE) for factor in factors], options, needed
    )
    if best < needed and case.net is not None:
        for rate in (1e-2, 1e-3):
            config = {"learning_rate": rate}
            adam = {**options, "update_rule": "adam", "optim_config": config, "clip_norm": None}
            trials = run_trials(case, [Change(**_BARE)], steps, few, rate=rate, **adam)
            best = max(best, _best(trials))
    found = f"after {steps} steps on {len(X)} samples the {case.metric.name} is {best:.3g}"
    expected = f"{needed:.2g} or more, by one learning rate of {len(factors)} at least"
    if best >= needed:
        return Verdict(_NAME, "fine", found, expected)
    return Verdict(_NAME, "fault", found, expected, _REMEDY)


def _learnt(
    case: Case, few: dict[str, Any], changes: list[Change], options: dict[str, Any], needed: float
) -> tuple[float, int]:
    """Return the best accuracy, and after how many steps: all of them where a third is too few."""
    best = 0.0
    for steps in (limits.FEW_STEPS // 3, limits.FEW_STEPS):
        best = _best(run_trials(case, changes, steps, few, **options))
        if best >= needed:
            break
    return best, steps


def _best(trials: list[Trial]) -> float:
    """Return the best training accuracy of any trial at any check."""
    found = [trial.train_acc[np.isfinite(trial.train_acc)] for trial in trials]
    return float(max((part.max() for part in found if part.size), default=0.0))


def _count(evidence: Evidence) -> int:
    """Return how many samples the net has room for: any labels of D + 1 samples are linear."""
    case = evidence.case
    if case.net is None:
        return limits.FEW
    most = min(limits.FEW, limits.FEW_A_FEATURE * int(case.net.input_dim))
    if case.net.num_layers == 1:
        return min(most, int(case.net.input_dim) + 1)
    weights = sum(int(np.prod(w.shape)) for w in case.net.params.values())
    return min(most, max(2, weights // limits.WEIGHTS_A_SAMPLE))


def _few(part: Pair, count: int) -> Pair:
    """Return a few samples that lie far from each other, of two classes at least if there are."""
    X, y = part
    rows = np.arange(min(len(X), limits.FEW_OUT_OF))
    if y.dtype.kind != "f" and len(np.unique(y[rows])) < 2:
        rows = np.arange(len(X))
        rows = np.concatenate([rows[y == c][: limits.FEW] for c in np.unique(y)])
    flat = X[rows].reshape(len(rows), -1).astype(np.float64)
    points, _ = standardized(flat, flat[:1])
    chosen = [0]
    nearest = np.full(len(rows), np.inf)
    for _ in range(count - 1):
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        if nearest.max() == 0:  # no more that differ
            break
        chosen.append(int(np.argmax(nearest)))
    if y.dtype.kind != "f" and len(np.unique(y[rows[chosen]])) < 2:
        chosen[-1] = int(np.argmax(y[rows] != y[rows[0]]))
    return X[rows[chosen]], y[rows[chosen]]
