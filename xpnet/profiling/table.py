"""The table of a profile: a row for each layer, a column for each phase, and what was measured."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xpnet.profiling.report import Profile

__all__ = ["table_text"]

_WIDTH = 98
_BY_LAYER = ("forward", "backward", "update")  # phases with a column of their own


def table_text(profile: "Profile") -> str:
    """Return the table of pieces, that of phases, and the notes."""
    return "\n".join(
        [
            _wrapped(_head(profile)),
            "",
            *_drawn(_pieces(profile), rules=(1, -1)),
            "",
            *_drawn(_phases(profile), rules=(1,)),
            "",
            *(_wrapped(line) for line in _notes(profile)),
        ]
    )


def _head(profile: "Profile") -> str:
    """Return what was measured, and where."""
    stack = "" if profile.members is None else f" by {profile.members} members"
    cores = _count(profile.cores, "core")
    load = "" if profile.load is None else f", load {profile.load:.1f} on {cores}"
    return (
        f"profile of {_count(profile.steps, 'step')} of {_count(profile.batch_size, 'sample')}"
        f"{stack}, after step {profile.steps_before:,}: {profile.dtype}, {profile.backend}, "
        f"{_count(profile.threads, 'thread')}{load}"
    )


def _pieces(profile: "Profile") -> list[list[str]]:
    """Return the cells of the table of pieces: a line for each, with its parts below it."""
    rows, is_async = profile.rows(), profile.asked is not None
    columns = [p for p in _BY_LAYER if any(row["phase"] == p for row in rows)]

    def line(label: str, of: list[dict[str, Any]]) -> list[str]:
        cells = [label, _percent(_sum(of, "share")), _time(_sum(of, "microseconds"))]
        for phase in columns:
            own = [row for row in of if row["phase"] == phase]
            cells.append(_time(_sum(own, "microseconds")) if own else "")
        return [*cells, _time(_sum(of, "asked_microseconds"))] if is_async else cells

    head = ["µs a step", "share", "done" if is_async else "all", *columns]
    cells = [[*head, "asked"] if is_async else head]
    for name in dict.fromkeys(_label(row) for row in rows):
        own = [row for row in rows if _label(row) == name]
        cells.append(line(name, own))
        for part in dict.fromkeys(row["part"] for row in own if row["part"]):
            cells.append(line(f"  {part}", [row for row in own if row["part"] == part]))
    return [*cells, line("total", rows)]


def _label(row: dict[str, Any]) -> str:
    """Return the row of the table that a piece belongs to: its layer's, or one of its own."""
    shared = row["phase"] in (*_BY_LAYER, "gradients")
    return str(row["piece"]) if shared else f"{row['phase']}: {row['piece']}"


def _phases(profile: "Profile") -> list[list[str]]:
    """Return the cells of the table of phases."""
    rows = profile.phases()
    word = "share" if profile.asked is None else "share, done"
    cells = [["phase", *(row["phase"] for row in rows)]]
    cells.append([word, *(_percent(row["share"]) for row in rows)])
    if profile.asked is not None:
        cells.append(["share, asked", *(_percent(row.get("asked_share", 0.0)) for row in rows)])
    return cells


def _notes(profile: "Profile") -> list[str]:
    """Return the sentences below the tables."""
    notes = []
    if profile.asked is None:
        notes.append("a call returns here when its work is done: waiting for the device adds none")
    else:
        notes.append(
            "done: the device was waited for after each piece; asked: it was not, and a piece ends "
            "when its call returns"
        )
    if profile.turns > 1:
        notes.append(
            f"of {profile.turns} turns the quicker half counts: other programs slow the others"
        )
    if profile.load is not None and profile.load > profile.cores:
        notes.append("the machine is busy with other programs: measure again when it is not")
    slower = profile.asked or profile.done
    excess = slower / profile.unwatched - 1.0 if profile.unwatched else 0.0
    slowing = f"slows a step by {_percent(excess).strip()}" if excess >= 0.001 else "slows nothing"
    notes.append(f"to watch the pieces {slowing}: {_time(profile.unwatched)} µs without")
    if profile.compiled is not None and profile.compiled_steps is not None:
        notes.append(
            "the training compiles its steps, or on NumPy records and replays them: "
            f"{_time(profile.compiled_steps)} µs each, and {_time(profile.compiled)} with what "
            "happens once an epoch; the pieces above are taken one by one"
        )
    notes.append(
        f"checks and the order of the rows come once in {_count(profile.steps_per_epoch, 'step')} "
        "and are shared out to them; callbacks and printing are not in it"
    )
    return notes


def _drawn(cells: Sequence[Sequence[str]], rules: tuple[int, ...]) -> list[str]:
    """Return lines of aligned cells, with rules before those of these numbers."""
    widths = [max(len(line[c]) for line in cells) for c in range(len(cells[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if c == 0 else cell.rjust(width)
            for c, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    rule = "-" * max(map(len, lines))
    for place in sorted((r % len(lines) for r in rules), reverse=True):
        lines.insert(place, rule)
    return lines


def _sum(rows: Sequence[dict[str, Any]], column: str) -> float:
    return float(sum(row.get(column, 0.0) for row in rows))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _time(microseconds: float) -> str:
    return f"{microseconds:,.1f}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
