"""Initial weights, drawn on the host from counted streams.

An initialiser is any callable `(rng, shape) -> array`, where `rng` is a `numpy.random.Generator`,
`shape` is (fan_in, fan_out), and the result is a NumPy array of that shape.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from xpnet.errors import InputError
from xpnet.streams import stream

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "draw_weights",
    "gaussian",
    "get_initializer",
    "kaiming",
    "xavier",
    "zeros",
]

Initializer: TypeAlias = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def gaussian(
    rng: np.random.Generator, shape: tuple[int, int], weight_scale: float = 1e-3
) -> np.ndarray:
    """Return weights from N(0, weight_scale**2); the default scale is the notes'."""
    return weight_scale * rng.standard_normal(shape)


def xavier(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return weights from N(0, 1 / fan_in), which keeps the variance of a linear layer.

    The notes' form. Reference: X. Glorot and Y. Bengio, "Understanding the difficulty of training
    deep feedforward neural networks", AISTATS 2010 (there 2 / (fan_in + fan_out)).
    """
    return rng.standard_normal(shape) * math.sqrt(1.0 / shape[0])


def kaiming(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return weights from N(0, 2 / fan_in): ReLU passes half of the variance on.

    Reference: K. He et al., "Delving deep into rectifiers", ICCV 2015, equation 10.
    """
    return rng.standard_normal(shape) * math.sqrt(2.0 / shape[0])


def zeros(_rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return zeros: right for biases; as weights they leave all hidden units alike for ever."""
    return np.zeros(shape)


INITIALIZERS: dict[str, Initializer] = {
    "gaussian": gaussian,
    "xavier": xavier,
    "kaiming": kaiming,
    "zeros": zeros,
}


def get_initializer(
    initializer: str | Initializer | None, weight_scale: float = 1e-3
) -> Initializer:
    """Return the initialiser of that name, or the callable itself.

    None and "gaussian" mean `gaussian` with `weight_scale`; the others have scales of their own.

    Raises:
        InputError: The name is unknown, or the argument is neither a name nor callable.

    """
    if initializer is None or initializer == "gaussian":
        return partial(gaussian, weight_scale=weight_scale)
    if callable(initializer):
        return initializer
    if not isinstance(initializer, str) or initializer not in INITIALIZERS:
        raise InputError(
            f"unknown initializer {initializer!r}: choose one of {', '.join(INITIALIZERS)}, "
            "or pass a callable (rng, shape) -> array"
        )
    return INITIALIZERS[initializer]


def draw_weights(
    initializer: Initializer, shape: tuple[int, int], pieces: int | None, seed: int, layer: int
) -> np.ndarray:
    """Return the initial weights of one layer, on the host, in float64.

    Args:
        initializer: As `get_initializer` returns it.
        shape: (fan_in, fan_out).
        pieces: The affine pieces of a maxout layer, each drawn by itself; None for other layers.
        seed: The net's seed.
        layer: The layer's number, from 1.

    Raises:
        InputError: The initialiser returns another shape.

    """
    rng = stream(seed, "weights", layer)
    drawn = []
    for _ in range(pieces or 1):
        weights = np.array(initializer(rng, shape), dtype=np.float64)
        if weights.shape != shape:
            raise InputError(
                f"the initializer must return weights of shape {shape}; got {weights.shape}"
            )
        drawn.append(weights)
    return drawn[0] if pieces is None else np.stack(drawn)
