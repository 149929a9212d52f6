"""What is to be diagnosed: copies of a model and its data, and how they would be trained."""

import copy
import dataclasses
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from xpnet.backends import backend_of
from xpnet.data import Dataset
from xpnet.data.mapped import is_mapped
from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.copies import few_rows, own_copy
from xpnet.errors import InputError
from xpnet.host_arrays import host_split
from xpnet.nets import FullyConnectedNet, Net
from xpnet.nets.base import is_own_net
from xpnet.optim import UpdateRule
from xpnet.preprocessing import Preprocessor, transformed
from xpnet.schedules import Moment, Schedule, constant, get_schedule
from xpnet.solver import Solver
from xpnet.trainers import base_rate

__all__ = ["Case", "Pair"]

Pair = tuple[np.ndarray, np.ndarray]
_PARTS = ("train", "val")
# What a trial leaves out: it keeps no files, tells nobody, and ends when it is meant to.
_LEFT_OUT = (
    *("callbacks", "checkpoint_name", "checkpoint_every", "checkpoints_kept"),
    *("verbose", "print_every", "patience", "num_train_samples", "num_val_samples"),
)


class Case:
    """A model, its data and its options, none of them the caller's own.

    Attributes:
        net: The model if it is a FullyConnectedNet with our loss, as most is known of these;
            otherwise None.
        options: Those of the Solver, without what has no part in a trial.
        train, val: Raw inputs and targets of both parts on the host; of many rows a part.
        data: Both parts as a Solver takes them.
        num_train, num_val: The rows of the whole parts.
        preprocess: Fitted on the training part, or None.
        is_regression: Whether the targets are real.
        num_classes: Scores of a sample.
        batch_size: Samples a step.
        num_epochs: Epochs that are planned.
        num_steps: Steps that are planned.
        rate: The learning rate of the first step, or None where it is not known.
        weight_decay: The update rule's own, 0 where it is not given.

    Args:
        model: As in `xpnet.Solver`.
        data: Likewise.
        options: Likewise.

    Raises:
        InputError: The Solver would refuse them, the model is a stack, or cannot be copied.

    """

    def __init__(
        self, model: Any, data: Mapping[str, Any] | Dataset, options: Mapping[str, Any]
    ) -> None:
        if isinstance(model, Net) and model.members is not None:
            raise InputError(
                f"a diagnosis is of one net, and this is a stack of {model.members}: give one of "
                "them, net.member(k)"
            )
        self._model = own_copy(model)
        self._source = data
        self.train, self.val = _part(data, "train"), _part(data, "val")
        self.num_train, self.num_val = (len(host_split(data, part)[0]) for part in _PARTS)
        self.data = _with_arrays(data, self.train, self.val)
        self.options = {name: v for name, v in options.items() if name not in _LEFT_OUT}
        solver = Solver(self.model(), self.data, **{**options, "verbose": False})
        self.net = model if _is_known(model) else None
        self.preprocess: Preprocessor | None = solver.preprocess
        self.options["preprocess"] = solver.preprocess
        self.is_regression = self.train[1].dtype.kind == "f"
        self.num_classes = solver.num_classes
        self.batch_size, self.num_epochs = solver.batch_size, solver.num_epochs
        self.num_steps = self.num_epochs * (self.num_train // self.batch_size)
        self.rule = solver.update_rule
        self.is_own_rule = isinstance(solver.update_rule, UpdateRule)
        rate = base_rate(solver.update_rule, solver.optim_config)
        self.rate = None if rate is None else float(rate)
        self.weight_decay = float((solver.optim_config or {}).get("weight_decay", 0.0))
        self.metric = solver.metric
        self.class_names = data.class_names if isinstance(data, Dataset) else ()

    @cached_property
    def whole(self) -> dict[str, np.ndarray]:
        """The inputs of all rows of all parts, (N, D), as they were given and only to be read.

        Nothing where they stay in a file.
        """
        found = {}
        for part in (*_PARTS, "test"):
            if part == "test" and self._source.get("X_test") is None:
                continue
            X = host_split(self._source, part)[0] if part in _PARTS else self._source["X_test"]
            if is_mapped(X):
                return {}
            X = np.asarray(X)
            found[part] = X.reshape(len(X), -1)
        return found

    def model(self) -> Any:
        """Return a new copy of the model as it was given."""
        return own_copy(self._model)

    def twin(self) -> FullyConnectedNet:
        """Return a copy of the net on the host in float64, without dropout and regularisation.

        Raises:
            InputError: The model is no net of ours.

        """
        if self.net is None:
            raise InputError("only a FullyConnectedNet has a twin")
        made: FullyConnectedNet = copy.copy(self.net)
        made.params = {name: _host(w) for name, w in self.net.params.items()}
        made.state = {name: _host(w) for name, w in self.net.state.items()}
        made.reg, made.dropout_keep_ratio = 0.0, 1.0
        return made

    @cached_property
    def look(self) -> Pair:
        """Preprocessed training samples (N, D) with their targets, a few, as floats."""
        return self._few(self.train, limits.ROWS_LOOKED_AT)

    @cached_property
    def look_val(self) -> Pair:
        """Likewise of the validation part."""
        return self._few(self.val, limits.ROWS_LOOKED_AT)

    @cached_property
    def raw_look(self) -> np.ndarray:
        """The samples of `look` before the preprocessing, (N, D)."""
        X: np.ndarray = self.train[0][few_rows(len(self.train[0]), limits.ROWS_LOOKED_AT)]
        return np.asarray(X.reshape(len(X), -1), dtype=np.float64)

    def _few(self, part: Pair, most: int) -> Pair:
        rows = few_rows(len(part[0]), most)
        X = np.array(transformed(self.preprocess, part[0][rows]), dtype=np.float64)
        return X.reshape(len(X), -1), part[1][rows]

    def with_train(self, X: np.ndarray, y: np.ndarray) -> Any:
        """Return the data with this training part."""
        return _with_arrays(self.data, (X, y), self.val)

    def begun_schedule(self) -> Schedule:
        """Return the planned schedule for a shorter training, which is the beginning of it."""
        planned = get_schedule(self.options.get("lr_schedule"))
        if planned is constant:
            return planned

        def schedule(moment: Moment) -> Any:
            return planned(moment._replace(num_steps=self.num_steps, num_epochs=self.num_epochs))

        return schedule

    def samples(self, count: int) -> Pair:
        """Return training samples as the model takes them, in their own shape, preprocessed."""
        rows = few_rows(len(self.train[0]), count)
        return np.array(transformed(self.preprocess, self.train[0][rows])), self.train[1][rows]


def _is_known(model: Any) -> bool:
    """Return whether a net is ours through and through."""
    own = FullyConnectedNet.loss_and_gradients
    is_ours = isinstance(model, FullyConnectedNet) and is_own_net(model)
    return is_ours and type(model).loss_and_gradients is own


def _part(data: Mapping[str, Any] | Dataset, part: str) -> Pair:
    """Return inputs and targets as host arrays of the doctor's own."""
    X, y = host_split(data, part)
    most = max(1, limits.NUMBERS_TRAINED_ON // math.prod(X.shape[1:]))
    if len(X) > most:
        rows = few_rows(len(X), most)
        return np.array(X[rows]), y[rows]
    return np.array(X) if is_mapped(X) else X.copy(), y.copy()


def _with_arrays(
    data: Mapping[str, Any] | Dataset, train: Pair, val: Pair
) -> dict[str, np.ndarray] | Dataset:
    """Return the data with these arrays in the place of its own, and no test part."""
    names = ("X_train", "y_train", "X_val", "y_val")
    arrays: dict[str, Any] = dict(zip(names, (*train, *val), strict=True))
    if isinstance(data, Dataset):
        return dataclasses.replace(data, **arrays, X_test=None, y_test=None)
    return arrays


def _host(w: Any) -> np.ndarray:
    return np.asarray(backend_of(w).to_numpy(w), dtype=np.float64)
