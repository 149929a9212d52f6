"""A function's outputs along one entry of one of its inputs."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

__all__ = ["Probe"]

_FAR = 1e4  # steps, to see which outputs an entry moves


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

    def rounding(self, reach: float) -> float:
        """Return what rounding can add to a central difference: 4 eps |f| / reach.

        Of the outputs that the entry moves. A far displacement shows which, as a near one may be
        lost in the rounding that is asked for; those that stay still even there count for less.
        """
        moving = self._at(self.at + _FAR * reach) != self._at(self.at)
        around = [np.abs(self._at(self.at + by)) for by in (reach, 0.0, -reach)]
        sizes = np.max([np.where(np.isfinite(f), f, 0.0) for f in around], axis=0)
        total = np.sum(np.abs(self._dout) * np.where(moving, sizes, sizes / _FAR))
        return float(4.0 * np.finfo(np.float64).eps * total / reach)

    def _at(self, value: float) -> np.ndarray:
        if value not in self._seen:
            self._seen[value] = self._outputs(value)
        return self._seen[value]
