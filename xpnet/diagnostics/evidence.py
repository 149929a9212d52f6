"""What the checks rest on, each found once, when the first check asks for it."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.chance import chance_accuracy, expected_loss, standard_error
from xpnet.diagnostics.layers import LayerReport, look_into_layers
from xpnet.diagnostics.neighbours import nearest
from xpnet.diagnostics.rates_beyond import rates_beyond
from xpnet.diagnostics.reference import Reference, make_reference, standardized
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.trial import Trial, run_trials, trial_steps

__all__ = ["NO_DROPOUT", "NO_REG", "Evidence"]

NO_REG = Change(reg_factor=0.0, decay_factor=0.0)
NO_DROPOUT = Change(keep_ratio=1.0)


class Evidence:
    """A case, and what trials of it have shown.

    Attributes:
        case: What is diagnosed.

    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self._others = 0

    @cached_property
    def reference(self) -> Reference:
        """What a plain net makes of the data."""
        return make_reference(self.case)

    @cached_property
    def nearest_rows(self) -> np.ndarray:
        """Which of the samples of `case.look` is the nearest to each, (N,)."""
        X, _ = standardized(self.case.look[0], self.case.look[0][:1])
        return nearest(X, X, own=True)[0]

    @cached_property
    def changes(self) -> list[Change]:
        """What the first trials do otherwise: learning rates, and no regularisation or dropout."""
        case, factors = self.case, list(limits.RATE_FACTORS)
        if not self.stacks or trial_steps(case, len(factors) + 2) < min(2 * _LEAST, case.num_steps):
            factors = [factor for factor in factors if 1e-2 <= factor <= 1e2]
        if case.rate is None:
            factors = [1.0]
        changes = [Change(factor) for factor in factors]
        net = case.net
        if net is not None and self.stacks and (float(net.reg) > 0 or case.weight_decay > 0):
            changes.append(NO_REG)
        if net is not None and self.stacks and net.has_dropout:
            changes.append(NO_DROPOUT)
        return changes

    @property
    def stacks(self) -> bool:
        """Whether all trials are trained at once, which costs little more than one."""
        return self.case.net is not None and self.case.is_own_rule

    @cached_property
    def steps(self) -> int:
        """How many steps the trials take."""
        return trial_steps(self.case, len(self.changes))

    @cached_property
    def trials(self) -> dict[Change, Trial]:
        """All that have been trained; `tried` adds to them."""
        return dict(zip(self.changes, run_trials(self.case, self.changes, self.steps), strict=True))

    def tried(self, changes: Sequence[Change]) -> list[Trial]:
        """Return a trial of each change, trained if it has not been."""
        new = [change for change in dict.fromkeys(changes) if change not in self.trials]
        if new:
            found = run_trials(self.case, new, self.steps)
            self.trials.update(zip(new, found, strict=True))
        return [self.trials[change] for change in changes]

    def tried_otherwise(
        self, steps: int | None = None, change: Change | None = None, **options: Any
    ) -> Trial:
        """Return a trial with other options of the Solver, as long as the others or so long."""
        self._others += 1
        rate = (options.get("optim_config") or {}).get("learning_rate")
        steps, changes = self.steps if steps is None else steps, [change or Change()]
        [trial] = run_trials(self.case, changes, steps, rate=rate, **options)
        return trial

    @property
    def variants(self) -> int:
        """How many trials there were."""
        return len(self.trials) + self._others if self.was_trained else len(self.changes)

    @property
    def was_trained(self) -> bool:
        """Whether a check has asked for the trials, and they came to an end."""
        return "trials" in self.__dict__

    @property
    def own(self) -> Trial:
        """The training as it was asked for."""
        return self.trials[Change()]

    @property
    def last_accuracies(self) -> tuple[float, float]:
        """The accuracies of both parts at the end of the training as it was asked for."""
        return float(self.own.train_acc[-1]), float(self.own.val_acc[-1])

    @property
    def is_whole(self) -> bool:
        """Whether the trials are as long as the training is planned."""
        return self.steps >= self.case.num_steps

    @cached_property
    def by_rate(self) -> dict[float, Trial]:
        """The trials that differ in the learning rate alone, by its factor.

        Where the best of them is the lowest or the highest, or none learns what can be learnt,
        rates beyond these are tried too.
        """
        found = self._by_rate()
        if self.case.rate is not None and (beyond := rates_beyond(self, found)):
            self.tried([Change(factor) for factor in beyond])
            found = self._by_rate()
        return found

    def _by_rate(self) -> dict[float, Trial]:
        found = {c.rate_factor: t for c, t in self.trials.items() if c == Change(c.rate_factor)}
        return dict(sorted(found.items()))

    def way(self, trial: Trial, *, on_val: bool = False) -> float:
        """Return how far a trial came from chance to 1, in training or validation."""
        return self.way_of((trial.val_acc if on_val else trial.train_acc)[-1])

    def way_of(self, accuracy: float) -> float:
        """Return how far an accuracy is on the way from chance to 1; 0 if it is none."""
        found = (float(accuracy) - self.chance) / (1.0 - self.chance)
        return max(0.0, found) if math.isfinite(found) else 0.0

    def is_beaten_by(self, trial: Trial) -> bool:
        """Return whether another trial learns more than the training itself, on both parts."""
        return all(
            self.way(self.own, on_val=on_val)
            < (1.0 - limits.HELD_DOWN) * self.way(trial, on_val=on_val)
            for on_val in (False, True)
        )

    def learns(self, trial: Trial) -> bool:
        """Return whether a trial is better than chance on both parts, and not by chance."""
        parts = ((trial.train_acc, self.case.train), (trial.val_acc, self.case.val))
        return all(self.above_chance(acc[-1], len(part[0])) for acc, part in parts)

    def above_chance(self, accuracy: float, count: int) -> bool:
        """Return whether an accuracy of so many samples is above chance, and not by chance."""
        least = limits.NOTHING_LEARNT
        if not self.case.is_regression:
            count = min(count, limits.ROWS_CHECKED)
            error = standard_error(self.chance, count)
            least = min(limits.ABOVE_CHANCE * error, 0.5 * (1.0 - self.chance))
        return bool(accuracy > self.chance + least)

    @cached_property
    def ends_well(self) -> bool:
        """Whether the training, as it was asked for, comes near the best of all that was tried."""
        own = self.own
        if own.diverged or not self.learns(own):
            return False
        trials = self.by_rate.values()
        plain = self.way_of(self.reference.val_accuracy)
        best = max(self.way(trial) for trial in trials)
        best_val = max(plain, *(self.way(trial, on_val=True) for trial in trials))
        noise = 0.0
        if not self.case.is_regression:
            acc = float(own.val_acc[-1])
            noise = 2.0 * standard_error(acc, len(self.case.val[0])) / (1.0 - self.chance)
        near = self.way(own, on_val=True) >= limits.WELL_LEARNT * best_val - noise
        return near and self.way(own) >= limits.WELL_LEARNT * best

    @cached_property
    def chance(self) -> float:
        """The accuracy of who knows the shares of the classes alone; of R squared 0."""
        return chance_accuracy(self.case.val[1])

    @cached_property
    def chance_loss(self) -> float:
        """The loss of a net that gives all samples the same scores; infinite where not known."""
        net, y = self.case.net, self.case.train[1]
        return math.inf if net is None else expected_loss(net.loss_name, y, self.case.num_classes)

    @cached_property
    def layers_at_start(self) -> LayerReport:
        """What the net's layers do before the first step."""
        return look_into_layers(self.case, None)

    @cached_property
    def layers_at_end(self) -> LayerReport | None:
        """Likewise after the trial, or None where it diverged."""
        own = self.own
        finite = all(np.isfinite(w).all() for w in own.params.values())
        return look_into_layers(self.case, own) if own.params and finite else None


_LEAST = limits.TRIAL_STEPS_LEAST
