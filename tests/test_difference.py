"""How far each backend is from NumPy after 100 steps: the figures of the table in the README.

Every layer, loss and rule is found by its name, so that what is added later joins by itself.
"""

import inspect

import numpy as np
import pytest

import xpnet
from xpnet import layers, losses, nets
from xpnet.optim import RULES

STEPS = 100
STEP = 0.05  # at 0.1 a net with layernorm on 8 samples magnifies the rounding a hundredfold
LARGEST = 1e-5  # of the largest number: float32 holds seven digits
# A layer's arguments by name: the shapes of those that are trained, and what the others are.
SHAPES = {"x": (8, 6), "w": (6, 6), "b": (6,), "gamma": (6,), "beta": (6,)}
OTHER_SHAPES = {"maxout": {"w": (2, 6, 6), "b": (2, 6)}}
OTHERS = {
    "state": lambda backend: layers.BatchNormState(
        put(backend, np.zeros(6)), put(backend, np.ones(6))
    ),
    "train": lambda backend: True,
    "draws": lambda backend: backend.asarray(layers.draw_dropout(0, 1, [(8, 6)])[0]),
    "keep_ratio": lambda backend: 0.8,
}


def train_layer(backend, name):
    """Fit the layer's output to a target, by every array that the layer learns or reads."""
    forward = getattr(layers, f"{name}_forward")
    backward = getattr(layers, f"{name}_backward")
    rng = np.random.default_rng(1)
    required = [
        p.name for p in inspect.signature(forward).parameters.values() if not has_default(p)
    ]
    shapes = SHAPES | OTHER_SHAPES.get(name, {})
    others = {key: OTHERS[key](backend) for key in required if key in OTHERS}
    arrays = {
        key: put(backend, rng.standard_normal(shapes[key])) for key in required if key in shapes
    }
    target = put(backend, rng.standard_normal((8, 6)))
    for _ in range(STEPS):
        out, *states, cache = forward(**arrays, **others)
        others |= zip(["state"], states, strict=False)
        grads = backward(out - target, cache)
        grads = grads if type(grads) is tuple else (grads,)
        arrays = {key: a - 0.01 * g for (key, a), g in zip(arrays.items(), grads, strict=True)}
    return arrays | (others["state"]._asdict() if "state" in others else {})


def train_loss(backend, name):
    """Move scores along the loss's gradient."""
    rng = np.random.default_rng(2)
    x, y = put(backend, rng.standard_normal((8, 5))), backend.asarray(rng.integers(5, size=8))
    step = 0.5
    if name == "squared_loss":  # slowly, as nothing but rounding is left of a loss that reaches 0
        y, step = put(backend, rng.standard_normal((8, 5))), 0.01
    for _ in range(STEPS):
        loss, dx = getattr(losses, name)(x, y)
        x = x - step * dx
    return {"x": x, "loss": loss}


def train_rule(backend, name):
    """Move a parameter towards another by the rule."""
    rng = np.random.default_rng(3)
    w, goal = (put(backend, rng.standard_normal((6, 5))) for _ in range(2))
    config = None
    for _ in range(STEPS):
        w, config = RULES[name](w, w - goal, config)
    return {"w": w, **{slot: config[slot] for slot in RULES[name].slots}}


def train_net(backend, name):
    """Move a net's parameters along the gradients of one batch."""
    rng = np.random.default_rng(4)
    net = NETS[name](backend.text)
    X, y = put(backend, rng.standard_normal((8, 6))), backend.asarray(rng.integers(5, size=8))
    for _ in range(STEPS):
        _, grads = net.loss(X, y)
        net.params = {key: w - STEP * grads[key] for key, w in net.params.items()}
    return net.params | net.state


def train_solver(backend, _name):
    """Train on the digits."""
    data = xpnet.data.load("digits")
    net = xpnet.TwoLayerNet(64, 50, 10, 0.1, device=backend.text)
    config = {"learning_rate": 1e-2}
    options = {"batch_size": 140, "num_epochs": 10, "preprocess": "mean", "verbose": False}
    solver = xpnet.Solver(net, data, optim_config=config, **options)
    solver.train()
    assert solver.step == STEPS
    return {"loss": put(backend, np.asarray(solver.loss_history))}


NETS = {
    "TwoLayerNet": lambda device: nets.TwoLayerNet(6, 7, 5, 0.5, 0.1, device=device),
    "FullyConnectedNet": lambda device: nets.FullyConnectedNet(
        [8, 7], 6, 5, reg=0.1, device=device
    ),
    "FullyConnectedNet, batchnorm and dropout": lambda device: nets.FullyConnectedNet(
        [8], 6, 5, normalization="batchnorm", dropout_keep_ratio=0.8, reg=0.1, device=device
    ),
    "FullyConnectedNet, layernorm": lambda device: nets.FullyConnectedNet(
        [8, 7], 6, 5, normalization="layernorm", reg=0.1, device=device
    ),
    "FullyConnectedNet, maxout": lambda device: nets.FullyConnectedNet(
        [8], 6, 5, activation="maxout", reg=0.1, device=device
    ),
}
ROWS = {
    **{n[:-8]: train_layer for n in layers.__all__ if n.endswith("_forward")},
    **{loss.__name__: train_loss for loss in losses.LOSSES.values()},
    **dict.fromkeys(RULES, train_rule),
    **dict.fromkeys(NETS, train_net),
    "Solver": train_solver,
}
LAZY_ROWS = (train_layer, train_loss)


def has_default(parameter):
    return parameter.default is not parameter.empty


def put(backend, array):
    return backend.asarray(array.astype(np.float32))


def host(backend, arrays):
    return [np.asarray(backend.to_numpy(a) if hasattr(a, "shape") else a) for a in arrays.values()]


@pytest.mark.parametrize("row", ROWS)
def test_difference_from_numpy_after_100_steps(backend, row, request):
    train = ROWS[row]
    if request.node.callspec.params["backend"] == "dask" and train not in LAZY_ROWS:
        pytest.skip("on Dask the graph of a training would grow without end")
    reference = xpnet.get_backend("cpu")
    expected, found = host(reference, train(reference, row)), host(backend, train(backend, row))
    differences = [
        np.max(np.abs(a - b)) / max(np.max(np.abs(a)), 1e-30)
        for a, b in zip(expected, found, strict=True)
    ]
    difference = float(max(differences))
    request.node.user_properties.append(("difference", [row, difference]))
    assert difference < LARGEST


def test_every_net_has_a_row():
    concrete = [
        name
        for name in nets.__all__
        if inspect.isclass(kind := getattr(nets, name))
        and issubclass(kind, nets.Net)
        and not inspect.isabstract(kind)
    ]
    assert {row.split(",")[0] for row in NETS} == set(concrete), "add the new net to NETS"
