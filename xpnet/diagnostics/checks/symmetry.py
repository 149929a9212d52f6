"""Whether the units of a layer start different from each other."""

import numpy as np

from xpnet.backends import backend_of
from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_symmetry"]

_NAME = "symmetry"


def check_symmetry(evidence: Evidence) -> Verdict:
    """Look for units with the same weights in, the same weights out and the same gradient.

    Such units stay the same for ever. The last layer's may start alike, as each has a class of its
    own; and one layer may be zero, if the next tells its units apart.
    """
    case = evidence.case
    model = case.model()
    names = [name for name, w in model.params.items() if len(w.shape) == 2 and min(w.shape) > 1]
    X, y = case.samples(limits.ROWS_CHECKED if case.net is not None else case.batch_size)
    before = {name: _host(model.params[name]) for name in names}
    if not any(_share_alike(w) > limits.ALIKE_UNITS for w in before.values()):
        return Verdict(_NAME, "fine", "the units of each layer differ", "units that differ")
    if case.net is not None:
        model.reg = 0.0
    _, grads = model.loss(X, y)
    for name in names:
        if name not in grads:
            continue
        # A unit's weights are a column; in a model of another layout, a row.
        for layout in (0, 1):
            w = before[name] if layout == 0 else before[name].T
            dw = _host(grads[name]) if layout == 0 else _host(grads[name]).T
            share = _share_alike(np.concatenate([w, dw]))
            if share > limits.ALIKE_UNITS and _share_alike(w) > limits.ALIKE_UNITS:
                if layout == 1 and case.net is not None:
                    continue
                return Verdict(
                    _NAME,
                    "fault",
                    f"{share:.0%} of the units of {name} start with the weights and the gradient "
                    "of another one",
                    "units that differ, as those that do not learn the same for ever",
                    "Draw the weights at random: initializer='kaiming'.",
                )
    return Verdict(_NAME, "fine", "units that start alike get unlike gradients", "that")


def _share_alike(columns: np.ndarray) -> float:
    """Return the share of columns that equal another one, to rounding."""
    size = np.abs(columns).max(axis=1, keepdims=True)
    scaled = np.round(columns / np.where(size > 0, size, 1.0), 6) + 0.0
    _, counts = np.unique(scaled.T, axis=0, return_counts=True)
    return float(counts[counts > 1].sum() / columns.shape[1])


def _host(w: object) -> np.ndarray:
    return np.asarray(backend_of(w).to_numpy(w), dtype=np.float64)
