"""What every chart stands in: two axes with ticks, labels and a grid, as SVG.

The drawing is 520 wide whatever the page is, and scales with it. Its colours and the sizes of its
texts are the style sheet's, so that they follow light and dark, and grow on a phone.
"""

from dataclasses import dataclass

import numpy as np

from xpnet.report.markup import Child, Markup, tag
from xpnet.report.numbers import pixel
from xpnet.report.scales import Scale, tick_text

__all__ = ["WIDTH", "Frame", "spots"]

WIDTH = 520
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 30, 48
_MOST_LETTERS = 44  # below an axis, in the largest letters that a style has


@dataclass(frozen=True)
class Frame:
    """A chart's axes.

    Attributes:
        x, y: The axes.
        x_label, y_label: What they show, with the unit.
        height: Of the drawing.
        x_names: Texts in place of the ticks' numbers, at 0, 1, 2, ...; where they are too many to
            stand side by side, some.
        x_ticks: Where the ticks are instead of at round numbers.

    """

    x: Scale
    y: Scale
    x_label: str
    y_label: str
    height: int = 300
    x_names: tuple[str, ...] = ()
    x_ticks: tuple[float, ...] = ()

    @property
    def inner(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of what lies between the axes."""
        return _LEFT, _TOP, WIDTH - _LEFT - _RIGHT, self.height - _TOP - _BOTTOM

    def across(self, values: np.ndarray) -> np.ndarray:
        """Return x coordinates, NaN for what has no place; what lies beyond stands at the edge."""
        left, _, width, _ = self.inner
        return left + width * _on_axis(self.x, values)

    def down(self, values: np.ndarray) -> np.ndarray:
        """Return y coordinates, NaN for what has no place; what lies beyond stands at the edge."""
        _, top, _, height = self.inner
        return top + height * (1 - _on_axis(self.y, values))

    def svg(self, label: str, *drawn: Child) -> Markup:
        """Return the drawing, with the axes behind what is drawn.

        Args:
            label: What the chart says, for those who cannot see it.
            drawn: Markup, clipped to the space between the axes by itself.

        """
        return tag(
            "svg",
            self._axes(),
            drawn,
            class_="chart",
            viewBox=f"0 0 {WIDTH} {self.height}",
            role="img",
            aria_label=label,
        )

    def _axes(self) -> Markup:
        left, top, width, height = self.inner
        bottom, right = top + height, left + width
        parts: list[Markup] = []
        for tick, place in self._ticks(self.y):
            y = pixel(bottom - height * place)
            parts.append(tag("path", class_="rule", d=f"M{left} {y}H{right}"))
            parts.append(_text(tick_text(tick), left - 8, float(y) + 5, "end"))
        for tick, place in self._ticks(self.x):
            x = left + width * place
            name = tick_text(tick)
            if self.x_names:
                name = self.x_names[round(tick)] if 0 <= tick < len(self.x_names) else ""
            parts.append(tag("path", class_="tick", d=f"M{pixel(x)} {bottom}v5"))
            parts.append(_text(name, x, bottom + 20, "middle"))
        parts.append(tag("path", class_="axis", d=f"M{left} {top}V{bottom}H{right}"))
        parts.append(_text(self.x_label, right, self.height - 6, "end", "label"))
        parts.append(_text(self.y_label, 4, 16, "start", "label"))
        return tag("g", parts)

    def _ticks(self, scale: Scale) -> list[tuple[float, float]]:
        """Return the ticks that lie on an axis, and where."""
        if scale is self.x and self.x_names:
            longest = max(map(len, self.x_names))
            every = -(-len(self.x_names) * (longest + 1) // _MOST_LETTERS)
            ticks = [float(k) for k in range(0, len(self.x_names), every)]
        elif scale is self.x and self.x_ticks:
            ticks = list(self.x_ticks)
        else:
            ticks = scale.ticks()
        places = scale.places(np.array(ticks, dtype=np.float64)).tolist()
        return [
            (tick, place)
            for tick, place in zip(ticks, places, strict=True)
            if -1e-6 <= place <= 1 + 1e-6
        ]


def spots(x: np.ndarray, y: np.ndarray) -> list[str]:
    """Return the stretches of a line as the text of paths, one for each without a gap."""
    good = np.isfinite(x) & np.isfinite(y)
    texts, points = [], []
    for is_good, a, b in zip([*good, False], [*x, 0.0], [*y, 0.0], strict=True):
        if is_good:
            points.append(f"{pixel(a)} {pixel(b)}")
        elif points:
            start, rest = points[0], points[1:]
            # A single point is a line of no length, which a round cap shows.
            texts.append(f"M{start}" + (f"L{' '.join(rest)}" if rest else "h0"))
            points = []
    return texts


def _on_axis(scale: Scale, values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(scale.places(np.asarray(values, dtype=np.float64)), 0.0, 1.0))


def _text(content: str, x: float, y: float, anchor: str, class_: str | None = None) -> Markup:
    return tag("text", content, x=pixel(x), y=pixel(y), text_anchor=anchor, class_=class_)
