"""Short trainings of copies of the model, several at once as members of a stack."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpnet.backends import backend_of
from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.copies import few_rows
from xpnet.diagnostics.stacks import Change, stack_of
from xpnet.errors import DivergenceWarning
from xpnet.nets import FullyConnectedNet
from xpnet.solver import Solver

__all__ = ["Trial", "run_trials", "train_quietly", "trial_steps"]


@dataclass(eq=False)
class Trial:
    """What became of one short training.

    Attributes:
        losses: The loss of every step, with the regularisation; NaN or infinite from a divergence
            on.
        train_acc, val_acc: The accuracy, or R squared, at each check; NaN after a divergence.
        params, state: Parameters and state at the last check, on the host; empty where the model
            is not ours.

    """

    losses: np.ndarray
    train_acc: np.ndarray
    val_acc: np.ndarray
    params: dict[str, np.ndarray] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def diverged(self) -> bool:
        """Whether a loss was NaN or infinite."""
        return not bool(np.isfinite(self.losses).all())

    @property
    def peak(self) -> float:
        """The largest mean of some losses in a row."""
        width = min(limits.GREW_WINDOW, len(self.losses))
        return float(np.max(np.convolve(self.losses, np.ones(width) / width, mode="valid")))

    @property
    def grew(self) -> bool:
        """Whether the loss was far above the first one, or diverged."""
        return self.diverged or self.peak > limits.LOSS_GREW * abs(float(self.losses[0]))

    def final_loss(self, share: float = 0.1) -> float:
        """Return the mean of the last losses, infinite after a divergence."""
        last = self.losses[-max(1, round(share * len(self.losses))) :]
        return float(np.mean(last)) if np.isfinite(self.losses).all() else np.inf


def trial_steps(case: Case, members: int) -> int:
    """Return how many steps a trial of so many members takes: all that are planned, or fewer."""
    numbers = sum(int(np.prod(w.shape)) for w in case.model().params.values())
    work = 6.0 * case.batch_size * numbers * members  # two operations a weight, three passes
    most = min(limits.TRIAL_STEPS, int(limits.TRIAL_WORK / work))
    return min(case.num_steps, max(limits.TRIAL_STEPS_LEAST, most))


def run_trials(
    case: Case,
    changes: Sequence[Change],
    steps: int,
    data: Mapping[str, np.ndarray] | None = None,
    *,
    rate: float | None = None,
    **options: Any,
) -> list[Trial]:
    """Train a copy of the model for each change, on its own data or on other, and return all.

    Args:
        case: What is diagnosed.
        changes: What each does otherwise.
        steps: How long; whole epochs where it is more than one.
        data: What to train on, as a Solver takes it, or None for the case's own.
        rate: The learning rate that the changes multiply, or None for the case's own.
        **options: Of the Solver, in place of the case's own.

    """
    chosen = {**case.options, **options, "verbose": False, "num_val_samples": limits.ROWS_CHECKED}
    batch = chosen.get("batch_size", case.batch_size)
    rows = len(case.train[0] if data is None else data["X_train"])
    epochs = max(1, steps // max(1, rows // batch))
    rate = case.rate if rate is None else rate
    if "lr_schedule" not in options:
        chosen["lr_schedule"] = case.begun_schedule()
    chosen["num_epochs"] = epochs
    source = _enough_rows(case, steps * batch) if data is None else data
    if case.net is not None and case.is_own_rule:
        return _stacked_trials(stack_of(case.net, changes), changes, source, chosen, rate)
    return [_single_trial(case, change, source, chosen, rate) for change in changes]


def _enough_rows(case: Case, most: int) -> Any:
    """Return the data, with no more training rows than a trial sees."""
    X, y = case.train
    if len(X) <= most or "sample_weights" in case.options:
        return case.data
    rows = few_rows(len(X), most)  # drawn, as the rows may be sorted by their class
    return case.with_train(X[rows], y[rows])


def _stacked_trials(
    stack: FullyConnectedNet,
    changes: Sequence[Change],
    source: Any,
    options: dict[str, Any],
    rate: float | None,
) -> list[Trial]:
    config = dict(options.get("optim_config") or {})
    if rate is not None:
        config["learning_rate"] = [rate * change.rate_factor for change in changes]
    if config.get("weight_decay"):
        decay = config["weight_decay"]
        config["weight_decay"] = [decay * change.decay_factor for change in changes]
    last = _Last()
    solver = Solver(stack, source, **{**options, "optim_config": config, "callbacks": [last]})
    train_quietly(solver)
    losses = np.asarray(solver.loss_history)
    nothing = [np.full(len(changes), np.nan)]  # no check, where the first losses are NaN
    train_acc = np.asarray(solver.train_acc_history or nothing)
    val_acc = np.asarray(solver.val_acc_history or nothing)
    return [
        Trial(
            losses[:, k],
            train_acc[:, k],
            val_acc[:, k],
            {name: w[k] for name, w in last.params.items()},
            {name: w[k] for name, w in last.state.items()},
        )
        for k in range(len(changes))
    ]


def _single_trial(
    case: Case, change: Change, source: Any, options: dict[str, Any], rate: float | None
) -> Trial:
    model = case.model()
    if change.reg_factor != 1.0 and isinstance(getattr(model, "reg", None), int | float):
        model.reg = change.reg_factor * model.reg
    config = dict(options.get("optim_config") or {})
    if rate is not None:
        config["learning_rate"] = rate * change.rate_factor
    solver = Solver(model, source, **{**options, "optim_config": config})
    train_quietly(solver)
    return Trial(
        np.asarray(solver.loss_history),
        np.asarray(solver.train_acc_history or [np.nan]),  # no check, where the first loss is NaN
        np.asarray(solver.val_acc_history or [np.nan]),
    )


def train_quietly(solver: Solver) -> None:
    """Train; a verdict will say if that diverges."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", DivergenceWarning)  # a verdict says so
        warnings.simplefilter("ignore", RuntimeWarning)  # of a model that is not ours
        solver.train()


class _Last:
    """A callback that keeps what the last epoch left."""

    def __init__(self) -> None:
        self.params: dict[str, np.ndarray] = {}
        self.state: dict[str, np.ndarray] = {}

    def on_epoch(self, solver: Solver) -> None:
        """Copy it to the host."""
        self.params = {name: _host(w) for name, w in solver.model.params.items()}
        self.state = {name: _host(w) for name, w in solver.model.state.items()}


def _host(w: Any) -> np.ndarray:
    return np.array(backend_of(w).to_numpy(w))
