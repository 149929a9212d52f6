"""Training of any object with `params` and `loss(X, y)`, by any rule `(w, dw, config)`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array, array_namespace, backend_of, is_host_array
from xpnet.data.batches import Split
from xpnet.errors import InputError
from xpnet.evaluation import host_scores
from xpnet.optim import Rule
from xpnet.preprocessing import Preprocessor

__all__ = ["ModelTrainer"]

Config = dict[str, Any]


class ModelTrainer:
    """Takes steps as the notes do, for models and rules that are not ours.

    The model gets host arrays in the caller's own shape, and the items of its own `params`
    dictionary are replaced after each step. In a stack every member has a config of its own, so
    that a rule written for one net serves each.
    """

    measures_loss = False

    def __init__(
        self,
        model: Any,
        rule: Rule,
        optim_config: Mapping[str, Any],
        members: int | None,
        preprocess: Preprocessor | None,
    ) -> None:
        self.model = model
        self.rule = rule
        self.members = members
        self.preprocess = preprocess
        self._configs: dict[str, list[Config]] = {
            name: [_of_member(optim_config, k) for k in range(members or 1)]
            for name in model.params
        }
        self._first_rates: dict[tuple[str, int], Any] = {}

    @property
    def params(self) -> dict[str, Array]:
        """The model's own dictionary."""
        params: dict[str, Array] = self.model.params
        return params

    def place(self, X: np.ndarray, y: np.ndarray) -> Split:
        """Return the part as it is: the model takes host arrays."""
        return Split(X, y)

    def subset(self, split: Split, rows: np.ndarray) -> Split:
        """Return the given rows of a part."""
        return Split(split.X[rows], split.y[rows])

    def begin(self, train: Split) -> None:
        """Start from the model's parameters, which stay in the model."""
        self._train = train

    def advance(self, rows: np.ndarray, rate_scale: Any, first: int) -> np.ndarray:
        """Take a step for each row of `rows` and return the losses.

        Args:
            rows: Training rows (steps, B), or (steps, members, B).
            rate_scale: What the learning rate is multiplied by, per member where an array.
            first: The number of the first of these steps; rules count for themselves.

        """
        losses = []
        for row in rows:
            self._scale_rates(rate_scale)
            X, y = self.subset(self._train, row)
            loss, grads = self.model.loss(self._prepared(X), y)
            losses.append(_to_host(loss))
            for name in list(self.params):
                self._update(name, grads)
        return np.asarray(losses, dtype=np.float64)

    def copy_params(self) -> dict[str, Array]:
        """Return copies of the parameters."""
        return {name: array_namespace(w).asarray(w, copy=True) for name, w in self.params.items()}

    def evaluate(
        self, params: dict[str, Array], splits: list[Split], batch_size: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the accuracy on each part, and NaN for the loss.

        `model.loss(X, y)` is training: asking it for a validation loss could change a foreign
        model's state.
        """
        results = []
        for X, y in splits:
            hits: Any = 0
            for start in range(0, len(X), batch_size):
                part = slice(start, start + batch_size)
                scores = host_scores(self.model, self._prepared(X[part]))
                hits = hits + np.sum(np.argmax(scores, axis=-1) == y[part], axis=-1)
            accuracy = np.asarray(hits / len(X))
            results.append((accuracy, np.full_like(accuracy, np.nan)))
        return results

    def _prepared(self, X: np.ndarray) -> Any:
        return X if self.preprocess is None else self.preprocess.transform(X)

    def _scale_rates(self, rate_scale: Any) -> None:
        """Set each config's learning rate to its first value times `rate_scale`.

        A rule may put its own default into the config at its first call, so the first value is
        noted when it is first seen.
        """
        for name, configs in self._configs.items():
            for k, config in enumerate(configs):
                if "learning_rate" in config:
                    rate = self._first_rates.setdefault((name, k), config["learning_rate"])
                    config["learning_rate"] = rate * _of_member({"s": rate_scale}, k)["s"]

    def _update(self, name: str, grads: Mapping[str, Array]) -> None:
        if name not in grads:
            raise InputError(f"model.loss(X, y) returned no gradient for the parameter {name!r}")
        w, dw, configs = self.params[name], grads[name], self._configs[name]
        if self.members is None:
            self.params[name], configs[0] = self.rule(w, dw, configs[0])
            return
        results = [self.rule(w[k, ...], dw[k, ...], config) for k, config in enumerate(configs)]
        self.params[name] = array_namespace(w).stack([next_w for next_w, _ in results])
        self._configs[name] = [config for _, config in results]


def _of_member(config: Mapping[str, Any], k: int) -> Config:
    """Return the config of member `k`: its own item of what is given per member."""
    return {
        name: v[k] if isinstance(v, np.ndarray | list | tuple) else v for name, v in config.items()
    }


def _to_host(loss: Any) -> Any:
    return (
        loss if isinstance(loss, float) or is_host_array(loss) else backend_of(loss).to_numpy(loss)
    )
