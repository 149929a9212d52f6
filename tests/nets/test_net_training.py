"""Nets with normalization and dropout through the whole Solver."""

import copy

import numpy as np
import pytest

from xpnet.data.batches import epoch_rows
from xpnet.errors import InputError
from xpnet.nets import FullyConnectedNet
from xpnet.optim import RULES
from xpnet.preprocessing import transformed
from xpnet.solver import Solver

D, C, N = 7, 3, 60
RATES = {"sgd": 0.2, "sgd_momentum": 0.05, "nesterov_momentum": 0.05}
SEEDS, REGS, RATIOS = [4, 5, 4, 7], [0.0, 0.1, 0.5, 0.01], [0.5, 1.0, 0.8, 0.7]
HISTORIES = ("loss_history", "train_acc_history", "val_acc_history", "val_loss_history")


@pytest.fixture
def data(rng):
    """Three clouds that overlap, with inputs far from zero."""
    y = rng.integers(C, size=N + 30)
    X = (4.0 + rng.standard_normal((C, D))[y] + rng.standard_normal((N + 30, D))).astype(np.float32)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def make(members=None, **options):
    settings = {"normalization": "batchnorm", "seed": SEEDS, "dropout_keep_ratio": RATIOS}
    settings |= {"reg": REGS, "members": members, **options}
    return FullyConnectedNet([6, 5], D, C, **settings)


def train(net, data, **options):
    rate = RATES.get(options.get("update_rule", "sgd"), 0.02)
    settings = {
        "optim_config": {"learning_rate": rate},
        "batch_size": 8,
        "num_epochs": 3,
        "print_every": 4,
        "preprocess": "mean",
        "verbose": False,
    }
    solver = Solver(net, data, **{**settings, **options})
    solver.train()
    return solver


@pytest.mark.parametrize(
    ("rule", "activation", "normalization"),
    [
        *((rule, "relu", "batchnorm") for rule in RULES),
        ("adam", "maxout", "batchnorm"),
        ("adam", "relu", "layernorm"),
    ],
)
def test_a_stack_of_four_is_four_runs_bit_for_bit(data, rule, activation, normalization):
    rates = np.asarray([1.0, 0.5, 0.2, 1.5]) * RATES.get(rule, 0.02)
    options = {"update_rule": rule, "lr_decay": 0.9}
    parts = {"activation": activation, "normalization": normalization}
    net = make(4, **parts)
    config = {"learning_rate": rates}
    stack = train(net, data, optim_config=config, seed=SEEDS, **options)
    for k in range(4):
        alone = {"seed": SEEDS[k], "reg": REGS[k], "dropout_keep_ratio": RATIOS[k]}
        solo_net = make(**parts, **alone)
        config = {"learning_rate": rates[k]}
        solo = train(solo_net, data, optim_config=config, seed=SEEDS[k], **options)
        for stacked, single in (
            (net.params, solo_net.params),
            (net.state, solo_net.state),
            (stack.best_params, solo.best_params),
            (stack.best_state, solo.best_state),
        ):
            assert list(stacked) == list(single)
            for name, x in single.items():
                np.testing.assert_array_equal(stacked[name][k], x, err_msg=name)
        for name in HISTORIES:
            of_stack = np.asarray(getattr(stack, name))[:, k]
            np.testing.assert_array_equal(of_stack, getattr(solo, name), err_msg=name)
        member = net.member(k)
        inputs = transformed(stack.preprocess, data["X_val"])
        scores = member.loss(inputs)
        np.testing.assert_array_equal(scores, net.loss(inputs)[k])
        np.testing.assert_array_equal(scores, solo_net.loss(inputs))
        np.testing.assert_array_equal(scores.argmax(axis=-1), stack.predict(data["X_val"])[k])


def test_losses_of_the_solver_are_those_of_the_net(data):
    """Step by step by the notes' form, with the same batches and the same masks."""
    options = {"seed": 3, "reg": 0.1, "dropout_keep_ratio": 0.7}
    solver = train(make(**options), data, preprocess=None)
    net = make(**options)
    losses = []
    for epoch in range(3):
        for rows in epoch_rows(N, 8, [0], epoch, "shuffle"):
            loss, grads = net.loss(data["X_train"][rows], data["y_train"][rows])
            losses.append(float(loss))
            net.params = {name: w - 0.2 * grads[name] for name, w in net.params.items()}
    np.testing.assert_allclose(solver.loss_history, losses, rtol=1e-5)


@pytest.mark.parametrize("members", [None, 4])
def test_a_callable_rule_equals_ours(data, members):
    """A foreign rule takes the notes' way, with state and draws kept by the net itself."""

    def sgd(w, dw, config):
        return w - config["learning_rate"] * dw, config

    options = {"dropout_keep_ratio": 0.7, "reg": 0.1, "seed": 3} if members is None else {}
    last, losses = [], []
    for rule in (sgd, "sgd"):
        callbacks = [Kept()]
        config = {"learning_rate": 0.2}
        net = make(members, **options)
        solver = train(net, data, update_rule=rule, optim_config=config, callbacks=callbacks)
        last.append(callbacks[0].epochs[-1])
        losses.append(solver.loss_history)
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert last[0].keys() == last[1].keys() == net.params.keys() | net.state.keys()
    for name, x in last[0].items():
        np.testing.assert_allclose(x, last[1][name], rtol=1e-4, atol=1e-5, err_msg=name)


class Kept:
    """Keeps parameters and state of each epoch."""

    def __init__(self):
        self.epochs = []

    def on_epoch(self, solver):
        net = solver.model
        self.epochs.append({name: x.copy() for name, x in (net.params | net.state).items()})


def test_the_state_that_comes_back_is_that_of_the_best_parameters(data):
    net, kept = make(seed=3, reg=0.0, dropout_keep_ratio=0.7), Kept()
    given, start = dict(net.state), {name: x.copy() for name, x in net.state.items()}
    config = {"learning_rate": 1.0}  # too long a step, so that it gets worse again
    solver = train(net, data, optim_config=config, num_epochs=6, callbacks=[kept])
    scores = list(zip(solver.val_acc_history, -np.asarray(solver.val_loss_history), strict=True))
    best = scores.index(max(scores)) - 1  # the first check is that of the first step
    assert 0 <= best < 5
    for name, x in kept.epochs[best].items():
        np.testing.assert_array_equal((net.params | net.state)[name], x)
    accuracy = solver.check_accuracy(data["X_val"], data["y_val"])
    assert accuracy == solver.best_val_acc
    for name, x in given.items():
        np.testing.assert_array_equal(x, start[name])  # the caller's own arrays


def test_the_interval_does_not_change_the_run(data):
    options = {"seed": 3, "reg": 0.1, "dropout_keep_ratio": 0.7}
    runs = [train(make(**options), data, print_every=every) for every in (1, 5, 1000)]
    assert runs[0].loss_history == runs[1].loss_history == runs[2].loss_history


def test_training_goes_on_with_new_draws(data):
    """Called again it takes the masks of the next step, not those of the first."""
    net = make(seed=3, reg=0.1, dropout_keep_ratio=0.7)
    solver = train(net, data, preprocess=None)
    again = copy.copy(net)  # with the same parameters and state, which are bound anew
    again.params = {name: w.copy() for name, w in net.params.items()}
    again.num_draws = 21
    solver.train()
    rows = epoch_rows(N, 8, [0], 3, "shuffle")[0]
    expected, _ = again.loss(data["X_train"][rows], data["y_train"][rows])
    assert solver.step == 42
    assert solver.loss_history[21] == expected


def test_a_batch_of_one_is_refused_with_batchnorm(data):
    net = make(seed=3, reg=0.0, dropout_keep_ratio=1.0)
    params = {name: w.copy() for name, w in net.params.items()}
    with pytest.raises(InputError, match="a batch needs two samples or more in training"):
        train(net, data, batch_size=1)
    for name, w in params.items():
        np.testing.assert_array_equal(net.params[name], w)


@pytest.mark.parametrize("hidden_dims", [[100], [100, 100, 100, 100]])
def test_a_small_set_is_learnt_by_heart(hidden_dims, rng):
    """The course's sanity check of nets of three and five layers: 50 samples, all right."""
    X, y = rng.standard_normal((50, 20)), rng.integers(10, size=50)
    data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    net = FullyConnectedNet(hidden_dims, 20)
    solver = train(
        net,
        data,
        update_rule="adam",
        optim_config={"learning_rate": 3e-3},
        batch_size=25,
        num_epochs=40,
    )
    assert solver.check_accuracy(X, y) == 1.0


def test_regression_with_all_parts(rng):
    X = rng.standard_normal((300, 5)).astype(np.float32)
    y = (X[:, 0] * X[:, 1]).astype(np.float32)
    data = {"X_train": X[:200], "y_train": y[:200], "X_val": X[200:], "y_val": y[200:]}
    net = FullyConnectedNet([40, 40], 5, 1, loss="squared", normalization="batchnorm")
    options = {"update_rule": "adam", "optim_config": {"learning_rate": 5e-3}}
    solver = train(net, data, batch_size=50, num_epochs=40, **options)
    assert solver.best_val_acc > 0.7  # R squared
    assert solver.predict(X[200:]).shape == (100,)
