"""Whether the inputs are numbers that can be computed with."""

from collections import Counter

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.copies import is_float16
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_input_values"]

_NAME = "input values"
_BYTES = 256


def check_input_values(evidence: Evidence) -> Verdict:
    """Look for inputs that are all alike, too large for their dtype, or wrapped round."""
    case = evidence.case
    raw, (X, _) = case.raw_look, case.look
    if np.all(raw == raw[:1]):
        return Verdict(
            _NAME,
            "fault",
            "all samples are the same",
            "samples that differ",
            "Look at how X_train is read: every row of it is alike.",
        )
    if (verdict := _one_row_often(raw)) is not None:
        return verdict
    largest = float(np.abs(X).max())
    limit = _limit(evidence)
    if largest > limit:
        return Verdict(
            _NAME,
            "fault",
            f"an input is {largest:.3g} after preprocessing",
            f"at most {limit:.3g}, the largest number the net's dtype can compute with",
            "Scale the inputs (preprocess='standard'), or use dtype float32.",
        )
    if _is_wrapped(raw):
        return Verdict(
            _NAME,
            "warning",
            "the inputs are bytes near 0 and near 255 with little between",
            "bytes that go over into each other",
            "A subtraction went below 0 and wrapped round: cast to float32 before it.",
        )
    return Verdict(
        _NAME, "fine", f"all are finite, the largest {largest:.3g}", f"at most {limit:.3g}"
    )


def _one_row_often(raw: np.ndarray) -> Verdict | None:
    """Look for one row that comes far more often than any other, as where files are missing."""
    usual = Counter(row.tobytes() for row in raw).most_common(3)
    if len(usual) < 3 or usual[0][1] < limits.ONE_ROW_SHARE * len(raw):
        return None
    if usual[0][1] < limits.ONE_ROW_TIMES * usual[1][1]:
        return None
    row = np.frombuffer(usual[0][0], dtype=raw.dtype)
    what = f"rows are one and the same, with all inputs {row[0]:.3g}"
    if np.any(row != row[0]):
        what = "rows are one and the same"
    return Verdict(
        _NAME,
        "warning",
        f"{usual[0][1] / len(raw):.0%} of the {what}",
        f"less than {limits.ONE_ROW_SHARE:.0%}, or others as often",
        "Look at how these rows are read, and leave them out.",
    )


def _limit(evidence: Evidence) -> float:
    """Return the largest input that leaves room for sums of squares, or for float16 itself."""
    case = evidence.case
    if case.train[0].dtype == np.float16 or is_float16(case.net):
        return limits.LARGEST_FLOAT16
    return float(np.sqrt(np.finfo(np.float32).max / case.look[0].shape[1]))


def _is_wrapped(raw: np.ndarray) -> bool:
    """Return whether these are bytes, and small negative numbers among them became large ones."""
    if raw.min() < 0 or raw.max() >= _BYTES or not np.array_equal(raw, np.floor(raw)):
        return False
    shares = np.bincount(raw.astype(np.int64).ravel(), minlength=_BYTES) / raw.size
    low, high = shares[: limits.WRAPPED_END], shares[-limits.WRAPPED_END :]
    middle = 1.0 - low.sum() - high.sum()
    return bool(
        min(low.sum(), high.sum()) > limits.WRAPPED_SHARE
        and middle < low.sum() + high.sum()
        and low[0] < limits.WRAPPED_SPIKE * low.sum()
        and high[-1] < limits.WRAPPED_SPIKE * high.sum()
    )
