"""The course's Solver, called as its notebooks call it, on made data of their form."""

import numpy as np
import pytest

import xpnet
from xpnet.cs231n import (
    FullyConnectedNet,
    Solver,
    TwoLayerNet,
    affine_backward,
    affine_forward,
    affine_relu_backward,
    affine_relu_forward,
    softmax_loss,
)
from xpnet.errors import InputError


@pytest.fixture
def data(seeded):
    """Pictures of 3 channels and 4 by 4 pixels in ten classes, about 0, that overlap."""
    y = np.random.randint(10, size=600)
    X = 40 * np.random.randn(10, 3, 4, 4)[y] + 60 * np.random.randn(600, 3, 4, 4)
    parts = {"train": slice(0, 450), "val": slice(450, 550), "test": slice(550, 600)}
    return {
        f"{name}_{part}": array[rows]
        for part, rows in parts.items()
        for name, array in (("X", X), ("y", y))
    }


def first(data, count):
    """Return less training data, as the notebooks put it together."""
    return {
        "X_train": data["X_train"][:count],
        "y_train": data["y_train"][:count],
        "X_val": data["X_val"],
        "y_val": data["y_val"],
    }


@pytest.mark.parametrize("hidden_dims", [[100, 100], [100, 100, 100, 100]])
def test_fifty_samples_are_learnt_by_heart(data, hidden_dims):
    model = FullyConnectedNet(hidden_dims, 48, weight_scale=1e-1, dtype=np.float64)
    solver = Solver(
        model,
        first(data, 50),
        print_every=10,
        num_epochs=20,
        batch_size=25,
        update_rule="sgd",
        optim_config={"learning_rate": 2e-3},
        verbose=False,
    )
    solver.train()
    assert len(solver.loss_history) == 40
    assert len(solver.train_acc_history) == len(solver.val_acc_history) == 21
    assert solver.train_acc_history[-1] == 1.0


def test_a_two_layer_net_is_trained_and_looked_at(data, capsys):
    model = TwoLayerNet(48, 50, 10)
    solver = Solver(
        model,
        data,
        update_rule="sgd",
        optim_config={"learning_rate": 5e-3},
        lr_decay=0.95,
        num_epochs=10,
        batch_size=50,
        num_train_samples=200,
        num_val_samples=100,
        print_every=100,
    )
    solver.train()
    printed = capsys.readouterr().out
    assert "(Iteration 1 / 90) loss: 2.30" in printed
    assert "(Epoch 10 / 10) train acc:" in printed or "(Epoch 10 / 10) loss:" in printed
    assert solver.best_val_acc == max(solver.val_acc_history) > 0.8
    assert isinstance(solver.best_val_acc, float)
    for name, w in model.params.items():  # the best, as the course leaves them
        np.testing.assert_array_equal(w, solver.best_params[name])
    scores = model.loss(data["X_test"])
    accuracy = (np.argmax(scores, axis=1) == data["y_test"]).mean()
    assert solver.check_accuracy(data["X_test"], data["y_test"]) == accuracy > 0.8
    part = solver.check_accuracy(data["X_val"], data["y_val"], num_samples=50, batch_size=20)
    assert 0.5 < part <= 1.0
    assert (solver.epoch, solver.batch_size, solver.num_epochs) == (10, 50, 10)


@pytest.mark.parametrize("update_rule", ["sgd", "sgd_momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("normalization", [None, "batchnorm", "layernorm"])
def test_rules_and_normalizations(data, update_rule, normalization):
    rates = {"sgd": 5e-2, "sgd_momentum": 5e-3, "rmsprop": 1e-3, "adam": 1e-3}
    model = FullyConnectedNet(
        [50, 50], 48, normalization=normalization, weight_scale=5e-2, dropout_keep_ratio=0.9
    )
    rate = rates[update_rule] * (1 if normalization else 0.05 if "sgd" in update_rule else 1)
    solver = Solver(
        model,
        data,
        num_epochs=6,
        batch_size=50,
        update_rule=update_rule,
        optim_config={"learning_rate": rate},
        verbose=False,
    )
    solver.train()
    assert np.mean(solver.loss_history[-9:]) < 0.5 * solver.loss_history[0]
    assert max(solver.val_acc_history) > 0.7


def test_without_a_rule_it_is_plain_sgd_by_the_courses_defaults(data):
    solver = Solver(TwoLayerNet(48), data, verbose=False)
    assert (solver.batch_size, solver.num_epochs, solver.print_every) == (100, 10, 10)
    assert solver.num_train_samples == 1000
    assert repr(solver.update_rule) == "<update rule sgd>"


def test_a_batch_larger_than_the_data_is_all_of_it(data):
    solver = Solver(TwoLayerNet(48), first(data, 30), num_epochs=3, verbose=False)
    solver.train()
    assert solver.batch_size == 30
    assert len(solver.loss_history) == 3


def test_checkpoints_are_nets(data, tmp_path):
    model = FullyConnectedNet([6], 48, normalization="batchnorm", weight_scale=5e-2)
    kept = {}

    class Keep:
        def on_epoch(self, solver):
            kept[solver.epoch] = solver.model.loss(data["X_test"])

    name = str(tmp_path / "run")
    options = {"num_epochs": 3, "batch_size": 150, "verbose": False, "callbacks": [Keep()]}
    Solver(model, data, checkpoint_name=name, **options).train()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"run_epoch_{epoch}.safetensors" for epoch in (1, 2, 3)]
    for epoch, scores in kept.items():
        loaded = xpnet.load(f"{name}_epoch_{epoch}.safetensors")
        np.testing.assert_array_equal(loaded.loss(data["X_test"]), scores)


class OwnNet:
    """A net as students write it, of the course's layers."""

    def __init__(self, reg=0.1):
        self.reg = reg
        self.params = {
            "W1": 1e-2 * np.random.randn(48, 30),
            "b1": np.zeros(30),
            "W2": 1e-2 * np.random.randn(30, 10),
            "b2": np.zeros(10),
        }

    def loss(self, X, y=None):
        W1, b1, W2, b2 = self.params.values()
        hidden, first_cache = affine_relu_forward(X, W1, b1)
        scores, second_cache = affine_forward(hidden, W2, b2)
        if y is None:
            return scores
        loss, dout = softmax_loss(scores, y)
        loss += 0.5 * self.reg * sum(np.sum(W * W) for W in (W1, W2))
        dhidden, dW2, db2 = affine_backward(dout, second_cache)
        _, dW1, db1 = affine_relu_backward(dhidden, first_cache)
        dW1 += self.reg * W1
        dW2 += self.reg * W2
        return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def test_a_net_of_ones_own_makes_the_steps_of_the_librarys(data):
    own, net = OwnNet(), TwoLayerNet(48, 30, 10, reg=0.1)
    net.params = {name: w.copy() for name, w in own.params.items()}
    options = {"update_rule": "adam", "num_epochs": 4, "batch_size": 50, "verbose": False}
    solvers = [Solver(model, data, **options) for model in (own, net)]
    for solver in solvers:
        solver.train()
    mine, library = solvers
    np.testing.assert_allclose(mine.loss_history, library.loss_history, rtol=1e-9)
    assert mine.val_acc_history == library.val_acc_history
    assert mine.best_val_acc > 0.5


def test_refuses(data):
    with pytest.raises(InputError, match="Solver has no argument 'learning_rate'"):
        Solver(TwoLayerNet(48), data, learning_rate=1e-3)
    with pytest.raises(InputError, match=r"checkpoint_name is for xpnet's own nets: .* of OwnNet"):
        Solver(OwnNet(), data, checkpoint_name="run")
    with pytest.raises(InputError, match="unknown update_rule 'adagrad'"):
        Solver(TwoLayerNet(48), data, update_rule="adagrad")
    for batch_size in (0, 2.5, "100", True):
        with pytest.raises(InputError, match="batch_size must be an integer of at least 1; got"):
            Solver(TwoLayerNet(48), data, batch_size=batch_size)
    with pytest.raises(InputError, match="data has no 'X_train'"):
        Solver(TwoLayerNet(48), {"X_val": data["X_val"]})
    with pytest.raises(InputError, match="data must be a dictionary or a Dataset"):
        Solver(TwoLayerNet(48), [data])
