"""What no training can begin with, told before a Solver would refuse it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.data import Dataset
from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.copies import is_float16
from xpnet.diagnostics.verdict import Verdict
from xpnet.nets import Net

__all__ = ["refused"]


def refused(model: Any, data: Any, options: Mapping[str, Any]) -> Verdict | None:
    """Return a verdict on what no training can begin with, or None."""
    normalization = getattr(model, "normalization", None)
    if isinstance(model, Net) and normalization == "batchnorm" and options.get("batch_size") == 1:
        return Verdict(
            "batch normalization",
            "fault",
            "its means are of batches of 1: each sample is its own mean",
            f"{limits.BATCHNORM_LEAST} samples or more",
            "Make batch_size 32 or more, or take normalization='layernorm'.",
        )
    if not isinstance(data, Mapping | Dataset):
        return None
    for part in ("train", "val"):
        X, y = (data.get(f"{letter}_{part}") for letter in "Xy")
        if isinstance(X, np.ndarray) and X.dtype.kind == "f" and not np.isfinite(X).all():
            bad = int(np.sum(~np.isfinite(X)))
            return Verdict(
                "input values",
                "fault",
                f"X_{part} holds {bad} numbers that are NaN or infinite",
                "finite numbers",
                "Leave such rows out, or replace the numbers by the mean.",
            )
        if (found := _labels_refused(model, y, part)) is not None:
            return found
        if is_float16(model) and isinstance(X, np.ndarray):
            largest = max(abs(float(X.min())), abs(float(X.max())))
            if largest > limits.LARGEST_FLOAT16:
                return Verdict(
                    "input values",
                    "fault",
                    f"X_{part} holds {largest:.3g}, and the net keeps its inputs in float16",
                    f"at most {limits.LARGEST_FLOAT16:g}, the largest number of float16",
                    "Scale the inputs to about 1 before they are handed over.",
                )
    return None


def _labels_refused(model: Any, y: Any, part: str) -> Verdict | None:
    """Return a verdict on labels that are no classes of the net, or None."""
    if not isinstance(y, np.ndarray) or y.size == 0:
        return None
    if part == "train" and len(y) == 1:
        found = "there is 1 training sample"
        remedy = "Bring more samples: there is nothing to learn from one."
        return Verdict("labels", "fault", found, "2 or more, that differ", remedy)
    if y.dtype.kind == "f":
        if np.isfinite(y).all():
            return None
        remedy = "Leave such rows out."
        found = f"y_{part} holds NaN or infinity"
        return Verdict("labels", "fault", found, "finite targets", remedy)
    classes = model.num_classes if isinstance(model, Net) else np.iinfo(np.int64).max
    if y.dtype.kind not in "iu" or (y.min() >= 0 and y.max() < classes):
        return None
    return Verdict(
        "labels",
        "fault",
        f"y_{part} holds labels from {y.min()} to {y.max()}",
        f"0 to {classes - 1}, one for each score of the net"
        if isinstance(model, Net)
        else "0 or more",
        "Number the classes from 0 on (y - y.min()), or make the net with more classes.",
    )
