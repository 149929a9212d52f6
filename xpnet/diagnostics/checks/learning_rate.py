"""Whether the learning rate is too high or too low, by a range test.

Reference: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section
3.3. There one training goes through rising rates; here each rate has a training of its own, as a
member of one stack.
"""

import math

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.checks.rule_options import guilty_option, long_memory
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.sentences import listed_numbers
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
    failed = status == "fault" or not evidence.ends_well
    if failed and (option := guilty_option(evidence)) is not None:
        status, found, remedy = "fault", f"{found}; {option[0]}", option[1]
    elif status != "fault" and (memory := long_memory(evidence)) is not None:
        status, found, remedy = "warning", f"{found}; {memory[0]}", memory[1]
    tried = evidence.by_rate
    good = [f for f in _near(evidence) if evidence.learns(tried[f])]
    expected = "a loss that falls"
    if good:
        listed = listed_numbers([case.rate * factor for factor in good])
        expected += f"; of {len(tried)} rates tried {listed} {'learn' if good[1:] else 'learns'} "
        expected += "best"
    return Verdict(_NAME, status, found, expected if status != "not looked at" else "", remedy)


def _judged(evidence: Evidence, rate: float) -> tuple[Status, str, str]:
    """Return the status, what was found and the remedy."""
    trials, own = evidence.by_rate, evidence.own
    best = _best_factor(evidence)
    learns = evidence.learns(trials[best])
    use_best = f"Set learning_rate to {_said(rate * best)}." if learns else _none_works(evidence)
    goes = f"the loss goes from {own.losses[0]:.3g} to "
    if own.diverged:
        step = int(np.argmin(np.isfinite(own.losses))) + 1
        what = _too("high", rate) if learns else f"at {_said(rate)}"
        return "fault", f"{what} {goes}NaN or infinity at step {step}", use_best
    goes += f"{own.final_loss():.3g} in {len(own.losses)} steps"
    if not any(map(evidence.learns, trials.values())):
        return _nothing(evidence, f"at {_said(rate)} {goes}")
    failing: Status = "warning" if evidence.ends_well else "fault"
    if own.grew and best < 1.0:
        return failing, f"{_too('high', rate)} {goes}, after {own.peak:.3g}", use_best
    if (calmer := _calmer(evidence)) is not None:
        goes += f", and to {trials[calmer].final_loss():.3g} at {_said(rate * calmer)}"
        remedy = f"Set learning_rate to {_said(rate * calmer)}."
        return failing, f"{_too('high', rate)} {goes}", remedy
    if own.grew and not evidence.ends_well:
        remedy = "No other rate that was tried does better: look at the loss and the gradients."
        return failing, f"at {_said(rate)} {goes}, after {own.peak:.3g}", remedy
    return _compared(evidence, goes, best)


def _compared(evidence: Evidence, goes: str, best: float) -> tuple[Status, str, str]:
    """Compare the accuracies with those at the best rate."""
    trials, own, case = evidence.by_rate, evidence.own, evidence.case
    rate = case.rate or 0.0
    found = f"at {_said(rate)} {goes}"
    sooner = any(f > 1.0 and _is_sooner(trial, own) for f, trial in trials.items())
    # Both: a rate that learns wrong labels by heart is no better.
    pairs = [
        (evidence.way(own, on_val=on_val), evidence.way(trials[best], on_val=on_val))
        for on_val in (False, True)
    ]
    worse = all(way < limits.WELL_LEARNT * better for way, better in pairs)
    if not worse or _is_noise(evidence, trials[best]) or not (best < 1.0 or sooner):
        if not evidence.learns(own):
            return "not looked at", f"{found}, and the net knows no more than chance", ""
        return "fine", found, ""
    status: Status = "fault"
    if any(better - way < limits.RATE_LOSES for way, better in pairs):
        status = "warning"
    found = f"{_too('high' if best < 1.0 else 'low', rate)} {goes} (train {case.metric.short} "
    found += f"{own.train_acc[-1]:.3f}, {trials[best].train_acc[-1]:.3f} at best)"
    if best > 1.0:  # the lowest that does as well, as the highest are near the edge
        best = min(f for f in _near(evidence) if f > 1.0)
    return status, found, f"Set learning_rate to {_said(rate * best)}."


def _none_works(evidence: Evidence) -> str:
    """Return what is to be said where all rates were tried in vain."""
    rate, factors = evidence.case.rate or 0.0, list(evidence.by_rate)
    return (
        f"No rate from {_said(rate * factors[0])} to {_said(rate * factors[-1])} learns: scale the "
        "inputs, and look at the first weights."
    )


def _is_noise(evidence: Evidence, other: Trial) -> bool:
    """Return whether so many samples may tell two accuracies so far apart by chance.

    Of R squared by I. Olkin and J. Finn, "Correlations redux", 1995: 4 R2 (1 - R2)^2 / N. Where
    the other does not overfit, training samples may speak for the validation part, which is small.
    """
    case, own = evidence.case, evidence.own
    counts = [min(len(part[1]), limits.ROWS_CHECKED) for part in (case.train, case.val)]
    its = float(other.train_acc[-1]), float(other.val_acc[-1])
    mine = float(own.train_acc[-1]), float(own.val_acc[-1])
    errors = [_error(evidence, acc, n) for acc, n in zip(its, counts, strict=True)]
    sure = [(a - b) / error for a, b, error in zip(its, mine, errors, strict=True)]
    if min(sure) >= limits.RATE_NOISE:
        return False
    overfits = its[0] - its[1] > limits.RATE_NOISE * math.hypot(*errors) / math.sqrt(2.0)
    return overfits or min(sure) < 1.0 or sum(sure) < 2.0 * limits.RATE_NOISE


def _error(evidence: Evidence, accuracy: float, count: int) -> float:
    """Return the standard deviation of the difference of two accuracies near this one."""
    if evidence.case.is_regression:
        error = math.sqrt(8.0 * max(accuracy, 0.0) / count) * (1.0 - accuracy)
        return max(error, 1e-9)
    return standard_error(accuracy, count, count)


def _near(evidence: Evidence) -> list[float]:
    """Return the factors that come nearly as far as the best, without a rise of the loss if any."""
    ways = {f: evidence.way(trial) for f, trial in evidence.by_rate.items()}
    near = [f for f, way in ways.items() if way >= limits.AS_FAR * max(ways.values())]
    return [f for f in near if not evidence.by_rate[f].grew] or near


def _nothing(evidence: Evidence, found: str) -> tuple[Status, str, str]:
    """Return what is to be said where no rate learns anything."""
    trials, own = evidence.by_rate, evidence.own
    falls = min(trial.final_loss() for trial in trials.values()) <= 0.99 * float(own.losses[0])
    remedy = "Look at the gradients and the update rule: w - learning_rate * dw goes downhill."
    if evidence.stacks:
        remedy = _none_works(evidence)
    if not falls and len(trials) > 1:
        return "fault", f"{found}, and at no other rate does it fall", remedy
    if own.grew:
        return "fault", f"{found}, after {own.peak:.3g}, and no rate tried learns", remedy
    return "not looked at", f"{found}, and no rate tried learns more than chance", ""


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


def _best_factor(evidence: Evidence) -> float:
    """Return the factor that learns best: the smallest loss among those near the best accuracy."""
    return min(_near(evidence), key=lambda f: (evidence.by_rate[f].final_loss(), f))


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


def _too(side: str, rate: float) -> str:
    return f"{_said(rate)} is too {side}:"
