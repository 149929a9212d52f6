"""Nets: parameters by name, and pure functions of parameters and a batch."""

from xpnet.nets.base import Net, Params, Variables, is_own_net
from xpnet.nets.fully_connected import FullyConnectedNet
from xpnet.nets.padding import can_be_padded, cut, padded_stack
from xpnet.nets.two_layer import TwoLayerNet

__all__ = [
    "FullyConnectedNet",
    "Net",
    "Params",
    "TwoLayerNet",
    "Variables",
    "can_be_padded",
    "cut",
    "is_own_net",
    "padded_stack",
]
