"""What a watch says: of trainings with a planted fault the fault, of healthy ones nothing."""

import re
import warnings

import numpy as np
import pytest

import xpnet
from xpnet import DivergenceWarning, FullyConnectedNet, Solver, TwoLayerNet
from xpnet.diagnostics import Watch

DIGITS = xpnet.data.load("digits")
FIRST = "hidden 1 (64-50, {})"


def digits(rows=1437, **changed):
    named = {name: DIGITS[name] for name in ("X_train", "y_train", "X_val", "y_val")}
    named |= {"X_train": DIGITS.X_train[:rows], "y_train": DIGITS.y_train[:rows]}
    return named | changed


def spirals():
    rng = np.random.default_rng(0)
    radius, arm = rng.random(1500) * 3 + 0.3, rng.integers(3, size=1500)
    turn = 2 * radius + 2.1 * arm
    X = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    X = (X + 0.05 * rng.standard_normal(X.shape)).astype(np.float32)
    return {"X_train": X[:1200], "y_train": arm[:1200], "X_val": X[1200:], "y_val": arm[1200:]}


def real_targets(noise):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 20)).astype(np.float32)
    y = np.tanh(X @ rng.standard_normal((20, 1))) + noise * rng.standard_normal((2000, 1))
    y = y.astype(np.float32)
    return {"X_train": X[:1600], "y_train": y[:1600], "X_val": X[1600:], "y_val": y[1600:]}


def rare_class():
    rng = np.random.default_rng(0)
    y = (rng.random(3000) < 0.05).astype(np.int64)
    X = (rng.standard_normal((3000, 10)) + y[:, None]).astype(np.float32)
    return {"X_train": X[:2500], "y_train": y[:2500], "X_val": X[2500:], "y_val": y[2500:]}


def net(hidden, features=64, classes=10, **options):
    return FullyConnectedNet(hidden, features, classes, **options)


def adam(rate, epochs=10, **options):
    config = {"learning_rate": rate}
    return {"update_rule": "adam", "optim_config": config, "num_epochs": epochs, **options}


def sgd(rate, epochs=10, rule="sgd", **options):
    return {**adam(rate, epochs, **options), "update_rule": rule}


def with_bias(made, value):
    made.params["b1"] = made.params["b1"] + np.float32(value)
    return made


def train(data, made, options, every):
    said = []
    watch = options.pop("watch", None) or Watch(every, say=said.append)
    settings = {"preprocess": "mean", "verbose": False, **options}
    solver = Solver(made, data, callbacks=[watch], **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        solver.train()
    return said


HEALTHY = {
    "the command line's": lambda: (digits(), net([100], reg=0.03), adam(3e-3, 20, lr_decay=0.97)),
    "the notes'": lambda: (
        digits(),
        TwoLayerNet(64, 50, 10, reg=0.1),
        sgd(1e-2, 20, "sgd_momentum", lr_decay=0.95),
    ),
    "two layers of tiny weights": lambda: (
        digits(),
        net([50], weight_scale=1e-4),
        sgd(1e-1, 10),
    ),
    "plain steps": lambda: (digits(), net([50]), sgd(1e-2, 20)),
    "eight layers": lambda: (digits(), net([50] * 8), adam(1e-3)),
    "tanh, long": lambda: (
        digits(),
        net([50], activation="tanh"),
        sgd(1e-2, 60, "sgd_momentum"),
    ),
    "two of sigmoids": lambda: (digits(), net([50, 50], activation="sigmoid"), adam(3e-3, 40)),
    "batchnorm, dropout, warmup": lambda: (
        digits(),
        net([100, 50], normalization="batchnorm", dropout_keep_ratio=0.8),
        adam(1e-3, lr_schedule="warmup:1+cosine"),
    ),
    "layernorm, elu, to a rate of 0": lambda: (
        digits(),
        net([100, 50], activation="elu", normalization="layernorm"),
        adam(1e-3, lr_schedule="cosine", preprocess="standard"),
    ),
    "maxout, svm": lambda: (digits(), net([30], activation="maxout", loss="svm"), adam(1e-3)),
    "a linear classifier": lambda: (digits(), net([]), sgd(1e-2)),
    "clipped, smoothed, balanced": lambda: (
        digits(),
        net([100], activation="leaky_relu"),
        adam(1e-3, label_smoothing=0.1, clip_norm=1.0, class_weights="balanced"),
    ),
    "half of the units": lambda: (digits(), net([200], dropout_keep_ratio=0.5), adam(1e-3)),
    "strong regularisation": lambda: (digits(), net([100], reg=1.0), adam(1e-3)),
    "narrow": lambda: (digits(), net([10]), adam(3e-3)),
    "pca": lambda: (digits(), net([50], 20), adam(3e-3, preprocess="standard+pca:20")),
    "rmsprop": lambda: (digits(), net([50]), sgd(1e-3, 10, "rmsprop")),
    "spirals": lambda: (spirals(), net([100, 100], 2, 3), adam(3e-3, 40)),
    "spirals of tanh": lambda: (spirals(), net([50, 50], 2, 3, activation="tanh"), adam(1e-2, 40)),
    "regression": lambda: (real_targets(0.1), net([50], 20, 1, loss="squared"), adam(3e-3)),
    "noisy regression": lambda: (
        real_targets(3.0),
        net([20], 20, 1, loss="squared", reg=0.1),
        adam(1e-3),
    ),
    "a rare class": lambda: (rare_class(), net([20], 10, 2), adam(3e-3)),
    "a stack": lambda: (
        digits(),
        net([50], members=3, reg=[0, 0.01, 0.1]),
        sgd([3e-3, 1e-2, 3e-2], 20),
    ),
}


@pytest.mark.parametrize("kind", HEALTHY)
def test_of_a_healthy_training_nothing_is_said(kind):
    data, made, options = HEALTHY[kind]()
    said = train(data, made, options, every=20)
    assert [str(notice) for notice in said] == []


# A training, what is said first, of which layer, and the step until which.
FAULTY = {
    "a large negative bias": (
        lambda: (digits(), with_bias(net([50]), -100), sgd(1e-2, 4)),
        ("dead units", FIRST.format("relu"), 0),
    ),
    "weights of 0": (
        lambda: (digits(), net([50], initializer="zeros"), sgd(1e-2, 4)),
        ("dead units", FIRST.format("relu"), 0),
    ),
    "units that die": (
        lambda: (digits(), net([100], reg=0.03), adam(3.0, 40)),
        ("update ratio", "hidden 1 (64-100, relu)", 0),
    ),
    "inputs a hundred times too large": (
        lambda: (
            digits(X_train=DIGITS.X_train * 100, X_val=DIGITS.X_val * 100),
            net([50], activation="tanh"),
            sgd(1e-2, 4),
        ),
        ("saturated units", FIRST.format("tanh"), 0),
    ),
    "weights of 1": (
        lambda: (digits(), net([50], activation="sigmoid", weight_scale=1.0), sgd(1e-2, 4)),
        ("saturated units", FIRST.format("sigmoid"), 0),
    ),
    "eight layers of sigmoids": (
        lambda: (digits(), net([50] * 8, activation="sigmoid"), sgd(1e-2, 4)),
        ("vanishing gradients", FIRST.format("sigmoid"), 0),
    ),
    "five layers of tiny weights": (
        lambda: (digits(), net([50] * 4, weight_scale=1e-3), sgd(1e-2, 4)),
        ("vanishing gradients", FIRST.format("relu"), 0),
    ),
    "two layers of tiny weights, a low rate": (
        lambda: (digits(), net([50], weight_scale=1e-4), sgd(1e-2, 10)),
        ("vanishing gradients", FIRST.format("relu"), 21),
    ),
    "seven layers of large weights": (
        lambda: (digits(), net([50] * 6, weight_scale=1.0), sgd(1e-6, 4)),
        ("exploding gradients", FIRST.format("relu"), 0),
    ),
    "a rate 300 times too high": (
        lambda: (digits(), net([50]), sgd(3.0, 4)),
        ("update ratio", FIRST.format("relu"), 0),
    ),
    "a rate 100 times too low": (
        lambda: (digits(), net([50]), sgd(1e-4, 10)),
        ("update ratio", "", 80),
    ),
    "adam, a rate 100 times too low": (
        lambda: (digits(), net([50]), adam(3e-5, 10)),
        ("update ratio", "", 80),
    ),
    "a loss that stays": (
        lambda: (digits(), net([50] * 5, activation="sigmoid"), sgd(1e-2, 10)),
        ("loss not falling", "", 100),
    ),
    "forty samples": (
        lambda: (digits(40), net([100]), adam(3e-3, 40, batch_size=20)),
        ("overfitting", "", 80),
    ),
}


@pytest.mark.parametrize("kind", FAULTY)
def test_a_planted_fault_is_named(kind):
    make, (name, layer, until) = FAULTY[kind]
    said = train(*make(), every=20)
    assert (said[0].verdict.name, said[0].layer) == (name, layer)
    assert said[0].step <= until
    assert layer in said[0].verdict.found
    assert said[0].verdict.remedy
    keys = [(notice.verdict.name, notice.layer) for notice in said]
    assert len(keys) == len(set(keys))  # once each


@pytest.mark.parametrize(("rate", "words"), [(0.3, r"[1-9][\d.]* times"), (0.1, r"\d\d% of")])
def test_a_large_step_is_told_beside_the_weights(rate, words, monkeypatch):
    """As a share of them, or as how many times as large."""
    monkeypatch.setattr("xpnet.diagnostics.watch_layers.WHOLE_UPDATE", 0.5)
    said = train(digits(), net([50]), adam(rate, 1), every=20)
    first = next(one for one in said if one.verdict.name == "update ratio")
    assert re.search(f"by {words} their size$", first.verdict.found)


def test_a_member_alone_is_warned_of():
    rates = {"learning_rate": [1e-2, 3.0]}
    options = {"update_rule": "sgd", "optim_config": rates, "num_epochs": 4}
    said = train(digits(), net([50], members=2), options, every=20)
    assert {notice.member for notice in said} == {1}
    alone = train(digits(), net([50]), sgd(3.0, 4), every=20)
    assert [(n.verdict.name, n.layer, n.step) for n in said] == [
        (n.verdict.name, n.layer, n.step) for n in alone
    ]


@pytest.mark.parametrize("scale", [1, 1000])
def test_dead_is_who_is_0_on_the_whole_validation_part(scale):
    """One sample there moves half of the units, of which a batch shows none."""
    X_val = DIGITS.X_val.astype(np.float32)
    X_val[0] *= scale
    watch, made = Watch(20, say=lambda _: None), with_bias(net([50]), -100)
    x = (X_val - DIGITS.X_train.mean(axis=0)).reshape(len(X_val), -1)
    known = (x @ made.params["W1"] - 100 <= 0).all(axis=0).mean()
    assert known == 1 if scale == 1 else 0 < known < 1
    train(digits(X_val=X_val), made, {**sgd(1e-2, 2), "watch": watch}, every=20)
    np.testing.assert_allclose(watch.record.statistics["dead_share"][0, 0], 1)
    np.testing.assert_allclose(watch.record.statistics["validation_dead_share"][0, 0], known)


def test_a_net_that_was_trained_before_need_not_learn():
    made = net([50])
    train(digits(), made, adam(3e-3, 40), every=20)
    assert train(digits(), made, sgd(1e-5, 10), every=20) == []
