"""What the losses and accuracies of a training show when something is wrong with it."""

import math
from collections.abc import Iterator

from xpnet.diagnostics.watch_layers import reference_ratios
from xpnet.diagnostics.watch_thresholds import (
    FALLEN,
    GAP,
    GAP_ERRORS,
    HARDLY_FALLEN,
    LEAST_EPOCHS,
    LOSS_ERROR,
    SLOWLY_FALLEN,
    SMALL_UPDATE,
    TRAINED,
)
from xpnet.diagnostics.watch_view import Finding, View, warning
from xpnet.metrics import Accuracy

__all__ = ["course_findings"]


def course_findings(view: View, *, is_explained: bool) -> Iterator[Finding]:
    """Yield what is wrong with the course of a training until its last look.

    Args:
        view: The run.
        is_explained: Whether something is wrong with a layer, of which a loss that does not fall
            would be the effect.

    """
    if not is_explained:
        yield from _loss(view)
    yield from _gap(view)


def _loss(view: View) -> Iterator[Finding]:
    if view.has_fallen_to(SLOWLY_FALLEN):  # as most have, so that the rest need not be computed
        return
    losses, accuracies = view.epoch_losses, view.checks("train_acc_history")
    if losses is None or len(accuracies) < 2:
        return
    first, before, now, error = losses
    if not math.isfinite(first + before + now):
        return
    if view.beyond_chance(view.first_accuracy) > TRAINED:
        return
    found = f"the loss was {first:.4g} at the first step and {now:.4g} in the last epoch"
    if _updates_are_small(view):
        ratio = float(reference_ratios(view, 1).max()) / view.rate_scale
        rate = view.learning_rate
        yield warning(
            "update ratio",
            f"a step changes the weights by {ratio:.1e} of their size at most; {found}",
            "about 1e-3",
            f"Raise the learning rate{'' if rate is None else f': try {10 * rate:.2g}'}",
        )
        return
    falls = now <= FALLEN * first or now <= HARDLY_FALLEN * before or error > LOSS_ERROR * now
    if falls or any(view.learns(accuracy) for accuracy in accuracies):
        return
    yield warning(
        "loss not falling",
        f"{found}, and the training {view.solver.metric.name} is {accuracies[-1]:.3f}",
        f"a loss that falls, within {LEAST_EPOCHS} epochs, and more than {view.chance:.3f}, which "
        "one answer for all has",
        "Try a learning rate ten times lower and one ten times higher; then see that labels belong "
        "to their rows",
    )


def _updates_are_small(view: View) -> bool:
    """Return whether the updates are far too small, at what would be the full learning rate."""
    if view.rate_scale <= 0:
        return False
    return bool((reference_ratios(view, 1) / view.rate_scale < SMALL_UPDATE).all())


def _gap(view: View) -> Iterator[Finding]:
    train, val = view.checks("train_acc_history"), view.checks("val_acc_history")
    if len(train) < 2 or not isinstance(view.solver.metric, Accuracy):
        return
    num_val = len(view.solver._loop.parts._y_val)
    error = math.sqrt(max(val[-1] * (1.0 - val[-1]), 0.0) / num_val)
    gaps = [a - b for a, b in zip(train, val, strict=True)]
    if min(gaps) <= GAP + GAP_ERRORS * error:
        return
    yield warning(
        "overfitting",
        f"the accuracy is {train[-1]:.3f} on the training part and {val[-1]:.3f} on the validation "
        "part",
        f"a gap of less than {GAP:.2f}",
        "Raise reg, or add dropout; more data would be best",
    )
