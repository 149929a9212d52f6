"""What a net that has learnt nothing scores."""

from dataclasses import dataclass

import numpy as np

from xpnet.report.numbers import number_text
from xpnet.report.run_record import RunRecord

__all__ = ["Baseline", "baseline_of"]

_UNBALANCED = 1.5  # times 1/C: a validation part of equal classes varies by less


@dataclass(frozen=True)
class Baseline:
    """A score on the validation part.

    Attributes:
        value: The score.
        name: What it is in a few words, for a legend.
        why: What reaches it, as the end of a sentence.

    """

    value: float
    name: str
    why: str


def baseline_of(run: RunRecord) -> Baseline:
    """Return chance, 1/C, or where one class is far larger, what always saying that scores.

    For R squared it is 0, what the mean of the targets scores.
    """
    if run.is_regression:
        return Baseline(0.0, "the mean of the targets, 0", "what always the targets' mean scores")
    count = len(run.class_names) or (0 if run.net is None else run.net.num_classes)
    chance = 1 / max(count, 1)
    if run.data is not None:
        largest = int(np.bincount(run.data.y_train, minlength=count).argmax())
        share = float(np.mean(np.asarray(run.data.y_val) == largest))
        if share > _UNBALANCED * chance:
            name = run.class_names[largest]
            return Baseline(
                share, f"always {name}, {number_text(share)}", f"what always saying {name} scores"
            )
    return Baseline(chance, f"chance, 1/{count} = {number_text(chance)}", "what chance scores")
