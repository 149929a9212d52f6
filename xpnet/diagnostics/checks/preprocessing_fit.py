"""Whether the preprocessing knows of the training part alone."""

from typing import Any

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.checks.preprocessing_loss import lost_in_preprocessing
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_preprocessing_fit"]

_NAME = "preprocessing"
_REMEDY = "Split first, and fit mean, scale and axes on X_train alone: preprocess='standard' does."
_EXPECTED = "numbers from the training part alone"


def check_preprocessing_fit(evidence: Evidence) -> Verdict:
    """Look for the marks that a fit on other rows leaves: a mean of 0, or a range of 0 to 1."""
    if (lost := lost_in_preprocessing(evidence, _NAME)) is not None:
        return lost
    parts = evidence.case.whole
    if not parts:
        return Verdict(_NAME, "not looked at", "the inputs stay in their file", "")
    given = _given_mean(evidence.case.preprocess)
    is_float = all(X.dtype.kind == "f" for X in parts.values())
    if given is None and not is_float:
        return Verdict(_NAME, "fine", "the inputs are integers, as they were read", _EXPECTED)
    found = ""
    if given is not None:
        found = _by_numbers(parts, given)
    if is_float and not found:
        found = _by_means(parts) or _by_ranges(parts)
    if found:  # it changes no digit of the accuracy: a habit to be rid of, and no failure
        return Verdict(_NAME, "warning", found, _EXPECTED, _REMEDY)
    return Verdict(_NAME, "fine", "no mark of other rows", _EXPECTED)


def _by_numbers(parts: dict[str, np.ndarray], given: np.ndarray) -> str:
    """Compare the mean of a preprocessor with that of the training part, and of others."""
    std = float(parts["train"][: limits.ROWS_LOOKED_AT].std())
    tiny = limits.ROUNDED_MEAN * std
    if given.size != parts["train"].shape[1]:  # one a channel
        return ""
    if np.abs(given - _mean(parts, ["train"])).max() <= tiny:
        return ""
    for names in _unions(parts):
        if np.abs(given - _mean(parts, names)).max() <= tiny:
            return f"the mean that is subtracted is that of {_said(names)} together"
    return ""


def _by_means(parts: dict[str, np.ndarray]) -> str:
    """Look where means are 0 of inputs that came preprocessed."""
    std = float(parts["train"][: limits.ROWS_LOOKED_AT].std())
    tiny = limits.ROUNDED_MEAN * std
    if std == 0:
        return ""
    train = np.abs(_mean(parts, ["train"])).max()
    if train <= tiny:
        own = np.abs(_mean(parts, ["val"])).max() <= tiny
        return "training and validation each have the mean 0 by themselves" if own else ""
    for names in _unions(parts):
        if np.abs(_mean(parts, names)).max() <= tiny:
            return f"{_said(names)} have the mean 0 together, and X_train alone has not"
    return ""


def _by_ranges(parts: dict[str, np.ndarray]) -> str:
    """Look for features that reach the same two ends in several parts together alone.

    One row reaches an end of measured numbers; of pixels, which have few values, many do.
    """
    for names in _unions(parts):
        low = np.min([parts[name].min(axis=0) for name in names], axis=0)
        high = np.max([parts[name].max(axis=0) for name in names], axis=0)
        tiny = limits.ROUNDED_MEAN * float(high.max() - low.min())
        if len(low) < 2 or np.ptp(low) > tiny or np.ptp(high) > tiny:
            continue
        at_end = np.sum([np.sum(parts[name] >= high - tiny, axis=0) for name in names], axis=0)
        train = parts["train"]
        short = np.any(train.max(axis=0) < high - tiny) or np.any(train.min(axis=0) > low + tiny)
        if short and np.median(at_end) <= 1:
            return f"{_said(names)} have one range together, and X_train alone has not"
    return ""


def _unions(parts: dict[str, np.ndarray]) -> list[list[str]]:
    """Return which parts may have been preprocessed together."""
    names = list(parts)
    return [names[:count] for count in range(2, len(names) + 1)]


def _mean(parts: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    sums = [parts[name].sum(axis=0, dtype=np.float64) for name in names]
    return np.asarray(np.sum(sums, axis=0) / sum(len(parts[name]) for name in names))


def _said(names: list[str]) -> str:
    listed = [f"X_{name}" for name in names]
    return f"{', '.join(listed[:-1])} and {listed[-1]}"


def _given_mean(preprocess: Any) -> np.ndarray | None:
    """Return the mean that a fitted preprocessor subtracts from each feature first."""
    if preprocess is None:
        return None
    found = preprocess.numbers().get("mean")
    return None if found is None else np.asarray(found, dtype=np.float64).ravel()
