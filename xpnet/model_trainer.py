"""Training of any object with `params` and `loss(X, y)`, by any rule `(w, dw, config)`."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array, array_namespace, backend_of, is_host_array
from xpnet.data.batches import Split
from xpnet.data.mapped import MappedRows, is_mapped
from xpnet.errors import InputError
from xpnet.evaluation import CHECK_BATCH, host_scores
from xpnet.metrics import Metric
from xpnet.model_variables import put_into_model, variables_of
from xpnet.nets import Variables
from xpnet.optim import Rule, clip_by_global_norm
from xpnet.preprocessing import Preprocessor, transformed
from xpnet.rule_configs import Config, ConfigsState, RuleConfigs
from xpnet.training_state import host_variables, variables_in_place_of

__all__ = ["ModelTrainer"]


class ModelTrainer:
    """Takes steps as the notes do, for models and rules that are not ours.

    The model gets host arrays in the caller's own shape, and the items of its own `params`
    dictionary are replaced after each step. In a stack every member has a config of its own, so
    that a rule written for one net serves each.
    """

    stretches_ahead = 0

    def __init__(
        self,
        model: Any,
        rule: Rule,
        optim_config: Mapping[str, Any],
        members: int | None,
        metric: Metric,
        preprocess: Preprocessor | None,
        clip_norm: Any = None,
    ) -> None:
        self.model = model
        self.rule = rule
        self.members = members
        self.metric = metric
        self.clip_norm = clip_norm
        self.preprocess = preprocess
        self._configs = RuleConfigs(optim_config, list(model.params), members)

    @property
    def params(self) -> dict[str, Array]:
        """The model's own dictionary."""
        params: dict[str, Array] = self.model.params
        return params

    @property
    def variables(self) -> Variables:
        """The model's parameters, and the state if it is a net of ours."""
        return variables_of(self.model)

    def snapshot(self) -> tuple[Any, dict[str, np.ndarray]]:
        """Return what the steps change, on the host: the rule's configs for JSON, and arrays."""
        arrays = host_variables(self.variables)
        record, in_configs = self._configs.snapshot()
        record["num_draws"] = getattr(self.model, "num_draws", 0)  # of a net of ours
        return record, arrays | in_configs

    def saved_state(
        self, saved: Mapping[str, np.ndarray], record: Any, gone: np.ndarray | None
    ) -> tuple[Variables, ConfigsState, int]:
        """Return what `go_on_from` takes, from what `snapshot` returned; see NetTrainer."""
        now = self.variables
        found = variables_in_place_of(now, saved, gone=gone)
        configs = self._configs.saved_state(record, saved, now.params)
        num_draws = record.get("num_draws")
        if type(num_draws) is not int or num_draws < 0:
            raise InputError(f"the checkpoint's num_draws is {num_draws!r}, and no number")
        return found, configs, num_draws

    def go_on_from(self, state: tuple[Variables, ConfigsState, int]) -> None:
        """Put this into the model and the configs."""
        variables, configs, num_draws = state
        put_into_model(self.model, variables)
        self._configs.go_on_from(configs)
        if hasattr(self.model, "num_draws"):
            self.model.num_draws = num_draws

    def place(self, X: np.ndarray, y: np.ndarray) -> Split:
        """Return the part as it is: the model takes host arrays."""
        return Split(MappedRows(X) if is_mapped(X) else X, y)

    def subset(self, split: Split, rows: np.ndarray) -> Split:
        """Return the given rows of a part; memory-mapped ones are not read yet."""
        X = split.X
        return Split(X.subset(rows) if isinstance(X, MappedRows) else X[rows], split.y[rows])

    some = subset

    def begin(self, train: Split, _sample_weights: np.ndarray | None = None) -> None:
        """Start from the model's parameters, which stay in the model."""
        self._train = train

    def advance(
        self, rows: np.ndarray, rate_scales: np.ndarray, first: int, _following: np.ndarray
    ) -> np.ndarray:
        """Take a step for each row of `rows` and return the losses.

        Args:
            rows: Training rows (steps, B), or (steps, members, B).
            rate_scales: What the learning rate is multiplied by, (steps,) or (steps, members).
            first: The number of the first of these steps; rules count for themselves.

        """
        losses = []
        for row, scale in zip(rows, rate_scales, strict=True):
            self._configs.scale_rates(scale)
            loss, grads = self._loss(*self._batch(row))
            losses.append(self._host_loss(loss))
            grads = self._clipped(grads)
            for name in list(self.params):
                self._update(name, grads)
        return np.asarray(losses, dtype=np.float64)

    def evaluate(
        self,
        _variables: Variables,
        splits: list[Split],
        targets: list[np.ndarray],
        batch_size: int | None = None,
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return metric, NaN for the loss, and whether the scores are finite, on each part.

        `model.loss(X, y)` is training: asking it for a validation loss could change a foreign
        model's state.
        """
        results = []
        for split, y in zip(splits, targets, strict=True):
            X = split.X
            sums: Any = 0.0
            finite: Any = True
            at_once = batch_size or CHECK_BATCH
            for start in range(0, len(X), at_once):
                part = slice(start, start + at_once)
                scores = host_scores(self.model, transformed(self.preprocess, X[part]))
                sums = sums + self.metric.sums(scores, y[part], np)
                finite = finite & np.isfinite(scores).all(axis=(-2, -1))
            value = self.metric.value(np.asarray(sums, dtype=np.float64), y)
            results.append((value, np.full_like(value, np.nan), np.asarray(finite)))
        return results

    def _loss(self, X: Any, y: np.ndarray) -> tuple[Any, Mapping[str, Array]]:
        result = self.model.loss(X, y)
        if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], Mapping)):
            raise InputError(
                "model.loss(X, y) must return (loss, gradients by name); "
                f"got {type(result).__name__}"
            )
        return result

    def _host_loss(self, loss: Any) -> np.ndarray:
        """Return a loss on the host, of the member shape."""
        on_host = isinstance(loss, int | float) or is_host_array(loss)
        host = np.asarray(loss if on_host else backend_of(loss).to_numpy(loss), dtype=np.float64)
        shape = () if self.members is None else (self.members,)
        if host.size != math.prod(shape):
            raise InputError(
                f"model.loss(X, y) must return a loss of shape {shape}; got shape {host.shape}"
            )
        return host.reshape(shape)

    def _step(self, w: Array, dw: Array, config: Config) -> tuple[Array, Config]:
        result = self.rule(w, dw, config)
        if not (isinstance(result, tuple) and len(result) == 2):
            raise InputError(
                f"an update rule must return (next_w, config); got {type(result).__name__}"
            )
        if tuple(result[0].shape) != tuple(w.shape):
            raise InputError(
                "an update rule must return next_w in the shape of w, "
                f"{tuple(w.shape)}; got {tuple(result[0].shape)}"
            )
        return result

    def _batch(self, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the training rows (B,), or (members, B), preprocessed."""
        rows = row.reshape(-1)
        X, y = transformed(self.preprocess, self._train.X[rows]), self._train.y[rows]
        if row.ndim > 1:  # a net of ours takes the rows of each member flattened
            X = X.reshape(len(X), -1)
        return X.reshape(*row.shape, *X.shape[1:]), y.reshape(*row.shape, *y.shape[1:])

    def _clipped(self, grads: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return the gradients, scaled where their norm is too long."""
        if self.clip_norm is None:
            return grads
        own = {name: grads[name] for name in self.params if name in grads}
        norm = self.clip_norm
        if not own:
            return own  # the sentence for that comes at the update
        if isinstance(norm, np.ndarray):
            first = next(iter(own.values()))
            norm = backend_of(first).asarray(norm, first.dtype)
        return clip_by_global_norm(own, norm, 0 if self.members is None else 1)

    def _update(self, name: str, grads: Mapping[str, Array]) -> None:
        if name not in grads:
            raise InputError(f"model.loss(X, y) returned no gradient for the parameter {name!r}")
        w, dw, configs = self.params[name], grads[name], self._configs.of[name]
        if self.members is None:
            self.params[name], configs[0] = self._step(w, dw, configs[0])
            return
        results = [self._step(w[k, ...], dw[k, ...], config) for k, config in enumerate(configs)]
        self.params[name] = array_namespace(w).stack([next_w for next_w, _ in results])
        self._configs.of[name] = [config for _, config in results]
