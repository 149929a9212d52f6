"""The first steps of a training, one by one."""

from typing import Any

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.copies import few_rows
from xpnet.diagnostics.own_loss import to_host
from xpnet.diagnostics.trial import train_quietly
from xpnet.solver import Solver

__all__ = ["update_ratios"]


def update_ratios(case: Case) -> dict[str, float]:
    """Return for each weight the median of |update| / |weight| over some steps after the first.

    Without biases, which start at 0. Nothing after a divergence.
    """
    model = case.model()
    names = [name for name, w in model.params.items() if len(w.shape) > 1]
    if case.net is not None:  # the biases of maxout have two axes
        names = [name for name in names if name.startswith("W")]
    watch = _Watch(names)
    X, y = case.train
    rows = few_rows(len(X), limits.UPDATE_STEPS * case.batch_size)
    arrays = {"X_train": X[rows], "y_train": y[rows], "X_val": X[:1], "y_val": y[:1]}
    steps_per_epoch = len(rows) // case.batch_size
    epochs = -(-min(limits.UPDATE_STEPS, case.num_steps) // steps_per_epoch)
    options = {
        **{name: v for name, v in case.options.items() if name != "sample_weights"},
        "num_epochs": epochs,
        "lr_schedule": case.begun_schedule(),
        "print_every": 1,
        "num_train_samples": 1,
        "verbose": False,
        "callbacks": [watch],
    }
    train_quietly(Solver(model, arrays, **options))
    found = {name: watch.median(name) for name in names}
    return {name: ratio for name, ratio in found.items() if np.isfinite(ratio)}


class _Watch:
    """A callback that notes by how much weights change from step to step."""

    def __init__(self, names: list[str]) -> None:
        self._ratios: dict[str, list[float]] = {name: [] for name in names}
        self._before: dict[str, np.ndarray] = {}

    def on_interval(self, solver: Any) -> None:
        """Compare the weights with those of the step before."""
        for name, ratios in self._ratios.items():
            w = to_host(solver.model.params[name]).copy()
            before = self._before.get(name)
            if before is not None:
                size = float(np.linalg.norm(before))
                ratios.append(float(np.linalg.norm(w - before)) / size if size else np.nan)
            self._before[name] = w

    def median(self, name: str) -> float:
        """Return the median over the last half of the steps."""
        ratios = np.asarray(self._ratios[name], dtype=np.float64)
        last = ratios[len(ratios) // 2 :]
        return float(np.median(last)) if last.size and np.isfinite(last).all() else np.nan
