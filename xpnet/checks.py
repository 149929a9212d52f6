"""Checks of training data, made once and on the host before the first step."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from xpnet.backends import Backend, backend_of
from xpnet.data.array_checks import check_inputs, check_real_targets
from xpnet.data.dataset import Dataset
from xpnet.errors import InputError, did_you_mean
from xpnet.evaluation import host_scores
from xpnet.losses import check_labels
from xpnet.members import member_values
from xpnet.nets import Net
from xpnet.preprocessing import Preprocessor, transformed

__all__ = [
    "EVENTS",
    "check_callbacks",
    "check_clip_norm",
    "check_compiler",
    "check_config",
    "check_count",
    "check_sample_shape",
    "check_targets",
    "check_training",
    "host_pair",
    "host_split",
    "refuse_unknown",
]


EVENTS = ("on_interval", "on_epoch", "on_end")


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

    Raises:
        InputError: They are empty, no numbers, not finite, or differ in length.

    """
    X, y = _host(X), _host(y)
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


def check_training(
    model: Any,
    preprocess: Preprocessor | None,
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray],
    batch_size: int,
) -> int:
    """Return the number of classes of a model that can be trained on this data.

    Raises:
        InputError: The model, the data and the size of the batches do not fit together.

    """
    params = getattr(model, "params", None)
    if not (isinstance(params, dict) and params and callable(getattr(model, "loss", None))):
        raise InputError(
            f"model must have a dictionary params of arrays, and loss(X, y=None); "
            f"{type(model).__name__} lacks one of them"
        )
    if batch_size > len(train[0]):
        raise InputError(
            f"batch_size {batch_size} is larger than the training set of {len(train[0])} samples: "
            f"make it {len(train[0])} or less"
        )
    if train[0].shape[1:] != val[0].shape[1:]:
        raise InputError(
            "X_train and X_val must hold samples of one shape; "
            f"got {train[0].shape[1:]} and {val[0].shape[1:]}"
        )
    check_sample_shape(model, preprocess, train[0], "X_train")
    sample = transformed(preprocess, val[0][:1])  # also says if it was fitted on other samples
    if isinstance(model, Net):
        model.check()
        num_classes = model.num_classes
    else:
        scores = host_scores(model, sample)
        num_classes = int(scores.shape[-1])
    for part, (X, y) in (("train", train), ("val", val)):
        _check_range(model, X, f"X_{part}")
        _check_range(model, y, f"y_{part}")
    if isinstance(model, Net) and model.is_regression != (train[1].dtype.kind == "f"):
        raise InputError(_wrong_targets(model, train[1]))
    check_targets(train[1], num_classes, train[1], "y_train")
    check_targets(val[1], num_classes, train[1], "y_val")
    return num_classes


def check_targets(y: np.ndarray, num_classes: int, y_train: np.ndarray, name: str) -> None:
    """Raise InputError unless `y` holds labels of the model, or real targets like `y_train`."""
    if y_train.dtype.kind != "f":
        check_labels(y, num_classes, name)
        return
    outputs, row = math.prod(y.shape[1:]), y_train.shape[1:]
    if y.dtype.kind != "f":
        raise InputError(
            f"{name} must hold real targets, as y_train does; got {y.dtype}: "
            f"cast it with {name}.astype(numpy.float32)"
        )
    if y.shape[1:] != row:
        shapes = " and ".join(f"({', '.join(['N', *map(str, s)])})" for s in (row, y.shape[1:]))
        raise InputError(f"y_train and {name} must hold targets of one shape; got {shapes}")
    if num_classes != outputs:
        raise InputError(
            f"{name} has {outputs} real target{'s' * (outputs > 1)} a sample, but the model gives "
            f"{num_classes} scores: make it with num_classes={outputs}, or cast class labels with "
            f"{name}.astype(numpy.int64)"
        )


def _wrong_targets(model: Net, y: np.ndarray) -> str:
    if model.is_regression:
        return (
            f"the net has the squared loss, so that y_train must hold real targets; got {y.dtype}: "
            "cast it with y_train.astype(numpy.float32), or make the net with loss='softmax'"
        )
    return (
        f"the net has a loss of class labels, so that y_train must hold integers; got {y.dtype}: "
        "cast labels with y_train.astype(numpy.int64), or make the net with loss='squared' for "
        "regression"
    )


def check_clip_norm(value: Any, members: int | None) -> float | np.ndarray | None:
    """Return the largest norm as a float or one a member, or None.

    Raises:
        InputError: It is not a positive number.

    """
    if value is None:
        return None
    norm = member_values("clip_norm", value, members)
    if not np.all(np.asarray(norm) > 0):
        raise InputError(f"clip_norm must be a positive number; got {value!r}")
    return norm


def check_sample_shape(
    model: Any, preprocess: Preprocessor | None, X: np.ndarray, name: str
) -> None:
    """Raise InputError unless preprocessed samples have as many features as a net of ours takes."""
    if not isinstance(model, Net):
        return
    features = math.prod(X.shape[1:])
    after = features if preprocess is None else preprocess.output_dim(features)
    if after != model.input_dim:
        change = "" if after == features else f", {after} after {preprocess}"
        raise InputError(
            f"{name} has samples of shape {X.shape[1:]}, {features} features{change}, but "
            f"the net takes {model.input_dim}: make it with input_dim={after}"
        )


def _check_range(model: Any, X: np.ndarray, name: str) -> None:
    """Raise InputError where numbers are too large for the dtype of a net of ours."""
    if isinstance(model, Net) and X.dtype == np.float64:
        largest = float(model.backend.xp.finfo(model.dtype).max)
        if max(float(X.max()), -float(X.min())) > largest:
            raise InputError(
                f"{name} holds numbers beyond {largest:.1e}, the largest of {model.dtype}: "
                "scale them, or make the net with dtype='float64'"
            )


def check_compiler(backend: Backend) -> None:
    """Raise InputError unless the backend can compile."""
    if not backend.has_compiler:
        raise InputError(
            f"nothing can be compiled on {backend.description}: leave compile out, or make the net "
            "with device='torch:cpu' or another device of PyTorch"
        )


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Return `value` as an int, or raise InputError unless it is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} must be an integer of at least {least}; got {value!r}")
    return int(value)


def _common(X: np.ndarray) -> np.ndarray:
    """Return `X` in the machine's byte order and in a dtype that every library has."""
    if X.dtype.kind == "f" and X.dtype.itemsize not in (4, 8):
        return X.astype(np.float32 if X.dtype.itemsize < 4 else np.float64)
    if X.dtype.kind in "iu" and X.dtype.itemsize == 8 and np.abs(X).max() > np.iinfo(np.int32).max:
        return X.astype(np.float64)  # JAX would wrap them round to 32 bits
    return X.astype(X.dtype.newbyteorder("="), copy=False)


def _host(x: Any) -> np.ndarray:
    """Return an array of any library, or a list, on the host."""
    if isinstance(x, np.ndarray | list | tuple):
        return np.asarray(x)
    return backend_of(x).to_numpy(x)


def refuse_unknown(owner: str, unknown: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise InputError if arguments were given that `owner` does not have."""
    if unknown:
        names = [name for name in known if name != "unknown"]
        given = next(iter(unknown))
        hint = did_you_mean(given, names)
        raise InputError(f"{owner} has no argument {given!r}{hint}; it has {', '.join(names)}")


def check_callbacks(callbacks: Any) -> tuple[Any, ...]:
    """Return the callbacks, or raise InputError for one that would never be called."""
    if not isinstance(callbacks, Iterable):
        raise InputError(f"callbacks must be a sequence of objects; got {callbacks!r}")
    for callback in (known := tuple(callbacks)):
        if not any(hasattr(callback, event) for event in EVENTS):
            raise InputError(f"a callback needs one of {', '.join(EVENTS)}; {callback!r} has none")
    return known


def check_config(optim_config: Any) -> dict[str, Any]:
    """Return hyperparameters as a dictionary, or raise InputError if they are none."""
    if not isinstance(optim_config, Mapping | None):
        raise InputError(
            "optim_config must be a dictionary such as {'learning_rate': 1e-3}; "
            f"got {optim_config!r}"
        )
    return dict(optim_config or {})
