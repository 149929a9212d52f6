"""What is said of a run that diverged: where it began, and which learning rate to try."""

from typing import TYPE_CHECKING

import numpy as np

from xpnet.diagnostics.looks import Looks
from xpnet.diagnostics.rehearsed_divergence import Kept, first_nonfinite_layers, kept
from xpnet.diagnostics.spacing import Spacing
from xpnet.diagnostics.verdict import Verdict
from xpnet.diagnostics.watch_layers import lower_rate, reference_ratios
from xpnet.diagnostics.watch_record import Notice, WatchRecord
from xpnet.diagnostics.watch_view import View

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["DIVERGENCE", "Divergences"]

DIVERGENCE = "divergence"


# Of the training's time, for copies to rehearse from. A stack has more of them, as it rehearses
# while others train: the first time in any case, and then this share of all members' steps, which
# all that diverge have where they do so a fifth of the training after a copy.
_COPIES, _STACK_COPIES, _REHEARSED = 0.001, 0.005, 0.2


class Divergences:
    """Keeps copies of what a training moves, and says of those that diverge where it began.

    Args:
        solver: Whose training begins.
        looks: Looks at it.

    Attributes:
        first: The copy from before the training.

    """

    def __init__(self, solver: "Solver", looks: Looks) -> None:
        self._solver, self._looks = solver, looks
        self._spacing = Spacing(_COPIES if solver.members is None else _STACK_COPIES)
        self._gone = solver._divergence.gone
        self._first, self._rehearsed = solver.step, 0
        self._kept: list[Kept] = []
        self.first = self.keep()

    def are_due(self, seconds: float) -> bool:
        """Return whether a copy is due, when so many seconds were trained."""
        return self._spacing.allows(self._solver.step, seconds)

    def keep(self) -> Kept:
        """Copy what a divergence would be rehearsed from, and return it."""
        solver = self._solver
        with self._spacing.measured(solver.step):
            self._kept = [*self._kept[-1:], kept(solver, self._looks.now())]
        return self._kept[-1]

    def notices(self, record: WatchRecord) -> list[Notice]:
        """Return a notice for each of the members that have just diverged, or for a single net.

        Args:
            record: What was seen until then.

        """
        solver = self._solver
        gone, steps = solver._divergence.gone, solver._divergence.steps.reshape(-1)
        newly = np.flatnonzero(gone & ~self._gone).tolist()
        if not newly:
            return []
        self._gone = gone
        broke: dict[int, list[int]] = {}
        for k in sorted(newly, key=lambda k: steps[k]):
            broke.setdefault(int(steps[k]), []).append(k)
        layers = self._layers(broke)
        if not gone.all():
            self.keep()  # the next rehearsal begins where this one has ended
        notices = []
        for step, members in broke.items():
            for k in members:
                view = View(record, solver, self._looks.net, k, 1.0)
                where = _where(layers, k)
                verdict = _verdict(step, where, view.learning_rate, _first_ratio(view))
                member = None if solver.members is None else k
                notices.append(Notice(step, verdict, layers.get(k) or "", member))
        return notices

    def _layers(self, broke: dict[int, list[int]]) -> dict[int, str | None]:
        """Return the layer in which each began; nothing where that is too much to rehearse."""
        start = [start for start in self._kept if start.step < min(broke)][-1]
        solver, members = self._solver, sum(map(len, broke.values()))
        number = (max(broke) - start.step) * members  # of steps, a member's each
        planned = solver.steps_per_epoch * solver.last_epoch - self._first
        most = _REHEARSED * planned * (solver.members or 1)
        if self._rehearsed and self._rehearsed + number > most:
            return {}
        self._rehearsed += number
        return first_nonfinite_layers(solver, self._looks, start, broke)


def _where(layers: dict[int, str | None], member: int) -> str:
    """Return what is known of the layer in which a divergence began."""
    if member not in layers:
        return "in which layer that began was not looked for, as it would have taken too long"
    if layers[member] is None:
        return "the outputs of every layer were finite, and the loss of them overflowed"
    return f"{layers[member]} was the first layer whose outputs were not finite"


def _verdict(step: int, where: str, rate: float | None, ratio: float) -> Verdict:
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
