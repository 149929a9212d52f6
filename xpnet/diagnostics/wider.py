"""The same net with more units, trained on the same data."""

import copy

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.trial import Trial, run_trials
from xpnet.errors import InputError
from xpnet.nets import FullyConnectedNet

__all__ = ["wider_trial", "wider_units"]


def wider_units(net: FullyConnectedNet) -> list[int]:
    """Return the units of each hidden layer of the wider net: those of narrow ones are more."""
    hidden = [
        units
        if units >= limits.WIDER_LEAST
        else max(limits.WIDER_LEAST, limits.WIDER_TIMES * units)
        for units in net.layer_sizes[1:-1]
    ]
    return hidden or [limits.WIDER_LEAST]


def wider_trial(case: Case, steps: int) -> Trial:
    """Train a net of more units in each hidden layer, and of one where there is none.

    Raises:
        InputError: The model is no net of ours.

    """
    if case.net is None:
        raise InputError("only a FullyConnectedNet can be made wider")
    own = case.net
    net = FullyConnectedNet(
        wider_units(own),
        own.input_dim,
        own.num_classes,
        activation="relu" if own.activation == "identity" else own.activation,
        normalization=own.normalization,
        reg=float(own.reg),
        loss=own.loss_name,
        seed=own.seeds[0],
    )
    wider = copy.copy(case)
    wider.net = net
    changes = [Change(1.0), Change(0.1)]
    trials = run_trials(wider, changes, steps)
    return max(trials, key=lambda trial: np.nan_to_num(trial.train_acc[-1]))
