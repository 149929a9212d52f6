"""Whether validation samples are training samples too."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.answer import answer_among
from xpnet.diagnostics.checks.near_copies import near_copies
from xpnet.diagnostics.checks.same_rows import are_same
from xpnet.diagnostics.copies import few_rows
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.neighbours import nearest
from xpnet.diagnostics.verdict import Verdict
from xpnet.streams import stream

__all__ = ["check_leak"]

_NAME = "leak"
_VAL, _TRAIN, _OWN = 1000, 50_000, 1000
_DIRECTIONS = 48
_NEAR_VAL, _NEAR_TRAIN = 300, 5000


def check_leak(evidence: Evidence) -> Verdict:
    """Look for validation rows that have the same row, or nearly it, in the training part.

    Rows are seen through some random directions, which keep distances (W. Johnson and
    J. Lindenstrauss, 1984). Where training rows come twice as often among themselves, the inputs
    have few values, and equal rows are no leak.
    """
    case = evidence.case
    if said := answer_among(case):
        remedy = "Take the label out of the inputs."
        return Verdict(_NAME, "fault", said, "features that are known before the answer", remedy)
    X, X_val = case.train[0], case.val[0]
    at = few_rows(len(X), _TRAIN)
    few = X_val[few_rows(len(X_val), _VAL)]
    train, val = _seen(X[at]), _seen(few)
    center, scale = train.mean(axis=0), train.std()
    if scale == 0:
        return Verdict(_NAME, "not looked at", "all inputs are alike", "")
    train, val = (train - center) / scale, (val - center) / scale
    twice, others, own = _own_nearest(train)
    usual = float(np.median(own))
    near = max(limits.SAME_SAMPLE * usual, 1e-6)
    if limits.SAME_SAMPLE ** X[0].size > 0.1 * limits.LEAKED:
        near = 0.0  # along one feature so many are as near by chance
    within = float(_are_same(case, X[at[twice]], (others, own), near).mean())
    part, leaked = "validation", _share(_are_same(case, few, nearest(val, train), near))
    test = case.whole.get("test")
    if leaked < limits.LEAKED and test is not None:
        few = test[few_rows(len(test), _VAL)]
        of_test = _share(_are_same(case, few, nearest((_seen(few) - center) / scale, train), near))
        part, leaked = ("test", of_test) if of_test > leaked else (part, leaked)
    found = f"{leaked:.1%} of the {part} samples are in the training part too"
    expected = f"none, or as often as training samples come twice ({within:.1%})"
    if leaked < limits.LEAKED or leaked < 3.0 * within:
        return _of_near_copies(case, val, train) or Verdict(_NAME, "fine", found, expected)
    return Verdict(
        _NAME,
        "fault" if leaked > limits.LEAKED_MUCH else "warning",
        found,
        expected,
        "Take rows that come twice out, before the data are split.",
    )


def _of_near_copies(case: Case, val: np.ndarray, train: np.ndarray) -> Verdict | None:
    """Look for copies with noise, of which the training part has several itself.

    Classes of a few samples each may lie as near together.
    """
    y = case.train[1]
    if not case.is_regression and np.median(np.bincount(y)) < 2 * limits.NEAR_RANKS[0]:
        return None
    rows, others = few_rows(len(val), _NEAR_VAL), few_rows(len(train), _NEAR_TRAIN)
    share = near_copies(val[rows], train[others])
    if share < limits.NEAR_COPIES:
        return None
    return Verdict(
        _NAME,
        "warning" if case.is_regression else "fault",  # where no label tells rows of one subject
        f"{share:.0%} of the validation samples have a training sample far nearer than the others "
        "lie, as copies with noise have, and rows of one subject",
        f"less than {limits.NEAR_COPIES:.0%}",
        "Split by subjects, or split first and augment the training part alone.",
    )


def _are_same(
    case: Case, X: np.ndarray, found: tuple[np.ndarray, np.ndarray], near: float
) -> np.ndarray:
    """Return of rows whether their nearest training row is the same, by place and distance."""
    places, distances = found
    same = distances <= near
    if near > 0 and same.any():
        hits = np.flatnonzero(same)
        train = case.train[0]
        others = train[few_rows(len(train), _TRAIN)[places[hits]]]
        same[hits] = are_same(np.asarray(X[hits]), others, case.raw_look)
    return np.asarray(same)


def _share(same: np.ndarray) -> float:
    """Return the share of rows that are the same as another, 0 where they are too few to count."""
    return float(same.mean()) if same.sum() >= limits.LEAKED_LEAST else 0.0


def _own_nearest(train: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return some training rows, the nearest other one of each, and how far that is."""
    rows = few_rows(len(train), _OWN)
    rest = np.setdiff1d(np.arange(len(train)), rows)
    if len(rest) < len(rows):
        return np.arange(len(train)), *nearest(train, train, own=True)
    places, distances = nearest(train[rows], train[rest])
    return rows, rest[places], distances


def _seen(X: np.ndarray) -> np.ndarray:
    """Return rows as a few numbers each."""
    features = X[0].size
    if features <= _DIRECTIONS:
        return X.reshape(len(X), -1).astype(np.float64)
    directions = stream(2, "diagnosis").standard_normal((features, _DIRECTIONS))
    directions = (directions / np.sqrt(features)).astype(np.float32)
    parts = [
        X[start : start + 4096].reshape(-1, features).astype(np.float32) @ directions
        for start in range(0, len(X), 4096)
    ]
    return np.concatenate(parts)  # of float32, which is enough for so many directions
