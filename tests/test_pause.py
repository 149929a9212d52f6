"""Trainings that pause, and members that go on in another stack."""

import numpy as np
import pytest

from xpnet import FullyConnectedNet, InputError, Solver
from xpnet.member_states import go_on_from, joined, member_states

N, D, C, EPOCHS = 60, 5, 3, 6
HISTORIES = ("loss_history", "train_acc_history", "val_acc_history", "val_loss_history")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    y = rng.integers(C, size=N + 30)
    X = (rng.standard_normal((N + 30, D)) + np.eye(C, D)[y]).astype(np.float32)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


RATES, REGS, SEEDS = [1e-3, 1e-2, 3e-2, 1e-1], [0.0, 0.1, 0.0, 1.0], [1, 2, 1, 3]


def make(data, members=None, device="cpu", **options):
    """Return a Solver of some of four members, or of one of them alone."""
    own = members if isinstance(members, int) else [[v[k] for k in members] for v in VALUES]
    if isinstance(members, int):
        rate, reg, seed = (values[members] for values in VALUES)
    else:
        rate, reg, seed = own
    net = FullyConnectedNet(
        [7],
        D,
        C,
        normalization="batchnorm",
        dropout_keep_ratio=0.8,
        reg=reg,
        seed=seed,
        members=None if isinstance(members, int) else len(members),
        device=device,
    )
    settings = {
        **{"update_rule": "adam", "batch_size": 10, "num_epochs": EPOCHS, "preprocess": "mean"},
        **{"lr_schedule": "warmup:2+cosine", "num_train_samples": 30, "verbose": False},
    }
    return Solver(net, data, optim_config={"learning_rate": rate}, seed=seed, **settings | options)


VALUES = (RATES, REGS, SEEDS)


def assert_same(found, known, k=...):
    """Hold a Solver against another, or against member `k` of another."""
    for name in HISTORIES:
        own, other = (np.asarray(getattr(one, name)) for one in (found, known))
        np.testing.assert_array_equal(own if k is ... else own[..., k], other, err_msg=name)
    for name, w in known.model.params.items():
        own = found.model.params[name]
        np.testing.assert_array_equal(own if k is ... else own[k], w, err_msg=name)


@pytest.mark.parametrize("members", [0, [0, 1, 2, 3]])
def test_a_training_that_pauses_is_the_one_that_does_not(data, members):
    known, found = make(data, members), make(data, members)
    known.train()
    for until in (1, 2, 5):
        found.train(until=until)
        assert (found.epoch, found.last_epoch) == (until, EPOCHS)
    found.train()
    assert_same(found, known)
    assert found.epoch == EPOCHS


def test_beyond_the_end_it_ends(data):
    known, found = make(data, 0), make(data, 0)
    known.train()
    found.train(until=EPOCHS + 5)
    assert_same(found, known)
    for solver in (known, found):  # the end was no pause: both train on from the best
        solver.train()
    assert found.epoch == 2 * EPOCHS
    assert_same(found, known)


class Linear:
    """A model of one's own, which the Solver trains by its `loss`."""

    def __init__(self):
        self.params = {"W": np.random.default_rng(0).standard_normal((D, C)) * 0.1}

    def loss(self, X, y=None):
        scores = X @ self.params["W"]
        if y is None:
            return scores
        shifted = scores - scores.max(axis=1, keepdims=True)
        p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        loss = -np.log(p[rows, y]).mean()
        p[rows, y] -= 1
        return loss, {"W": X.T @ p / len(y)}


def test_a_model_of_ones_own_pauses_too(data):
    solvers = [
        Solver(Linear(), data, update_rule="adam", batch_size=10, num_epochs=EPOCHS, verbose=False)
        for _ in range(2)
    ]
    solvers[0].train()
    for until in (2, 3, None):
        solvers[1].train(until=until)
    np.testing.assert_array_equal(solvers[1].loss_history, solvers[0].loss_history)
    np.testing.assert_array_equal(solvers[1].model.params["W"], solvers[0].model.params["W"])


@pytest.mark.parametrize("until", [0, 2, -1, 1.5, True])
def test_an_epoch_that_is_done_or_none(data, until):
    solver = make(data, 0)
    solver.train(until=2)
    with pytest.raises(InputError, match="until must be"):
        solver.train(until=until)


def test_members_go_on_in_another_stack(data):
    """Two of one stack and one of another, each to the bits of its training alone."""
    first, second = make(data, [0, 1, 2]), make(data, [3, 1])
    for solver in (first, second):
        solver.train(until=2)
    states = joined([(member_states(first), [0, 2]), (member_states(second), [0])])
    found = make(data, [0, 2, 3])
    go_on_from(found, states)
    found.train(until=4)
    last = make(data, [3])
    go_on_from(last, joined([(member_states(found), [2])]))
    for solver in (found, last):
        solver.train()
    for solver, members in ((found, [0, 2, 3]), (last, [3])):
        for k, member in enumerate(members):
            alone = make(data, member)
            alone.train()
            assert_same(solver, alone, k)


def test_on_every_backend(backend, data):
    first = make(data, [0, 1, 2], device=backend.text)
    first.train(until=2)
    found = make(data, [2, 1], device=backend.text)
    go_on_from(found, joined([(member_states(first), [2, 1])]))
    found.train()
    known = make(data, [0, 1, 2], device=backend.text)
    known.train()
    for name in HISTORIES[:1]:
        own, other = (np.asarray(getattr(one, name)) for one in (found, known))
        np.testing.assert_allclose(own, other[:, [2, 1]], rtol=1e-5, atol=1e-6)


def test_members_at_other_steps_are_not_joined(data):
    first, second = make(data, [0, 1]), make(data, [2])
    first.train(until=2)
    second.train(until=3)
    with pytest.raises(InputError, match="at the same step"):
        joined([(member_states(first), [0]), (member_states(second), [0])])


def test_a_single_net_has_no_members(data):
    with pytest.raises(InputError, match="single one"):
        member_states(make(data, 0))


def test_members_that_do_not_fit_are_refused(data):
    first = make(data, [0, 1])
    first.train(until=2)
    with pytest.raises(InputError, match="does not fit"):
        go_on_from(make(data, [0, 1, 2]), member_states(first))


def test_what_patience_has_ended_stays_ended(data):
    """Later calls with an end are of the same training, and no second one."""
    options = {"patience": 1, "num_epochs": 12, "lr_schedule": None}
    known, found = make(data, 0, **options), make(data, 0, **options)
    known.train()
    assert known.epoch < 12
    for until in (3, 6, 9, None):
        found.train(until=until)
    assert_same(found, known)
    assert (found.epoch, found.stopped_at) == (known.epoch, known.stopped_at)
