"""Whether a model's own loss treats samples as it should: a mean of each by itself."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.chance import losses_of_scores
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import call_loss, moved_model, scores_of, to_host
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_loss_over_samples"]

_NAME = "loss over samples"
_EXPECTED = "the same loss and gradients, as the loss is a mean over samples"
_SAMPLES = 16


def check_loss_over_samples(evidence: Evidence) -> Verdict:
    """Take the loss of some samples, of the same twice, and in another order.

    A mean over samples is the same each time. A sum doubles; a softmax over the samples, and not
    over the classes, changes by log 2.
    """
    case = evidence.case
    if case.net is not None:
        return Verdict(_NAME, "fine", "the loss is xpnet's own", _EXPECTED)
    X, y = case.samples(_SAMPLES)
    if (written := _written(evidence, X, y)) is not None:
        return written
    with np.errstate(all="ignore"):
        model = moved_model(case)  # the same twice: a copy would have a copy of its generator
        loss, grads = call_loss(model, X, y)
        again, _ = call_loss(model, X, y)
        if not np.isfinite(loss) or loss != again:
            what = "draws random numbers" if np.isfinite(loss) else "is NaN or infinite"
            return Verdict(_NAME, "not looked at", f"the loss {what}", "")
        twice, twice_grads = call_loss(
            moved_model(case), np.concatenate([X, X]), np.concatenate([y, y])
        )
        turned, _ = call_loss(moved_model(case), X[::-1], y[::-1])
    if not np.isclose(turned, loss, rtol=limits.SAME_LOSS):
        return Verdict(
            _NAME,
            "fault",
            f"the loss of the same samples in another order is {turned:.4g}, and was {loss:.4g}",
            "the same loss",
            "Look at which label each row's loss is taken with.",
        )
    if not np.isclose(twice, loss, rtol=limits.SAME_LOSS):
        return _of_twice(len(X), loss, twice)
    return _gradients(grads, twice_grads)


def _of_twice(count: int, loss: float, twice: float) -> Verdict:
    """Say what is likeliest where samples twice have another loss."""
    ratio = twice / loss if loss else np.inf
    remedy = "Look at the axis of the softmax: classes are the last axis, samples the first."
    if np.isclose(ratio, 2.0, rtol=0.1):
        remedy = "Divide the loss by the number of samples."
    elif np.isclose(ratio, 0.5, rtol=0.1):
        remedy = "Divide the loss by the number of samples once, not twice."
    found = f"the loss of the same {count} samples twice is {twice:.4g}, of once {loss:.4g}"
    return Verdict(_NAME, "fault", found, _EXPECTED, remedy)


def _gradients(grads: dict[str, np.ndarray], twice: dict[str, np.ndarray]) -> Verdict:
    """Compare the gradients of the samples once and twice."""
    largest = max((float(np.abs(dw).max(initial=0.0)) for dw in grads.values()), default=0.0)
    for name, dw in grads.items():
        # A bias before batch normalization has the gradient 0, of which rounding leaves something.
        size = max(float(np.abs(dw).max(initial=0.0)), limits.GRADIENT_OF_ROUNDING * largest)
        if name in twice and np.abs(twice[name] - dw).max(initial=0.0) > limits.SAME_LOSS * size:
            with np.errstate(all="ignore"):
                ratio = np.linalg.norm(twice[name]) / np.linalg.norm(dw)
            return Verdict(
                _NAME,
                "fault",
                f"the gradient by {name} of the same samples twice is {ratio:.3g} times as large",
                _EXPECTED,
                "Divide the gradient by the number of samples"
                + (", as the loss is." if ratio > 1.0 else " once, not twice."),
            )
    return Verdict(_NAME, "fine", "samples twice give the same loss and gradients", _EXPECTED)


def _written(evidence: Evidence, X: np.ndarray, y: np.ndarray) -> Verdict | None:
    """Look whether the loss writes into its inputs or into the parameters."""
    model = moved_model(evidence.case)
    given, labels = X.copy(), y.copy()
    params = {name: to_host(w).copy() for name, w in model.params.items()}
    with np.errstate(all="ignore"):
        first = scores_of(model, X)
        second = scores_of(model, X)  # before the training moves any running mean
        model.loss(given, labels)
        model.loss(given)
    what = ""
    if not np.array_equal(given, X) or not np.array_equal(labels, y):
        what = "X" if not np.array_equal(given, X) else "y"
    changed = [name for name, w in params.items() if not _same(w, to_host(model.params[name]))]
    if changed:
        what = f"params[{changed[0]!r}]"
    if what:
        return Verdict(
            _NAME,
            "fault",
            f"model.loss writes into {what}",
            "arguments and parameters that stay as they are",
            f"Work on a copy: {what} = {what}.copy(), or without -=, += and [...] =.",
        )
    if first.shape != second.shape or np.allclose(first, second, rtol=1e-6, equal_nan=True):
        return _probabilities(first, given, labels, evidence)
    apart = float(np.abs(first - second).max() / max(float(np.abs(first).max()), 1e-300))
    if not apart > limits.SCORES_CHANGE:
        return Verdict(_NAME, "not looked at", "the scores change from call to call", "")
    return Verdict(
        _NAME,
        "warning",
        f"the scores of the same samples change by {apart:.0%} from call to call",
        "the same scores each time, as model.loss(X) is for predictions",
        "Leave dropout and noise out where y is None.",
    )


def _probabilities(
    scores: np.ndarray, X: np.ndarray, y: np.ndarray, evidence: Evidence
) -> Verdict | None:
    """Look whether the scores are probabilities of which the loss takes the softmax again."""
    if y.dtype.kind == "f" or scores.ndim != 2 or scores.shape[1] < 2:
        return None
    with np.errstate(all="ignore"):
        loss, _ = call_loss(moved_model(evidence.case), X, y)
        known = losses_of_scores(scores, y)["softmax"]
    are = np.all(scores >= 0) and np.allclose(scores.sum(axis=1), 1.0, atol=1e-4)
    if not are or np.ptp(scores) == 0 or abs(loss - known) > limits.SAME_LOSS * abs(known):
        return None
    return Verdict(
        _NAME,
        "fault",
        "the scores are probabilities, and the loss takes the softmax of them once more",
        "scores of any size: the softmax of probabilities is never near 0 or 1",
        "Return the scores before the softmax.",
    )


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=True)
