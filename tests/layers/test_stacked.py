"""One product for all members: what a product for each gives, whoever lies where in memory."""

import numpy as np
import pytest

import xpnet
from xpnet import FullyConnectedNet, Solver
from xpnet.backends import NumpyBackend, backend_of
from xpnet.layers import affine_forward, affine_parameter_gradients
from xpnet.layers.stacked import laid_out_for_one

K, N, D, H = 3, 7, 5, 4


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    shapes = {"x": (N, D), "w": (K, D, H), "b": (K, H), "dout": (K, N, H)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("is_laid_out", [False, True])
def test_forward_and_gradients_on_every_backend(backend, arrays, is_laid_out):
    xp, to_numpy = backend.xp, backend.to_numpy
    x, w, b, dout = (
        backend.asarray(arrays[name].astype("float32")) for name in ("x", "w", "b", "dout")
    )
    if is_laid_out:
        w = laid_out_for_one(w, xp)
        np.testing.assert_array_equal(to_numpy(w), arrays["w"].astype("float32"))
    out, cache = affine_forward(x, w, b, as_one=True)
    dw, db = affine_parameter_gradients(dout, cache, as_one=True)
    for k in range(K):
        own = {name: arrays[name] if name == "x" else arrays[name][k] for name in arrays}
        for found, expected in (
            (out, own["x"] @ own["w"] + own["b"]),
            (dw, own["x"].T @ own["dout"]),
            (db, own["dout"].sum(axis=0)),
        ):
            np.testing.assert_allclose(to_numpy(found)[k], expected, rtol=1e-4, atol=1e-5)


def test_memory_is_that_of_one_matrix(arrays):
    w = laid_out_for_one(arrays["w"], np)
    assert w.transpose(1, 0, 2).flags.c_contiguous
    _, cache = affine_forward(arrays["x"], w, arrays["b"], as_one=True)
    dw, _ = affine_parameter_gradients(arrays["dout"], cache, as_one=True)
    assert dw.strides == w.strides


def test_members_with_batches_of_their_own_have_products_of_their_own(arrays):
    x = np.random.default_rng(1).standard_normal((K, N, D))
    out, cache = affine_forward(x, arrays["w"], arrays["b"], as_one=True)
    np.testing.assert_array_equal(out, affine_forward(x, arrays["w"], arrays["b"])[0])
    given = affine_parameter_gradients(arrays["dout"], cache, as_one=True)
    for found, known in zip(given, affine_parameter_gradients(arrays["dout"], cache), strict=True):
        np.testing.assert_array_equal(found, known)


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_trainings_are_the_same_to_rounding(monkeypatch, rule):
    """Of a stack, with and without; and it stays laid out, through updates and pauses."""
    digits = xpnet.data.load("digits")
    found = []
    for least in (None, 1):
        monkeypatch.setattr(NumpyBackend, "one_product_from", least)
        net = FullyConnectedNet([20], 64, 10, members=4, reg=[0, 0.1, 0, 1], dtype="float64")
        solver = Solver(
            net,
            digits,
            update_rule=rule,
            optim_config={"learning_rate": [1e-3, 3e-3, 1e-2, 1e-2]},
            preprocess="mean",
            num_epochs=2,
            verbose=False,
        )
        solver.train(until=1)
        solver.train()
        is_one = solver._trainer.variables.params["W1"].transpose(1, 0, 2).flags.c_contiguous
        assert is_one == (least == 1)
        found.append(solver)
    np.testing.assert_allclose(found[0].loss_history, found[1].loss_history, rtol=1e-9)
    for name, w in found[0].model.params.items():
        np.testing.assert_allclose(found[1].model.params[name], w, rtol=1e-6, atol=1e-9)


def test_who_takes_one_product(monkeypatch):
    monkeypatch.setattr(NumpyBackend, "one_product_from", 50)

    def lies_as_one(features=64, **options):
        settings = {"members": 2, **options}
        net = FullyConnectedNet(settings.pop("dims", [4]), features, 3, **settings)
        return net.laid_out(net.params)["W1"] is not net.params["W1"]

    assert lies_as_one()
    assert not lies_as_one(features=40)
    assert not lies_as_one(members=None)
    assert not lies_as_one(seed=[0, 1])  # their batches differ
    assert not lies_as_one(activation="maxout")
    assert not lies_as_one(dims=[])
    assert backend_of(np.zeros(1)).one_product_from == 50
