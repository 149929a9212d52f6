"""Numbers as people read them."""

import math
from typing import Any

__all__ = ["count_text", "number_text", "pixel", "share_text", "value_text"]


def number_text(value: float | None) -> str:
    """Return four digits: 0.2957, 1,234, 1.2e-05."""
    if value is None:
        return "none"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    if value == 0 or 1e-4 <= abs(value) < 1e3:
        return f"{value:.4g}"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"


def count_text(number: int, what: str) -> str:
    """Return "1 step" or "1,200 steps"; the plural is the word with an s."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def share_text(share: float) -> str:
    """Return a share in percent, with a digit after the point where that says something.

    What is not quite nothing or all does not read as such.
    """
    percent = 100 * share
    if 0 < percent < 0.05:
        text = "<0.1"
    elif 99.95 <= percent < 100:
        text = ">99.9"
    else:
        text = f"{percent:.1f}" if 0 < percent < 10 or 90 < percent < 100 else f"{percent:.0f}"
    return f"{text}\N{NO-BREAK SPACE}%"


def value_text(value: Any) -> str:
    """Return a hyperparameter: 0.003, "adam", "100, 50", "none"."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(value_text, value)) if isinstance(value, list | tuple) else str(value)


def pixel(value: float) -> str:
    """Return a coordinate, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")
