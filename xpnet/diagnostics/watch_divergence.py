"""What is said of a run that diverged: where it began, and which learning rate to try."""

from typing import TYPE_CHECKING

import numpy as np

from xpnet.diagnostics.looks import Looks
from xpnet.diagnostics.rehearsed_divergence import Kept, first_nonfinite_layers
from xpnet.diagnostics.verdict import Verdict
from xpnet.diagnostics.watch_layers import lower_rate, reference_ratios
from xpnet.diagnostics.watch_record import Notice, WatchRecord
from xpnet.diagnostics.watch_view import View

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["DIVERGENCE", "divergence_notices"]

DIVERGENCE = "divergence"


def divergence_notices(
    solver: "Solver", looks: Looks, starts: list[Kept], record: WatchRecord, newly: list[int]
) -> list[Notice]:
    """Return a notice for each of the members that have just diverged, or for a single net.

    Args:
        solver: Whose training it is.
        looks: Looks at it.
        starts: Copies from before, oldest first.
        record: What was seen until then.
        newly: The numbers of these members, 0 for a single net.

    """
    steps = solver._divergence.steps.reshape(-1)
    notices = []
    for step in sorted({int(steps[k]) for k in newly}):
        before = [start for start in starts if start.step < step]
        layers: list[str | None] = [None] * len(steps)
        if before:
            layers = first_nonfinite_layers(solver, looks, before[-1], step)
        for k in newly:
            if steps[k] == step:
                member = None if solver.members is None else k
                view = View(record, solver, looks.net, k, 1.0)
                verdict = _verdict(step, layers[k], view.learning_rate, _first_ratio(view))
                notices.append(Notice(step, verdict, layers[k] or "", member))
    return notices


def _verdict(step: int, layer: str | None, rate: float | None, ratio: float) -> Verdict:
    where = "the outputs of every layer were finite, and the loss of them overflowed"
    if layer is not None:
        where = f"{layer} was the first layer whose outputs were not finite"
    remedy = "Try a learning rate ten times smaller"
    if rate is not None:
        remedy = f"Try a learning rate of {lower_rate(rate, ratio):.1g} instead of {rate:.3g}"
    return Verdict(
        DIVERGENCE,
        "fault",
        f"the loss is NaN or infinite at step {step}; {where}",
        "finite numbers in every layer",
        f"{remedy}; the best parameters are kept",
    )


def _first_ratio(view: View) -> float:
    """Return the largest ratio of update to weights that the first look found, or 0."""
    if not view.record.steps:
        return 0.0
    first = reference_ratios(view, len(view.record.steps))[0]
    return float(np.max(first[np.isfinite(first)], initial=0.0))
