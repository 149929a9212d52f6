"""Copies of a net as the members of a stack, each with a change of its own."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xpnet.diagnostics.copies import own_copy
from xpnet.members import stack_members
from xpnet.nets import FullyConnectedNet

__all__ = ["Change", "stack_of"]


@dataclass(frozen=True)
class Change:
    """What a trial does otherwise than the training that is diagnosed.

    Attributes:
        rate_factor: Of the learning rate.
        reg_factor: Of the regularisation strength.
        decay_factor: Of an update rule's weight decay.
        keep_ratio: The share of units that dropout keeps, or None for the training's own.

    """

    rate_factor: float = 1.0
    reg_factor: float = 1.0
    decay_factor: float = 1.0
    keep_ratio: float | None = None


def stack_of(net: FullyConnectedNet, changes: Sequence[Change]) -> FullyConnectedNet:
    """Return copies of a net as a stack, each with its change."""
    solo: FullyConnectedNet = own_copy(net)
    count = len(changes)
    stack = copy.copy(solo)
    stack.members = count
    stack.params = stack_members([solo.params] * count)
    stack.state = stack_members([solo.state] * count) if solo.state else {}
    reg, ratio = float(solo.reg), float(solo.dropout_keep_ratio)
    stack.reg = np.asarray([reg * change.reg_factor for change in changes])
    kept = [ratio if change.keep_ratio is None else change.keep_ratio for change in changes]
    stack.dropout_keep_ratio = np.asarray(kept)
    stack.seeds = list(solo.seeds) * count
    return stack
