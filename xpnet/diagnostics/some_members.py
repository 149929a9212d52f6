"""Some members of a stack as a smaller stack, and a net at several times as a stack.

What a small net costs is calls more than arithmetic, and a stack has those of a single net.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.net_trainer import NetTrainer
from xpnet.nets import FullyConnectedNet

__all__ = ["stack_of", "stacked", "taken", "trainer_of"]


def trainer_of(trainer: NetTrainer, members: Sequence[int]) -> NetTrainer:
    """Return a trainer of these members alone, without slots, to make twins of.

    Args:
        trainer: Of a stack of FullyConnectedNets.
        members: Their numbers, in their new order.

    """
    part = copy.copy(trainer)
    part.net = _net_of(trainer.net, members)
    part.hyper = {name: _own(value, members) for name, value in trainer.hyper.items()}
    part.clip_norm = _own(trainer.clip_norm, members)
    part._slots = {}
    return part


def taken(arrays: Mapping[str, Array], members: Sequence[int], xp: Any) -> dict[str, Array]:
    """Return copies of what these members have of arrays (K, ...)."""
    rows = np.asarray(members)
    return {
        name: xp.take(x, xp.asarray(rows, device=x.device), axis=0) for name, x in arrays.items()
    }


def stack_of(net: FullyConnectedNet, params: Mapping[str, Array], count: int) -> FullyConnectedNet:
    """Return a single net as a stack of itself at several times, of parameters (count, ...)."""
    part = copy.copy(net)
    part.members = count
    part._as_one = False
    part.seeds = net.seeds * count
    part.params = dict(params)
    return part


def stacked(times: Sequence[Mapping[str, Array]], xp: Any) -> dict[str, Array]:
    """Return arrays (times, ...) of those of each time."""
    return {name: xp.stack([arrays[name] for arrays in times]) for name in times[0]}


def _net_of(net: Any, members: Sequence[int]) -> FullyConnectedNet:
    """Return these members as a stack with copies of their parameters."""
    part: FullyConnectedNet = copy.copy(net)
    part.members = len(members)
    part.reg = _own(net.reg, members)
    part.dropout_keep_ratio = _own(net.dropout_keep_ratio, members)
    part.seeds = [net.seeds[k] for k in members]
    part.params = taken(net.params, members, net.backend.xp)
    part.state = taken(net.state, members, net.backend.xp)
    return part


def _own(value: Any, members: Sequence[int]) -> Any:
    """Return what these have of a hyperparameter, a number of all or one a member."""
    return value if np.ndim(value) == 0 else np.asarray(value)[list(members)]
