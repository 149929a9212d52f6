"""xpnet: neural nets written once for every array library.

Layers, losses, initialisers, update rules and the Solver use the Python array API standard alone,
so that the same net trains on a CPU with NumPy, on a GPU with CuPy, and on PyTorch or JAX.

    import xpnet

    data = xpnet.data.load("digits")
    net = xpnet.TwoLayerNet(data.input_dim, 100, data.num_classes, initializer="kaiming")
    solver = xpnet.Solver(net, data, update_rule="adam", preprocess="mean")
    solver.train()
    print(solver.check_accuracy(data.X_test, data.y_test))
"""

from xpnet import (
    backends,
    data,
    initializers,
    layers,
    losses,
    members,
    optim,
    preprocessing,
    profiling,
    schedules,
)
from xpnet.backends import get_backend
from xpnet.errors import BackendError, CheckpointWarning, DivergenceWarning, InputError
from xpnet.gradient_checking import GradientReport, gradient_check
from xpnet.nets import FullyConnectedNet, Net, TwoLayerNet
from xpnet.profiling import Profile, profile
from xpnet.saving import load, save
from xpnet.solver import Solver
from xpnet.versions import __version__

__all__ = [
    "BackendError",
    "CheckpointWarning",
    "DivergenceWarning",
    "FullyConnectedNet",
    "GradientReport",
    "InputError",
    "Net",
    "Profile",
    "Solver",
    "TwoLayerNet",
    "__version__",
    "backends",
    "data",
    "get_backend",
    "gradient_check",
    "initializers",
    "layers",
    "load",
    "losses",
    "members",
    "optim",
    "preprocessing",
    "profile",
    "profiling",
    "save",
    "schedules",
]
