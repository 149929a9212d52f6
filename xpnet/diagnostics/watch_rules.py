"""What a watched training is warned of at a look: all that is true and was not said before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from xpnet.diagnostics.looks import Looks
from xpnet.diagnostics.watch_course import course_findings
from xpnet.diagnostics.watch_layers import layer_findings
from xpnet.diagnostics.watch_record import Notice, WatchRecord
from xpnet.diagnostics.watch_thresholds import DEAD_SHARE
from xpnet.diagnostics.watch_view import View

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["may_be_dead", "newly_true"]


def newly_true(
    record: WatchRecord, solver: "Solver", looks: Looks, *, course: bool = True
) -> list[Notice]:
    """Return what has become true by the last look.

    Args:
        record: The looks, and what was said.
        solver: Whose training it is.
        looks: What takes the looks.
        course: Whether to judge the losses too, as they are now.

    """
    said = {(notice.verdict.name, notice.layer, notice.member) for notice in record.notices}
    later = solver._divergence.steps > record.steps[-1]  # who diverged after the look
    gone = (solver._loop.history.gone & ~later).reshape(-1)
    scales = np.broadcast_to(looks.rate_scale(), gone.shape)
    new = []
    for k in np.flatnonzero(~gone).tolist():
        view = View(record, solver, looks.net, k, float(scales[k]))
        member = None if record.members is None else k
        known = any(layer for _, layer, whose in said if whose == member)
        findings = [*layer_findings(view)]
        if course:
            findings += course_findings(view, is_explained=known or bool(findings))
        for verdict, layer in findings:
            if (verdict.name, layer, member) not in said:
                new.append(Notice(record.steps[-1], verdict, layer, member))
    return new


def may_be_dead(found: Mapping[str, np.ndarray], *, is_last: bool) -> bool:
    """Return whether to ask the validation part: units that it finds dead are so on a batch too.

    Args:
        found: What a look found.
        is_last: Whether no look comes after it; then a single such unit is worth the question.

    """
    shares = found["dead_share"][..., :-1]
    return bool((shares > 0 if is_last else shares >= DEAD_SHARE).any())
