"""The two-layer net of the notes.

Reference: Stanford CS231n, assignment 1 and 2, the two-layer net with modular layers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.backends import Array, get_backend
from xpnet.errors import InputError
from xpnet.initializers import Initializer, draw_parameters, get_initializer
from xpnet.layers import (
    affine_backward,
    affine_forward,
    affine_parameter_gradients,
    affine_relu_forward,
    relu_backward,
)
from xpnet.losses import softmax_loss
from xpnet.members import member_seeds, member_values, not_negative, per_member, take_member
from xpnet.nets.base import Net, Params

__all__ = ["TwoLayerNet"]


class TwoLayerNet(Net):
    """Affine, ReLU, affine, with the softmax loss: the notes' net, single or as a stack.

    Parameters are `W1` (D, H), `b1` (H,), `W2` (H, C), `b2` (C,), each with a leading axis of
    `members` in a stack. Biases start at zero.

    Args:
        input_dim: D, the number of features of a sample.
        hidden_dim: H, the number of hidden units.
        num_classes: C.
        weight_scale: Standard deviation of the Gaussian initial weights.
        reg: L2 regularisation strength, which enters the loss with the factor 0.5.
        initializer: None or "gaussian" (with `weight_scale`), "xavier", "kaiming", "zeros", or a
            callable `(rng, (fan_in, fan_out)) -> NumPy array`.
        members: K for a stack of K independent nets, trained at once; None for a single net.
        dtype: "float32" or "float64".
        device: As in `xpnet.get_backend`.
        seed: Of the initial weights, which are the same on every backend.

    `reg`, `weight_scale` and `seed` may be sequences of K values, one a member.

    Raises:
        InputError: A size is not a positive integer, or a value is out of range.
        BackendError: The device or its dtype cannot be used here.

    """

    def __init__(
        self,
        input_dim: int = 3 * 32 * 32,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float | Sequence[float] = 1e-3,
        reg: float | Sequence[float] = 0.0,
        *,
        initializer: str | Initializer | None = None,
        members: int | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int | Sequence[int] = 0,
    ) -> None:
        sizes = {"input_dim": input_dim, "hidden_dim": hidden_dim, "num_classes": num_classes}
        for name, size in (
            sizes.items() if members is None else {**sizes, "members": members}.items()
        ):
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
                raise InputError(f"{name} must be a positive integer; got {size!r}")
        backend = get_backend(device)
        self.members = members
        self.reg = not_negative("reg", member_values("reg", reg, members))
        scales = not_negative("weight_scale", member_values("weight_scale", weight_scale, members))
        shapes = {1: (int(input_dim), int(hidden_dim)), 2: (int(hidden_dim), int(num_classes))}
        count = 1 if members is None else members
        solos = [
            draw_parameters(shapes, get_initializer(initializer, scale), one_seed)
            for scale, one_seed in zip(
                np.broadcast_to(scales, (count,)).tolist(), member_seeds(seed, members), strict=True
            )
        ]
        with np.errstate(over="ignore"):  # weights beyond float32 diverge at the first step
            self.params = {
                name: backend.asarray(
                    solos[0][name] if members is None else np.stack([solo[name] for solo in solos]),
                    dtype=backend.dtype(dtype),
                )
                for name in solos[0]
            }

    def __repr__(self) -> str:
        hidden = self.params["W1"].shape[-1]
        stack = "" if self.members is None else f", members={self.members}"
        layers = f"{self.input_dim}-{hidden}-{self.num_classes}"
        return f"TwoLayerNet({layers}{stack}, {self.backend.description})"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that fit together, with the sizes that W1 and W2 give."""
        missing = {"W1", "W2"} - set(self.params)
        if missing or min(len(self.params[name].shape) for name in ("W1", "W2")) < 2:
            raise InputError(
                "params needs W1 and W2 of two axes or more; it has "
                + ", ".join(f"{name} {tuple(w.shape)}" for name, w in self.params.items())
            )
        (d, h), c = self.params["W1"].shape[-2:], self.num_classes
        return {"W1": (d, h), "b1": (h,), "W2": (h, c), "b2": (c,)}

    @property
    def input_dim(self) -> int:
        """The number of features of a sample."""
        return int(self.params["W1"].shape[-2])

    @property
    def num_classes(self) -> int:
        """The number of scores of a sample."""
        return int(self.params["W2"].shape[-1])

    def member(self, k: int) -> "TwoLayerNet":
        """Return member `k` of a stack as a single net with copies of its parameters.

        Raises:
            InputError: The net is no stack, or has no member of that number.

        """
        is_number = isinstance(k, int | np.integer) and not isinstance(k, bool)
        if self.members is None or not (is_number and 0 <= k < self.members):
            raise InputError(f"no member {k!r}: the net has {self.members or 'no'} members")
        solo = object.__new__(type(self))
        solo.members = None
        solo.reg = float(np.broadcast_to(self.reg, (self.members,))[k])
        solo.params = take_member(self.params, k)
        return solo

    def scores(self, params: Params, x: Array, xp: Any) -> Array:
        """Return class scores (..., N, C) for inputs (N, D) or (..., N, D); pure."""
        hidden, _ = affine_relu_forward(x, params["W1"], params["b1"], xp=xp)
        return affine_forward(hidden, params["W2"], params["b2"], xp=xp)[0]

    def loss_and_gradients(
        self, params: Params, x: Array, y: Array, reg: Array, xp: Any
    ) -> tuple[Array, Params]:
        """Return the loss, of the member shape, and its gradient by each parameter; pure."""
        hidden, cache1 = affine_relu_forward(x, params["W1"], params["b1"], xp=xp)
        scores, cache2 = affine_forward(hidden, params["W2"], params["b2"], xp=xp)
        loss, dscores = softmax_loss(scores, y, xp=xp)
        dhidden, dw2, db2 = affine_backward(dscores, cache2, xp=xp)
        dhidden = relu_backward(dhidden, cache1.relu, xp=xp)
        dw1, db1 = affine_parameter_gradients(dhidden, cache1.affine, xp=xp)
        if _is_regularised(reg):
            loss = loss + _penalty(params, reg, xp)
            dw1 += per_member(reg, dw1, xp=xp) * params["W1"]
            dw2 += per_member(reg, dw2, xp=xp) * params["W2"]
        return loss, {"W1": dw1, "b1": db1, "W2": dw2, "b2": db2}

    def objective(self, params: Params, scores: Array, y: Array, reg: Array, xp: Any) -> Array:
        """Return the loss alone, of the member shape, from scores; pure."""
        loss, _ = softmax_loss(scores, y, xp=xp)
        return loss + _penalty(params, reg, xp) if _is_regularised(reg) else loss


def _is_regularised(reg: Array) -> bool:
    """Return whether the penalty must be computed: a plain 0 costs nothing."""
    return not (isinstance(reg, float) and reg == 0.0)


def _penalty(params: Params, reg: Array, xp: Any) -> Array:
    """Return 0.5 * reg * (the sum of the squared weights), of the member shape."""
    w1, w2 = params["W1"], params["W2"]
    squares = xp.sum(w1 * w1, axis=(-2, -1)) + xp.sum(w2 * w2, axis=(-2, -1))
    return 0.5 * reg * squares
