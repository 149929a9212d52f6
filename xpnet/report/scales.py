"""From numbers to places on an axis, and the ticks beside it."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["Linear", "Log", "Scale", "tick_text"]

_MOST_TICKS = 6
_LARGEST = 1e300


class Scale(Protocol):
    """An axis from `low` to `high`."""

    @property
    def low(self) -> float:
        """Where it begins."""

    @property
    def high(self) -> float:
        """Where it ends."""

    def places(self, values: np.ndarray) -> np.ndarray:
        """Return 0 for `low` to 1 for `high`, NaN for what has no place."""

    def ticks(self) -> list[float]:
        """Return the numbers that stand beside the axis."""


@dataclass(frozen=True)
class Linear:
    """An axis of equal steps."""

    low: float
    high: float

    @classmethod
    def over(cls, values: np.ndarray, *, zero: bool = False) -> "Linear":
        """Return the axis of all finite values, from 0 on if that is asked for."""
        finite = _finite(values)
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        low = min(low, 0.0) if zero else low
        if low == high:
            low, high = (low - 1.0, high + 1.0) if not zero else (low, high + 1.0)
        margin = 0.04 * (high - low)
        return cls(low if zero and low == 0 else low - margin, high + margin)

    def places(self, values: np.ndarray) -> np.ndarray:
        """Return (value - low) / (high - low)."""
        values = np.asarray(values, dtype=np.float64)
        with np.errstate(all="ignore"):  # of NaN, infinity, and what a margin is too much for
            places = (values - self.low) / (self.high - self.low)
        return np.where(np.isfinite(places), places, np.nan)

    def ticks(self) -> list[float]:
        """Return multiples of 1, 2 or 5 times a power of ten."""
        start, stop = sorted((self.low, self.high))  # an axis may run downward
        rough = (stop - start) / _MOST_TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
        first, last = math.ceil(start / step - 1e-9), math.floor(stop / step + 1e-9)
        return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


@dataclass(frozen=True)
class Log:
    """An axis of equal ratios; what is not positive has no place on it."""

    low: float
    high: float

    @classmethod
    def over(cls, values: np.ndarray) -> "Log":
        """Return the axis of all finite positive values."""
        finite = _finite(values)
        finite = np.maximum(finite[finite > 0], 1 / _LARGEST)
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.1, 1.0)
        if high < 1.5 * low:
            middle = math.sqrt(low) * math.sqrt(high)
            low, high = middle / 1.5, middle * 1.5
        margin = (high / low) ** 0.04
        return cls(low / margin, high * margin)

    def places(self, values: np.ndarray) -> np.ndarray:
        """Return log(value / low) / log(high / low)."""
        values = np.asarray(values, dtype=np.float64)
        good = np.isfinite(values) & (values > 0)
        logs = np.log(np.where(good, values, 1.0))
        span = math.log(self.high) - math.log(self.low)
        return np.where(good, (logs - math.log(self.low)) / span, np.nan)

    def ticks(self) -> list[float]:
        """Return powers of ten, with their doubles and fives where the powers alone are few."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for factors in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
            all_ = [f * 10.0**k for k in range(first, last + 1) for f in factors]
            ticks = [float(f"{t:.3g}") for t in all_ if self.low <= t <= self.high]
            if len(ticks) >= 3:
                break
        return ticks[:: math.ceil(len(ticks) / _MOST_TICKS)] or [float(f"{self.low:.2g}")]


def _finite(values: np.ndarray) -> np.ndarray:
    """Return the finite values, none so large that a margin would be infinite."""
    values = np.asarray(values, dtype=np.float64)
    return np.asarray(np.clip(values[np.isfinite(values)], -_LARGEST, _LARGEST))


def tick_text(value: float) -> str:
    """Return the text of a tick: 0.5, 20,000, 1e-3, 2e6."""
    if value == 0 or 1e-2 <= abs(value) < 1e6:
        return f"{value:,.10g}"
    mantissa, _, exponent = f"{value:.6e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"
