"""Whether training and validation samples are of one kind."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_parts_alike"]

_NAME = "parts alike"
_EXPECTED = "parts that differ by chance alone"


def check_parts_alike(evidence: Evidence) -> Verdict:
    """Compare size, mean and classes of both parts."""
    case = evidence.case
    (X, _), (X_val, _) = case.look, case.look_val
    variance = float(X.var(axis=0).sum())
    size, val_size = (float(np.sqrt((x * x).sum(axis=1).mean())) for x in (X, X_val))
    # Of most rows: some large numbers in one of the parts are none of the other's size.
    ratio = min(_ratio(size, val_size), _ratio(*(_usual_size(x) for x in (X, X_val))))
    chance = np.sqrt(1.0 / len(X) + 1.0 / len(X_val))
    shift = float(np.linalg.norm(X.mean(axis=0) - X_val.mean(axis=0)) / np.sqrt(variance or 1.0))
    after = "" if case.preprocess is None else " after preprocessing"
    if ratio > limits.PARTS_SCALE and ratio > 1.0 + limits.SURE * _spread_of_size(X, X_val):
        return Verdict(
            _NAME,
            "fault",
            f"validation inputs are {val_size / max(size, 1e-300):.3g} times as large as training "
            f"inputs{after}",
            "the same size",
            "Preprocess both parts in the same way, with the columns in one order: one of them was "
            "left out, or done twice.",
        )
    if shift > limits.PARTS_SHIFT + limits.SURE * chance:
        return Verdict(
            _NAME,
            "fault" if shift > limits.PARTS_SHIFT_MUCH else "warning",
            f"the parts' means are {shift:.2f} deviations apart{after}",
            f"at most {limits.PARTS_SHIFT + limits.SURE * chance:.2f}",
            "Preprocess both parts in the same way, and shuffle the rows before they are split.",
        )
    if not case.is_regression and (verdict := _classes(case.train[1], case.val[1])) is not None:
        return verdict
    found = f"means {shift:.2f} deviations apart, sizes {ratio:.2f} times"
    return Verdict(_NAME, "fine", found, _EXPECTED)


def _ratio(a: float, b: float) -> float:
    return max(a, b) / max(min(a, b), 1e-300)


def _usual_size(X: np.ndarray) -> float:
    return float(np.median(np.sqrt((X * X).sum(axis=1))))


def _spread_of_size(X: np.ndarray, X_val: np.ndarray) -> float:
    """Return by how much chance changes the ratio of the sizes."""
    squares = (X * X).sum(axis=1)
    relative = squares.std() / max(float(squares.mean()), 1e-300) / 2.0
    return float(relative * np.sqrt(1.0 / len(X) + 1.0 / len(X_val)))


def _classes(y: np.ndarray, y_val: np.ndarray) -> Verdict | None:
    """Compare the shares of the classes, by their total variation."""
    classes = int(max(y.max(), y_val.max())) + 1
    shares, val_shares = (np.bincount(part, minlength=classes) / len(part) for part in (y, y_val))
    apart = 0.5 * float(np.abs(shares - val_shares).sum())
    # What chance gives: each share's mean deviation is below its standard deviation.
    deviations = np.sqrt(shares * (1 - shares) * (1 / len(y) + 1 / len(y_val)))
    limit = max(limits.PARTS_CLASSES, float(deviations.sum()))
    if apart <= limit or _is_rebalanced(shares, val_shares):
        return None
    return Verdict(
        _NAME,
        "fault" if apart > 0.5 else "warning",
        f"{apart:.0%} of the validation samples are of other classes than the training's shares "
        "would give",
        f"at most {limit:.0%}",
        "Shuffle the rows before they are split.",
    )


def _is_rebalanced(shares: np.ndarray, val_shares: np.ndarray) -> bool:
    """Return whether the training part was balanced on purpose, by copies or by leaving out."""
    seen, val_seen = shares[shares > 0], val_shares[val_shares > 0]
    if len(seen) < len(val_seen):
        return False
    ratio, val_ratio = seen.max() / seen.min(), val_seen.max() / val_seen.min()
    return bool(ratio < limits.BALANCED and val_ratio > ratio)
