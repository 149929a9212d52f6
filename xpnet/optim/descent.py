"""Gradient descent, plain and with momentum."""

from collections.abc import Mapping
from typing import Any, ClassVar

from xpnet.backends import Array
from xpnet.optim.base import Hyper, Slots, UpdateRule

__all__ = ["SGD", "NesterovMomentum", "SGDMomentum"]


class SGD(UpdateRule):
    """Stochastic gradient descent: w <- w - learning_rate * dw.

    Default: learning_rate 1e-2.
    """

    name = "sgd"
    defaults: ClassVar = {"learning_rate": 1e-2}

    def coefficients(self, hyper: Hyper, t: int) -> dict[str, Any]:
        """Return the learning rate."""
        return {"learning_rate": hyper["learning_rate"]}

    def apply(self, w: Array, dw: Array, slots: Slots, c: Mapping[str, Array], xp: Any) -> Array:
        """Return the next `w`."""
        dw *= c["learning_rate"]  # in place: a temporary of the weights' size costs a fifth more
        w -= dw
        return w


class SGDMomentum(UpdateRule):
    """SGD with momentum: v <- momentum * v - learning_rate * dw, then w <- w + v.

    Defaults: learning_rate 1e-2, momentum 0.9.

    Reference: B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    """

    name = "sgd_momentum"
    defaults: ClassVar = {"learning_rate": 1e-2, "momentum": 0.9}
    slots = ("velocity",)

    def coefficients(self, hyper: Hyper, t: int) -> dict[str, Any]:
        """Return the learning rate and the momentum."""
        return dict(hyper)

    def apply(self, w: Array, dw: Array, slots: Slots, c: Mapping[str, Array], xp: Any) -> Array:
        """Return the next `w`."""
        v = slots["velocity"]
        v *= c["momentum"]
        dw *= c["learning_rate"]
        v -= dw
        w += v
        slots["velocity"] = v
        return w


class NesterovMomentum(SGDMomentum):
    """Nesterov's momentum, with the gradient taken at the parameters themselves.

    v' = momentum * v - learning_rate * dw, then w <- w - momentum * v + (1 + momentum) * v'.

    Defaults: learning_rate 1e-2, momentum 0.9.

    Reference: Y. Nesterov, 1983; in this form, Y. Bengio et al., "Advances in optimizing recurrent
    networks", ICASSP 2013, equation 7.
    """

    name = "nesterov_momentum"

    def apply(self, w: Array, dw: Array, slots: Slots, c: Mapping[str, Array], xp: Any) -> Array:
        """Return the next `w`."""
        v = slots["velocity"]
        w -= c["momentum"] * v
        v *= c["momentum"]
        dw *= c["learning_rate"]
        v -= dw
        w += (1.0 + c["momentum"]) * v
        slots["velocity"] = v
        return w
