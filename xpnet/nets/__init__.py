"""Nets: parameters by name, and pure functions of parameters and a batch."""

from xpnet.nets.base import Net, Params, Variables, is_own_net
from xpnet.nets.fully_connected import FullyConnectedNet
from xpnet.nets.two_layer import TwoLayerNet

__all__ = ["FullyConnectedNet", "Net", "Params", "TwoLayerNet", "Variables", "is_own_net"]
