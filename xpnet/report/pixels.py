"""Samples and weights as pictures that a page holds."""

import numpy as np

from xpnet.data import Dataset
from xpnet.data.dataset import picture_form
from xpnet.nets import FullyConnectedNet
from xpnet.report.png import data_uri
from xpnet.weight_grid import weight_grid

__all__ = ["sample_uri", "weights_uri"]

_MOST_PIXELS = 256 * 256  # of a sample: larger ones are thinned out


def sample_uri(data: Dataset, row: np.ndarray) -> str | None:
    """Return a raw sample as a picture, or None where it is none."""
    form = picture_form(data)
    if form is None:
        return None
    pixels = np.asarray(row, dtype=np.float64).reshape(form.shape).transpose(1, 2, 0)
    low = min(float(pixels.min()), 0.0)  # floats about 0 are stretched by themselves
    bytes_ = np.clip(255 * (pixels - low) / max(form.white - low, 1e-30), 0, 255).astype(np.uint8)
    step = max(1, int(np.ceil(np.sqrt(bytes_[..., 0].size / _MOST_PIXELS))))
    small = np.ascontiguousarray(bytes_[::step, ::step])
    return data_uri(small[..., 0] if small.shape[-1] == 1 else small)


def weights_uri(net: FullyConnectedNet, data: Dataset) -> tuple[str, int, int] | None:
    """Return the first layer as a picture with its width and height; None where it sees none.

    A picture for each hidden unit, each stretched over the whole range by itself.
    """
    shape = data.picture_shape
    if shape is None or shape[0] not in (1, 3):
        return None
    if not getattr(net.preprocess, "keeps_shape", True):  # the units see no pictures
        return None
    weights = net.backend.to_numpy(net.params["W1"])
    if weights.ndim == 3:  # of maxout: a picture for each piece, those of a unit side by side
        weights = weights.transpose(1, 2, 0).reshape(weights.shape[1], -1)
    if not np.isfinite(weights).all():
        return None
    padding = 1 if min(shape[1:]) <= 16 else 2
    grid = weight_grid(weights, shape, padding)
    # Constant units give 0, and what lies between units 1.
    between = weight_grid(np.zeros_like(weights), shape, padding)
    between = between if between.ndim == 2 else between[..., 0]
    colours = grid if grid.ndim == 3 else np.repeat(grid[..., None], 3, axis=-1)
    pixels = np.concatenate([colours, 1 - between[..., None]], axis=-1)
    return data_uri(np.round(255 * pixels).astype(np.uint8)), grid.shape[1], grid.shape[0]
