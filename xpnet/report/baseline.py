"""What a net that has learnt nothing scores."""

import math
from dataclasses import dataclass

import numpy as np

from xpnet.report.numbers import number_text
from xpnet.report.run_record import RunRecord

__all__ = ["Baseline", "baseline_of"]

_UNBALANCED = 1.5  # times 1/C: a validation part of equal classes varies by less
# Beyond the score of one answer for all, so that the best of many checks is no luck.
_ERRORS = 3.0


@dataclass(frozen=True)
class Baseline:
    """A score on the validation part.

    Attributes:
        value: The score.
        name: What it is in a few words, for a legend.
        why: What reaches it, as the end of a sentence.
        learnt_from: A score above this one is more than luck: three standard errors beyond. Where
            the validation part is not known, the score itself.

    """

    value: float
    name: str
    why: str
    learnt_from: float


def baseline_of(run: RunRecord) -> Baseline:
    """Return chance, 1/C, or where one class is far larger, what always saying that scores.

    For R squared it is 0, what the mean of the targets scores. Numbers that have nothing to do with
    N targets correlate with them by 1 / sqrt(N) or so, of which R squared is at most the square.
    """
    if run.is_regression:
        luck = 0.0 if run.data is None else min(_ERRORS**2 / len(run.data.y_val), 0.5)
        why = "what always saying the mean of the targets scores"
        return Baseline(0.0, "the mean of the targets, 0", why, luck)
    count = len(run.class_names) or (0 if run.net is None else run.net.num_classes)
    chance = likely = 1 / max(count, 1)
    if run.data is not None:
        largest = int(np.bincount(run.data.y_train, minlength=count).argmax())
        share = float(np.mean(np.asarray(run.data.y_val) == largest))
        if share > _UNBALANCED * chance:
            name = run.class_names[largest]
            text, why = f"always {name}, {number_text(share)}", f"what always saying {name} scores"
            return Baseline(share, text, why, _beyond(share, run.data.y_val))
        likely = max(chance, share)
    learnt_from = chance if run.data is None else _beyond(likely, run.data.y_val)
    text = f"chance, 1/{count} = {number_text(chance)}"
    return Baseline(chance, text, "what chance scores", learnt_from)


def _beyond(share: float, y: np.ndarray) -> float:
    """Return what an accuracy of `share` on these samples may be by luck."""
    return min(share + _ERRORS * math.sqrt(share * (1 - share) / len(y)), (1 + share) / 2)
