"""What the best net says of a part of the data, sample by sample."""

import math
from dataclasses import dataclass

import numpy as np

from xpnet.data import Dataset
from xpnet.errors import InputError
from xpnet.nets import FullyConnectedNet
from xpnet.nets.prediction import raw_scores

__all__ = ["Scored", "score"]

_MOST_ROWS = 10_000
_MOST_BYTES = 2**28  # of inputs in memory at once
_MOST_PRODUCTS = 10**10  # which take a core half a second
_FEWEST_ROWS = 1000


@dataclass(frozen=True, eq=False)
class Scored:
    """A part of the data with the net's answers.

    Attributes:
        part: "val" or "test".
        total: How many samples the part has.
        rows: Of shape (N,), the numbers of the samples that were scored: all, or evenly spread.
        y: Labels (N,), or real targets (N, C).
        scores: Of shape (N, C), float64.
        probabilities: softmax(scores) where the net was trained by the softmax loss, else None.

    """

    part: str
    total: int
    rows: np.ndarray
    y: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray | None

    @property
    def predicted(self) -> np.ndarray:
        """The class of the highest score of each sample, (N,)."""
        return np.asarray(self.scores.argmax(axis=-1))


def score(net: FullyConnectedNet, data: Dataset, part: str) -> Scored:
    """Return the net's answers on a part, at most 10,000 of them, and fewer of a large net.

    Raises:
        InputError: The net and the data do not fit, or a score is not finite.

    """
    X, y = data[f"X_{part}"], data[f"y_{part}"]
    weights = sum(math.prod(w.shape) for w in net.params.values())
    most = min(_MOST_ROWS, max(_MOST_PRODUCTS // weights, _FEWEST_ROWS))
    most = max(min(len(X), most, _MOST_BYTES // max(X[:1].nbytes, 1)), 1)
    rows = np.unique(np.linspace(0, len(X) - 1, most).astype(np.int64))
    with np.errstate(all="ignore"):  # of a net that diverged, which is said below
        scores = raw_scores(net, X if len(rows) == len(X) else X[rows]).astype(np.float64)
    if not np.isfinite(scores).all():
        raise InputError("the net's scores are not finite: its training diverged")
    y = np.asarray(y[rows])
    if data.is_regression:
        y = y.reshape(len(rows), -1).astype(np.float64)
    if scores.shape[-1] != data.num_classes:
        raise InputError(
            f"the net gives {scores.shape[-1]} scores and the data have {data.num_classes}: they "
            "are not those of its training"
        )
    is_softmax = net.loss_name == "softmax"
    return Scored(part, len(X), rows, y, scores, _softmax(scores) if is_softmax else None)


def _softmax(scores: np.ndarray) -> np.ndarray:
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exps / exps.sum(axis=-1, keepdims=True))
