"""One entry of an input: whether the gradient there is right or wrong, or has no meaning."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

__all__ = ["Judgement", "Probe", "Verdict", "judge", "relative_error"]

Verdict: TypeAlias = Literal["right", "wrong", "kink"]

_SMALLEST_SHARE = 1e-3  # of an input's largest gradient: smaller ones are held against that
_FAR = 1e4  # steps, to see which outputs an entry moves
_NEAR = 0.01  # steps, to see whether a kink is still within them


class Judgement(NamedTuple):
    """The verdict on one entry, with the numeric derivative that it rests on."""

    verdict: Verdict
    numeric: float
    error: float  # relative


class Probe:
    """The outputs along one entry of one input, all other entries held.

    Args:
        outputs: The outputs, as a host array, where the entry has the value given.
        at: The value of the entry.
        base: The outputs there.
        dout: The gradient by the outputs: the derivative is that of sum(dout * outputs).

    """

    def __init__(
        self, outputs: Callable[[float], np.ndarray], at: float, base: np.ndarray, dout: np.ndarray
    ) -> None:
        self.at = at
        self._outputs, self._dout = outputs, dout
        self._seen = {at: base}

    def slope(self, reach: float) -> float:
        """Return the central difference.

        Outputs are subtracted before they are summed, so that one large output does not drown the
        change of another.
        """
        above, below = self.at + reach, self.at - reach
        change = np.sum(self._dout * (self._at(above) - self._at(below)))
        return float(np.divide(change, above - below))

    def jolt(self, reach: float) -> float:
        """Return by how much the outputs bend otherwise than a smooth function, as a derivative.

        The slopes to the two sides differ in proportion to the reach where the function is smooth,
        so that a reach and twice its half cancel. At a kink they differ by the same at any reach.
        Two comparisons, as one alone misses a kink at a third of the reach.
        """
        bends = [
            (self._at(self.at + by) - 2.0 * self._at(self.at) + self._at(self.at - by)) / by
            for by in (2.0 * reach, reach, reach / 2.0)
        ]
        jolts = [np.sum(np.abs(self._dout * (a - 2.0 * b))) for a, b in pairwise(bends)]
        return float(np.max(jolts))

    def rounding(self, step: float) -> float:
        """Return what rounding can add to a central difference: 4 eps |f| / step.

        Of the outputs that the entry moves, which a far displacement shows: a near one may be lost
        in the rounding that is asked for.
        """
        moving = self._at(self.at + _FAR * step) != self._at(self.at)
        around = [np.abs(self._at(self.at + by)) for by in (step, 0.0, -step)]
        sizes = np.max([np.where(np.isfinite(f), f, 0.0) for f in around], axis=0)
        total = np.sum(np.where(moving, np.abs(self._dout) * sizes, 0.0))
        return float(4.0 * np.finfo(np.float64).eps * total / step)

    def _at(self, value: float) -> np.ndarray:
        if value not in self._seen:
            self._seen[value] = self._outputs(value)
        return self._seen[value]


def relative_error(analytic: float, numeric: float, tiny: float) -> float:
    """Return |a - n| / max(|a| + |n|, tiny): 0 if both are 0, infinite if one is not finite."""
    if not (math.isfinite(analytic) and math.isfinite(numeric)):
        return math.inf
    if analytic == numeric:
        return 0.0
    return abs(analytic - numeric) / max(abs(analytic) + abs(numeric), tiny)


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
        numeric: The central difference at the step.
        largest: The largest numeric gradient of the input's entries.
        step: The first step.
        tolerance: The largest relative error of a right gradient.

    """
    tiny = _SMALLEST_SHARE * largest
    if (error := relative_error(analytic, numeric, tiny)) <= tolerance:
        return Judgement("right", numeric, error)
    rounding = probe.rounding(step)
    tiny = max(tiny, rounding / tolerance)
    if (error := relative_error(analytic, numeric, tiny)) <= tolerance:
        return Judgement("right", numeric, error)
    gap = abs(analytic - numeric)
    slopes = {1.0: numeric}
    for times in (10.0, 100.0, abs(probe.at), 0.1, 0.01):  # |x| fits inputs of any size
        slopes[times] = slope = probe.slope(times * step)
        # A step so small that rounding could make up the gap cannot clear it.
        doubt = gap if math.isfinite(gap) else abs(analytic) + abs(slope)
        other = relative_error(analytic, slope, tiny)
        if other <= tolerance and rounding < doubt * times:
            return Judgement("right", slope, other)
    jolts = [probe.jolt(times * step) for times in (20.0, 10.0, 5.0, 1.0)]
    if jolts[-1] > 4.0 * rounding:  # a kink, or numbers larger than f that are rounded on the way
        if min(jolts) < 0.3 * jolts[-1]:  # a kink's jolt does not fall as the step widens
            other = relative_error(analytic, numeric, max(tiny, jolts[-1] / tolerance))
            if other <= tolerance:
                return Judgement("right", numeric, other)
        elif _explains(probe, analytic, step, jolts, max(tolerance * tiny, 4.0 * rounding / _NEAR)):
            return Judgement("kink", numeric, error)
    numeric = _steadiest([slope for _, slope in sorted(slopes.items())])
    return Judgement("wrong", numeric, relative_error(analytic, numeric, tiny))


def _explains(
    probe: Probe, analytic: float, step: float, jolts: Sequence[float], small: float
) -> bool:
    """Return whether a kink within the step explains why the gradient does not agree.

    Either the gradient agrees at a hundredth of the step, as the kink lies outside, and the kink
    is of a size to explain the rest. Or it is there at every step: of several kinks in one point a
    gradient takes this one's left side and that one's right, so that it may be far from both.
    """
    near = _NEAR * step
    gap, near_gap = (abs(analytic - probe.slope(reach)) for reach in (step, near))
    if near_gap <= small:
        return gap <= 4.0 * jolts[-1]
    every = [*jolts, probe.jolt(step / 5.0)]
    near_jolt = max(probe.jolt(near), probe.jolt(near / 3.0))
    return max(every) <= 10.0 * min(every) and near_gap <= 100.0 * near_jolt


def _steadiest(slopes: Sequence[float]) -> float:
    """Return the slope that changes least from one step to the next: the one to show."""
    pairs = [(a, b) for a, b in pairwise(slopes) if math.isfinite(a - b)]
    return min(pairs, key=lambda pair: abs(pair[0] - pair[1]))[1] if pairs else math.nan
