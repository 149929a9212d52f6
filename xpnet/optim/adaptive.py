"""Rules that scale each number's step by the size of its gradients."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from xpnet.backends import Array
from xpnet.optim.base import Hyper, Slots, UpdateRule

__all__ = ["Adam", "AdamW", "RMSProp"]


class RMSProp(UpdateRule):
    """RMSProp: the gradient over the root of its running mean square.

    cache <- decay_rate * cache + (1 - decay_rate) * dw**2, then
    w <- w - learning_rate * dw / (sqrt(cache) + epsilon).

    Defaults: learning_rate 1e-2, decay_rate 0.99, epsilon 1e-8.

    Reference: T. Tieleman and G. Hinton, Coursera lecture 6.5, 2012.
    """

    name = "rmsprop"
    defaults: ClassVar = {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8}
    slots = ("cache",)

    def coefficients(self, hyper: Hyper, t: int) -> dict[str, Any]:
        """Return the hyperparameters and 1 - decay_rate."""
        return {**hyper, "new": 1.0 - np.asarray(hyper["decay_rate"], dtype=np.float64)}

    def apply(self, w: Array, dw: Array, slots: Slots, c: Mapping[str, Array], xp: Any) -> Array:
        """Return the next `w`."""
        cache = slots["cache"]
        cache *= c["decay_rate"]
        cache += c["new"] * (dw * dw)
        denominator = xp.sqrt(cache)
        denominator += c["epsilon"]
        dw *= c["learning_rate"]
        dw /= denominator
        w -= dw
        slots["cache"] = cache
        return w


class Adam(UpdateRule):
    """Adam: momentum over the root of the mean square, both corrected for their zero start.

    m <- beta1 * m + (1 - beta1) * dw,  v <- beta2 * v + (1 - beta2) * dw**2,
    w <- w - learning_rate * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + epsilon).

    Defaults: learning_rate 1e-3, beta1 0.9, beta2 0.999, epsilon 1e-8.

    Reference: D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
    algorithm 1.
    """

    name = "adam"
    defaults: ClassVar = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    slots = ("m", "v")
    counts_steps = True

    def coefficients(self, hyper: Hyper, t: int) -> dict[str, Any]:
        """Return the decays and the two bias corrections, folded into factors."""
        beta1, beta2 = (np.asarray(hyper[name], dtype=np.float64) for name in ("beta1", "beta2"))
        return {
            "beta1": beta1,
            "new1": 1.0 - beta1,
            "beta2": beta2,
            "new2": 1.0 - beta2,
            "step": hyper["learning_rate"] / (1.0 - beta1**t),
            "root": 1.0 / np.sqrt(1.0 - beta2**t),
            "epsilon": hyper["epsilon"],
        }

    def apply(self, w: Array, dw: Array, slots: Slots, c: Mapping[str, Array], xp: Any) -> Array:
        """Return the next `w`."""
        m, v = slots["m"], slots["v"]
        m *= c["beta1"]
        m += c["new1"] * dw
        v *= c["beta2"]
        dw *= dw  # in place from here on: temporaries of the weights' size cost as much as the sums
        dw *= c["new2"]
        v += dw
        denominator = xp.sqrt(v)
        denominator *= c["root"]
        denominator += c["epsilon"]
        step = c["step"] * m
        step /= denominator
        w -= step
        slots["m"], slots["v"] = m, v
        return w


class AdamW(Adam):
    """Adam with decoupled weight decay: w <- (1 - learning_rate * weight_decay) * w, then Adam.

    The decay falls on every parameter, biases included, and is not scaled by the gradient's size.
    Defaults: those of Adam, and weight_decay 1e-2, as in PyTorch.

    Reference: I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    name = "adamw"
    defaults: ClassVar = {**Adam.defaults, "weight_decay": 1e-2}

    def coefficients(self, hyper: Hyper, t: int) -> dict[str, Any]:
        """Return Adam's coefficients and the factor that shrinks the weights."""
        shrink = 1.0 - np.asarray(hyper["learning_rate"]) * np.asarray(hyper["weight_decay"])
        return {**super().coefficients(hyper, t), "shrink": shrink}

    def apply(self, w: Array, dw: Array, slots: Slots, c: Mapping[str, Array], xp: Any) -> Array:
        """Return the next `w`."""
        w *= c["shrink"]
        return super().apply(w, dw, slots, c, xp)
