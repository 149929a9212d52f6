"""The weights of a first layer as pictures."""

import math

import numpy as np

from xpnet.errors import InputError

__all__ = ["weight_grid"]

_MOST_PICTURES = 100


def weight_grid(
    weights: np.ndarray, picture_shape: tuple[int, int, int], padding: int = 2
) -> np.ndarray:
    """Return the weights of the first hundred units as one picture with values of 0 to 1.

    Each unit is stretched over the whole range by itself, so that weak ones are seen too.

    Returns:
        An array of shape (height, width) for one channel, or (height, width, 3), white between
        the units.

    Raises:
        InputError: The weights are not of such pictures.

    """
    channels, height, width = picture_shape
    if channels not in (1, 3) or weights.shape[0] != channels * height * width:
        raise InputError(
            f"weights of {weights.shape[0]} inputs are not pictures of shape {picture_shape} with "
            "1 or 3 channels"
        )
    units = weights.T[:_MOST_PICTURES].reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    low = units.min(axis=(1, 2, 3), keepdims=True)
    span = units.max(axis=(1, 2, 3), keepdims=True) - low
    units = (units - low) / np.where(span > 0, span, 1)
    cell = (height + padding, width + padding)
    square = math.ceil(math.sqrt(len(units) * cell[0] / cell[1]))  # about as wide as it is high
    columns = min(max(square, 1), len(units))
    rows = math.ceil(len(units) / columns)
    grid = np.ones((rows * cell[0] + padding, columns * cell[1] + padding, channels))
    for i, unit in enumerate(units):
        top, left = (n * size + padding for n, size in zip(divmod(i, columns), cell, strict=True))
        grid[top : top + height, left : left + width] = unit
    return grid[..., 0] if channels == 1 else grid
