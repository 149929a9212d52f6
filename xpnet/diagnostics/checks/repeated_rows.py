"""Whether the training samples are samples, and not a few of them again and again."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_repeated_rows"]

_NAME = "repeated rows"


def check_repeated_rows(evidence: Evidence) -> Verdict:
    """Count the rows that differ.

    Where inputs have few values, as categories have, rows come again too; but then validation rows
    are among them.
    """
    case = evidence.case
    rows = _seen(case.train[0])
    different = set(rows)
    of_val = _seen(case.val[0])
    known = sum(row in different for row in of_val) / len(of_val)
    if known <= limits.KNOWN_ROWS and (verdict := _contradicting(rows, case)) is not None:
        return verdict
    share = len(different) / len(rows)
    found = f"{len(different):,} of {len(rows):,} training rows differ"
    expected = f"{limits.DIFFERENT_ROWS:.0%} or more"
    if share >= limits.DIFFERENT_ROWS or known > limits.KNOWN_ROWS:
        return Verdict(_NAME, "fine", found, expected)
    much = share < limits.DIFFERENT_ROWS_LEAST
    return Verdict(
        _NAME,
        "fault" if much else "warning",
        f"{found}: the others are copies, from which nothing more is learnt",
        expected,
        "Look at how X_train is put together; weigh classes by class_weights and not by copies.",
    )


def _contradicting(rows: list[int], case: Case) -> Verdict | None:
    """Look for equal rows of different labels."""
    if case.is_regression:
        return None
    labels: dict[int, set[int]] = {}
    for row, label in zip(rows, case.train[1].tolist(), strict=True):
        labels.setdefault(row, set()).add(label)
    several = {row for row, own in labels.items() if len(own) > 1}
    count = sum(row in several for row in rows)
    if count < limits.CONTRADICTING * len(rows):
        return None
    return Verdict(
        _NAME,
        "warning",
        f"{count:,} of {len(rows):,} training rows have an equal row with another label",
        f"less than {limits.CONTRADICTING:.0%}",
        "Look at how labels and rows were put together: one of the labels is wrong.",
    )


def _seen(X: np.ndarray) -> list[int]:
    """Return a number for each row: copies of the rows would take their memory once more."""
    return [hash(row.tobytes()) for row in X.reshape(len(X), -1)]
