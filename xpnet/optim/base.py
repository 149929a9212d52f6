"""The base of the update rules: defaults, checks, and the notes' form made of the two halves."""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from xpnet.backends import Array, array_namespace, device
from xpnet.errors import InputError
from xpnet.members import as_floats, per_member

__all__ = ["Hyper", "Rule", "Slots", "UpdateRule", "check_range"]

Hyper: TypeAlias = Mapping[str, Any]  # float or float64 array of the member shape, by name
Slots: TypeAlias = dict[str, Array]
Rule: TypeAlias = Callable[[Array, Array, dict[str, Any] | None], tuple[Array, dict[str, Any]]]

# The values that a hyperparameter may take, and how to say so.
_RANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "learning_rate": (lambda v: v > 0, "a positive number"),
    "momentum": (lambda v: (v >= 0) & (v < 1), "a number from 0 up to, not including, 1"),
    "decay_rate": (lambda v: (v >= 0) & (v < 1), "a number from 0 up to, not including, 1"),
    "beta1": (lambda v: (v >= 0) & (v < 1), "a number from 0 up to, not including, 1"),
    "beta2": (lambda v: (v >= 0) & (v < 1), "a number from 0 up to, not including, 1"),
    "epsilon": (lambda v: v > 0, "a positive number"),
    "weight_decay": (lambda v: v >= 0, "0 or a positive number"),
}


class UpdateRule:
    """A rule in two halves, and the notes' form made of them."""

    name: ClassVar[str]
    defaults: ClassVar[dict[str, float]]
    slots: ClassVar[tuple[str, ...]] = ()
    counts_steps: ClassVar[bool] = False

    def __repr__(self) -> str:
        return f"<update rule {self.name}>"

    def coefficients(self, hyper: Hyper, t: int) -> dict[str, Any]:
        """Return the numbers that `apply` needs at step `t` (from 1), in float64."""
        raise NotImplementedError

    def apply(self, w: Array, dw: Array, slots: Slots, c: Mapping[str, Array], xp: Any) -> Array:
        """Return the next `w` and update `slots`, writing into both, and `dw`, where it can.

        `c` holds the coefficients, each a scalar or broadcast to `w` by `per_member`.
        """
        raise NotImplementedError

    def check_hyperparameters(self, config: Hyper, state: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the hyperparameters of `config` over the defaults.

        Args:
            config: Hyperparameters by name, and whatever `state` names.
            state: Names in `config` that are no hyperparameters.

        Raises:
            InputError: A name is unknown or a value out of its range.

        """
        for name in config:
            if name not in self.defaults and name not in state:
                raise InputError(
                    f"{self.name} has no hyperparameter {name!r}; it has {', '.join(self.defaults)}"
                )
        hyper = {name: config.get(name, default) for name, default in self.defaults.items()}
        for name, value in hyper.items():
            check_range(name, value, f"{self.name}: ")
        return hyper

    def __call__(
        self, w: Array, dw: Array, config: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Return the next `w` and the next config; neither argument is written into.

        Args:
            w: A parameter, of any shape, its member axes first.
            dw: Its gradient, of the same shape.
            config: Hyperparameters, missing ones by default, and the state of the last call.

        Raises:
            InputError: An unknown name, a value out of range, or shapes that differ.

        """
        xp = array_namespace(w, dw)
        if not isinstance(config, Mapping | None):
            raise InputError(f"{self.name}: config must be a dictionary or None; got {config!r}")
        config = dict(config or {})
        hyper = self.check_hyperparameters(config, (*self.slots, "t"))
        self._check_arrays(w, dw, config, xp)
        t = config.get("t", 0) + 1
        slots = {
            name: xp.asarray(config[name], copy=True) if name in config else xp.zeros_like(w)
            for name in self.slots
        }
        c = {
            name: per_member(xp.asarray(value, dtype=w.dtype, device=device(w)), w, xp=xp)
            for name, value in self.coefficients(hyper, t).items()
        }
        next_w = self.apply(xp.asarray(w, copy=True), xp.asarray(dw, copy=True), slots, c, xp)
        counter = {"t": t} if self.counts_steps else {}
        return next_w, {**hyper, **slots, **counter}

    def _check_arrays(self, w: Array, dw: Array, config: Hyper, xp: Any) -> None:
        """Raise InputError unless parameter, gradient and config fit each other."""
        shape = tuple(w.shape)
        if not xp.isdtype(w.dtype, "real floating"):
            raise InputError(
                f"{self.name}: w must be real floating; got {w.dtype}: integers cannot take steps"
            )
        if shape != tuple(dw.shape):
            raise InputError(
                f"{self.name}: w and dw must have one shape; got {shape} and {tuple(dw.shape)}"
            )
        t = config.get("t", 0)
        if not isinstance(t, int | np.integer) or t < 0:
            raise InputError(f"{self.name}: t must count the steps taken, from 0; got {t!r}")
        for name, value in config.items():
            given = np.shape(value) if name in self.defaults else getattr(value, "shape", shape)
            if name in self.slots and tuple(given) != shape:
                raise InputError(
                    f"{self.name}: {name} must have w's shape {shape}; got {tuple(given)}"
                )
            if name in self.defaults and tuple(given) != shape[: len(given)]:
                raise InputError(
                    f"{self.name}: {name} must be a number or have the member shape, the first "
                    f"axes of w's {shape}; got shape {tuple(given)}"
                )


def check_range(name: str, value: Any, owner: str = "") -> None:
    """Raise InputError unless every value is finite and in the range of that hyperparameter."""
    accepts, meaning = _RANGES.get(name, (lambda _: True, "a finite number"))
    message = f"{owner}{name} must be {meaning}; got "
    try:
        values = as_floats(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{message}{value!r}") from error
    for v in values.reshape(-1).tolist():
        if not math.isfinite(v) or not accepts(v):
            raise InputError(f"{message}{v!r}")
