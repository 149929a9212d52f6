"""Some members of a stack as a smaller stack, whose steps are theirs and cost less."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.net_trainer import NetTrainer
from xpnet.nets import FullyConnectedNet

__all__ = ["taken", "trainer_of"]


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
