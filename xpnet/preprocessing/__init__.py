"""Preprocessing: numbers taken from the training part alone, applied to every part.

A preprocessor has `fit(X)`, `transform(X)`, and two halves that the Solver uses inside a step:
`numbers()`, what `fit` found, and `apply(x, numbers, xp)`, array arithmetic that consumes `x`.
With its text, its numbers are all that is needed to make it again:

    loaded = get_preprocessor(fitted.text).with_numbers(fitted.numbers())

Reference: Stanford CS231n, "Neural Networks Part 2", data preprocessing.
"""

from xpnet.preprocessing.base import BasePreprocessor
from xpnet.preprocessing.chain import Chain
from xpnet.preprocessing.channel_mean import ChannelMeanSubtraction
from xpnet.preprocessing.mean import MeanSubtraction
from xpnet.preprocessing.names import PREPROCESSORS, forms, get_preprocessor
from xpnet.preprocessing.pca import PCA
from xpnet.preprocessing.protocol import Preprocessor, transformed
from xpnet.preprocessing.standard import Standardization
from xpnet.preprocessing.whitening import Whitening

__all__ = [
    "PCA",
    "PREPROCESSORS",
    "BasePreprocessor",
    "Chain",
    "ChannelMeanSubtraction",
    "MeanSubtraction",
    "Preprocessor",
    "Standardization",
    "Whitening",
    "forms",
    "get_preprocessor",
    "transformed",
]
