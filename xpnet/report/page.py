"""The page around the sections: one file that asks for nothing from anywhere."""

from collections.abc import Sequence
from pathlib import Path

from xpnet.report.markup import Child, Markup, tag
from xpnet.versions import __version__

__all__ = ["page", "tiles"]

# The browser itself refuses whatever would come from elsewhere, and every script.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, under: Child, parts: Sequence[Markup | None]) -> bytes:
    """Return the file.

    Args:
        title: Of the page.
        under: A line below it.
        parts: The sections; None is nothing.

    """
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"xpnet {__version__}"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        tag("header", tag("h1", title), tag("p", under)),
        tag("main", parts),
        tag("footer", tag("p", f"Written by xpnet {__version__}.")),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n".encode()


def tiles(values: Sequence[tuple[str, str, str]]) -> Markup:
    """Return the numbers that matter most: name, value, and what to know of it."""
    cells = [
        tag("div", tag("dt", name), tag("dd", tag("b", value), tag("span", more)))
        for name, value, more in values
    ]
    return tag("dl", cells, class_="tiles", id="results")
