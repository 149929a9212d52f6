"""The page around the sections: one file that asks for nothing from anywhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from xpnet.report.markup import Child, Markup, tag
from xpnet.versions import __version__

__all__ = ["Section", "page", "tiles"]

# The browser itself refuses whatever would come from elsewhere, and every script.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


class Section(NamedTuple):
    """A part of a page."""

    name: str  # its id
    title: str
    content: Child


def page(title: str, under: Child, above: Child, sections: Sequence[Section]) -> bytes:
    """Return the file.

    Args:
        title: Of the page.
        under: A line below it.
        above: What stands before the sections.
        sections: In their order, with links to each before all.

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
        tag("header", tag("h1", title), tag("p", under), _links(sections)),
        tag("main", above, [_written(section) for section in sections]),
        tag("footer", tag("p", f"Written by xpnet {__version__}.")),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n".encode()


def _links(sections: Sequence[Section]) -> Markup:
    links = [tag("li", tag("a", own.title, href=f"#{own.name}")) for own in sections]
    return tag("nav", tag("ul", links), aria_label="sections")


def _written(section: Section) -> Markup:
    heading = tag("h2", section.title, id=f"{section.name}-heading")
    return tag(
        "section",
        *(heading, section.content),
        id=section.name,
        aria_labelledby=f"{section.name}-heading",
    )


def tiles(values: Sequence[tuple[str, str, str]]) -> Markup:
    """Return the numbers that matter most: name, value, and what to know of it."""
    cells = [
        tag("div", tag("dt", name), tag("dd", tag("b", value), tag("span", more)))
        for name, value, more in values
    ]
    return tag("dl", cells, class_="tiles", id="results")
