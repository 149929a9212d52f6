"""Bars side by side, as of a histogram."""

import numpy as np

from xpnet.report.frame import Frame
from xpnet.report.markup import Markup, tag
from xpnet.report.numbers import pixel

__all__ = ["bars"]


def bars(frame: Frame, edges: np.ndarray, counts: np.ndarray) -> list[Markup]:
    """Return a bar from 0 for each count.

    Args:
        frame: The chart's axes.
        edges: Of shape (N + 1,), rising.
        counts: Of shape (N,).

    """
    x, y = frame.across(edges), frame.down(counts)
    bottom = float(frame.down(np.array([0.0]))[0])
    found = []
    for left, right, top, count, low, high in zip(
        x[:-1], x[1:], y, counts, edges[:-1], edges[1:], strict=True
    ):
        width = max(right - left - 1, 0.5)
        title = tag("title", f"{low:.4g} to {high:.4g}: {count:,}")
        place = {"x": pixel(left), "y": pixel(top), "width": pixel(width)}
        found.append(tag("rect", title, class_="bar", height=pixel(bottom - top), **place))
    return found
