"""Batch normalisation: each feature at mean 0 and variance 1 over the batch, then scaled anew.

The running mean and variance, by which the layer normalises in test mode, are state and no
parameters: `batchnorm_forward` takes the state and returns the next one.

Reference: S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by
reducing internal covariate shift", ICML 2015; Stanford CS231n, assignment 2.
"""

from typing import Any, NamedTuple, TypeAlias

from xpnet.backends import Array, array_namespace
from xpnet.errors import InputError
from xpnet.layers.checks import check_dout, floating_namespace
from xpnet.layers.moments import moments

__all__ = [
    "BatchNormCache",
    "BatchNormState",
    "BatchNormTestCache",
    "batchnorm_backward",
    "batchnorm_forward",
    "initial_state",
]


class BatchNormState(NamedTuple):
    """The running numbers of the layer's inputs."""

    mean: Array  # (..., D)
    var: Array  # (..., D)


class BatchNormCache(NamedTuple):
    """What the backward pass needs after training mode."""

    normalised: Array  # (..., N, D)
    gamma: Array  # (..., D)
    inverse_std: Array  # (..., D)


class BatchNormTestCache(NamedTuple):
    """What the backward pass needs after test mode.

    A type of its own and no flag, which jax.jit would trace.
    """

    normalised: Array  # (..., N, D)
    gamma: Array  # (..., D)
    inverse_std: Array  # (..., D)


_Cache: TypeAlias = BatchNormCache | BatchNormTestCache


def initial_state(shape: tuple[int, ...], xp: Any, dtype: Any, device: Any) -> BatchNormState:
    """Return the state before the first step, mean 0 and variance 1, of the shape of gamma."""
    return BatchNormState(
        xp.zeros(shape, dtype=dtype, device=device), xp.ones(shape, dtype=dtype, device=device)
    )


def batchnorm_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    state: BatchNormState,
    *,
    train: bool,
    momentum: float = 0.9,
    eps: float = 1e-5,
    xp: Any = None,
) -> tuple[Array, BatchNormState, _Cache]:
    """Return gamma (x - mean) / sqrt(var + eps) + beta, the next state, and the cache.

    In training mean and var are the batch's, var being mean((x - mean)^2), and the running numbers
    become momentum running + (1 - momentum) batch. In test mode mean and var are the running
    numbers, which stay. PyTorch gives the other part of the sum the name momentum, and its running
    variance takes that of the batch times N / (N - 1).

    Args:
        x: Inputs of shape (..., N, D).
        gamma: Scales of shape (..., D).
        beta: Shifts of shape (..., D).
        state: The running mean and variance, each of shape (..., D).
        train: Whether the batch's own numbers are used.
        momentum: What stays of the running numbers at a step, 0 to 1; the course's default.
        eps: Positive, lest a feature that is the same in all samples be divided by 0.
        xp: The namespace, from a caller that has checked the shapes.

    Returns:
        The output, of the shape of `x`, the next state, and the cache.

    Raises:
        InputError: There are fewer than two samples in training (always checked). Or the shapes do
            not fit together, the arrays hold no real floating numbers, or a number is out of range.

    """
    if xp is None:
        xp = floating_namespace(
            "batchnorm", x=x, gamma=gamma, beta=beta, mean=state.mean, var=state.var
        )
        _check_arguments(x, gamma, beta, state, momentum, eps)
    if not train:
        inverse_std = 1.0 / xp.sqrt(state.var + eps)
        normalised = (x - state.mean[..., None, :]) * inverse_std[..., None, :]
        out = gamma[..., None, :] * normalised + beta[..., None, :]
        return out, state, BatchNormTestCache(normalised, gamma, inverse_std)
    if x.shape[-2] < 2:  # its shape alone, so that it costs nothing inside a loop
        raise InputError(
            f"batchnorm: a batch needs two samples or more in training, as one is its own mean; "
            f"got x {tuple(x.shape)}: choose a batch size that leaves none alone"
        )
    *numbers, centred = moments(x, -2, xp)
    mean, var = (xp.squeeze(number, axis=-2) for number in numbers)
    inverse_std = 1.0 / xp.sqrt(var + eps)
    normalised = centred * inverse_std[..., None, :]
    out = gamma[..., None, :] * normalised + beta[..., None, :]
    following = BatchNormState(
        momentum * state.mean + (1.0 - momentum) * mean,
        momentum * state.var + (1.0 - momentum) * var,
    )
    return out, following, BatchNormCache(normalised, gamma, inverse_std)


def batchnorm_backward(dout: Array, cache: _Cache, *, xp: Any = None) -> tuple[Array, Array, Array]:
    """Return the gradients of the loss by `x`, `gamma` and `beta`.

    With x^ = (x - mean) / std, dbeta = sum dout and dgamma = sum x^ dout over the samples. In
    training mean and std move with every x: d mean / dx = 1 / N and d std / dx = x^ / N, which
    together give dx = gamma / (N std) (N dout - dbeta - x^ dgamma). After test mode they are fixed
    numbers, and dx = gamma / std dout.

    Args:
        dout: Gradient by the layer's output, of shape (..., N, D).
        cache: From `batchnorm_forward`.
        xp: The namespace, from a caller that has checked the shapes.

    Raises:
        InputError: `dout` does not have the shape of the layer's output.

    """
    normalised, gamma, inverse_std = cache
    if xp is None:
        xp = array_namespace(dout, *cache)
        check_dout("batchnorm", dout, normalised.shape)
    dbeta = xp.sum(dout, axis=-2)
    dgamma = xp.sum(normalised * dout, axis=-2)
    if isinstance(cache, BatchNormCache):
        through = dbeta[..., None, :] + normalised * dgamma[..., None, :]
        dout = dout - through / dout.shape[-2]
    return (gamma * inverse_std)[..., None, :] * dout, dgamma, dbeta


def _check_arguments(
    x: Array, gamma: Array, beta: Array, state: BatchNormState, momentum: float, eps: float
) -> None:
    """Raise InputError unless the layer can take these arguments."""
    others = {"gamma": gamma, "beta": beta, "the state's mean": state.mean, "var": state.var}
    shape = tuple(x.shape)
    if len(shape) < 2 or any(tuple(a.shape) != shape[:-2] + shape[-1:] for a in others.values()):
        given = ", ".join(f"{name} {tuple(a.shape)}" for name, a in others.items())
        raise InputError(
            f"batchnorm: x must be (..., N, D), all the others (..., D); got x {shape}, {given}"
        )
    if not 0.0 <= momentum <= 1.0:
        raise InputError(f"batchnorm: momentum must be from 0 to 1; got {momentum!r}")
    if not 0.0 < eps < float("inf"):
        raise InputError(f"batchnorm: eps must be positive and finite; got {eps!r}")
