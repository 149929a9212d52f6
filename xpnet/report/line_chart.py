"""Lines over steps or epochs, with lines of reference across and upright."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xpnet.report.frame import Frame, spots
from xpnet.report.markup import Markup, tag
from xpnet.report.numbers import number_text, pixel
from xpnet.thinning import thinned

__all__ = ["Line", "Reference", "legend", "line_chart"]

_BUCKETS = 450  # about the pixels between the axes
_MOST_MARKS = 32  # from where on marks would be a caterpillar


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        name: In the legend.
        x, y: Of shape (N,); NaN is a gap.
        style: A class of the style sheet, such as "s0" to "s7", with or without "thin" or "thick".
        marks: "circle" or "square" for marks at the points, where they are few.

    """

    name: str
    x: np.ndarray
    y: np.ndarray
    style: str
    marks: str = ""


@dataclass(frozen=True)
class Reference:
    """A dashed line across, or upright.

    Attributes:
        name: In the legend.
        value: Where.
        style: A class of the style sheet.
        upright: Whether it stands at a place on the x axis.

    """

    name: str
    value: float
    style: str
    upright: bool = False


def line_chart(
    frame: Frame, lines: Sequence[Line], references: Sequence[Reference], label: str
) -> Markup:
    """Return the chart as SVG.

    Of long lines each pixel keeps its lowest and highest point.
    """
    drawn = [
        *(mark for reference in references if (mark := _reference(frame, reference))),
        *(part for line in lines for part in _line(frame, line)),
    ]
    return frame.svg(label, drawn)


def legend(lines: Sequence[Line], references: Sequence[Reference]) -> Markup:
    """Return the list of what the lines are."""
    items = [_item(line.name, f"line {line.style}", line.marks) for line in lines]
    items += [_item(r.name, f"reference {r.style}", "", upright=r.upright) for r in references]
    return tag("ul", items, class_="legend")


def _line(frame: Frame, line: Line) -> list[Markup]:
    x, y = thinned(line.x, line.y, _BUCKETS)
    across, down = frame.across(x), frame.down(y)
    parts = [tag("path", class_=f"line {line.style}", d=d) for d in spots(across, down)]
    if not line.marks or len(x) > _MOST_MARKS:
        return parts
    for place, height, step, value in zip(across, down, x, y, strict=True):
        if np.isfinite(height):
            title = tag("title", f"{line.name} at {step:,g}: {number_text(float(value))}")
            parts.append(_mark(line.marks, float(place), float(height), line.style, title))
    return parts


def _mark(kind: str, x: float, y: float, style: str, title: Markup | None) -> Markup:
    if kind == "circle":
        return tag("circle", title, class_=f"mark {style}", cx=pixel(x), cy=pixel(y), r="3.2")
    corner = {"x": pixel(x - 3), "y": pixel(y - 3)}
    return tag("rect", title, class_=f"mark {style}", width="6", height="6", **corner)


def _reference(frame: Frame, reference: Reference) -> Markup | None:
    left, top, width, height = frame.inner
    value = np.array([reference.value])
    scale = frame.x if reference.upright else frame.y
    if not 0 <= scale.places(value)[0] <= 1:  # also NaN
        return None
    place = float((frame.across if reference.upright else frame.down)(value)[0])
    d = (
        f"M{pixel(place)} {top}v{height}"
        if reference.upright
        else f"M{left} {pixel(place)}h{width}"
    )
    return tag("path", class_=f"reference {reference.style}", d=d)


def _item(name: str, style: str, marks: str, *, upright: bool = False) -> Markup:
    path = tag("path", class_=style, d="M13 1v14" if upright else "M1 8h24")
    colour = style.split()[1]
    mark = _mark(marks, 13, 8, colour, None) if marks else None
    swatch = tag("svg", path, mark, class_="swatch", viewBox="0 0 26 16", aria_hidden="true")
    return tag("li", swatch, name)
