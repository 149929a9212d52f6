"""One entry of an input: whether the gradient there is right or wrong, or has no meaning."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from xpnet.gradient_checking.probe import Probe

__all__ = ["Judgement", "Verdict", "first_reach", "judge", "relative_error"]

Verdict: TypeAlias = Literal["right", "wrong", "kink"]

_SMALLEST_SHARE = 1e-3  # of an input's largest gradient: smaller ones are held against that
_NEAR = 0.01  # steps, to see whether a kink is still within them


class Judgement(NamedTuple):
    """The verdict on one entry, with the numeric derivative that it rests on."""

    verdict: Verdict
    numeric: float
    error: float  # relative


def relative_error(analytic: float, numeric: float, tiny: float) -> float:
    """Return |a - n| / max(|a| + |n|, tiny): 0 if both are 0, infinite if one is not finite."""
    if not (math.isfinite(analytic) and math.isfinite(numeric)):
        return math.inf
    if analytic == numeric:
        return 0.0
    return abs(analytic - numeric) / max(abs(analytic) + abs(numeric), tiny)


def first_reach(at: float, step: float) -> float:
    """Return the first displacement: the step, times |x| where that is above 1."""
    return step * max(1.0, abs(at))


def _reaches(at: float, step: float) -> list[float]:
    """Return displacements from a hundredth of the step to 100 steps, and as far from |x| steps."""
    size = round(math.log10(abs(at))) if at else 0
    exponents = range(max(min(size, 0), -16) - 2, min(max(size, 0), 32) + 3)
    return [step * 10.0**k for k in reversed(exponents)]


def judge(
    probe: Probe,
    analytic: float,
    numeric: float,
    largest: float,
    step: float,
    tolerance: float,
) -> Judgement:
    """Return the verdict on one entry of the gradient; why so stands in `gradient_check`.

    Args:
        probe: The outputs along the entry.
        analytic: The gradient that is judged.
        numeric: The central difference at the first reach.
        largest: The largest gradient of the input's entries.
        step: The first step, which `first_reach` makes the first reach.
        tolerance: The largest relative error of a right gradient.

    """
    tiny = _SMALLEST_SHARE * largest
    if (error := relative_error(analytic, numeric, tiny)) <= tolerance:
        return Judgement("right", numeric, error)
    reach = first_reach(probe.at, step)
    rounding = probe.rounding(reach)
    tiny = max(tiny, rounding / tolerance)
    if (error := relative_error(analytic, numeric, tiny)) <= tolerance:
        return Judgement("right", numeric, error)
    gap = abs(analytic - numeric)
    slopes = {reach: numeric}
    for other in _reaches(probe.at, step):
        slopes[other] = slope = probe.slope(other)
        # A reach so small that rounding could make up the gap cannot clear it.
        doubt = gap if math.isfinite(gap) else abs(analytic) + abs(slope)
        other_error = relative_error(analytic, slope, tiny)
        if other_error <= tolerance and 0.1 * rounding * reach < doubt * other:
            return Judgement("right", slope, other_error)
    small = max(tolerance * tiny, 4.0 * rounding / _NEAR)
    verdict = _by_jolts(probe, analytic, numeric, reach, 4.0 * rounding, largest, small)
    if verdict != "wrong":
        return Judgement(verdict, numeric, min(error, tolerance))
    settled = _steadiest([slope for _, slope in sorted(slopes.items())])
    if (settled_error := relative_error(analytic, settled, tiny)) > tolerance:
        numeric, error = settled, settled_error
    return Judgement("wrong", numeric, error)


def _by_jolts(
    probe: Probe,
    analytic: float,
    numeric: float,
    reach: float,
    noise: float,
    largest: float,
    small: float,
) -> Verdict:
    """Return the verdict on an entry that agrees at no reach.

    A jolt beyond the rounding of f is a kink if it does not fall as the reach widens. Otherwise it
    is the rounding of larger numbers, of which f is a difference: it may excuse what is small
    beside the largest gradient.
    """
    jolts = [probe.jolt(times * reach) for times in (20.0, 10.0, 5.0, 1.0)]
    if not jolts[-1] > noise:
        return "wrong"
    if min(jolts) < 0.3 * jolts[-1]:
        excused = abs(analytic - numeric) <= jolts[-1] <= 0.1 * largest
        return "right" if excused else "wrong"
    return "kink" if _explains(probe, analytic, reach, jolts, small) else "wrong"


def _explains(
    probe: Probe, analytic: float, reach: float, jolts: Sequence[float], small: float
) -> bool:
    """Return whether a kink within reach explains why the gradient does not agree.

    Either the gradient agrees at a hundredth of the reach, as the kink lies outside, and the kink
    is of a size to explain the rest. Or it is there at any reach: of several kinks in one point a
    gradient takes this one's left side and that one's right, so that it may be far from both.
    """
    near = _NEAR * reach
    gap, near_gap = (abs(analytic - probe.slope(by)) for by in (reach, near))
    if near_gap <= small:
        return gap <= 4.0 * jolts[-1]
    every = [*jolts, probe.jolt(reach / 5.0)]
    near_jolt = max(probe.jolt(near), probe.jolt(near / 3.0))
    return max(every) <= 10.0 * min(every) and near_gap <= 100.0 * near_jolt


def _steadiest(slopes: Sequence[float]) -> float:
    """Return the slope that changes least from one step to the next: the one to show."""
    pairs = [(a, b) for a, b in pairwise(slopes) if math.isfinite(a - b)]
    return min(pairs, key=lambda pair: abs(pair[0] - pair[1]))[1] if pairs else math.nan
