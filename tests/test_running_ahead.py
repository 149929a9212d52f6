"""Stretches that are begun before the one before is read: the same training, whatever ends it.

On JAX, and on a stand-in that is there without it: NumPy, each stretch on copies of what it is
given, as the backends do that may run ahead.
"""

import signal
import warnings

import numpy as np
import pytest

import xpnet
from xpnet.backends import get_backend
from xpnet.backends.base import Backend
from xpnet.backends.jax_backend import JaxBackend
from xpnet.backends.numpy_backend import NumpyBackend
from xpnet.backends.trees import leaves, rebuilt
from xpnet.diagnostics import Watch
from xpnet.diagnostics.looks import Looks
from xpnet.net_scores import NetScores
from xpnet.net_trainer import NetTrainer
from xpnet.nets import FullyConnectedNet
from xpnet.optim import SGD

AHEAD = 2


@pytest.fixture(params=["numpy", "jax"])
def device(request, monkeypatch):
    """Return a device whose trainings run ahead."""
    if request.param == "jax":
        pytest.importorskip("jax")
        return "jax"

    def stretch(backend, step, **_options):
        plain = Backend.stretch(backend, step)

        def advance(carry, data, draws):
            copies = {path: x.copy() for path, x in leaves(carry).items()}
            return plain(rebuilt(carry, copies), data, draws)

        return advance

    monkeypatch.setattr(NumpyBackend, "stretch", stretch)
    monkeypatch.setattr(NumpyBackend, "stretches_ahead", AHEAD)
    monkeypatch.setattr(NumpyBackend, "values_at_once", 2**20)
    return "cpu"


@pytest.fixture
def in_turn(monkeypatch):
    """Return what makes trainings from now on take each stretch in its turn."""

    def switch():
        for kind in (NumpyBackend, JaxBackend):
            monkeypatch.setattr(kind, "stretches_ahead", 0)

    return switch


@pytest.fixture
def data(rng):
    return {
        "X_train": rng.standard_normal((90, 5)).astype(np.float32),
        "y_train": rng.integers(0, 3, size=90),
        "X_val": rng.standard_normal((30, 5)).astype(np.float32),
        "y_val": rng.integers(0, 3, size=30),
    }


def make(data, device, *, net=None, **options):
    """Return the Solver of 4 epochs of 9 steps, in stretches of 1, 4 and less."""
    model = FullyConnectedNet([6], 5, 3, device=device, **(net or {}))
    options = {"optim_config": {"learning_rate": 0.1}, "num_epochs": 4, "verbose": False} | options
    return xpnet.Solver(
        model, data, **{"batch_size": 10, "print_every": 4, "num_train_samples": 40} | options
    )


def arrays_of(solver):
    host = get_backend(solver.model.backend.text).to_numpy
    named = {
        "loss": solver.loss_history,
        "train_acc": solver.train_acc_history,
        "val_acc": solver.val_acc_history,
        "val_loss": solver.val_loss_history,
        "checks": solver.check_steps,
        "counters": solver._loop.counters,
    }
    for part, arrays in (("now", solver._trainer.variables), ("best", solver._best.variables)):
        named |= {f"{part}.{i}.{k}": host(x) for i, p in enumerate(arrays) for k, x in p.items()}
    return {name: np.asarray(x, dtype=np.float64) for name, x in named.items()}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, x in expected.items():
        np.testing.assert_array_equal(found[name], x, err_msg=name)


RUNS = {
    "sgd": {},
    "adam": {"update_rule": "adam", "optim_config": {"learning_rate": 1e-2}},
    "momentum, schedule": {"update_rule": "sgd_momentum", "lr_schedule": "warmup:1+cosine"},
    "batchnorm, dropout": {"net": {"normalization": "batchnorm", "dropout_keep_ratio": 0.7}},
    "patience": {"patience": 1, "num_epochs": 30},
    "all samples": {"num_train_samples": None},
    "one stretch an epoch": {"print_every": 1000},
    "a step a stretch": {"print_every": 1},
    "stack": {
        "net": {"members": 3, "seed": [1, 2, 3]},
        "seed": [1, 2, 3],
        "optim_config": {"learning_rate": [0.01, 0.1, 1e30]},  # the last diverges
        "patience": 1,
        "num_epochs": 20,
    },
    "diverges": {"optim_config": {"learning_rate": 1e30}},
    "diverges later": {"lr_decay": 1e15},
}


@pytest.mark.parametrize("name", RUNS)
def test_the_same_training(data, device, in_turn, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xpnet.DivergenceWarning)
        ahead = make(data, device, **RUNS[name])
        ahead.train()
        in_turn()
        one_by_one = make(data, device, **RUNS[name])
        one_by_one.train()
    assert_same(arrays_of(ahead), arrays_of(one_by_one))


def test_two_are_begun_before_the_first_is_read(data, device, monkeypatch):
    events, original = [], NetTrainer.begin_stretch

    def noted(trainer, rows, scales, first, following):
        events.append(("begun", first))
        variables, finish = original(trainer, rows, scales, first, following)
        return variables, lambda: events.append(("read", first)) or finish()

    monkeypatch.setattr(NetTrainer, "begin_stretch", noted)
    make(data, device, num_epochs=1).train()
    firsts = [1, 2, 6]  # the ninth step ends the epoch
    assert events == [*(("begun", t) for t in firsts), *(("read", t) for t in firsts)]
    events.clear()
    make(data, device, num_epochs=2).train()
    assert [kind for kind, _ in events] == ["begun"] * AHEAD + ["begun", "read"] * 4 + ["read"] * 2


class Seen:
    """Notes what callbacks find at each boundary."""

    def __init__(self):
        self.seen = []

    def _note(self, solver):
        host = solver.model.backend.to_numpy
        params = {name: host(w).tolist() for name, w in solver.model.params.items()}
        losses, checks = len(solver.loss_history), len(solver.check_steps)
        self.seen.append((solver.step, solver.epoch, losses, checks, params))

    on_interval = on_epoch = on_end = on_checkpoint = _note


def test_callbacks_find_the_training_where_it_was_read(data, device, in_turn):
    ahead, one_by_one = Seen(), Seen()
    make(data, device, callbacks=[ahead]).train()
    in_turn()
    make(data, device, callbacks=[one_by_one]).train()
    assert ahead.seen == one_by_one.seen
    assert len(ahead.seen) > 10


class CtrlC:
    def __init__(self, step):
        self.step = step

    def on_interval(self, solver):
        if solver.step >= self.step:
            signal.raise_signal(signal.SIGINT)
            self.step = np.inf


@pytest.mark.parametrize("step", [1, 5, 9, 21])
def test_an_interrupt_ends_it_where_it_was_read(data, device, in_turn, tmp_path, step):
    rule = {"update_rule": "adam", "optim_config": {"learning_rate": 1e-2}}
    stopped = make(data, device, **rule, checkpoint_name=tmp_path / "c", callbacks=[CtrlC(step)])
    with pytest.raises(KeyboardInterrupt):
        stopped.train()
    assert stopped.step == step
    resumed = make(data, device, **rule)
    resumed.resume(tmp_path)
    assert resumed.step == step
    resumed.train()
    in_turn()
    whole = make(data, device, **rule)
    whole.train()
    assert_same(arrays_of(resumed), arrays_of(whole))


def test_a_pause_and_a_second_training(data, device, in_turn):
    paused = make(data, device, update_rule="adam", optim_config={"learning_rate": 1e-2})
    paused.train(until=1)
    assert paused.epoch == 1
    paused.train()
    paused.train()
    in_turn()
    whole = make(data, device, update_rule="adam", optim_config={"learning_rate": 1e-2})
    whole.train()
    whole.train()
    assert_same(arrays_of(paused), arrays_of(whole))


def test_what_fails_loses_nothing_that_comes_before(data, device, in_turn, monkeypatch):
    stretched, histories = NetTrainer._stretched, []

    def failing(trainer, carry, rows, scales, first, following):
        if first == 14:
            raise RuntimeError("out of memory")
        return stretched(trainer, carry, rows, scales, first, following)

    monkeypatch.setattr(NetTrainer, "_stretched", failing)
    for switch in (lambda: None, in_turn):
        switch()
        solver = make(data, device)
        with pytest.raises(RuntimeError, match="out of memory"):
            solver.train()
        histories.append((solver.loss_history, solver.check_steps, solver.val_loss_history))
    assert histories[0] == histories[1]
    assert len(histories[0][0]) == 13


def test_an_interrupted_training_is_taken_further(data, device, in_turn):
    solvers = []
    for switch in (lambda: None, in_turn):
        switch()
        solver = make(data, device, callbacks=[CtrlC(5)])
        with pytest.raises(KeyboardInterrupt):
            solver.train()
        assert solver._trainer._begun is None
        solver.train()
        solvers.append(arrays_of(solver))
    assert_same(*solvers)


def test_looks_at_a_training_do_not_pay_for_its_steps(data, device, monkeypatch):
    """What was begun is waited for before the clock of a look is started."""
    events = []
    wait, look = NetTrainer.wait_for_begun, Looks.look
    monkeypatch.setattr(
        NetTrainer, "wait_for_begun", lambda trainer: events.append("waited") or wait(trainer)
    )
    monkeypatch.setattr(
        Looks, "look", lambda looks, live: events.append("looked") or look(looks, live)
    )
    make(data, device, callbacks=[Watch(every=4)]).train()
    assert events.count("looked") > 5
    for before, event in zip([None, *events], events, strict=False):
        assert event != "looked" or before == "waited"


def trainer_of(data, device, **options):
    solver = make(data, device, **options)
    solver.train()
    return solver._trainer


def ahead_of(data, device, **options):
    """Return how many stretches were begun before the first was read, less one."""
    firsts, original = [], NetTrainer.begin_stretch

    def noted(trainer, *given):
        variables, finish = original(trainer, *given)
        firsts.append("begun")
        return variables, lambda: firsts.append("read") or finish()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NetTrainer, "begin_stretch", noted)
        make(data, device, **options).train()
    return firsts.index("read") - 1 if firsts else 0


def test_what_is_not_begun_ahead(data, device, tmp_path, monkeypatch):
    class OwnRule(SGD):
        pass

    assert ahead_of(data, device) == AHEAD
    assert ahead_of(data, device, update_rule=OwnRule()) == 0
    assert ahead_of(data, device, lr_schedule=lambda _moment: 1.0) == 0
    after = xpnet.schedules.Warmup(1, lambda _moment: 1.0)
    assert ahead_of(data, device, lr_schedule=after) == 0
    assert ahead_of(data, device, lr_schedule="warmup:1+cosine") == AHEAD
    np.save(tmp_path / "X.npy", data["X_train"])
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert ahead_of(data | {"X_train": mapped}, device) == 0
    numbers = 5 * 6 + 6 + 6 * 3 + 3
    monkeypatch.setattr("xpnet.net_trainer._LARGEST_AHEAD", 2 * numbers)
    assert ahead_of(data, device, update_rule="sgd_momentum") == AHEAD
    assert ahead_of(data, device, update_rule="adam") == 0


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize("num_train_samples", [None, 40])
def test_parts_in_one_call_have_the_scores_of_batches(
    data, device, monkeypatch, members, num_train_samples
):
    calls, original = [], NetScores._measure_of

    def noted(scores, split, *, together=False):
        calls.append(together)
        return original(scores, split, together=together)

    monkeypatch.setattr(NetScores, "_measure_of", noted)
    options = {"num_train_samples": num_train_samples, "preprocess": "standard"}
    found = {}
    for limit in (2**20, 0):
        for kind in (NumpyBackend, JaxBackend):
            monkeypatch.setattr(kind, "values_at_once", limit)
        solver = make(data, device, net={"members": members, "reg": 0.1}, **options)
        solver.train()
        found[limit] = arrays_of(solver)
    assert set(calls[: len(found[0]["checks"])]) == {True}
    assert calls[-1] is False
    for name in ("train_acc", "val_acc", "val_loss"):
        np.testing.assert_allclose(found[2**20][name], found[0][name], rtol=1e-6)
