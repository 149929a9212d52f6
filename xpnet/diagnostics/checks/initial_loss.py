"""Whether the first loss is that of a net that knows nothing."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import expected_loss, losses_of_scores
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import look_at_loss
from xpnet.diagnostics.remedies import smaller_first_outputs
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_initial_loss"]

_NAME = "initial loss"


def check_initial_loss(evidence: Evidence) -> Verdict:
    """Compare the loss before the first step, without regularisation, with that of chance."""
    case = evidence.case
    found = look_at_loss(case)
    y = case.samples(found.count)[1]
    if not np.isfinite(found.loss) or not np.isfinite(found.scores).all():
        return Verdict(
            _NAME,
            "fault",
            "the first loss or a score is NaN or infinite",
            "a finite number",
            "Look for a division by 0, a log of 0 or an exp of a large score; scale the inputs.",
        )
    if found.kind is None:
        return _of_unknown(evidence, found.loss, found.scores, y)
    return _of_known(evidence, found.kind, found.loss, y)


def _of_known(evidence: Evidence, kind: str, loss: float, y: np.ndarray) -> Verdict:
    """Compare with what every net of this loss begins at."""
    num_classes = evidence.case.num_classes
    expected = expected_loss(kind, y, num_classes)
    why = {
        "softmax": f" = -log(1/{num_classes}), as no class is known yet",
        "svm": f" = {num_classes} - 1, as every margin is 1",
        "squared": ", the variance of the targets",
    }[kind]
    said, what = f"{expected:.3g}{why}", f"the first loss is {loss:.3g}"
    if loss < limits.INITIAL_LOSS_BELOW * expected:
        # It is the mean of its own scores' losses, so that nothing is wrong with the average.
        why = "the net was trained before, or its first scores happen to be right"
        return Verdict(_NAME, "not looked at", f"{what}: {why}", "")
    above = limits.INITIAL_SQUARED_ABOVE if kind == "squared" else limits.INITIAL_LOSS_ABOVE
    if loss > above * expected:
        remedy = smaller_first_outputs(evidence)
        if kind == "squared" and _are_far_off(evidence.case.train[1]):
            remedy = "Subtract the targets' mean and divide by their deviation."
        return Verdict(_NAME, "fault", what, said, remedy)
    return Verdict(_NAME, "fine", what, said)


def _are_far_off(y: np.ndarray) -> bool:
    """Return whether targets have a mean or a deviation that no net begins near."""
    targets = y.reshape(len(y), -1)
    std = targets.std(axis=0)
    return bool(np.any(np.abs(targets.mean(axis=0)) > 3.0 * std) or not 0.1 < std.max() < 10.0)


def _of_unknown(evidence: Evidence, loss: float, scores: np.ndarray, y: np.ndarray) -> Verdict:
    """Say that a loss is none of the three, which a model's own may be."""
    case = evidence.case
    known = losses_of_scores(scores, y)
    listed = ", ".join(f"{kind} {value:.4g}" for kind, value in known.items())
    size = len(y)
    wrong = any(
        abs(loss - value * factor) <= limits.SAME_LOSS * abs(value * factor)
        for kind, value in known.items()
        for factor in (size, 1.0 / size, *(() if kind == "squared" else (1.0 / case.num_classes,)))
    )
    what = f"the first loss of {size} samples is {loss:.4g}"
    if loss < 0.0 and not case.is_regression:
        return Verdict(
            _NAME,
            "warning",  # a loss may have an offset of its own
            what,
            f"0 or more, as -log of a probability, a margin and a penalty are; {listed}",
            "Look at the signs: of the logarithm, and of the regularisation.",
        )
    if wrong:
        return Verdict(
            _NAME,
            "fault",
            what,
            f"a mean over samples; by its scores: {listed}",
            "Divide the loss by the number of samples, once.",
        )
    return Verdict(_NAME, "not looked at", f"{what}: a loss of its own; {listed}", "")
