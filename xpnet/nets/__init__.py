"""Nets: parameters by name, and pure functions of parameters and a batch."""

from xpnet.nets.base import Net, Params, is_own_net
from xpnet.nets.two_layer import TwoLayerNet

__all__ = ["Net", "Params", "TwoLayerNet", "is_own_net"]
