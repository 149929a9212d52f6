"""Which verdicts follow from others, so that a remedy is looked for at the cause."""

import dataclasses
from collections.abc import Sequence

from xpnet.diagnostics.verdict import Verdict

__all__ = ["with_consequences"]

_TRAINING = (
    *("learning rate", "regularisation strength", "dropout", "update ratio", "capacity"),
    *("overfit 20 samples", "train/validation gap", "training result", "dead units"),
    "loss and accuracy",
)
_AT_START = ("initial loss", "saturation", "activations by layer", "gradients by layer")
_UNSEEN = ("label agreement", "train/validation gap", "training result")
# A cause, and what it explains; the first causes first, as one may follow from another.
_EXPLAINS = {
    "own code": (*_AT_START, *_TRAINING),
    "input values": ("input scale", "input centring", "label agreement", *_AT_START, *_TRAINING),
    "labels": ("label agreement", "parts alike", "class balance", "initial loss", *_UNSEEN),
    "missing values": (
        "input scale",
        "input centring",
        "labels",
        "label agreement",
        "parts alike",
        "target scale",
        "outliers",
        *_AT_START,
        *_TRAINING,
    ),
    "outliers": (
        "input scale",
        "input centring",
        "parts alike",
        "label agreement",
        "target scale",
        *_AT_START,
        *_TRAINING,
    ),
    "loss over samples": ("evaluation", "gradient check", "initial loss", *_TRAINING),
    "inputs used": ("evaluation", "initial loss", *_TRAINING),
    "update rule": ("loss and accuracy", *_TRAINING),
    "output range": _TRAINING,
    "evaluation": ("initial loss", *_TRAINING),
    "gradient check": ("regularisation", *_TRAINING),
    "symmetry": (*_AT_START, *_TRAINING),
    "repeated rows": ("leak", *_UNSEEN),
    "validation part": (*_UNSEEN, "parts alike", "leak"),
    "leak": (*_UNSEEN, "learning rate"),
    "parts alike": (*_UNSEEN, "class balance", "dead units"),
    "label agreement": (*_UNSEEN, "capacity", "learning rate", "update ratio"),
    "preprocessing": (*_AT_START, *_TRAINING),
    "input scale": ("input centring", "initial loss", "saturation", *_TRAINING),
    "input centring": ("initial loss", "saturation", *_TRAINING),
    "target scale": ("initial loss", *_TRAINING),
    "label smoothing": ("regularisation strength", "learning rate", "capacity", "training result"),
    "batch normalization": _TRAINING,
    "dead units": (*_AT_START, *_TRAINING),
    "initial loss": (*_AT_START, *_TRAINING),
    "saturation": (*_AT_START, *_TRAINING),
    "activations by layer": (*_AT_START, *_TRAINING),
    "gradients by layer": _TRAINING,
    "loss and accuracy": _TRAINING,
    "training length": _TRAINING,
    "learning-rate schedule": ("training length", *_TRAINING),
    "regularisation strength": _TRAINING,
    "dropout": _TRAINING,
    "capacity": _TRAINING,
    "learning rate": ("update ratio", "dead units", "train/validation gap", "training result"),
    "overfit 20 samples": ("training result",),
    "train/validation gap": ("training result",),
}
_AS_FAULTS = ("dead units", "preprocessing")  # causes as faults alone
_OF_TRAINING = (
    *("regularisation strength", "dropout", "learning-rate schedule", "capacity"),
    "learning rate",
)


def with_consequences(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts, those that follow from another with its name.

    A cause is as severe as the worst that follows from it. Dead units count as a cause where they
    are dead before the training, a fault; afterwards they are an effect. A poor result is a fault
    of its own only where nothing explains it.
    """
    found = {verdict.name: verdict for verdict in verdicts}
    for cause, explained in _EXPLAINS.items():
        if not _is_cause(found.get(cause)):
            continue
        for name in explained:
            effect = found.get(name)
            if name == cause or effect is None or not effect.is_bad or effect.follows:
                continue
            if name == "dead units" and effect.status == "fault" and cause in _OF_TRAINING:
                continue
            status = "warning" if name == "training result" else effect.status
            found[name] = dataclasses.replace(effect, follows=cause, status=status)
            if status == "fault":
                found[cause] = dataclasses.replace(found[cause], status="fault")
    return tuple(found[verdict.name] for verdict in verdicts)


def _is_cause(verdict: Verdict | None) -> bool:
    if verdict is None or not verdict.is_bad or verdict.follows:
        return False
    return verdict.name not in _AS_FAULTS or verdict.status == "fault"
