"""Models as others write them: of any depth, with losses and faults that `models` has not."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["DeepNet", "adagrad", "lion", "no_step", "normalised_steps"]


class DeepNet:
    """A net of tanh or ReLU layers in plain NumPy, float32, with one fault at the most.

    Args:
        sizes: Units from the inputs to the scores.
        loss: "softmax", "huber", "half_squares", "binary" (of two scores, of which the second less
            the first counts) or "hinge".
        fault: What is wrong, or "".

    """

    def __init__(
        self, sizes: tuple[int, ...], loss: str = "softmax", fault: str = "", relu: bool = False
    ) -> None:
        rng = np.random.default_rng(5)
        self.kind, self.fault, self.relu = loss, fault, relu
        self.depth = len(sizes) - 1
        self.params = {}
        for k, (a, b) in enumerate(pairwise(sizes)):
            w = rng.normal(size=(a, b)) * np.sqrt((2.0 if relu else 1.0) / a)
            self.params[f"layer{k}.weight"] = w.astype(np.float32)
            self.params[f"layer{k}.bias"] = np.zeros(b, dtype=np.float32)
        if fault == "one_layer_zero":
            self.params["layer1.weight"] *= 0.0

    def _forward(self, X: np.ndarray, training: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
        x = X.reshape(len(X), -1)
        if self.fault == "standardises_each_batch":
            x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-6)
        before, after = [], [x]
        for k in range(self.depth):
            w, b = self.params[f"layer{k}.weight"], self.params[f"layer{k}.bias"]
            z = after[-1] @ w + b
            before.append(z)
            last = k == self.depth - 1
            a = z if last else np.maximum(z, 0.0) if self.relu else np.tanh(z)
            if self.fault == "dropout_in_test" and k == 0:
                a = a * (np.random.default_rng().random(a.shape) < 0.5) * 2.0
            if self.fault == "softmax_twice" and last:
                a = np.exp(a - a.max(axis=1, keepdims=True))
                a = a / a.sum(axis=1, keepdims=True)
            after.append(a)
        return before, after

    def loss(self, X: Any, y: Any = None) -> Any:
        """Return scores, or the loss and the gradients."""
        before, after = self._forward(X, y is not None)
        scores = after[-1]
        if y is None:
            if self.fault == "negated_scores":
                return -scores
            return scores
        value, d = self._loss(scores, y)
        if self.fault == "softmax_twice":
            d = scores * (d - (d * scores).sum(axis=1, keepdims=True))
        grads = {}
        for k in reversed(range(self.depth)):
            x = after[k]
            if self.fault == "inputs_for_hidden" and k == 1:
                x = before[0]
            grads[f"layer{k}.weight"] = x.T @ d
            grads[f"layer{k}.bias"] = d.sum(axis=0)
            if k == 0:
                break
            d = d @ self.params[f"layer{k}.weight"].T
            if self.relu:
                d = d * (before[k - 1] > 0)
            elif self.fault == "slope_of_sigmoid":
                d = d * after[k] * (1 - after[k])
            else:
                d = d * (1 - after[k] ** 2)
        if self.fault == "frozen_first":
            grads["layer0.weight"] = np.zeros_like(self.params["layer0.weight"])
        if self.fault == "gradient_of_first_sample":
            grads = {n: g / len(y) for n, g in self._first(X, y).items()}
        return value, grads

    def _first(self, X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        twin = DeepNet((1, 1), self.kind, "", self.relu)
        twin.params, twin.depth = self.params, self.depth
        grads: dict[str, np.ndarray] = twin.loss(X[:1], y[:1])[1]
        return grads

    def _loss(self, scores: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        n = len(y)
        if self.kind in ("huber", "half_squares"):
            targets = y if self.fault == "broadcast" else y.reshape(scores.shape)
            e = scores - targets  # (n, 1) - (n,) is (n, n) where that is the fault
            if self.kind == "huber":
                big = np.abs(e) > 1.0
                value = np.where(big, np.abs(e) - 0.5, 0.5 * e * e)
                d = np.clip(e, -1.0, 1.0)
            else:
                value, d = 0.5 * e * e, e
            d = d / e.size
            if self.fault == "broadcast":
                d = d.sum(axis=1, keepdims=True)
                return float(value.mean()), d
            return float(value.mean()), d
        rows = np.arange(n)
        if self.fault == "ignores_labels":
            y = np.zeros_like(y)
        if self.fault == "labels_of_first_half":
            y = np.concatenate([y[: n // 2], y[: n - n // 2]])
        if self.kind == "binary":
            z = scores[:, 1] - scores[:, 0]
            value = np.logaddexp(0.0, -(2 * y - 1) * z)
            g = (1 / (1 + np.exp(-z)) - y) / n
            return float(value.mean()), np.stack([-g, g], axis=1)
        if self.kind == "hinge":
            margins = np.maximum(0.0, scores - scores[rows, y][:, None] + 1.0)
            margins[rows, y] = 0.0
            d = (margins > 0).astype(scores.dtype)
            d[rows, y] = -d.sum(axis=1)
            return float(margins.sum() / n), d / n
        if self.fault == "temperature":
            scores = scores / 1000.0
        top = scores.max(axis=1, keepdims=True)
        shares = np.exp(scores - top)
        shares /= shares.sum(axis=1, keepdims=True)
        value = -np.log(shares[rows, y] + (0.0 if self.fault == "log_of_0" else 1e-12))
        d = shares
        d[rows, y] -= 1.0
        if self.fault == "temperature":
            d = d / 1000.0
        return float(value.mean()), d / n


def adagrad(w: Any, dw: Any, config: Any = None) -> Any:
    """Step by J. Duchi's rule, with a cache in the config."""
    cache = config.get("cache", 0.0) + dw * dw
    step = config["learning_rate"] * dw / (np.sqrt(cache) + 1e-8)
    return w - step, {**config, "cache": cache}


def lion(w: Any, dw: Any, config: Any = None) -> Any:
    """Step by the sign of a running mean."""
    m = config.get("m", 0.0 * w)
    step = np.sign(0.9 * m + 0.1 * dw)
    return w - config["learning_rate"] * step, {**config, "m": 0.99 * m + 0.01 * dw}


def no_step(w: Any, _dw: Any, config: Any = None) -> Any:
    """Forget to step."""
    return w, config


def normalised_steps(scale: float) -> Callable[..., Any]:
    """Return a rule of steps of one length, however small the gradient."""

    def rule(w: Any, dw: Any, config: Any = None) -> Any:
        size = np.sqrt((dw * dw).sum()) + 1e-12
        return w - scale * config["learning_rate"] * dw / size, config

    return rule
