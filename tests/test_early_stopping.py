"""Early stopping: when a run ends for want of a better validation, alone and in a stack."""

import re

import numpy as np
import pytest

from xpnet import DivergenceWarning, InputError, Solver, TwoLayerNet
from xpnet.best import Best
from xpnet.history_lines import stop_line

N, D, C, B = 60, 7, 3, 8
STEPS = N // B


@pytest.fixture
def data():
    """Labels that hang together with the inputs by half: validation soon gets worse again."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((N + 40, D)).astype(np.float32)
    y = np.argmax(X[:, :C] + 1.5 * rng.standard_normal((N + 40, C)), axis=1)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def small_net(**options):
    return TwoLayerNet(D, 20, C, **{"weight_scale": 0.3, **options})


def make(net, data, **options):
    settings = {
        "batch_size": B,
        "num_epochs": 40,
        "verbose": False,
        "optim_config": {"learning_rate": 0.5},
    }
    return Solver(net, data, **{**settings, **options})


def trained(net, data, **options):
    solver = make(net, data, **options)
    solver.train()
    return solver


def last_epoch(solver, patience):
    """Return the epoch after which it is to stop, by the histories of a whole training."""
    best, waited = (-np.inf, -np.inf), 0
    checks = zip(solver.val_acc_history, solver.val_loss_history, strict=True)
    for check, (accuracy, loss) in enumerate(checks):
        score = (accuracy, -np.nan_to_num(loss, nan=np.inf))
        if score > best:
            best, waited = score, 0
        elif check:  # the first is after step 1, and no epoch
            waited += 1
        if waited == patience:
            return check
    return None


@pytest.mark.parametrize("patience", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_stops_after_so_many_epochs_without_a_better_validation(data, patience, seed):
    whole = trained(small_net(), data, seed=seed)
    expected = last_epoch(whole, patience)
    solver = trained(small_net(), data, seed=seed, patience=patience)
    assert solver.epoch == expected < 40
    assert solver.stopped_at == solver.step == expected * STEPS
    assert solver.loss_history == whole.loss_history[: solver.step]
    assert solver.val_acc_history == whole.val_acc_history[: expected + 1]
    assert solver.best_val_acc == max(solver.val_acc_history)
    assert solver.check_accuracy(data["X_val"], data["y_val"]) == solver.best_val_acc
    for name, w in solver.best_params.items():
        np.testing.assert_array_equal(solver.model.params[name], w)


def test_with_enough_patience_nothing_changes(data):
    whole, patient = (trained(small_net(), data, patience=p) for p in (None, 40))
    assert patient.loss_history == whole.loss_history
    assert (patient.stopped_at, patient.epoch) == (None, 40)


def test_an_equal_accuracy_with_a_lower_loss_is_better(data):
    """One that always falls never stops, though the accuracy stays where it is."""
    easy = {**data, "y_train": np.zeros(N, dtype=int), "y_val": np.zeros(40, dtype=int)}
    config = {"learning_rate": 0.01}
    solver = trained(small_net(), easy, patience=1, num_epochs=20, optim_config=config)
    assert solver.val_acc_history[-9:] == [1.0] * 9
    assert solver.val_loss_history == sorted(solver.val_loss_history, reverse=True)
    assert solver.stopped_at is None


# -- stacks --------------------------------------------------------------------------------------

RATES = [0.5, 0.05, 2.0, 0.2]


@pytest.mark.parametrize("seeds", [0, [3, 4, 5, 6]], ids=["one seed", "four seeds"])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_every_member_is_its_own_run_bit_for_bit(data, seeds, rule):
    rates = RATES if rule == "sgd" else [0.05, 0.001, 0.2, 0.01]
    net = small_net(members=4)
    options = {"patience": 3, "update_rule": rule, "lr_schedule": "warmup:1+step:4:0.7"}
    stack = trained(net, data, seed=seeds, optim_config={"learning_rate": rates}, **options)
    losses, accuracies = np.asarray(stack.loss_history), np.asarray(stack.val_acc_history)
    steps = []
    for k, rate in enumerate(rates):
        solo = trained(
            small_net(),
            data,
            seed=seeds if seeds == 0 else seeds[k],
            optim_config={"learning_rate": rate},
            **options,
        )
        assert stack.stopped_at[k] == solo.stopped_at
        assert stack.best_val_acc[k] == solo.best_val_acc
        for name, w in solo.best_params.items():
            np.testing.assert_array_equal(stack.best_params[name][k], w)
            np.testing.assert_array_equal(net.params[name][k], w)
        done, checks = solo.step, len(solo.check_steps)
        np.testing.assert_array_equal(losses[:done, k], solo.loss_history)
        np.testing.assert_array_equal(accuracies[:checks, k], solo.val_acc_history)
        assert np.isnan(losses[done:, k]).all()
        assert np.isnan(accuracies[checks:, k]).all()
        steps.append(done)
    assert len(set(steps)) > 2, "they stop at different steps"
    assert stack.step == max(steps), "and with the last one the training ends"


def test_every_backend_stops_at_the_same_steps(backend, data):
    options = {"patience": 2, "optim_config": {"learning_rate": RATES}}
    nets = [small_net(members=4) for _ in range(2)]
    nets[1].params = {name: backend.asarray(w) for name, w in nets[1].params.items()}
    known, found = (trained(net, data, **options) for net in nets)
    assert found.stopped_at == known.stopped_at
    np.testing.assert_array_equal(found.best_val_acc, known.best_val_acc)


def test_a_member_that_has_stopped_may_do_what_it_wants(data):
    """Its rate rises without end after it stopped: alone it would never have come so far."""
    whole = trained(small_net(), data, patience=2)
    stop = whole.stopped_at

    def wild(moment):
        return np.array([1.0 if moment.step < stop else 1e30, 0.02])

    stack = trained(small_net(members=2), data, patience=2, lr_schedule=wild, num_epochs=20)
    assert stack.stopped_at[0] == stop < stack.step
    assert stack.diverged_at == [None, None], "and no warning, which would be an error here"
    losses = np.asarray(stack.loss_history)
    np.testing.assert_array_equal(losses[:stop, 0], whole.loss_history)
    assert np.isnan(losses[stop:, 0]).all()
    for name, w in whole.best_params.items():
        np.testing.assert_array_equal(stack.best_params[name][0], w)


def test_a_member_that_diverges_does_not_stop(data):
    config = {"learning_rate": [0.5, 1e25]}
    with pytest.warns(DivergenceWarning, match="member 1"):
        stack = trained(small_net(members=2), data, patience=3, optim_config=config)
    assert stack.diverged_at[0] is stack.stopped_at[1] is None
    assert stack.stopped_at[0] > stack.diverged_at[1]


def test_when_one_has_stopped_and_the_other_diverges_the_run_ends_at_that_boundary(data):
    solo = trained(small_net(), data, patience=1)

    def schedule(moment):
        return np.array([1.0, 0.02 if moment.step < solo.step + 3 else 1e30])

    options = {"patience": 1, "lr_schedule": schedule, "print_every": 1}
    stack = make(small_net(members=2), data, **options)
    with pytest.warns(DivergenceWarning, match="member 1"):
        stack.train()
    assert stack.stopped_at == [solo.step, None]
    assert stack.diverged_at[1] == stack.step == solo.step + 5
    with pytest.warns(DivergenceWarning):  # the other one goes on
        make(small_net(members=2), data, **options).train()
    stack.train()
    assert stack.step > solo.step + 5


# -- train again, interrupts, models of others ---------------------------------------------------


def test_training_again_waits_anew_and_goes_on_from_the_best(data):
    solver = trained(small_net(), data, patience=2)
    first, best = solver.step, solver.best_val_acc
    solver.train()
    assert solver.step > first
    assert solver.stopped_at == solver.step or solver.stopped_at is None
    assert solver.best_val_acc >= best
    assert len(solver.loss_history) == solver.step
    assert np.isfinite(solver.loss_history).all()


def test_a_stack_that_trains_again_has_all_its_members_back(data):
    options = {"patience": 2, "optim_config": {"learning_rate": RATES}}
    stack = trained(small_net(members=4), data, **options)
    first = stack.step
    solos = [
        trained(small_net(), data, patience=2, optim_config={"learning_rate": rate})
        for rate in RATES
    ]
    np.testing.assert_array_equal(stack.best_val_acc, [solo.best_val_acc for solo in solos])
    stack.train()
    again = np.asarray(stack.loss_history)[first:]
    assert np.isfinite(again[: 2 * STEPS]).all(), "each has at least two epochs more"


class LinearModel:
    """Somebody else's model, whose validation is best after its third epoch."""

    def __init__(self):
        self.params = {"W": np.zeros((D, C))}

    def loss(self, X, y=None):
        scores = X @ self.params["W"]
        if y is None:
            return scores
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        p[np.arange(len(y)), y] -= 1
        return float(loss), {"W": X.T @ p / len(y)}


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_a_foreign_model_stops_too(data, patience):
    """By the accuracy alone: it has no validation loss."""
    whole = trained(LinearModel(), data)
    solver = trained(LinearModel(), data, patience=patience)
    assert solver.epoch == last_epoch(whole, patience) < 40
    assert solver.stopped_at == solver.step
    assert solver.loss_history == whole.loss_history[: solver.step]
    accuracy = solver.check_accuracy(data["X_val"], data["y_val"])
    assert accuracy == solver.best_val_acc


def own_sgd(w, dw, config=None):
    return w - config["learning_rate"] * dw, config


def test_a_stack_under_a_rule_of_others_stops_as_under_ours(data):
    options = {"patience": 2, "optim_config": {"learning_rate": RATES}}
    theirs = trained(small_net(members=4), data, update_rule=own_sgd, **options)
    for k, rate in enumerate(RATES):
        config = {"learning_rate": rate}
        solo = trained(small_net(), data, update_rule=own_sgd, patience=2, optim_config=config)
        assert theirs.stopped_at[k] == solo.stopped_at
        assert theirs.best_val_acc[k] == solo.best_val_acc


# -- what is said --------------------------------------------------------------------------------


def printed(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if "stopped early" in line]


def test_it_is_said_in_a_line(data, capsys):
    solver = trained(small_net(), data, patience=2, verbose=True)
    [line] = printed(capsys)
    assert line == f"(Epoch {solver.epoch} / 40) stopped early: no better validation for 2 epochs"
    trained(small_net(), data, patience=1, verbose=False)
    assert not printed(capsys)


def test_a_stack_says_which_members_and_how_many_go_on(data, capsys):
    config = {"learning_rate": RATES}
    stack = trained(small_net(members=4), data, patience=2, verbose=True, optim_config=config)
    lines = printed(capsys)
    epochs = {step // STEPS for step in stack.stopped_at}
    assert {int(re.match(r"\(Epoch (\d+) / 40\) members? \d", line)[1]) for line in lines} == epochs
    assert lines[-1].endswith("stopped early: no better validation for 2 epochs; 0 of 4 go on")


def test_many_members_are_counted():
    stopped = np.arange(30) < 9
    assert stop_line(3, 9, 1, stopped, 21) == (
        "(Epoch 3 / 9) 9 members stopped early: no better validation for 1 epoch; 21 of 30 go on"
    )
    one = np.arange(30) == 4
    assert "member 4 stopped" in stop_line(3, 9, 1, one, 29)
    assert "members 0, 1, 2 stopped" in stop_line(3, 9, 1, np.arange(30) < 3, 27)


def test_callbacks_see_that_it_stopped(data):
    seen = []

    class Watch:
        def on_epoch(self, solver):
            seen.append(solver.stopped_at)

    solver = trained(small_net(), data, patience=2, callbacks=[Watch()])
    assert seen == [None] * (solver.epoch - 1) + [solver.step]


@pytest.mark.parametrize("patience", [0, -1, 1.5, True, "3"])
def test_bad_patience_is_refused(data, patience):
    with pytest.raises(
        InputError, match=f"patience must be an integer of at least 1; got {patience!r}"
    ):
        make(small_net(), data, patience=patience)


# -- the book-keeping by itself ------------------------------------------------------------------


def test_nan_is_never_better_and_an_equal_score_needs_a_lower_loss():
    best = Best(3, 2)
    look = lambda score, loss: best.look(  # noqa: E731
        np.asarray(score), np.asarray(loss), ends_epoch=True
    ).tolist()
    assert look([0.5, np.nan, 0.5], [1.0, 1.0, np.nan]) == [True, False, True]
    assert look([0.5, 0.1, 0.5], [1.0, np.nan, np.nan]) == [False, True, False]
    assert look([0.5, 0.2, 0.6], [0.9, 0.1, np.nan]) == [True, True, True]
    assert look([0.4, 0.2, np.nan], [0.1, 0.1, 0.0]) == [False, False, False]
    assert best.score.tolist() == [0.5, 0.2, 0.6]


def test_only_epochs_count_and_only_those_that_run():
    best = Best(2, 1)
    value = np.zeros(2)
    best.look(value, value, ends_epoch=False)
    best.look(value, value, ends_epoch=False)
    assert not best.stop(2, np.ones(2, bool)).any()
    best.look(value, value, ends_epoch=True)
    assert best.stop(3, np.asarray([True, False])).tolist() == [True, False]
    assert best.stopped.tolist() == [3, 0]
    best.be_patient()
    assert best.stopped.tolist() == [0, 0]
    assert not best.stop(4, np.ones(2, bool)).any()
