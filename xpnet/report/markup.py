"""HTML and SVG from Python: every text is escaped, unless it is markup already."""

import html
from collections.abc import Iterable
from typing import TypeAlias

__all__ = ["Child", "Markup", "joined", "tag"]


class Markup(str):
    """Text that is HTML or SVG, so that it is not escaped again."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"

_EMPTY = frozenset({"br", "img", "input", "link", "meta"})  # HTML's elements without an end


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """Return an element.

    Args:
        name: Of the element.
        children: Texts, which are escaped, and markup, which is not; None is nothing.
        attributes: By their names, with `_` for `-` and after Python's own words (`class_`). None
            and False leave one out, True gives it no value.

    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _EMPTY:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Markup:
    """Return children as they stand between two tags."""
    return Markup("".join(_child(child) for child in children))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int | float):
        return html.escape(_visible(str(child)))
    return joined(child)


def _attribute(key: str, value: str | float | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(_visible(str(value)))}"'


def _visible(text: str) -> str:
    """Return a text without what no HTML file may hold: control characters and lone surrogates."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c if c >= " " or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in whole)
