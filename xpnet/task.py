"""What a training's data are to its model, checked once and on the host before the first step."""

import copy
import math
from typing import Any

import numpy as np

from xpnet.errors import InputError
from xpnet.evaluation import host_scores
from xpnet.host_arrays import host_pair
from xpnet.losses import check_labels
from xpnet.metrics import Accuracy, Metric, RSquared
from xpnet.nets import Net
from xpnet.preprocessing import Preprocessor, transformed

__all__ = ["Task"]

Pair = tuple[np.ndarray, np.ndarray]


class Task:
    """What a model learns: the shapes of inputs and targets, and all that follows from them.

    Attributes:
        preprocess: The preprocessor, fitted on the training part, or None.
        num_classes: The scores that the model gives a sample.
        y_train: Labels or real targets of the training part.
        metric: What is measured: accuracy of labels, R squared of real targets.

    Args:
        model: What will be trained.
        preprocess: What its inputs go through first, or None.
        train, val: Inputs and targets of both parts, on the host.
        batch_size: Samples a step.

    Raises:
        InputError: The model, the data and the size of the batches do not fit together.

    """

    def __init__(
        self, model: Any, preprocess: Preprocessor | None, train: Pair, val: Pair, batch_size: int
    ) -> None:
        if preprocess is not None and not getattr(preprocess, "fitted", False):
            # The caller's own object may serve another Solver, with other numbers.
            preprocess = copy.copy(preprocess).fit(train[0])
        self._model = model
        self.preprocess = preprocess
        self.num_classes = _check_training(model, preprocess, train, val, batch_size)
        self.y_train = train[1]
        self.metric: Metric = RSquared() if self.y_train.dtype.kind == "f" else Accuracy()

    def checked_pair(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets like those of the training, on the host.

        Raises:
            InputError: They do not fit each other, the model or the training.

        """
        X, y = host_pair(X, y, "X", "y")
        _check_sample_shape(self._model, self.preprocess, X, "X")
        _check_targets(y, self.num_classes, self.y_train, "y")
        return X, y

    def checked_inputs(self, X: Any) -> np.ndarray:
        """Return inputs like those of the training, on the host.

        Raises:
            InputError: They do not fit the model.

        """
        host, _ = host_pair(X, np.zeros(len(X), dtype=np.int64), "X", "y")
        _check_sample_shape(self._model, self.preprocess, host, "X")
        return host


def _check_training(
    model: Any,
    preprocess: Preprocessor | None,
    train: Pair,
    val: Pair,
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
    _check_sample_shape(model, preprocess, train[0], "X_train")
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
    _check_targets(train[1], num_classes, train[1], "y_train")
    _check_targets(val[1], num_classes, train[1], "y_val")
    return num_classes


def _check_targets(y: np.ndarray, num_classes: int, y_train: np.ndarray, name: str) -> None:
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


def _check_sample_shape(
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
    if isinstance(model, Net) and X.dtype.newbyteorder("=") == np.float64:
        limits = model.backend.xp.finfo(model.compute_dtype)
        if max(float(X.max()), -float(X.min())) > float(limits.max):
            raise InputError(
                f"{name} holds numbers beyond {limits.max:.1e}, the largest of {limits.dtype}: "
                "scale them, or make the net with dtype='float64'"
            )
