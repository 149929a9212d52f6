"""Every layer, loss, rule, initialiser and schedule, on every backend, alone and in a stack.

What is added later is found by its name and joins by itself. A stack of three must be its members.
"""

import inspect

import numpy as np
import pytest

from xpnet import FullyConnectedNet, Solver, layers, losses
from xpnet.initializers import INITIALIZERS
from xpnet.layers import BatchNormState
from xpnet.losses import LOSSES
from xpnet.optim import RULES
from xpnet.schedules import SCHEDULES

K = 3
GRAPH = "on Dask nets and rules are not tried: the graph of a training would grow without end"
LAYERS = [name[: -len("_forward")] for name in layers.__all__ if name.endswith("_forward")]
SHAPES = {"x": (8, 6), "w": (6, 6), "b": (6,), "gamma": (6,), "beta": (6,)}
MAXOUT = {"w": (2, 6, 6), "b": (2, 6)}


def arguments(backend, layer, rng, members):
    """Return what the layer's forward pass takes, of the member shape."""
    forward = getattr(layers, f"{layer}_forward")
    shapes = SHAPES | (MAXOUT if layer == "maxout" else {})
    made = {}
    for name, parameter in inspect.signature(forward).parameters.items():
        if name in shapes:
            value = rng.standard_normal((*members, *shapes[name])).astype(np.float32)
            made[name] = backend.asarray(value)
        elif name == "state":
            mean, var = rng.standard_normal((2, *members, 6)).astype(np.float32)
            made[name] = BatchNormState(backend.asarray(mean), backend.asarray(var**2))
        elif name == "draws":
            draws = rng.integers(-(2**15), 2**15, (*members, 8, 6), dtype=np.int16)
            made[name] = backend.asarray(draws)
        elif name == "keep_ratio":
            made[name] = 0.7
        elif name == "train":
            made[name] = True
        else:
            assert parameter.default is not parameter.empty, name
    return made


def member(arguments, k):
    """Return the arguments of member `k`."""

    def of(value):
        if isinstance(value, BatchNormState):
            return BatchNormState(*map(of, value))
        return value[k, ...] if hasattr(value, "shape") else value

    return {name: of(value) for name, value in arguments.items()}


def passes(backend, layer, given, dout):
    """Return the output and the gradients, on the host."""
    out, *_, cache = getattr(layers, f"{layer}_forward")(**given)
    grads = getattr(layers, f"{layer}_backward")(dout, cache)
    grads = grads if type(grads) is tuple else (grads,)
    return [backend.to_numpy(array) for array in (out, *grads)]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_over_members_is_the_layer_of_each(backend, rng, layer):
    stack = arguments(backend, layer, rng, (K,))
    dout = backend.asarray(rng.standard_normal((K, 8, 6)).astype(np.float32))
    found = passes(backend, layer, stack, dout)
    for k in range(K):
        known = passes(backend, layer, member(stack, k), dout[k, ...])
        for together, alone in zip(found, known, strict=True):
            assert np.isfinite(alone).all()
            np.testing.assert_allclose(together[k], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_over_members_is_the_loss_of_each(backend, rng, name):
    x = backend.asarray(rng.standard_normal((K, 8, 5)).astype(np.float32))
    y = rng.integers(5, size=(K, 8))
    if name == "squared":
        y = rng.standard_normal((K, 8, 5)).astype(np.float32)
    y = backend.asarray(y)
    together, dx = map(backend.to_numpy, LOSSES[name](x, y))
    assert together.shape == (K,)
    for k in range(K):
        alone, own_dx = map(backend.to_numpy, LOSSES[name](x[k, ...], y[k, ...]))
        np.testing.assert_allclose(together[k], alone, rtol=1e-5)
        np.testing.assert_allclose(dx[k], own_dx, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_over_members_is_the_rule_of_each(backend, rng, name):
    if backend.name == "array API":
        pytest.skip(GRAPH)
    rates = [1e-3, 1e-2, 1e-1]
    w, dw = (backend.asarray(rng.standard_normal((K, 4, 3)).astype(np.float32)) for _ in "ab")
    together, config = w, {"learning_rate": np.asarray(rates)}
    for _ in range(3):
        together, config = RULES[name](together, dw, config)
    for k, rate in enumerate(rates):
        alone, config = w[k, ...], {"learning_rate": rate}
        for _ in range(3):
            alone, config = RULES[name](alone, dw[k, ...], config)
        np.testing.assert_allclose(
            backend.to_numpy(together)[k], backend.to_numpy(alone), rtol=1e-5, atol=1e-7
        )


@pytest.mark.parametrize("name", INITIALIZERS)
def test_an_initializer_starts_a_member_as_a_net_alone(backend, name):
    if backend.name == "array API":
        pytest.skip(GRAPH)
    options = {"initializer": name, "normalization": "batchnorm", "device": backend.text}
    stack = FullyConnectedNet([5, 4], 6, 3, members=K, seed=[4, 5, 6], **options)
    for k, seed in enumerate((4, 5, 6)):
        alone = FullyConnectedNet([5, 4], 6, 3, seed=seed, **options)
        for part, own in ((stack.params, alone.params), (stack.state, alone.state)):
            for key, w in part.items():
                np.testing.assert_array_equal(
                    backend.to_numpy(w)[k], backend.to_numpy(own[key]), err_msg=key
                )


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_leads_a_member_as_a_net_alone(backend, rng, name):
    if backend.name == "array API":
        pytest.skip(GRAPH)
    X, y = rng.standard_normal((20, 6)).astype(np.float32), rng.integers(3, size=20)
    data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}

    def train(members, rate):
        net = FullyConnectedNet([4], 6, 3, members=members, device=backend.text)
        options = {"optim_config": {"learning_rate": rate}, "lr_schedule": name}
        solver = Solver(net, data, batch_size=5, num_epochs=3, verbose=False, **options)
        solver.train()
        return np.asarray(solver.loss_history)

    rates = [0.01, 0.1]
    together = train(2, rates)
    for k, rate in enumerate(rates):
        np.testing.assert_allclose(together[:, k], train(None, rate), rtol=1e-5)


def test_the_tables_hold_all_that_is_public():
    assert {f"{name}_loss" for name in LOSSES} == {
        n for n in losses.__all__ if n.endswith("_loss") and n != "get_loss"
    }
    backwards = {n[: -len("_backward")] for n in layers.__all__ if n.endswith("_backward")}
    assert set(LAYERS) == backwards
