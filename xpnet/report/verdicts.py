"""The verdicts on a training, the worst first."""

from collections.abc import Sequence
from typing import TypeAlias

from xpnet.diagnostics import Verdict
from xpnet.report.figures import note
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.page import Section

__all__ = ["Said", "verdicts_section"]

Said: TypeAlias = tuple[Verdict, str]  # with where and when it became true, or ""

_ORDER = ("fault", "warning", "fine", "not looked at")
_MOST_OPEN = 8  # so that the curves are not far below
_SIGNS = {"fault": "✖", "warning": "▲", "fine": "✔", "not looked at": "–"}


def verdicts_section(said: Sequence[Said], how: Child) -> Section:
    """Return the section.

    Args:
        said: The verdicts.
        how: Who has looked, and who else could.

    """
    counts = {status: sum(verdict.status == status for verdict, _ in said) for status in _ORDER}
    parts: list[Child] = []
    if said:
        parts.append(tag("p", _counted(counts), class_="counted"))
    ordered = sorted(said, key=lambda item: (_ORDER.index(item[0].status), bool(item[0].follows)))
    bad = [item for item in ordered if item[0].status in _ORDER[:2]]
    good = [item for item in ordered if item[0].status == "fine"]
    rest = [item for item in ordered if item[0].status == "not looked at"]
    parts += [_card(*item) for item in bad]
    parts.append(_folded(good, "fine", open_to=_MOST_OPEN))
    parts.append(_folded(rest, "not looked at", open_to=0))
    parts.append(note(how))
    return Section("verdicts", "Verdicts", parts)


def _folded(said: list[Said], what: str, *, open_to: int) -> Markup | None:
    """Return verdicts on a line each, folded away where there are more than `open_to`."""
    if not said:
        return None
    lines = tag("ul", [tag("li", _line(*item)) for item in said], class_="fine-list")
    if len(said) <= open_to:
        return lines
    return tag("details", tag("summary", f"{len(said)} {what}"), lines)


def _counted(counts: dict[str, int]) -> str:
    texts = {"fault": "fault", "warning": "warning"}
    bad = [
        f"{counts[status]} {text}{'s' * (counts[status] != 1)}"
        for status, text in texts.items()
        if counts[status]
    ]
    good = [f"{counts['fine']} fine"] if counts["fine"] else []
    text = ", ".join([*(bad or ["nothing wrong was found"]), *good])
    return text[0].upper() + text[1:]


def _card(verdict: Verdict, where: str) -> Markup:
    """Return a fault or a warning with all that it says, the remedy or its cause in front."""
    remedy = f"It follows from: {verdict.follows}." if verdict.follows else verdict.remedy
    return tag(
        "article",
        tag("h3", _badge(verdict), " ", verdict.name, _at(where)),
        tag("p", remedy, class_="remedy") if remedy else None,
        tag(
            "dl",
            *(tag("dt", "found"), tag("dd", verdict.found)),
            *(tag("dt", "expected"), tag("dd", verdict.expected)),
        ),
        class_=f"verdict {_class(verdict)}",
    )


def _line(verdict: Verdict, where: str) -> list[Child]:
    return [
        _badge(verdict),
        tag("b", " ", verdict.name, _at(where), ": "),
        verdict.found,
        tag("span", f" (expected: {verdict.expected})", class_="quiet") if verdict.expected else "",
    ]


def _badge(verdict: Verdict) -> Markup:
    sign = tag("span", _SIGNS[verdict.status], aria_hidden="true")
    return tag("span", sign, f" {verdict.status}", class_=f"badge {_class(verdict)}")


def _class(verdict: Verdict) -> str:
    return verdict.status.replace(" ", "-")


def _at(where: str) -> str:
    return f", {where}" if where else ""
