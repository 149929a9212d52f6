"""A picture of shares: one hue, whose strength is the share.

The shares are a small grey PNG that serves as the mask of a rectangle, whose colour is the style
sheet's: so it follows light and dark, and ten thousand cells have a few kilobytes.
"""

import numpy as np

from xpnet.report.frame import Frame
from xpnet.report.markup import Markup, tag
from xpnet.report.png import data_uri

__all__ = ["heat_map"]


def heat_map(
    frame: Frame,
    shares: np.ndarray,
    name: str,
    label: str,
    across: tuple[float, float] | None = None,
) -> Markup:
    """Return the chart as SVG.

    Args:
        frame: Its axes, which the picture fills from below to above.
        shares: Of shape (rows, columns) from 0 to 1, the first row below; NaN is nothing.
        name: An id that no other element of the page has.
        label: What the chart says, for those who cannot see it.
        across: From which coordinate to which; None for all of the frame.

    """
    left, top, width, height = frame.inner
    if across is not None:
        left, width = across[0], across[1] - across[0]
    box = {"x": round(left, 1), "y": top, "width": round(width, 1), "height": height}
    grey = np.round(255 * np.clip(np.nan_to_num(shares[::-1]), 0, 1)).astype(np.uint8)
    image = tag("image", href=data_uri(grey), preserveAspectRatio="none", class_="cells", **box)
    mask = tag("mask", image, id=name, maskUnits="userSpaceOnUse", **box)
    return frame.svg(label, mask, tag("rect", class_="heat", mask=f"url(#{name})", **box))
