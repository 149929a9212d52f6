"""Cases diagnosed one after the other, and how many were told right."""

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from planted.run import Case
from xpnet.diagnostics import diagnose

__all__ = ["score", "table", "totals"]


def score(
    cases: Sequence[Case], say: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Return a row for each case: what was planted, what was said, and whether that is right."""
    rows = []
    for case in cases:
        model, data, options = case.run.make()
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = diagnose(model, data, **options)
        seconds = time.perf_counter() - begun
        said = [v.name for v in (*found.faults, *found.warnings)]
        right = any(name in case.names for name in said) if case.names else not said
        rows.append(
            {
                "run": case.run.name,
                "planted": case.planted,
                "names": list(case.names),
                "said": said,
                "right": right,
                "first": bool(said) and said[0] in case.names,
                "seconds": round(seconds, 1),
            }
        )
        say(line(rows[-1]))
        if not right:
            for v in (*found.faults, *found.warnings):
                say(f"      {v}")
    return rows


def line(row: dict[str, Any]) -> str:
    """Return a row as a line."""
    mark = "right" if row["right"] else "WRONG"
    said = ", ".join(row["said"]) or "nothing"
    what = row["planted"] or "healthy"
    return f"{mark}  {what} ({row['run']}, {row['seconds']:.1f} s): {said}"


def totals(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return how many there were, and how many were told right."""
    planted = [row for row in rows if row["names"]]
    healthy = [row for row in rows if not row["names"]]
    return {
        "faults": len(planted),
        "named": sum(row["right"] for row in planted),
        "named_first": sum(row["first"] for row in planted),
        "other_verdicts": sum(name not in row["names"] for row in planted for name in row["said"]),
        "healthy": len(healthy),
        "healthy_without_a_word": sum(row["right"] for row in healthy),
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return what is printed."""
    t = totals(rows)
    return "\n".join(
        [
            *(line(row) for row in rows),
            f"{t['named']} of {t['faults']} planted faults named, {t['named_first']} of them first",
            f"{t['other_verdicts']} other faults and warnings beside them, effects or needless",
            f"{t['healthy_without_a_word']} of {t['healthy']} healthy runs without a word",
        ]
    )
