"""Nets of different hidden sizes in one stack: the smaller ones are filled up with units of zeros.

A unit without weights and bias adds nothing to any score where its activation keeps zero at zero,
and its own gradients are zero, as no weight leads on from it. So every update rule leaves it as it
is, and the net is the smaller one, to the rounding of products over more terms.

Reference: F. Farias et al., "Embarrassingly parallel independent training of multi-layer
perceptrons with heterogeneous architectures", arXiv 2206.08369, 2022, who mask in place of it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.layers import ACTIVATIONS
from xpnet.nets.fully_connected import FullyConnectedNet

__all__ = ["can_be_padded", "cut", "padded_stack"]


def can_be_padded(options: Mapping[str, Any]) -> bool:
    """Return whether a net of these options may be given units of zeros.

    Not where an activation makes something of zero, where layernorm takes the mean over the units,
    and where dropout's draws depend on their number.
    """
    activation = options.get("activation", "relu")
    keeps_zero = activation in ACTIVATIONS and ACTIVATIONS[activation].keeps_zero
    has_dropout = options.get("dropout_keep_ratio", 1.0) != 1.0
    norm = options.get("normalization")
    return keeps_zero and norm in (None, "batchnorm") and not has_dropout


def padded_stack(
    own_dims: Sequence[Sequence[int]],
    hidden_dims: Sequence[int],
    make: Callable[[Sequence[int], Sequence[int]], FullyConnectedNet],
) -> FullyConnectedNet:
    """Return a stack whose members have hidden sizes of their own.

    Args:
        own_dims: The sizes of each member.
        hidden_dims: The sizes of the stack, none smaller than a member's.
        make: From hidden sizes and the numbers of some members to a stack of these.

    Returns:
        The stack, each member with the initial weights that it would have alone.

    """
    net = make(hidden_dims, range(len(own_dims)))
    hosts = {name: np.zeros(w.shape) for name, w in net.params.items()}
    for dims in {tuple(own) for own in own_dims}:
        members = [k for k, own in enumerate(own_dims) if tuple(own) == dims]
        alike = make(dims, members)
        for name, w in alike.params.items():
            place: Any = (members, *(slice(size) for size in w.shape[1:]))
            hosts[name][place] = alike.backend.to_numpy(w)
    net.params = {name: net.backend.asarray(x, net.dtype) for name, x in hosts.items()}
    return net


def cut(net: FullyConnectedNet, hidden_dims: Sequence[int]) -> FullyConnectedNet:
    """Return a single net without the units beyond these sizes; the net is written into."""
    ends = {"W": 2, "b": 1, "gamma": 1, "beta": 1, "running_mean": 1, "running_var": 1}
    sizes = [net.input_dim, *hidden_dims, net.num_classes]
    for arrays in (net.params, net.state):
        for name, x in arrays.items():
            kind = name.rstrip("0123456789")
            i = int(name.removeprefix(kind))
            place: Any = tuple(slice(size) for size in sizes[i + 1 - ends[kind] : i + 1])
            arrays[name] = net.backend.copy(x[place])
    return net
