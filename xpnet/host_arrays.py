"""The arrays that people bring, as host arrays that fit each other."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import backend_of
from xpnet.data import Dataset
from xpnet.data.array_checks import check_inputs, check_real_targets
from xpnet.data.mapped import common_dtype, is_mapped
from xpnet.errors import InputError
from xpnet.losses import check_labels

__all__ = ["host_pair", "host_split"]


def host_split(data: Mapping[str, Any] | Dataset, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return `X_part` and `y_part` of `data` as host arrays that fit each other.

    Raises:
        InputError: One is missing, or as in `host_pair`.

    """
    if not isinstance(data, Mapping | Dataset):
        raise InputError(
            f"data must be a dictionary or a Dataset with X_train, y_train, X_val and y_val; "
            f"got {type(data).__name__}"
        )
    try:
        X, y = data[f"X_{part}"], data[f"y_{part}"]
    except KeyError as error:
        raise InputError(
            f"data has no {error.args[0]!r}: it needs X_train, y_train, X_val and y_val"
        ) from error
    return host_pair(X, y, f"X_{part}", f"y_{part}")


def host_pair(X: Any, y: Any, X_name: str, y_name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs, and labels or real targets, as host arrays that fit each other.

    Memory-mapped inputs stay as they are, to be read and cast a few rows at a time; targets are
    read.

    Raises:
        InputError: They are empty, no numbers, not finite, or differ in length.

    """
    X, y = _host(X), _host(y)
    y = np.array(y) if is_mapped(y) else y
    check_inputs(X, X_name)
    if y.dtype.kind == "f":
        return _common(X), _common(check_real_targets(y, len(X), y_name))
    if y.ndim != 1 or len(y) != len(X):
        raise InputError(
            f"{y_name} must have one label for each of the {len(X)} rows of {X_name}; "
            f"got shape {y.shape}"
        )
    check_labels(y, None, y_name)
    return _common(X), y.astype(np.int64, copy=False)


def _common(X: np.ndarray) -> np.ndarray:
    """Return `X` in a dtype that every library has, or as it is where it is memory-mapped."""
    return X if is_mapped(X) else X.astype(common_dtype(X), copy=False)


def _host(x: Any) -> np.ndarray:
    """Return an array of any library, or a list, on the host."""
    if isinstance(x, np.ndarray | list | tuple):
        return np.asarray(x)
    return backend_of(x).to_numpy(x)
