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
    """What a trial does otherwise than the training that is diagnosed."""

    rate_factor: float = 1.0
    has_reg: bool = True
    has_dropout: bool = True


def stack_of(net: FullyConnectedNet, changes: Sequence[Change]) -> FullyConnectedNet:
    """Return copies of a net as a stack, each with its change."""
    solo: FullyConnectedNet = own_copy(net)
    count = len(changes)
    stack = copy.copy(solo)
    stack.members = count
    stack.params = stack_members([solo.params] * count)
    stack.state = stack_members([solo.state] * count) if solo.state else {}
    reg, ratio = float(solo.reg), float(solo.dropout_keep_ratio)
    stack.reg = np.asarray([reg if change.has_reg else 0.0 for change in changes])
    stack.dropout_keep_ratio = np.asarray([ratio if c.has_dropout else 1.0 for c in changes])
    stack.seeds = list(solo.seeds) * count
    return stack
