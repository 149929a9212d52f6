"""Subtraction of one mean for each colour.

Reference: Stanford CS231n, "Neural Networks Part 2", data preprocessing.
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from xpnet.backends import Array
from xpnet.errors import InputError
from xpnet.preprocessing.base import BasePreprocessor, Found
from xpnet.preprocessing.rows import Rows

__all__ = ["ChannelMeanSubtraction"]


class ChannelMeanSubtraction(BasePreprocessor):
    """Subtracts from each channel of pictures its mean over all pixels of the training pictures.

    Takes pictures (N, C, H, W), or (N, H, W) of one channel; or rows (N, D) of whole channels one
    after the other, as those of CIFAR-10, if it is told how many. Its number is `mean`, (C,).

    Args:
        channels: C, where samples are rows; None to read it from the shape of pictures.
        last: The channels are the last axis instead, (N, H, W, C).

    Raises:
        InputError: `channels` is no positive integer; or `fit` or `transform` gets samples that are
            no pictures of so many channels.

    """

    name = "channel-mean"
    form = "channel-mean[:C or last]"

    def __init__(self, channels: int | None = None, *, last: bool = False) -> None:
        super().__init__()
        if channels is not None:
            is_number = isinstance(channels, int | np.integer) and not isinstance(channels, bool)
            if not (is_number and channels >= 1):
                raise InputError(
                    f"channel-mean takes a number of channels, as in channel-mean:3, or none; "
                    f"got {channels!r}"
                )
            channels = int(channels)
        self.channels = channels
        self.last = bool(last)

    @classmethod
    def parse(cls, parameter: str) -> Self:
        """Return the one of "channel-mean", or with "3", "last" or "3,last" after a colon."""
        count = parameter.removesuffix("last").removesuffix(",")
        channels: Any = int(count) if count.isdecimal() else count or None
        return cls(channels, last=parameter.endswith("last"))

    @property
    def text(self) -> str:
        """The text that `get_preprocessor` makes an equal one of."""
        count = [] if self.channels is None else [str(self.channels)]
        parameter = ",".join([*count, *(["last"] if self.last else [])])
        return f"{self.name}:{parameter}" if parameter else self.name

    @property
    def mean(self) -> np.ndarray | None:
        """The mean of each channel, (C,), float64; None before `fit`."""
        return None if self._numbers is None else self._numbers["mean"]

    def find(self, rows: Rows) -> Found:
        """Return the mean of each channel."""
        channels = self._channels(rows.sample_shape)
        mean = rows.mean()
        pixels = mean.reshape(-1, channels) if self.last else mean.reshape(channels, -1).T
        return {"mean": pixels.mean(axis=0)}, {}

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise InputError unless samples of this shape have as many channels."""
        if self.sample_shape is not None:
            super().check_shape(shape)
            return
        known = self.numbers()["mean"].size
        are_rows = len(shape) == 1 and shape[0] % known == 0
        if not are_rows and self._channels(shape) != known:
            raise InputError(
                f"{self.text} has numbers for {known} channels; got samples of shape {shape}"
            )

    def apply(self, x: Array, numbers: Mapping[str, Array], xp: Any) -> Array:
        """Return x - mean, written into `x` where the library can."""
        mean, features = numbers["mean"], x.shape[-1]
        channels = mean.shape[0]
        # Spread over the D features first, which are few: beside the whole batch, an inner loop
        # over three channels is slow.
        if self.last:
            spread = xp.broadcast_to(mean, (features // channels, channels))
        else:
            spread = xp.broadcast_to(mean[:, None], (channels, features // channels))
        x -= xp.reshape(spread, (features,))
        return x

    def _channels(self, shape: tuple[int, ...]) -> int:
        """Return how many channels a sample of this shape has."""
        layout = "(N, H, W, C)" if self.last else "(N, C, H, W)"
        if len(shape) not in (2, 3) and (len(shape) != 1 or self.channels is None):
            raise InputError(
                f"{self.text} takes pictures, {layout} or (N, H, W), or rows if it is told how "
                f"many channels they have, as in channel-mean:3; got samples of shape {shape}"
            )
        found = 1
        if len(shape) == 3:
            found = shape[-1] if self.last else shape[0]
        elif len(shape) == 1 and self.channels and shape[0] % self.channels == 0:
            found = self.channels
        if self.channels not in (None, found):
            raise InputError(
                f"{self.text} takes {self.channels} channels of equal size; got samples of shape "
                f"{shape}"
            )
        return found
