"""Gradient clipping in the Solver."""

import math

import numpy as np
import pytest

import xpnet
from xpnet import InputError, Solver, TwoLayerNet

N, D, C, B = 60, 7, 3, 8


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((N + 20, D)), rng.integers(C, size=N + 20)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def trained(data, net, **options):
    settings = {"batch_size": B, "num_epochs": 3, "verbose": False, "print_every": 1000}
    solver = Solver(net, data, **{**settings, **options})
    solver.train()
    return solver


def small_net(**options):
    return TwoLayerNet(D, 5, C, 0.5, **{"dtype": "float64", "reg": 0.1, **options})


def torch_losses(data, max_norm, rate):
    """Return the losses of the same net, clipped and moved by PyTorch."""
    torch = pytest.importorskip("torch")
    w = {n: torch.tensor(x.copy(), requires_grad=True) for n, x in small_net().params.items()}
    optimizer = torch.optim.SGD(w.values(), lr=rate)
    losses = []
    for epoch in range(3):
        for row in xpnet.data.batches.epoch_rows(N, B, [0], epoch, "shuffle"):
            x, y = torch.tensor(data["X_train"][row]), torch.tensor(data["y_train"][row])
            scores = torch.relu(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]
            penalty = 0.05 * ((w["W1"] ** 2).sum() + (w["W2"] ** 2).sum())
            loss = torch.nn.functional.cross_entropy(scores, y) + penalty
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(w.values(), max_norm)
            optimizer.step()
            losses.append(loss.item())
    return losses


@pytest.mark.parametrize("max_norm", [0.05, 0.3])
def test_the_solver_takes_pytorchs_steps(data, max_norm):
    solver = trained(data, small_net(), clip_norm=max_norm, optim_config={"learning_rate": 0.5})
    expected = torch_losses(data, max_norm, 0.5)
    np.testing.assert_allclose(solver.loss_history, expected, rtol=1e-5)  # its 1e-6 in the norm


def test_every_backend_takes_the_same_steps(backend, data):
    single = {n: x.astype(np.float32) if n[0] == "X" else x for n, x in data.items()}
    for limit in (0.1, [0.1, math.inf]):
        nets = [small_net(dtype="float32", members=2) for _ in range(2)]
        nets[1].params = {name: backend.asarray(w) for name, w in nets[1].params.items()}
        known, found = (trained(single, net, clip_norm=limit) for net in nets)
        np.testing.assert_allclose(found.loss_history, known.loss_history, rtol=2e-5)


def test_a_limit_that_is_never_reached_changes_no_bit(data):
    plain = trained(data, small_net(), update_rule="adam")
    for limit in (1e6, math.inf):
        found = trained(data, small_net(), update_rule="adam", clip_norm=limit)
        assert found.loss_history == plain.loss_history


@pytest.mark.parametrize("seeds", [0, [4, 5, 6]])
def test_a_stack_is_its_members_bit_for_bit(data, seeds):
    limits = [0.05, 0.3, math.inf]
    net = small_net(members=3, dtype="float32")
    stack = trained(data, net, clip_norm=limits, seed=seeds, update_rule="adam")
    for k, limit in enumerate(limits):
        seed = seeds if seeds == 0 else seeds[k]
        alone = small_net(dtype="float32")
        solo = trained(data, alone, clip_norm=limit, seed=seed, update_rule="adam")
        np.testing.assert_array_equal(np.asarray(stack.loss_history)[:, k], solo.loss_history)
        for name, w in alone.params.items():
            np.testing.assert_array_equal(net.params[name][k], w)


def own_sgd(w, dw, config=None):
    return w - config["learning_rate"] * dw, config


@pytest.mark.parametrize("limit", [0.1, [0.1, 0.3]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_under_a_rule_of_others_the_steps_are_the_same(data, limit, dtype):
    options = {"clip_norm": limit, "optim_config": {"learning_rate": 0.3}}
    nets = [small_net(members=2, dtype=dtype) for _ in range(2)]
    ours = trained(data, nets[0], **options)
    theirs = trained(data, nets[1], update_rule=own_sgd, **options)
    np.testing.assert_allclose(theirs.loss_history, ours.loss_history, rtol=1e-5)
    assert all(w.dtype == dtype for w in nets[1].params.values())


class ForeignModel:
    """Linear softmax in NumPy, which returns the gradient by its input too."""

    def __init__(self):
        self.params = {"W": np.zeros((D, C))}

    def loss(self, X, y=None):
        scores = X @ self.params["W"]
        if y is None:
            return scores
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        p[np.arange(len(y)), y] -= 1
        return loss, {"X": 1e9 * p @ self.params["W"].T, "W": X.T @ p / len(y)}


@pytest.mark.parametrize("rule", ["sgd", own_sgd])
def test_a_foreign_model_is_clipped_by_the_gradients_of_its_parameters(data, rule):
    options = {"clip_norm": 0.1, "optim_config": {"learning_rate": 0.5}}
    solver = trained(data, ForeignModel(), update_rule=rule, **options)
    model, losses = ForeignModel(), []
    for epoch in range(3):
        for row in xpnet.data.batches.epoch_rows(N, B, [0], epoch, "shuffle"):
            loss, grads = model.loss(data["X_train"][row], data["y_train"][row])
            losses.append(loss)
            scale = 0.1 / max(0.1, np.linalg.norm(grads["W"]))
            model.params["W"] = model.params["W"] - 0.5 * scale * grads["W"]
    np.testing.assert_allclose(solver.loss_history, losses, rtol=1e-12)


def test_a_model_without_its_gradient_is_refused_with_clipping_too(data):
    model = ForeignModel()
    original = model.loss
    model.loss = lambda X, y=None: original(X) if y is None else (1.0, {})
    with pytest.raises(InputError, match="no gradient for the parameter 'W'"):
        trained(data, model, clip_norm=1.0)


def test_clipping_keeps_a_training_that_would_diverge(data):
    far = {**data, "X_train": 1e4 * data["X_train"], "X_val": 1e4 * data["X_val"]}
    options = {"optim_config": {"learning_rate": 0.5}}
    with pytest.warns(xpnet.DivergenceWarning):
        trained(far, small_net(dtype="float32", reg=0.5), num_epochs=30, **options)
    solver = trained(far, small_net(dtype="float32", reg=0.5), clip_norm=0.01, **options)
    assert np.isfinite(solver.loss_history).all()


BAD_OPTIONS = {
    "zero": (0, "clip_norm must be a positive number; got 0"),
    "negative": (-1.0, "got -1.0"),
    "NaN": (math.nan, "got nan"),
    "text": ("1", "clip_norm must be a number; got '1'"),
    "truth": (True, "clip_norm must be a number; got True"),
    "list": ([1.0, 2.0], "clip_norm is a sequence of 2, but the net is a single one"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_the_solver_refuses_bad_limits(data, case):
    value, message = BAD_OPTIONS[case]
    with pytest.raises(InputError, match=message):
        Solver(small_net(), data, batch_size=B, clip_norm=value)


def test_a_stack_wants_one_limit_or_one_a_member(data):
    for limit, message in (([1, 2], "3 of them"), ([1, 2, 0], "must be a positive number")):
        with pytest.raises(InputError, match=message):
            Solver(small_net(members=3), data, batch_size=B, clip_norm=limit)
