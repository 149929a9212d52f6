"""The Solver: histories, best parameters, stacks, other people's models, and bad input."""

import re

import numpy as np
import pytest

import xpnet
from xpnet import DivergenceWarning, InputError, Solver, TwoLayerNet
from xpnet.optim import RULES

N, D, C = 60, 7, 3
RATES = {"sgd": 0.1, "sgd_momentum": 0.05, "nesterov_momentum": 0.05}


@pytest.fixture
def data():
    """Three well separated clouds, with inputs far from zero."""
    rng = np.random.default_rng(5)
    y = rng.integers(C, size=N + 30)
    centres = 3.0 * rng.standard_normal((C, D))
    X = (4.0 + centres[y] + 0.5 * rng.standard_normal((N + 30, D))).astype(np.float32)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def small_net(**options):
    return TwoLayerNet(D, 5, C, weight_scale=options.pop("weight_scale", 0.1), **options)


def make(net, data, **options):
    settings = {"batch_size": 8, "num_epochs": 3, "verbose": False, "preprocess": "mean"}
    return Solver(net, data, **{**settings, **options})


def trained(net, data, **options):
    solver = make(net, data, **options)
    solver.train()
    return solver


class LinearModel:
    """Somebody else's model: plain NumPy, Python floats, and it counts its calls."""

    def __init__(self):
        self.params = {"W": np.zeros((D, C)), "b": np.zeros(C)}
        self.shapes = set()
        self.training_calls = 0

    def loss(self, X, y=None):
        self.shapes.add(X.shape[1:])
        rows = X.reshape(len(X), -1)
        scores = rows @ self.params["W"] + self.params["b"]
        if y is None:
            return scores
        self.training_calls += 1
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        p[np.arange(len(y)), y] -= 1
        return float(loss), {"W": rows.T @ p / len(y), "b": p.mean(axis=0)}


def own_sgd(w, dw, config=None):
    config = {} if config is None else config
    config.setdefault("learning_rate", 0.1)
    return w - config["learning_rate"] * dw, config


# -- what a training does ------------------------------------------------------------------------


def test_it_learns_on_every_backend(backend, data):
    net = small_net(device="cpu")
    net.params = {name: backend.asarray(w) for name, w in net.params.items()}
    solver = trained(net, data, optim_config={"learning_rate": 0.1}, num_epochs=20)
    assert solver.best_val_acc > 0.95
    assert solver.loss_history[0] == pytest.approx(np.log(C), rel=0.2)
    assert solver.loss_history[-1] < 0.3


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_takes_the_same_path_on_every_backend(backend, data, rule):
    config = {"learning_rate": RATES.get(rule, 0.01)}
    reference = small_net(seed=3)
    expected = trained(reference, data, update_rule=rule, optim_config=config, num_epochs=14)
    net = small_net(seed=3)
    net.params = {name: backend.asarray(w) for name, w in net.params.items()}
    solver = trained(net, data, update_rule=rule, optim_config=config, num_epochs=14)
    assert solver.step == expected.step == 98
    np.testing.assert_allclose(solver.loss_history, expected.loss_history, rtol=2e-4)
    for name, w in reference.params.items():
        np.testing.assert_allclose(backend.to_numpy(net.params[name]), w, rtol=1e-3, atol=1e-4)


def test_histories_have_the_notes_shape(data):
    solver = trained(small_net(), data, num_epochs=4)
    assert solver.steps_per_epoch == N // 8 == 7
    assert solver.epoch == 4
    assert len(solver.loss_history) == solver.step == 28
    assert solver.check_steps == [1, 7, 14, 21, 28]
    for history in (solver.train_acc_history, solver.val_acc_history, solver.val_loss_history):
        assert len(history) == 5
        assert all(isinstance(value, float) for value in history)


def test_the_printed_lines_are_the_notes(data, capsys):
    make(small_net(), data, verbose=True, num_epochs=2, print_every=5).train()
    lines = capsys.readouterr().out.splitlines()
    iterations = [
        int(m[1]) for line in lines if (m := re.match(r"\(Iteration (\d+) / 14\) ", line))
    ]
    assert iterations == [1, 6, 11]
    assert re.fullmatch(r"\(Iteration 1 / 14\) loss: \d\.\d{6}", lines[0])
    pattern = r"\(Epoch (\d) / 2\) train acc: [01]\.\d{6}; val_acc: [01]\.\d{6}"
    epochs = [int(m[1]) for line in lines if (m := re.fullmatch(pattern, line))]
    assert epochs == [0, 1, 2]


def test_losses_are_those_of_the_net_on_the_batches(data):
    """The first loss is recomputed by hand from the first batch of the documented order."""
    net = small_net(reg=0.3)
    start = {name: w.copy() for name, w in net.params.items()}
    solver = trained(net, data, num_epochs=1, seed=11)
    rows = xpnet.data.batches.epoch_rows(N, 8, [11], 0, "shuffle")[0]
    x = data["X_train"][rows] - data["X_train"].mean(axis=0)
    scores = np.maximum(x @ start["W1"], 0) @ start["W2"]
    chosen = scores[np.arange(8), data["y_train"][rows]]
    loss = np.mean(np.log(np.exp(scores).sum(axis=1)) - chosen)
    loss += 0.15 * sum((start[name] ** 2).sum() for name in ("W1", "W2"))
    assert solver.loss_history[0] == pytest.approx(loss, rel=1e-5)


def test_validation_loss_and_accuracy_are_those_of_the_parameters(data):
    solver = trained(small_net(reg=0.1), data, num_epochs=1)
    centred = data["X_val"] - data["X_train"].mean(axis=0)
    loss, _ = solver.model.loss(centred, data["y_val"])
    right = np.argmax(solver.model.loss(centred), axis=1) == data["y_val"]
    best = int(np.argmax(solver.val_acc_history))
    assert solver.val_loss_history[best] == pytest.approx(float(loss), rel=1e-5)
    assert solver.best_val_acc == pytest.approx(right.mean())
    assert solver.check_accuracy(data["X_val"], data["y_val"]) == pytest.approx(right.mean())


def test_the_model_ends_with_its_best_parameters(data):
    """A rule that climbs after a while must not ruin what is kept."""
    seen = []

    class Watch:
        def on_epoch(self, solver):
            params = {name: w.copy() for name, w in solver.model.params.items()}
            seen.append((solver.val_acc_history[-1], params))

    def turncoat(w, dw, config=None):
        config["t"] = config.get("t", 0) + 1
        return w - (0.1 if config["t"] <= 21 else -0.5) * dw, config

    solver = trained(small_net(), data, update_rule=turncoat, num_epochs=6, callbacks=[Watch()])
    accuracy, params = max(seen, key=lambda row: row[0])
    assert solver.val_acc_history[-1] < accuracy == solver.best_val_acc, "it was ruined"
    for name, w in solver.model.params.items():
        assert np.array_equal(w, params[name])
        assert w is not solver.best_params[name]
    assert solver.check_accuracy(data["X_val"], data["y_val"]) == accuracy


def test_a_net_that_never_gets_one_right_keeps_its_parameters(data):
    """In the notes such a net ends with none."""
    wrong = {**data, "y_val": np.full(30, 2), "y_train": np.zeros(N, dtype=int)}
    solver = trained(small_net(), wrong, optim_config={"learning_rate": 0.5})
    assert solver.val_acc_history[-1] == 0.0
    assert set(solver.best_params) == {"W1", "b1", "W2", "b2"}
    assert all(np.isfinite(w).all() for w in solver.model.params.values())


def test_callers_arrays_are_not_written(data):
    net = small_net()
    given = dict(net.params)
    before = {name: w.copy() for name, w in given.items()}
    inputs = {name: x.copy() for name, x in data.items()}
    trained(net, data, update_rule="adam")
    assert all(np.array_equal(given[name], before[name]) for name in given)
    assert all(np.array_equal(data[name], inputs[name]) for name in data)


def test_learning_rate_decays_by_epoch(data):
    """With sgd one step is linear in the rate: the second epoch's steps are 0.5 times as long."""
    steps = {}

    class Watch:
        last = None

        def on_interval(self, solver):
            w = solver.model.params["b2"].copy()
            if self.last is not None:
                steps[solver.step] = w - self.last
            self.last = w

    one = {**data, "X_train": data["X_train"][:8], "y_train": data["y_train"][:8]}
    config = {"learning_rate": 1e-4}
    options = {"print_every": 1, "num_epochs": 3, "lr_decay": 0.5, "optim_config": config}
    trained(small_net(), one, callbacks=[Watch()], **options)
    np.testing.assert_allclose(steps[3], 0.5 * steps[2], rtol=0.05)


def test_callbacks_are_called_at_their_boundaries(data):
    calls = []

    class Watch:
        def on_begin(self, solver):
            calls.append(("begin", solver.step))

        def on_interval(self, solver):
            calls.append(("interval", solver.step))

        def on_epoch(self, solver):
            calls.append(("epoch", solver.step))

        def on_end(self, solver):
            calls.append(("end", solver.step))

    trained(small_net(), data, num_epochs=2, print_every=5, callbacks=[Watch()])
    assert calls == [
        ("begin", 0),
        ("interval", 1),
        ("interval", 6),
        ("epoch", 7),
        ("interval", 11),
        ("epoch", 14),
        ("end", 14),
    ]


def test_the_interval_does_not_change_the_run(data):
    runs = [trained(small_net(), data, print_every=every) for every in (1, 4, 1000)]
    assert runs[0].loss_history == runs[1].loss_history == runs[2].loss_history


def test_training_goes_on_when_called_again(data):
    """Two epochs and two more see four different orders, and count on."""
    solver = trained(small_net(), data, num_epochs=2)
    solver.train()
    assert (solver.epoch, solver.step, len(solver.loss_history)) == (4, 28, 28)
    assert solver.check_steps == [1, 7, 14, 21, 28]


def test_pictures_stay_bytes_and_are_centred_in_the_batch(rng):
    X = rng.integers(256, size=(50, 3, 2, 2), dtype=np.uint8)
    y = (X.mean(axis=(1, 2, 3)) > 127).astype(np.int64)
    bright = {"X_train": X[:40], "y_train": y[:40], "X_val": X[40:], "y_val": y[40:]}
    floats = {name: x.astype(np.float32) if name[0] == "X" else x for name, x in bright.items()}
    config = {"learning_rate": 1e-3}
    runs = [trained(TwoLayerNet(12, 6, 2), part, optim_config=config) for part in (bright, floats)]
    assert runs[0].loss_history == runs[1].loss_history


def test_check_accuracy_on_some_samples(data):
    solver = trained(small_net(), data, num_epochs=1)
    some = solver.check_accuracy(data["X_train"], data["y_train"], num_samples=10, batch_size=3)
    assert some * 10 == pytest.approx(round(some * 10))
    everything = solver.check_accuracy(data["X_train"], data["y_train"], num_samples=10**6)
    assert everything == solver.check_accuracy(data["X_train"], data["y_train"], batch_size=7)


# -- randomness ----------------------------------------------------------------------------------


def test_same_seed_same_run_and_another_seed_another(data):
    first, again, other = (trained(small_net(), data, seed=seed) for seed in (1, 1, 2))
    assert first.loss_history == again.loss_history
    assert first.loss_history != other.loss_history


@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
def test_sampling_reaches_the_batches(data, sampling):
    model = LinearModel()
    batches = []
    original = model.loss

    def watched(X, y=None):
        batches.append(X) if y is not None else None
        return original(X, y)

    model.loss = watched
    trained(model, data, sampling=sampling, num_epochs=1, preprocess=None)
    rows = xpnet.data.batches.epoch_rows(N, 8, [0], 0, sampling)
    assert np.array_equal(batches, data["X_train"][rows])


# -- stacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seeds", [0, [4, 5, 6, 7]], ids=["one seed", "four seeds"])
def test_a_stack_of_four_is_four_runs_bit_for_bit(data, rule, seeds):
    rates = np.array([1.0, 0.5, 0.2, 0.1]) * RATES.get(rule, 0.02)
    regs, decays = [0.0, 0.1, 0.5, 1.0], [1.0, 0.9, 0.95, 0.5]
    config = {"learning_rate": rates}
    if "momentum" in RULES[rule].defaults:
        config["momentum"] = [0.9, 0.0, 0.5, 0.99]
    net = small_net(members=4, reg=regs, seed=seeds)
    stack = trained(net, data, update_rule=rule, optim_config=config, lr_decay=decays, seed=seeds)
    assert np.asarray(stack.loss_history).shape == (21, 4)
    for k in range(4):
        seed = seeds if seeds == 0 else seeds[k]
        solo_net = small_net(reg=regs[k], seed=seed)
        solo = trained(
            solo_net,
            data,
            update_rule=rule,
            optim_config={name: float(values[k]) for name, values in config.items()},
            lr_decay=decays[k],
            seed=seed,
        )
        for name, w in solo_net.params.items():
            assert np.array_equal(net.params[name][k], w), name
        assert np.array_equal(np.asarray(stack.loss_history)[:, k], solo.loss_history)
        assert np.array_equal(np.asarray(stack.val_acc_history)[:, k], solo.val_acc_history)
        assert np.array_equal(np.asarray(stack.train_acc_history)[:, k], solo.train_acc_history)
        assert stack.best_val_acc[k] == solo.best_val_acc
        accuracy = stack.check_accuracy(data["X_val"], data["y_val"])[k]
        assert accuracy == solo.check_accuracy(data["X_val"], data["y_val"])


def test_a_stack_takes_the_same_path_on_every_backend(backend, data):
    options = {"optim_config": {"learning_rate": [0.1, 0.05]}, "seed": [1, 2], "num_epochs": 5}
    reference = small_net(members=2, reg=[0.0, 0.1], seed=[1, 2])
    expected = trained(reference, data, **options)
    net = small_net(members=2, reg=[0.0, 0.1], seed=[1, 2])
    net.params = {name: backend.asarray(w) for name, w in net.params.items()}
    solver = trained(net, data, **options)
    np.testing.assert_allclose(solver.loss_history, expected.loss_history, rtol=2e-4)


def test_a_member_that_diverges_disturbs_no_other(data):
    rates = [0.1, 1e20, 0.05]
    net = small_net(members=3)
    with pytest.warns(DivergenceWarning, match=r"member 1 diverged.*step \d+, with learning"):
        stack = trained(net, data, optim_config={"learning_rate": rates})
    assert stack.diverged_at[0] is stack.diverged_at[2] is None
    step = stack.diverged_at[1]
    assert np.isnan(np.asarray(stack.loss_history)[step:, 1]).all()
    assert np.isfinite(net.params["W1"]).all(), "the member keeps its best parameters"
    for k in (0, 2):
        solo = trained(small_net(), data, optim_config={"learning_rate": rates[k]})
        assert np.array_equal(net.params["W1"][k], solo.model.params["W1"])
        assert np.array_equal(np.asarray(stack.loss_history)[:, k], solo.loss_history)


def test_a_stack_prints_its_spread(data, capsys):
    make(small_net(members=3), data, verbose=True, num_epochs=1).train()
    assert re.search(r"loss: \d\.\d+ \(\d\.\d+ to \d\.\d+, 3 members\)", capsys.readouterr().out)


# -- divergence ----------------------------------------------------------------------------------


def test_divergence_stops_at_the_exact_step_and_keeps_the_best(backend, data):
    net = small_net()
    net.params = {name: backend.asarray(w) for name, w in net.params.items()}
    solver = make(net, data, optim_config={"learning_rate": 1e20}, num_epochs=50, preprocess=None)
    with pytest.warns(DivergenceWarning) as caught:
        solver.train()
    message = str(caught[0].message)
    assert caught[0].filename == __file__, "it points at the call of train()"
    assert f"step {solver.diverged_at}" in message
    assert "learning rate 1e+20" in message
    assert "try 1e+19" in message
    assert "preprocess='mean'" in message
    assert solver.epoch < 50
    assert all(np.isfinite(backend.to_numpy(w)).all() for w in solver.model.params.values())
    with pytest.raises(InputError, match="begin another, with a smaller learning rate"):
        solver.train()


def test_the_step_named_is_the_first_bad_loss(data):
    """On a model whose loss is known to fail at its ninth call."""

    class Fails(LinearModel):
        def loss(self, X, y=None):
            result = super().loss(X, y)
            return (float("nan"), result[1]) if self.training_calls == 9 else result

    solver = make(Fails(), data, print_every=5, num_epochs=10)
    with pytest.warns(DivergenceWarning, match="step 9,"):
        solver.train()
    assert solver.diverged_at == 9
    assert len(solver.loss_history) == 9
    assert solver.model.training_calls == 11, "it stopped at the boundary after step 11"


# -- other people's models and rules -------------------------------------------------------------


def test_a_foreign_model_trains_on_the_callers_shapes(data):
    shaped = {n: x.reshape(-1, 1, D) if n[0] == "X" else x for n, x in data.items()}
    model = LinearModel()
    params = model.params
    solver = trained(model, shaped, optim_config={"learning_rate": 0.1}, num_epochs=10)
    assert solver.best_val_acc > 0.95
    assert model.params is params, "items of the same dictionary are replaced"
    assert model.shapes == {(1, D)}
    assert model.training_calls == solver.step, "checks never call the training form"
    assert np.isnan(solver.val_loss_history).all()


def test_a_foreign_model_takes_the_notes_steps(data):
    """Against the loop of the notes, written out: same batches, same rule, same losses."""
    solver = trained(
        LinearModel(), data, optim_config={"learning_rate": 0.1}, lr_decay=0.9, preprocess=None
    )
    model, rate, losses = LinearModel(), 0.1, []
    for epoch in range(3):
        for rows in xpnet.data.batches.epoch_rows(N, 8, [0], epoch, "shuffle"):
            loss, grads = model.loss(data["X_train"][rows], data["y_train"][rows])
            losses.append(loss)
            for name in model.params:
                model.params[name] = model.params[name] - rate * grads[name]
        rate *= 0.9
    np.testing.assert_allclose(solver.loss_history, losses, rtol=1e-12)


@pytest.mark.parametrize("config", [None, {"learning_rate": 0.1}])
def test_a_callable_rule_equals_the_same_rule_of_ours(data, config):
    ours = trained(small_net(), data, optim_config={"learning_rate": 0.1}, lr_decay=0.5)
    theirs = trained(small_net(), data, update_rule=own_sgd, optim_config=config, lr_decay=0.5)
    np.testing.assert_allclose(theirs.loss_history, ours.loss_history, rtol=1e-5)


def test_a_callable_rule_on_a_stack_sees_one_net_at_a_time(data):
    shapes = set()

    def watched(w, dw, config=None):
        shapes.add(w.shape)
        return own_sgd(w, dw, config)

    rates = [0.1, 0.02]
    options = {"optim_config": {"learning_rate": rates}, "lr_decay": [0.5, 1.0]}
    theirs = trained(small_net(members=2), data, update_rule=watched, **options)
    ours = trained(small_net(members=2), data, **options)
    assert shapes == {(D, 5), (5,), (5, C), (C,)}
    np.testing.assert_allclose(theirs.loss_history, ours.loss_history, rtol=1e-5)


def test_a_subclass_with_a_loss_of_its_own_is_asked_for_it(data):
    calls = []

    class Louder(TwoLayerNet):
        def loss(self, X, y=None):
            calls.append(y is None)
            return super().loss(X, y)

    solver = trained(Louder(D, 5, C, weight_scale=0.1), data)
    assert calls.count(False) == solver.step


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
def test_a_foreign_model_whose_parameters_are_ruined_keeps_its_best(data):
    """NaN scores look like class 0, which is no accuracy to keep."""

    class Ruined(LinearModel):
        def loss(self, X, y=None):
            result = super().loss(X, y)
            if y is not None and self.training_calls == 1:
                result[1]["W"][...] = np.inf
            return result

    solver = make(Ruined(), data, optim_config={"learning_rate": 1.0})
    with pytest.warns(DivergenceWarning, match="step 1") as caught:
        solver.train()
    assert caught[0].filename == __file__
    assert np.isfinite(solver.model.params["W"]).all()
    assert np.isnan(solver.val_acc_history).all()


def test_an_in_place_rule_does_not_spoil_the_best_parameters(data):
    def in_place(w, dw, config=None):
        w -= config["learning_rate"] * dw
        return w, config

    config = {"learning_rate": 0.3}
    solver = trained(LinearModel(), data, update_rule=in_place, optim_config=config)
    solver.train()
    accuracy = solver.check_accuracy(data["X_val"], data["y_val"])
    assert accuracy == solver.best_val_acc
    assert all(w is not solver.best_params[name] for name, w in solver.model.params.items())


def test_a_callable_rule_on_a_stack_with_its_own_rows_and_preprocessing(data):
    options = {"optim_config": {"learning_rate": 0.1}, "seed": [1, 2]}
    theirs = trained(small_net(members=2), data, update_rule=own_sgd, **options)
    ours = trained(small_net(members=2), data, **options)
    np.testing.assert_allclose(theirs.loss_history, ours.loss_history, rtol=1e-5)


def test_a_rule_may_change_its_own_rate(data):
    seen = []

    def halving(w, dw, config=None):
        if w.ndim == 2:
            seen.append(config["learning_rate"])
        config["learning_rate"] /= 2
        return w - config["learning_rate"] * dw, config

    options = {"update_rule": halving, "optim_config": {"learning_rate": 1.0}, "lr_decay": 10.0}
    trained(LinearModel(), data, num_epochs=2, **options)
    np.testing.assert_allclose(seen, [0.5**i * (1 if i < 7 else 10) for i in range(14)])


def test_solvers_do_not_share_a_preprocessor(data):
    shared = xpnet.preprocessing.MeanSubtraction()
    first = trained(small_net(), data, preprocess=shared, num_epochs=10)
    before = first.check_accuracy(data["X_val"], data["y_val"])
    make(small_net(), {**data, "X_train": data["X_train"] + 100}, preprocess=shared)
    assert first.check_accuracy(data["X_val"], data["y_val"]) == before
    assert shared.mean is None, "the caller's object is left as it was"


def test_tensors_that_want_gradients_leave_no_graph(data):
    torch = pytest.importorskip("torch")
    net = small_net()
    net.params = {n: torch.tensor(w, requires_grad=True) for n, w in net.params.items()}
    solver = trained(net, data, num_epochs=1)
    assert not any(w.requires_grad for w in solver.model.params.values())
    net.params = {n: w.requires_grad_() for n, w in net.params.items()}
    assert net.loss(data["X_val"]).grad_fn is None


def test_integers_beyond_32_bits_are_the_same_on_every_backend(backend, data):
    big = {
        n: (x * 1000).astype(np.int64) + 3_000_000_000 if n[0] == "X" else x
        for n, x in data.items()
    }
    config = {"learning_rate": 1e-7}
    expected = trained(small_net(), big, optim_config=config, num_epochs=1)
    net = small_net(device=backend.text)
    found = trained(net, big, optim_config=config, num_epochs=1)
    np.testing.assert_allclose(found.loss_history, expected.loss_history, rtol=1e-3)


def test_training_goes_on_within_an_epoch_that_was_broken_off(data):
    """No row comes twice: a callback stops it after 5 of 7 steps."""

    class Stops:
        armed = True

        def on_interval(self, solver):
            if solver.step == 5 and self.armed:
                self.armed = False
                raise RuntimeError("enough")

    solver = make(small_net(), data, num_epochs=1, print_every=4, callbacks=[Stops()])
    with pytest.raises(RuntimeError, match="enough"):
        solver.train()
    assert (solver.step, solver.epoch) == (5, 0)
    solver.train()
    assert (solver.step, solver.epoch, solver.check_steps) == (7, 1, [1, 7])


def test_predict_takes_raw_inputs(backend, data):
    net = small_net(device=backend.text)
    solver = trained(net, data, optim_config={"learning_rate": 0.1}, num_epochs=10)
    classes = solver.predict(data["X_val"])
    assert classes.shape == (30,)
    assert np.mean(classes == data["y_val"]) == solver.best_val_acc > 0.9


def test_a_stack_predicts_for_each_member(data):
    solver = trained(small_net(members=3), data, num_epochs=1)
    assert solver.predict(data["X_val"]).shape == (3, 30)


# -- bad input -----------------------------------------------------------------------------------


def with_value(x, index, value):
    changed = np.array(x)
    changed[index] = value
    return changed


BAD_DATA = {
    "label too large": (lambda d: {"y_train": with_value(d["y_train"], 4, 3)}, "got 3 at row 4"),
    "label negative": (lambda d: {"y_val": with_value(d["y_val"], 2, -1)}, "got -1 at row 2"),
    "labels float": (lambda d: {"y_train": d["y_train"] * 1.0}, r"y_train.astype\(numpy.int64\)"),
    "labels too few": (lambda d: {"y_train": d["y_train"][:-1]}, r"60 rows.*got shape \(59,\)"),
    "labels one-hot": (lambda d: {"y_train": np.eye(3, dtype=int)[d["y_train"]]}, r"\(60, 3\)"),
    "NaN": (lambda d: {"X_train": with_value(d["X_train"], (7, 2), np.nan)}, "nan in row 7"),
    "infinity": (lambda d: {"X_val": with_value(d["X_val"], (3, 1), -np.inf)}, "-inf in row 3"),
    "text": (lambda d: {"X_train": d["X_train"].astype(str)}, "X_train.*dtype <U"),
    "shapes of the parts": (lambda d: {"X_val": d["X_val"][:, :6]}, r"\(7,\) and \(6,\)"),
    "empty split": (
        lambda d: {"X_val": d["X_val"][:0], "y_val": d["y_val"][:0]},
        r"X_val has shape \(0, 7\)",
    ),
    "flat inputs": (lambda d: {"X_train": d["X_train"][:, 0]}, r"X_train has shape \(60,\)"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_is_refused_before_training(data, case):
    change, message = BAD_DATA[case]
    with pytest.raises(InputError, match=message):
        make(small_net(), {**data, **change(data)})


def test_missing_parts_are_named(data):
    del data["y_val"]
    with pytest.raises(InputError, match="no 'y_val'.*needs X_train, y_train, X_val and y_val"):
        make(small_net(), data)


def test_shapes_that_do_not_fit_the_net_are_refused(data):
    with pytest.raises(InputError, match="7 features, but the net takes 9.*input_dim=7"):
        make(TwoLayerNet(9, 5, C), data)


BAD_OPTIONS = {
    "batch too large": ({"batch_size": 61}, "batch_size 61 is larger.*60 samples"),
    "batch of zero": ({"batch_size": 0}, "batch_size must be an integer of at least 1; got 0"),
    "epochs": ({"num_epochs": 1.5}, "num_epochs must be an integer.*got 1.5"),
    "print_every": ({"print_every": 0}, "print_every.*got 0"),
    "samples": ({"num_val_samples": -3}, "num_val_samples.*got -3"),
    "rate zero": ({"optim_config": {"learning_rate": 0}}, "learning_rate must be a positive.*0"),
    "rate negative": ({"optim_config": {"learning_rate": -1e-3}}, "got -0.001"),
    "rate NaN": ({"optim_config": {"learning_rate": float("nan")}}, "got nan"),
    "rate text": ({"optim_config": {"learning_rate": "fast"}}, "got 'fast'"),
    "rates for one net": ({"optim_config": {"learning_rate": [0.1, 0.2]}}, "members=2"),
    "unknown hyperparameter": ({"optim_config": {"rate": 1}}, "no hyperparameter 'rate'.*it has"),
    "state": ({"optim_config": {"velocity": 0}, "update_rule": "sgd_momentum"}, "'velocity'"),
    "rule": ({"update_rule": "sdg"}, "unknown update_rule 'sdg'.*sgd, sgd_momentum"),
    "decay": ({"lr_decay": 0.0}, "lr_decay must be a positive number; got 0.0"),
    "sampling": ({"sampling": "bootstrap"}, "'bootstrap'.*shuffle, replacement"),
    "preprocess": ({"preprocess": "zca"}, "unknown preprocess 'zca'"),
    "seed": ({"seed": -1}, "seed must be.*got -1"),
    "argument": ({"learning_rate": 1e-3}, "no argument 'learning_rate'.*optim_config"),
    "near miss": ({"batchsize": 10}, "did you mean batch_size"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options_are_refused(data, case):
    options, message = BAD_OPTIONS[case]
    with pytest.raises(ValueError, match=message):
        make(small_net(), data, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optim_config": {"learning_rate": [0.1, 0.2]}}, r"3 of them.*\(2,\)"),
        ({"lr_decay": [1, 1, 0]}, "lr_decay must be a positive"),
        ({"seed": [1, 2]}, "3 of them.*got 2"),
    ],
)
def test_values_per_member_must_be_as_many_as_members(data, options, message):
    with pytest.raises(InputError, match=message):
        make(small_net(members=3), data, **options)


def test_what_is_no_model_is_refused(data):
    with pytest.raises(InputError, match=r"params.*loss\(X, y=None\); list lacks one of them"):
        make([], data)


def test_a_model_whose_scores_do_not_fit_is_refused(data):
    model = LinearModel()
    model.loss = lambda X, y=None: np.zeros(len(X) + 1)
    with pytest.raises(InputError, match=r"scores of shape \(1, C\).*got \(2,\)"):
        make(model, data)


def test_a_model_without_a_gradient_is_refused(data):
    class Forgets(LinearModel):
        def loss(self, X, y=None):
            result = super().loss(X, y)
            return result if y is None else (result[0], {"W": result[1]["W"]})

    with pytest.raises(InputError, match="no gradient for the parameter 'b'"):
        trained(Forgets(), data)


def test_parameters_that_changed_dtype_are_refused(data):
    net = small_net()
    solver = make(net, data)
    net.params = {name: w.astype(np.float64) for name, w in net.params.items()}
    with pytest.raises(InputError, match="float64.*float32.*make a new Solver"):
        solver.train()


def test_a_wrong_picture_is_refused_by_check_accuracy(data):
    solver = make(small_net(), data)
    with pytest.raises(InputError, match="the net takes 7"):
        solver.check_accuracy(np.zeros((2, 5)), np.zeros(2, dtype=int))


BAD_PARAMS = {
    "rows of W2": (lambda p: {**p, "W2": p["W2"][:-1]}, r"b1 must|W2 must have the shape"),
    "b2": (lambda p: {**p, "b2": p["b2"][:1]}, r"b2 must have the shape \(3,\); got \(1,\)"),
    "missing": (lambda p: {n: w for n, w in p.items() if n != "b1"}, "no 'b1'"),
    "integers": (lambda p: {n: w.astype(np.int64) for n, w in p.items()}, "W1 int64"),
    "two dtypes": (lambda p: {**p, "b1": p["b1"].astype(np.float64)}, "W1 float32, b1 float64"),
    "a stack's": (lambda p: {n: w[None] for n, w in p.items()}, r"W1 must have the shape \(7, 5\)"),
}


@pytest.mark.parametrize("case", BAD_PARAMS)
def test_parameters_that_do_not_fit_are_refused_before_training(data, case):
    change, message = BAD_PARAMS[case]
    net = small_net()
    net.params = change(net.params)
    with pytest.raises(InputError, match=message):
        make(net, data)
    with pytest.raises(InputError, match=message):
        net.loss(data["X_val"])


@pytest.mark.parametrize("reg", [-5, float("nan")])
def test_a_reg_that_was_assigned_is_checked(data, reg):
    net = small_net()
    net.reg = reg
    with pytest.raises(InputError, match="reg must be 0 or a positive number"):
        make(net, data)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_rates_of_callable_rules_are_checked(data, rate):
    with pytest.raises(InputError, match="learning_rate must be a positive number"):
        make(small_net(), data, update_rule=own_sgd, optim_config={"learning_rate": rate})


BAD_KINDS = {
    "data": (lambda d: ((), {}), "data must be a dictionary or a Dataset.*got tuple"),
    "config": (lambda d: (d, {"optim_config": 1e-3}), "optim_config must be a dictionary.*0.001"),
    "callbacks": (lambda d: (d, {"callbacks": 5}), "callbacks must be a sequence.*got 5"),
    "no hook": (
        lambda d: (d, {"callbacks": [print]}),
        "needs one of on_begin, on_interval, on_epoch, on_checkpoint, on_end",
    ),
    "rule class": (lambda d: (d, {"update_rule": type(RULES["sgd"])}), "the class SGD: call it"),
}


@pytest.mark.parametrize("case", BAD_KINDS)
def test_arguments_of_another_kind_are_refused(data, case):
    arrange, message = BAD_KINDS[case]
    given, options = arrange(data)
    with pytest.raises(InputError, match=message):
        make(small_net(), given, **options)


BAD_RESULTS = {
    "loss alone": (lambda X: 1.0, r"must return \(loss, gradients by name\); got float"),
    "loss of two": (lambda X: (np.ones(2), {}), r"a loss of shape \(\); got shape \(2,\)"),
}


@pytest.mark.parametrize("case", BAD_RESULTS)
def test_what_a_model_returns_is_checked(data, case):
    result, message = BAD_RESULTS[case]
    model = LinearModel()
    scores = model.loss
    model.loss = lambda X, y=None: scores(X) if y is None else result(X)
    with pytest.raises(InputError, match=message):
        trained(model, data)


def test_a_model_that_returns_no_scores_is_refused(data):
    model = LinearModel()
    model.loss = lambda X, y=None: None
    with pytest.raises(InputError, match="returned None: it must return scores"):
        make(model, data)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda w, dw, config=None: w, r"must return \(next_w, config\); got ndarray"),
        (lambda w, dw, config=None: (w[:1], config), r"in the shape of w, .*got \(1"),
    ],
)
def test_what_a_rule_returns_is_checked(data, rule, message):
    with pytest.raises(InputError, match=message):
        trained(LinearModel(), data, update_rule=rule)


def test_labels_beyond_the_classes_are_refused_by_check_accuracy(data):
    solver = make(small_net(), data)
    with pytest.raises(InputError, match="got 3 at row 0"):
        solver.check_accuracy(data["X_val"][:1], np.array([3]))
    with pytest.raises(InputError, match="num_samples must be an integer"):
        solver.check_accuracy(data["X_val"], data["y_val"], num_samples=2.5)


@pytest.mark.parametrize("before", [True, False], ids=["before training", "after"])
def test_samples_of_another_shape_are_not_cut_up_to_fit(data, before):
    """Half as many samples of twice the features hold as many numbers, but are others."""
    solver = make(LinearModel(), data, optim_config={"learning_rate": 0.1}, num_epochs=1)
    if not before:
        solver.train()
    with pytest.raises(InputError, match=r"samples of shape \(7,\); got \(14,\)"):
        solver.check_accuracy(data["X_val"].reshape(15, 14), data["y_val"][:15])
