"""Training of our own nets: data on their device, a stretch of pure steps at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.data.batches import Split
from xpnet.data.mapped import MappedRows, is_mapped
from xpnet.errors import InputError
from xpnet.evaluation import evaluate_net
from xpnet.metrics import Metric
from xpnet.model_variables import copied
from xpnet.nets import Net, Variables
from xpnet.optim import UpdateRule
from xpnet.preprocessing import Preprocessor
from xpnet.streamed_rows import StreamedRows, advice_to_map, pieces
from xpnet.training_step import make_step

__all__ = ["NetTrainer"]


class NetTrainer:
    """Takes stretches of steps with one of our nets and one of our rules.

    Attributes:
        variables: Parameters and state now. A stretch consumes them: copy what you keep.

    Args:
        net: The net.
        rule: The update rule.
        hyper: The rule's hyperparameters, floats or arrays of the member shape.
        metric: What `evaluate` takes.
        preprocess: What batches go through first.
        terms: Options of the loss function, on the host: `class_weights`, `label_smoothing`.
        clip_norm: The largest global norm of the gradients, or None.
        compiled: Whether the steps are compiled, where the library leaves the choice.

    """

    def __init__(
        self,
        net: Net,
        rule: UpdateRule,
        hyper: Mapping[str, Any],
        metric: Metric,
        preprocess: Preprocessor | None,
        *,
        terms: Mapping[str, Any] | None = None,
        clip_norm: Any = None,
        compiled: bool = False,
    ) -> None:
        self.net = net
        self.rule = rule
        self.hyper = hyper
        self.metric = metric
        self.preprocess = preprocess
        self.terms = dict(terms or {})
        self.clip_norm = clip_norm
        self.compiled = compiled
        self.backend = net.backend
        self._dtype = net.dtype
        self.variables = Variables(net.params, net.state)
        self._slots: dict[str, dict[str, Array]] = {}
        self._data: dict[str, Any] = {}
        self._train: Any = None
        numbers = {} if preprocess is None else preprocess.numbers()
        self._numbers = {
            name: self.backend.asarray(value, dtype=net.dtype) for name, value in numbers.items()
        }

    def place(self, X: np.ndarray, y: np.ndarray) -> Split:
        """Return a part of the data on the net's device, the samples flattened.

        Bytes stay bytes until a batch is made; floats get the net's dtype now. Memory-mapped
        inputs stay on the host.

        Raises:
            InputError: The device has too little memory.

        """
        if is_mapped(X):
            return Split(StreamedRows(MappedRows(X), self._placed), self._placed(y))
        with advice_to_map(self.backend, X.nbytes):
            return Split(self._placed(X.reshape(len(X), -1)), self._placed(y))

    def subset(self, split: Split, rows: np.ndarray) -> Split:
        """Return the given rows of a part."""
        xp, on_device = self.backend.xp, self.backend.asarray(rows)
        X, y = split
        chosen = X.subset(rows) if isinstance(X, StreamedRows) else xp.take(X, on_device, axis=0)
        return Split(chosen, xp.take(y, on_device, axis=0))

    def begin(self, train: Split, sample_weights: np.ndarray | None = None) -> None:
        """Start from the net's parameters: copies of them, because steps write into theirs.

        Raises:
            InputError: They are of another library, device or dtype than when this was made.

        """
        self.net.check()
        backend, xp = self.net.backend, self.backend.xp
        if (backend.xp, backend.device, self.net.dtype) != (xp, self.backend.device, self._dtype):
            raise InputError(
                f"the net's parameters are now {self.net.dtype} of {backend.description}, but were "
                f"{self._dtype} of {self.backend.description} when the Solver was made: "
                "make a new Solver"
            )
        self.variables = copied(Variables(self.net.params, self.net.state))
        if not self._slots:
            self._slots = {
                name: {slot: xp.zeros_like(w) for slot in self.rule.slots}
                for name, w in self.variables.params.items()
            }
        self._data = {"y": train.y, "numbers": self._numbers}
        if not isinstance(train.X, StreamedRows):
            self._data["X"] = train.X
        self._train = train.X
        if sample_weights is not None:
            self._data["weights"] = backend.asarray(sample_weights, self._dtype)
        fixed, self._data["terms"] = self._split_terms()
        step = make_step(
            self.net,
            self.rule,
            self.preprocess,
            fixed=fixed,
            dtype=self._dtype,
            xp=backend.step_xp,
        )
        parts = (self.net, self.rule, *getattr(self.preprocess, "parts", [self.preprocess]))
        # A user's own class may do what no replay repeats, such as drawing numbers by itself.
        is_pure = all(type(p).__module__.startswith(("xpnet.", "builtins")) for p in parts)
        self._stretch = backend.stretch(step, compiled=self.compiled, is_pure=is_pure)

    def advance(
        self, rows: np.ndarray, rate_scales: np.ndarray, first: int, following: np.ndarray
    ) -> np.ndarray:
        """Take a step for each row of `rows` and return the losses, on the host.

        Args:
            rows: Training rows (steps, B), or (steps, members, B).
            rate_scales: What the learning rate is multiplied by, (steps,) or (steps, members).
            first: The number of the first of these steps, from 1.
            following: The rows of the next call, as far as they are known, to be read meanwhile
                where inputs are streamed.

        """
        carry = (self.variables, self._slots)
        self._slots = {}  # consumed: if the stretch is broken off, no later one may find them
        losses = []
        for piece, inputs in pieces(self._train, rows, following):
            draws = self._draws(rows[piece], rate_scales[piece], first + piece.start)
            carry, found = self._stretch(carry, self._data, draws | inputs)
            losses.append(found)
        self.variables, self._slots = carry
        whole = losses[0] if len(losses) == 1 else self.backend.xp.concat(losses)
        return self.backend.to_numpy(whole)

    def _draws(self, rows: np.ndarray, rate_scales: np.ndarray, first: int) -> dict[str, Any]:
        """Return what changes from step to step, on the device."""
        steps, samples = [], []
        for i, scale in enumerate(rate_scales):
            hyper = dict(self.hyper)
            if "learning_rate" in hyper:
                hyper["learning_rate"] = hyper["learning_rate"] * scale
            steps.append(self.rule.coefficients(hyper, first + i))
            samples.append(self.net.draws(first - 1 + i, rows.shape[-1]))
        place = self.backend.asarray
        return {
            "rows": place(rows),
            "coefficients": {
                name: place(np.stack([step[name] for step in steps]), self._dtype)
                for name in steps[0]
            },
            "net": {name: place(np.stack([draw[name] for draw in samples])) for name in samples[0]},
        }

    def evaluate(
        self, variables: Variables, splits: list[Split], targets: list[np.ndarray], batch_size: int
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return metric, loss and whether it is finite on each part, with one transfer."""
        arguments = self.metric, self.preprocess, self._numbers, batch_size
        results = [evaluate_net(self.net, variables, split, *arguments) for split in splits]
        host = self.backend.to_numpy(self.backend.xp.stack(results)).astype(np.float64)
        return [
            (self.metric.value(found[..., :-1], y), found[..., -1], np.isfinite(found[..., -1]))
            for found, y in zip(host, targets, strict=True)
        ]

    def _placed(self, x: np.ndarray) -> Array:
        """Return an array on the device, floats in the net's dtype."""
        # From an array with gaps, or in Fortran order, each of NumPy's takes would copy the whole.
        whole = np.ascontiguousarray(x)
        return self.backend.asarray(whole, self._dtype if x.dtype.kind == "f" else None)

    def _split_terms(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the terms that are constants of the compiled step, and those that are arrays."""
        place = self.backend.asarray
        terms = self.net.constants() | {
            name: place(value, self._dtype) if isinstance(value, np.ndarray) else value
            for name, value in (*self.terms.items(), ("clip_norm", self.clip_norm))
        }
        fixed = {name: v for name, v in terms.items() if v is None or isinstance(v, int | float)}
        return fixed, {name: v for name, v in terms.items() if name not in fixed}
