"""What is said of a run that diverged: where it began, and which learning rate to try."""

from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.diagnostics.looks import Looks
from xpnet.diagnostics.rehearsed_divergence import Kept, first_nonfinite_layers
from xpnet.diagnostics.verdict import Verdict
from xpnet.diagnostics.watch_record import Notice, WatchRecord

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["divergence_notices"]

_TOO_LARGE = 0.01


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
                verdict = _verdict(
                    step, layers[k], _rate(solver, k), _ratio(record, looks.net.layer_sizes[1:], k)
                )
                notices.append(Notice(step, verdict, layers[k] or "", member))
    return notices


def _verdict(step: int, layer: str | None, rate: float | None, ratio: float) -> Verdict:
    where = "the outputs of every layer were finite, and the loss of them overflowed"
    if layer is not None:
        where = f"{layer} was the first layer whose outputs were not finite"
    remedy = "Try a learning rate ten times smaller"
    if rate is not None:
        smaller = min(rate / 10, rate * _TOO_LARGE / ratio if ratio > 0 else np.inf)
        remedy = f"Try a learning rate of {smaller:.1g} instead of {rate:.3g}"
    return Verdict(
        "divergence",
        "fault",
        f"the loss is NaN or infinite at step {step}; {where}",
        "finite numbers in every layer",
        remedy,
    )


def _rate(solver: "Solver", k: int) -> float | None:
    """Return the learning rate that a member began with, or None if it is not known."""
    base: Any = solver._loop.base_rate
    if base is None:
        return None
    return float(np.broadcast_to(base, solver._divergence.steps.shape).reshape(-1)[k])


def _ratio(record: WatchRecord, units: tuple[int, ...], k: int) -> float:
    """Return the largest ratio of update to weights that the first look found, or 0.

    Weights that began near 0 are taken as if they had begun as Xavier's, with a norm of the square
    root of their layer's units: small ones are meant to grow.
    """
    if not record.steps:
        return 0.0
    ratio, norm = (
        record.statistics[name][0].reshape(-1, len(units))[k].astype(np.float64)
        for name in ("update_ratio", "weight_norm")
    )
    found = ratio * norm / np.maximum(norm, np.sqrt(units))
    return float(np.max(found[np.isfinite(found)], initial=0.0))
