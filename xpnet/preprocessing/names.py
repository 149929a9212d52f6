"""Preprocessors by their texts, such as "standard+pca:0.95"."""

import re
from typing import overload

from xpnet.errors import InputError, did_you_mean
from xpnet.preprocessing.base import BasePreprocessor
from xpnet.preprocessing.chain import Chain
from xpnet.preprocessing.channel_mean import ChannelMeanSubtraction
from xpnet.preprocessing.mean import MeanSubtraction
from xpnet.preprocessing.pca import PCA
from xpnet.preprocessing.protocol import Preprocessor
from xpnet.preprocessing.standard import Standardization
from xpnet.preprocessing.whitening import Whitening

__all__ = ["PREPROCESSORS", "forms", "get_preprocessor"]

PREPROCESSORS: dict[str, type[BasePreprocessor]] = {
    kind.name: kind
    for kind in (MeanSubtraction, ChannelMeanSubtraction, Standardization, PCA, Whitening)
}

_METHODS = ("fit", "transform", "numbers", "apply", "output_dim")


def forms() -> str:
    """Return the texts that `get_preprocessor` takes, in one line."""
    return f"none, {', '.join(kind.form for kind in PREPROCESSORS.values())}"


@overload
def get_preprocessor(
    preprocess: str | None, picture_shape: tuple[int, int, int] | None = None
) -> BasePreprocessor | None: ...
@overload
def get_preprocessor(
    preprocess: str | Preprocessor | None, picture_shape: tuple[int, int, int] | None = None
) -> Preprocessor | None: ...
def get_preprocessor(
    preprocess: str | Preprocessor | None, picture_shape: tuple[int, int, int] | None = None
) -> Preprocessor | None:
    """Return the preprocessor of a text, the object itself, or None for None and "none".

    Args:
        preprocess: A name in `PREPROCESSORS`, with its parameter after a colon, or several joined
            by "+" or "," in the order in which they are applied: "mean", "pca:50" (components),
            "pca:0.95" (share of the variance), "whiten:100", "standard+pca:0.99".
        picture_shape: (channels, height, width) of the samples, where they are known to be
            pictures, as in `Dataset.picture_shape`: "channel-mean" is then told the channels.

    Raises:
        InputError: The name is unknown, the parameter makes no sense, or the object has not the
            methods of a `Preprocessor`.

    """
    if preprocess is None or preprocess == "none":
        return None
    if isinstance(preprocess, str):
        parts = [_part(text.strip(), picture_shape) for text in _split(preprocess)]
        return parts[0] if len(parts) == 1 else Chain(parts)
    missing = [method for method in _METHODS if not hasattr(preprocess, method)]
    if isinstance(preprocess, type):
        raise InputError(
            f"preprocess must be an object; got the class {preprocess.__name__}: call it first"
        )
    if missing:
        raise InputError(
            f"preprocess must be a text or have {', '.join(_METHODS)}; "
            f"{type(preprocess).__name__} lacks {', '.join(missing)}"
        )
    return preprocess


def _split(text: str) -> list[str]:
    """Return the parts of a text joined by "+", or by "," where a name follows."""
    # A comma also stands between the parameters of one part: "whiten:100,epsilon=0.1".
    return re.split(rf"\+|,(?=\s*(?:{'|'.join(PREPROCESSORS)})\b)", text)


def _part(text: str, picture_shape: tuple[int, int, int] | None) -> BasePreprocessor:
    """Return the preprocessor of a text without "+"."""
    if text == ChannelMeanSubtraction.name and picture_shape is not None:
        return ChannelMeanSubtraction(picture_shape[0])
    name, colon, parameter = text.partition(":")
    if name not in PREPROCESSORS:
        hint = did_you_mean(name, PREPROCESSORS)
        raise InputError(
            f"unknown preprocess {name!r}{hint}: choose one of {forms()}, or some joined by +"
        )
    if colon and not parameter:
        raise InputError(f"preprocess {text!r} has a colon and no parameter: give one, or neither")
    return PREPROCESSORS[name].parse(parameter)
