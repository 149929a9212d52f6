"""What the checks rest on, each found once, when the first check asks for it."""

import math
from functools import cached_property

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.chance import chance_accuracy, expected_loss
from xpnet.diagnostics.layers import LayerReport, look_into_layers
from xpnet.diagnostics.reference import Reference, make_reference
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.trial import Trial, run_trials, trial_steps

__all__ = ["Evidence"]


class Evidence:
    """A case, and what trials of it have shown.

    Attributes:
        case: What is diagnosed.

    """

    def __init__(self, case: Case) -> None:
        self.case = case

    @cached_property
    def reference(self) -> Reference:
        """What a plain net makes of the data."""
        return make_reference(self.case)

    @cached_property
    def changes(self) -> list[Change]:
        """What the trials do otherwise: learning rates, and no regularisation or dropout."""
        case, factors = self.case, list(limits.RATE_FACTORS)
        stacks = case.net is not None and case.is_own_rule
        if not stacks or trial_steps(case, len(factors) + 2) < min(2 * _LEAST, case.num_steps):
            factors = [factor for factor in factors if 1e-2 <= factor <= 1e2]
        if case.rate is None:
            factors = [1.0]
        changes = [Change(factor) for factor in factors]
        net = case.net
        decay = (case.options.get("optim_config") or {}).get("weight_decay", 0.0)
        if net is not None and stacks and (float(net.reg) > 0 or decay > 0):
            changes.append(Change(has_reg=False))
        if net is not None and stacks and net.has_dropout:
            changes.append(Change(has_dropout=False))
        return changes

    @cached_property
    def steps(self) -> int:
        """How many steps the trials take."""
        return trial_steps(self.case, len(self.changes))

    @cached_property
    def trials(self) -> dict[Change, Trial]:
        """All of them."""
        return dict(zip(self.changes, run_trials(self.case, self.changes, self.steps), strict=True))

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

    @property
    def by_rate(self) -> dict[float, Trial]:
        """The trials that differ in the learning rate alone, by its factor."""
        return {
            change.rate_factor: trial
            for change, trial in self.trials.items()
            if change.has_reg and change.has_dropout
        }

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
