"""Points, and a straight line to compare them with."""

import numpy as np

from xpnet.report.frame import Frame
from xpnet.report.markup import Markup, tag
from xpnet.report.numbers import pixel

__all__ = ["points", "straight"]


def points(
    frame: Frame, x: np.ndarray, y: np.ndarray, style: str, titles: list[str] | None = None
) -> list[Markup]:
    """Return a circle for each point that has a place.

    Args:
        frame: The chart's axes.
        x: Of shape (N,).
        y: Likewise.
        style: A class of the style sheet.
        titles: What to say of each when it is pointed at.

    """
    found = []
    said = titles or [""] * len(x)
    for a, b, title in zip(frame.across(x), frame.down(y), said, strict=True):
        if np.isfinite(a) and np.isfinite(b):
            inside = tag("title", title) if title else None
            found.append(tag("circle", inside, class_=style, cx=pixel(a), cy=pixel(b), r="3"))
    return found


def straight(frame: Frame, start: tuple[float, float], stop: tuple[float, float]) -> Markup:
    """Return a dashed line of reference between two points."""
    x, y = frame.across(np.array([start[0], stop[0]])), frame.down(np.array([start[1], stop[1]]))
    d = f"M{pixel(x[0])} {pixel(y[0])}L{pixel(x[1])} {pixel(y[1])}"
    return tag("path", class_="reference chance", d=d)
