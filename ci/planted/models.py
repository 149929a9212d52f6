"""Models and rules that know nothing of xpnet, as their users write them, right and wrong."""

from typing import Any

import numpy as np

__all__ = ["FAULTS", "OwnNet", "sign_descent", "uphill"]

FAULTS = (
    *("no_reg_gradient", "half_reg", "no_reg_loss", "samples_axis", "sum_loss", "sum_gradient"),
    *("divided_twice", "no_relu_mask", "writes_inputs", "uphill", "no_bias_gradient", "mean_bias"),
    *("transposed", "labels_off", "plain_exp", "first_gradient_scaled", "relu_of_scores"),
)


class OwnNet:
    """A two-layer net in plain NumPy, with one fault at the most."""

    def __init__(
        self,
        input_dim: int,
        hidden_dim: int,
        num_classes: int,
        reg: float = 0.0,
        fault: str = "",
        seed: int = 0,
        scale: float | None = None,
    ) -> None:
        if fault and fault not in FAULTS:
            raise ValueError(f"there is no fault {fault!r}")
        rng = np.random.default_rng(seed)
        self.reg, self.fault = reg, fault
        first = np.sqrt(2.0 / input_dim) if scale is None else scale
        second = np.sqrt(2.0 / hidden_dim) if scale is None else scale
        self.params = {
            "W1": rng.normal(size=(input_dim, hidden_dim)) * first,
            "b1": np.zeros(hidden_dim),
            "W2": rng.normal(size=(hidden_dim, num_classes)) * second,
            "b2": np.zeros(num_classes),
        }

    def loss(self, X: Any, y: Any = None) -> Any:
        """Return scores, or with labels the loss and the gradients."""
        p, fault = self.params, self.fault
        X = X.reshape(len(X), -1)
        if fault == "writes_inputs":
            X -= X.mean(axis=0)
        before = X @ p["W1"] + p["b1"]
        hidden = np.maximum(before, 0.0)
        scores = hidden @ p["W2"] + p["b2"]
        if fault == "relu_of_scores":
            scores = np.maximum(scores, 0.0)
        if y is None:
            return scores
        if fault == "labels_off":
            y = (y + 1) % scores.shape[1]
        loss, dscores = self._softmax(scores, y)
        grads = {"W2": hidden.T @ dscores, "b2": dscores.sum(axis=0)}
        dhidden = dscores @ p["W2"].T
        if fault != "no_relu_mask":
            dhidden = dhidden * (before > 0)
        grads |= {"W1": X.T @ dhidden, "b1": dhidden.sum(axis=0)}
        return self._finished(loss, grads)

    def _softmax(self, scores: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        fault, n = self.fault, len(y)
        axis = 0 if fault == "samples_axis" else 1
        top = 0.0 if fault == "plain_exp" else scores.max(axis=axis, keepdims=True)
        exps = np.exp(scores - top)
        shares = exps / exps.sum(axis=axis, keepdims=True)
        rows = np.arange(n)
        losses = -np.log(shares[rows, y] + (0.0 if fault == "plain_exp" else 1e-300))
        dscores = shares.copy()
        dscores[rows, y] -= 1.0
        if fault not in ("sum_loss", "sum_gradient"):
            dscores /= n
        if fault == "divided_twice":
            dscores /= n
            return float(losses.mean() / n), dscores
        return float(losses.sum() if fault == "sum_loss" else losses.mean()), dscores

    def _finished(self, loss: float, grads: dict[str, np.ndarray]) -> Any:
        p, fault = self.params, self.fault
        for name in ("W1", "W2"):
            if fault != "no_reg_loss":
                loss += 0.5 * self.reg * float((p[name] ** 2).sum())
            if fault != "no_reg_gradient":
                factor = 0.5 if fault == "half_reg" else 1.0
                grads[name] = grads[name] + factor * self.reg * p[name]
        if fault == "no_bias_gradient":
            grads["b1"] = np.zeros_like(p["b1"])
        if fault == "mean_bias":
            grads["b2"] = np.full_like(p["b2"], grads["b2"].mean() + 0.1)
        if fault == "transposed":
            grads["W1"] = grads["W1"].T.copy()
        if fault == "first_gradient_scaled":
            grads["W1"] = 3.0 * grads["W1"]
        if fault == "uphill":
            grads = {name: -dw for name, dw in grads.items()}
        return loss, grads


def sign_descent(w: Any, dw: Any, config: Any = None) -> Any:
    """Step by the sign of the gradient alone."""
    return w - config["learning_rate"] * np.sign(dw), config


def uphill(w: Any, dw: Any, config: Any = None) -> Any:
    """Step along the gradient: the wrong way."""
    return w + config["learning_rate"] * dw, config
