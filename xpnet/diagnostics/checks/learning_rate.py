"""Whether the learning rate is too high or too low, by a range test.

Reference: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section
3.3. There one training goes through rising rates; here each rate has a training of its own, as a
member of one stack.
"""

import math

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.trial import Trial
from xpnet.diagnostics.verdict import Status, Verdict

__all__ = ["check_learning_rate"]

_NAME = "learning rate"


def check_learning_rate(evidence: Evidence) -> Verdict:
    """Train at rates from far below to far above the one given, and compare."""
    case = evidence.case
    if case.rate is None:
        return Verdict(_NAME, "not looked at", "optim_config has no learning_rate", "")
    status, found, remedy = _judged(evidence, case.rate)
    best = _best_factor(evidence.by_rate, evidence.chance)
    expected = (
        f"a loss that falls; of {len(evidence.by_rate)} rates tried {_said(case.rate * best)} "
        "learns best"
    )
    return Verdict(_NAME, status, found, expected, remedy)


def _judged(evidence: Evidence, rate: float) -> tuple[Status, str, str]:
    """Return the status, what was found and the remedy."""
    trials, own = evidence.by_rate, evidence.own
    best = _best_factor(trials, evidence.chance)
    use_best = f"Set learning_rate to {_said(rate * best)}."
    what = f"at {_said(rate)} the loss goes from {own.losses[0]:.3g} to "
    if own.diverged:
        step = int(np.argmin(np.isfinite(own.losses))) + 1
        lower = f"Set learning_rate to {_said(rate / 1000)}; if that diverges, scale the inputs."
        found = f"{what}NaN or infinity at step {step}"
        return "fault", found, use_best if best < 1 else lower
    found = f"{what}{own.final_loss():.3g} in {len(own.losses)} steps"
    ways = {f: _way(trial, evidence.chance) for f, trial in trials.items()}
    if max(ways.values()) < limits.NOTHING_LEARNT:
        return _nothing(trials, found, float(own.losses[0]))
    if _grew(own):
        lower = use_best if best < 1 else f"Set learning_rate to {_said(rate / 10)}."
        return "fault", f"{found}, after {_peak(own):.3g}", lower
    if (calmer := _calmer(evidence)) is not None:
        found += f", and to {trials[calmer].final_loss():.3g} at {_said(rate * calmer)}"
        return "fault", found, f"Set learning_rate to {_said(rate * calmer)}."
    sooner = any(f > 1.0 and _is_sooner(trial, own) for f, trial in trials.items())
    on_val = [_way(trial, evidence.chance, on_val=True) for trial in (own, trials[best])]
    # Both: a rate that learns wrong labels by heart is no better.
    pairs = ((ways[1.0], ways[best]), (on_val[0], on_val[1]))
    worse = all(way < limits.WELL_LEARNT * better for way, better in pairs)
    if not worse or _is_noise(evidence, trials[best]) or not (best < 1.0 or sooner):
        return "fine", found, ""
    status: Status = "fault"
    if any(better - way < limits.RATE_LOSES for way, better in pairs):
        status = "warning"
    metric = evidence.case.metric.short
    found += f" (train {metric} {own.train_acc[-1]:.3f}, {trials[best].train_acc[-1]:.3f} at best)"
    if best > 1.0:  # the lowest that does as well, as the highest are near the edge
        use_best = f"Set learning_rate to {_said(rate * min(f for f in _near(ways) if f > 1))}."
    return status, found, use_best


def _is_noise(evidence: Evidence, other: Trial) -> bool:
    """Return whether so many samples may tell two accuracies so far apart by chance.

    Of R squared by I. Olkin and J. Finn, "Correlations redux", 1995: 4 R2 (1 - R2)^2 / N.
    """
    case, own = evidence.case, evidence.own
    pairs = (
        (own.train_acc, other.train_acc, case.train[1]),
        (own.val_acc, other.val_acc, case.val[1]),
    )
    for mine, its, y in pairs:
        better, n = float(its[-1]), min(len(y), limits.ROWS_CHECKED)
        error = standard_error(better, n, n)
        if case.is_regression:
            error = math.sqrt(8.0 * max(better, 0.0) / n) * (1.0 - better)
        if better - float(mine[-1]) < limits.RATE_NOISE * error:
            return True
    return False


def _near(ways: dict[float, float]) -> list[float]:
    """Return the factors that come nearly as far as the best."""
    return [f for f, way in ways.items() if way >= limits.AS_FAR * max(ways.values())]


def _nothing(trials: dict[float, Trial], found: str, start: float) -> tuple[Status, str, str]:
    """Return what is to be said where no rate learns anything."""
    if min(trial.final_loss() for trial in trials.values()) > 0.99 * start and len(trials) > 1:
        return (
            "fault",
            f"{found}, and at no other rate does it fall",
            "Look at the gradients and the update rule: w - learning_rate * dw goes downhill.",
        )
    return "fine", found, ""


def _calmer(evidence: Evidence) -> float | None:
    """Return the factor of a rate ten times lower or more that ends at a far lower loss, or None.

    By the way that the loss has come from that of a net which knows nothing.
    """
    trials, own = evidence.by_rate, evidence.own
    start = min(float(own.losses[0]), evidence.chance_loss)
    lower = {f: trial.final_loss() for f, trial in trials.items() if f <= 0.1}
    factor = min(lower, key=lambda f: lower[f], default=None)
    if factor is None or start - lower[factor] <= limits.NOTHING_LEARNT * start:
        return None
    reached = (start - own.final_loss()) / (start - lower[factor])
    return factor if reached < limits.FALLEN_AS_FAR else None


def _way(trial: Trial, chance: float, *, on_val: bool = False) -> float:
    """Return how far a trial came from chance to 1, in training or validation."""
    last = float((trial.val_acc if on_val else trial.train_acc)[-1])
    return max(0.0, (last - chance) / (1.0 - chance)) if math.isfinite(last) else 0.0


def _best_factor(trials: dict[float, Trial], chance: float) -> float:
    """Return the factor that learns best: the smallest loss among those near the best accuracy."""
    ways = {f: _way(trial, chance) for f, trial in trials.items()}
    near = _near(ways)
    calm = [f for f in near if not _grew(trials[f]) and not trials[f].diverged]
    return min(calm or near, key=lambda f: (trials[f].final_loss(), f))


def _peak(trial: Trial) -> float:
    """Return the largest mean of some losses in a row."""
    width = min(limits.GREW_WINDOW, len(trial.losses))
    return float(np.max(np.convolve(trial.losses, np.ones(width) / width, mode="valid")))


def _grew(trial: Trial) -> bool:
    return trial.diverged or _peak(trial) > limits.LOSS_GREW * abs(float(trial.losses[0]))


def _is_sooner(other: Trial, own: Trial) -> bool:
    """Return whether another trial gets where this one ends in a tenth of its steps."""
    if other.diverged:
        return False
    width = max(1, len(own.losses) // 50)
    smooth = np.convolve(other.losses, np.ones(width) / width, mode="valid")
    there = np.flatnonzero(smooth <= own.final_loss())
    return bool(there.size and there[0] <= limits.TEN_TIMES_SOONER * len(own.losses))


def _said(rate: float) -> str:
    return f"{rate:.2g}"
