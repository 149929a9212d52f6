"""Training of our own nets: data on their device, a stretch of pure steps at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.data.batches import Split, gather
from xpnet.errors import InputError
from xpnet.evaluation import evaluate_net
from xpnet.members import per_member
from xpnet.nets import Net
from xpnet.optim import UpdateRule
from xpnet.preprocessing import Preprocessor

__all__ = ["NetTrainer"]


class NetTrainer:
    """Takes stretches of steps with one of our nets and one of our rules.

    Attributes:
        params: The parameters now. A stretch consumes them: copy what you keep.

    """

    def __init__(
        self,
        net: Net,
        rule: UpdateRule,
        hyper: Mapping[str, Any],
        preprocess: Preprocessor | None,
        *,
        compiled: bool = False,
    ) -> None:
        self.net = net
        self.rule = rule
        self.hyper = hyper
        self.preprocess = preprocess
        self.compiled = compiled
        self.backend = net.backend
        self._dtype = net.dtype
        self.params: dict[str, Array] = net.params
        self._slots: dict[str, dict[str, Array]] = {}
        self._data: dict[str, Any] = {}
        numbers = {} if preprocess is None else preprocess.numbers()
        self._numbers = {
            name: self.backend.asarray(value, dtype=net.dtype) for name, value in numbers.items()
        }

    def place(self, X: np.ndarray, y: np.ndarray) -> Split:
        """Return a part of the data on the net's device, the samples flattened.

        Bytes stay bytes until a batch is made; floats get the net's dtype now.
        """
        dtype = self._dtype if X.dtype.kind == "f" else None
        flat = self.backend.asarray(X.reshape(len(X), -1), dtype)
        return Split(flat, self.backend.asarray(y))

    def subset(self, split: Split, rows: np.ndarray) -> Split:
        """Return the given rows of a part."""
        xp, on_device = self.backend.xp, self.backend.asarray(rows)
        return Split(*(xp.take(x, on_device, axis=0) for x in split))

    def begin(self, train: Split) -> None:
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
        self.params = {name: backend.copy(w) for name, w in self.net.params.items()}
        if not self._slots:
            self._slots = {
                name: {slot: xp.zeros_like(w) for slot in self.rule.slots}
                for name, w in self.params.items()
            }
        reg = self.net.device_reg()
        self._data = {"X": train.X, "y": train.y, "numbers": self._numbers}
        if not isinstance(reg, float):
            self._data["reg"] = reg
        self._stretch = self.backend.stretch(self._make_step(reg), compiled=self.compiled)

    def advance(self, rows: np.ndarray, rate_scale: Any, first: int) -> np.ndarray:
        """Take a step for each row of `rows` and return the losses, on the host.

        Args:
            rows: Training rows (steps, B), or (steps, members, B).
            rate_scale: What the learning rate is multiplied by, per member where an array.
            first: The number of the first of these steps, from 1.

        """
        hyper = dict(self.hyper)
        if "learning_rate" in hyper:
            hyper["learning_rate"] = hyper["learning_rate"] * rate_scale
        steps = [self.rule.coefficients(hyper, first + i) for i in range(len(rows))]
        draws = {
            name: self.backend.asarray(np.stack([step[name] for step in steps]), self._dtype)
            for name in steps[0]
        }
        draws["rows"] = self.backend.asarray(rows)
        carry = (self.params, self._slots)
        self._slots = {}  # consumed: if the stretch is broken off, no later one may find them
        carry, losses = self._stretch(carry, self._data, draws)
        self.params, self._slots = carry
        return self.backend.to_numpy(losses)

    def copy_params(self) -> dict[str, Array]:
        """Return copies of the parameters, which no step will write into."""
        return {name: self.backend.copy(w) for name, w in self.params.items()}

    def evaluate(
        self, params: dict[str, Array], splits: list[Split], batch_size: int
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return accuracy, loss and whether it is finite on each part, with one transfer."""
        results = [
            evaluate_net(self.net, params, split, self.preprocess, self._numbers, batch_size)
            for split in splits
        ]
        host = self.backend.to_numpy(self.backend.xp.stack(results)).astype(np.float64)
        return [
            (hits / split.X.shape[0], loss, np.isfinite(loss))
            for (hits, loss), split in zip(host, splits, strict=True)
        ]

    def _make_step(self, static_reg: Array) -> Any:
        """Return the pure step `(carry, data, draw) -> (carry, loss)`."""
        net, rule, preprocess, xp = self.net, self.rule, self.preprocess, self.backend.xp
        dtype = self._dtype

        def step(carry: Any, data: Any, draw: dict[str, Array]) -> Any:
            params, slots = carry
            x, y = gather(data["X"], data["y"], draw["rows"], dtype, xp)
            if preprocess is not None:
                x = preprocess.apply(x, data["numbers"], xp)
            loss, grads = net.loss_and_gradients(params, x, y, data.get("reg", static_reg), xp)
            coefficients = [(key, value) for key, value in draw.items() if key != "rows"]
            next_params, next_slots = {}, {}
            for name, w in params.items():
                next_slots[name] = dict(slots[name])
                c = {key: per_member(value, w, xp=xp) for key, value in coefficients}
                next_params[name] = rule.apply(w, grads[name], next_slots[name], c, xp)
            return (next_params, next_slots), loss

        return step
