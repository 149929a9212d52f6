"""Exact resume: a training that is stopped anywhere and goes on is the one that never stopped."""

import signal

import numpy as np
import pytest

import xpnet
from xpnet import CheckpointWarning, FullyConnectedNet, InputError, Solver
from xpnet.data.dataset import Dataset
from xpnet.optim import RULES

N, D, C, BATCH = 70, 6, 3, 9
STEPS_PER_EPOCH = N // BATCH
EPOCHS = 5
HISTORIES = (
    *("loss_history", "train_acc_history", "val_acc_history", "val_loss_history", "check_steps"),
)
# The first step, boundaries within an epoch, at its end and at its first step: all are odd.
STOPS = (1, 3, STEPS_PER_EPOCH, 2 * STEPS_PER_EPOCH + 1, 2 * STEPS_PER_EPOCH + 3, 33)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(8)
    y = rng.integers(C, size=N + 30)
    X = (rng.standard_normal((N + 30, D)) + 0.7 * np.eye(C, D)[y]).astype(np.float32)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def as_regression(data):
    targets = {
        f"y_{part}": (data[f"X_{part}"][:, :2] * [1, 3]).astype(np.float32)
        for part in ("train", "val")
    }
    return {**data, **targets}


class PressAt:
    """Sends a signal at a step, as somebody at the keyboard, or a cluster, would."""

    def __init__(self, step, number=signal.SIGINT):
        self.step, self.number = step, number

    def on_interval(self, solver):
        if solver.step == self.step:
            signal.raise_signal(self.number)


NET = {"hidden_dims": [8], "input_dim": D, "num_classes": C, "weight_scale": 0.3, "reg": 0.01}
# Options of the net, and of the Solver; "batchnorm" has state, "dropout" draws.
KINDS = {
    **{rule: ({}, {"update_rule": rule}) for rule in RULES},
    "batchnorm, dropout": (
        {"hidden_dims": [8, 7], "normalization": "batchnorm", "dropout_keep_ratio": 0.7},
        {"update_rule": "adam"},
    ),
    "layernorm, dropout": (
        {"normalization": "layernorm", "dropout_keep_ratio": 0.7},
        {"update_rule": "sgd_momentum"},
    ),
    "maxout": ({"activation": "maxout"}, {"clip_norm": 0.5}),
    "schedule, decay": ({}, {"lr_schedule": "warmup:1+cosine", "lr_decay": 0.9}),
    "weights": (
        {},
        {
            "class_weights": "balanced",
            "sample_weights": np.linspace(0.1, 2.0, N),
            "label_smoothing": 0.1,
        },
    ),
    "samples measured": ({}, {"num_train_samples": 20, "num_val_samples": 10}),
    "replacement": ({}, {"sampling": "replacement", "seed": 5}),
    "whitening": ({}, {"preprocess": "standard+whiten"}),
    "early stopping": ({}, {"patience": 2, "optim_config": {"learning_rate": 0.9}}),
    "float16": ({"dtype": "float16"}, {"update_rule": "adam"}),
    "float64": ({"dtype": "float64"}, {"update_rule": "rmsprop"}),
    "stack": (
        {
            "members": 3,
            "reg": [0.0, 0.1, 1.0],
            "seed": [1, 2, 3],
            "normalization": "batchnorm",
            "dropout_keep_ratio": [0.6, 0.8, 1.0],
        },
        {
            "update_rule": "adam",
            "optim_config": {"learning_rate": [1e-3, 1e-2, 3e-2]},
            "seed": [4, 5, 6],
            "patience": 2,
        },
    ),
    "regression": ({"loss": "squared", "num_classes": 2}, {"update_rule": "adam"}),
}


def make(data, kind="adam", device="cpu", **options):
    net_options, solver_options = KINDS[kind]
    net = FullyConnectedNet(**{**NET, **net_options, "device": device})
    if kind == "regression":
        data = as_regression(data)
    settings = {
        "optim_config": {"learning_rate": 1e-2},
        "batch_size": BATCH,
        "num_epochs": EPOCHS,
        "print_every": 2,
        "preprocess": "mean",
        "verbose": False,
        "checkpoint_every": 1,
    }
    return Solver(net, data, **{**settings, **solver_options, **options})


def assert_same(found, known):
    """Hold two Solvers against each other, bit for bit."""
    for name in HISTORIES:
        np.testing.assert_array_equal(getattr(found, name), getattr(known, name), err_msg=name)
    assert (found.step, found.epoch, found.last_epoch) == (known.step, known.epoch, EPOCHS)
    assert found.stopped_at == known.stopped_at
    np.testing.assert_array_equal(found.best_val_acc, known.best_val_acc)
    for part in ("params", "state"):
        for name, w in getattr(known.model, part).items():
            backend = known.model.backend
            got = backend.to_numpy(getattr(found.model, part)[name])
            np.testing.assert_array_equal(got, backend.to_numpy(w), err_msg=name)


def stopped(data, tmp_path, step, number=signal.SIGINT, **options):
    """Train up to a signal at the step, and return the Solver."""
    solver = make(
        data, checkpoint_name=tmp_path / "run", callbacks=[PressAt(step, number)], **options
    )
    ending = KeyboardInterrupt if number == signal.SIGINT else SystemExit
    with pytest.raises(ending):
        solver.train()
    return solver


@pytest.fixture(scope="module")
def whole(data):
    """Trainings that were never stopped, by kind."""
    made = {}

    def of(kind):
        if kind not in made:
            made[kind] = make(data, kind)
            made[kind].train()
        return made[kind]

    return of


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_goes_on_to_the_same_bits(data, whole, tmp_path, kind):
    known = whole(kind)
    for step in [stop for stop in STOPS if stop <= known.step]:
        folder = tmp_path / str(step)
        folder.mkdir()
        stopped(data, folder, step, kind=kind)
        again = make(data, kind)
        again.resume(folder)
        assert 0 < again.step <= step
        again.train()
        assert_same(again, known)


def test_what_a_kill_leaves_is_enough(data, whole, tmp_path):
    """Each checkpoint that an epoch's end has left, as if nothing after it had been."""
    make(data, checkpoint_name=tmp_path / "run", checkpoints_kept=99).train()
    files = sorted(tmp_path.glob("*.safetensors"))
    names = [f"run-{STEPS_PER_EPOCH * k:08d}.safetensors" for k in range(1, EPOCHS + 1)]
    assert [path.name for path in files] == names
    for path in files:
        again = make(data)
        again.resume(path)
        again.train()
        assert_same(again, whole("adam"))


def test_stopped_again_and_again(data, whole, tmp_path):
    """A signal at every boundary: each session takes two steps."""
    sessions = 0
    while True:
        solver = make(data, "batchnorm, dropout", checkpoint_name=tmp_path / "run")
        if sessions:
            solver.resume(tmp_path / "run")
        solver.callbacks = (PressAt(solver.step + 1 if not sessions else (solver.step | 1) + 2),)
        sessions += 1
        try:
            solver.train()
            break
        except KeyboardInterrupt:
            continue
    assert sessions > 10
    assert_same(solver, whole("batchnorm, dropout"))


def test_sigterm_stops_in_order_and_ends_the_program(data, whole, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ending:
        make(data, checkpoint_name=tmp_path / "run", callbacks=[PressAt(5, signal.SIGTERM)]).train()
    assert ending.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
    again = make(data)
    again.resume(tmp_path / "run")
    assert again.step == 5
    again.train()
    assert_same(again, whole("adam"))


def test_a_training_may_be_made_longer(data, tmp_path):
    """To the bits of a Solver made for so many epochs, from within and from the end."""
    known = make(data, num_epochs=EPOCHS + 3)
    known.train()
    stopped(data, tmp_path, 9)
    middle = make(data, checkpoint_name=tmp_path / "run", checkpoints_kept=9)
    middle.resume(tmp_path)
    middle.train()
    assert (middle.epoch, middle.last_epoch) == (EPOCHS, EPOCHS)
    for step in (9, EPOCHS * STEPS_PER_EPOCH):
        again = make(data)
        again.resume(tmp_path / f"run-{step:08d}.safetensors", num_epochs=EPOCHS + 3)
        assert again.last_epoch == EPOCHS + 3
        again.train()
        assert again.loss_history == known.loss_history
        assert again.val_acc_history == known.val_acc_history
        for name, w in known.model.params.items():
            np.testing.assert_array_equal(again.model.params[name], w)
    with pytest.raises(InputError, match="done 5 epochs already: num_epochs must be that or more"):
        make(data).resume(tmp_path, num_epochs=EPOCHS - 1)
    for wrong in (0, 1.5, "9"):
        with pytest.raises(InputError, match="num_epochs"):
            make(data).resume(tmp_path, num_epochs=wrong)


def test_a_complete_training_has_nothing_left(data, whole, tmp_path):
    make(data, checkpoint_name=tmp_path / "run").train()
    again = make(data)
    again.resume(tmp_path / "run")
    again.train()
    assert_same(again, whole("adam"))


def test_a_second_training_goes_on_too(data, tmp_path):
    """`train()` twice, stopped in the second: it began with the best of the first."""
    known = make(data)
    known.train()
    known.train()
    first = make(data, checkpoint_name=tmp_path / "run")
    first.train()
    first.callbacks = (PressAt((first.step + 4) | 1),)
    with pytest.raises(KeyboardInterrupt):
        first.train()
    again = make(data)
    again.resume(tmp_path)
    assert EPOCHS * STEPS_PER_EPOCH < again.step < 2 * EPOCHS * STEPS_PER_EPOCH
    again.train()
    assert again.loss_history == known.loss_history
    for name, w in known.model.params.items():
        np.testing.assert_array_equal(again.model.params[name], w)


@pytest.mark.parametrize("kind", ["adam", "batchnorm, dropout", "stack"])
def test_from_numpy_to_every_backend(backend, data, whole, tmp_path, kind):
    stopped(data, tmp_path, 2 * STEPS_PER_EPOCH + 3, kind=kind)
    again = make(data, kind, device=backend.text)
    again.resume(tmp_path)
    again.train()
    known = whole(kind)
    np.testing.assert_allclose(again.loss_history, known.loss_history, rtol=1e-5, atol=1e-5)
    for name, w in known.model.params.items():
        found = again.model.backend.to_numpy(again.model.params[name])
        assert np.abs(found - w).max() < 1e-5 * max(1, np.abs(w).max()), name


def test_from_every_backend_to_itself(backend, data, tmp_path):
    """Bit for bit where the backend itself repeats a run bit for bit."""
    known = make(data, "batchnorm, dropout", device=backend.text)
    known.train()
    stopped(data, tmp_path, 11, kind="batchnorm, dropout", device=backend.text)
    again = make(data, "batchnorm, dropout", device=backend.text)
    again.resume(tmp_path)
    again.train()
    assert_same(again, known)


def test_memory_mapped_inputs(data, whole, tmp_path):
    def mapped():
        found = dict(data)
        for name in ("X_train", "X_val"):
            np.save(tmp_path / f"{name}.npy", data[name])
            found[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
        return found

    (tmp_path / "run").mkdir()
    stopped(mapped(), tmp_path / "run", 11)
    again = make(mapped())
    again.resume(tmp_path / "run")
    again.train()
    assert_same(again, whole("adam"))


def test_diverged_members_do_not_hold_up_the_others(data, tmp_path):
    rates = {"optim_config": {"learning_rate": [1e-2, 1e30, 2e-2]}, "update_rule": "sgd"}

    def stack(**options):
        return make(data, "stack", **rates, patience=None, **options)

    with pytest.warns(xpnet.DivergenceWarning):
        (known := stack()).train()
    first = stack(checkpoint_name=tmp_path / "run", callbacks=[PressAt(11)])
    with pytest.warns(xpnet.DivergenceWarning), pytest.raises(KeyboardInterrupt):
        first.train()
    again = stack()
    again.resume(tmp_path)
    assert again.diverged_at == known.diverged_at
    again.train()
    assert_same(again, known)


def test_a_diverged_training_is_not_taken_further(data, tmp_path):
    options = {"optim_config": {"learning_rate": 1e30}, "update_rule": "sgd", "kind": "sgd"}
    with pytest.warns(xpnet.DivergenceWarning):
        make(data, checkpoint_name=tmp_path / "run", **options).train()
    again = make(data, **options)
    again.resume(tmp_path)
    with pytest.raises(InputError, match="this training diverged at step"):
        again.train()


# Models and rules that are not xpnet's


class Linear:
    """The least that a Solver asks for."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.params = {"W": rng.standard_normal((D, C)) * 0.1, "a.b": np.zeros(C)}

    def loss(self, X, y=None):
        scores = X @ self.params["W"] + self.params["a.b"]
        if y is None:
            return scores
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = shifted / shifted.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        p[np.arange(len(y)), y] -= 1
        return loss, {"W": X.T @ p / len(y), "a.b": p.mean(axis=0)}


def own_rule(w, dw, config):
    """Momentum with all kinds of things in its config."""
    config.setdefault("velocity", np.zeros_like(w))
    config.setdefault("scale", np.float32(0.5))
    config.setdefault("steps", 0)
    config["velocity"] = 0.9 * config["velocity"] - config["learning_rate"] * config["scale"] * dw
    config["steps"] += 1
    config["last"] = None if config["steps"] < 3 else "third or later"
    config["largest"] = float("inf") if config["steps"] == 1 else float(np.abs(dw).max())
    if config["steps"] % 5 == 0:
        config["learning_rate"] *= 0.9  # a rule may change its rate by itself
    return w + config["velocity"], config


@pytest.mark.parametrize("rule", [own_rule, "adam"])
def test_a_model_of_ones_own(data, tmp_path, rule):
    def solver(**options):
        return Solver(
            Linear(),
            data,
            update_rule=rule,
            optim_config={"learning_rate": 0.05},
            batch_size=BATCH,
            num_epochs=EPOCHS,
            print_every=2,
            lr_decay=0.9,
            verbose=False,
            **options,
        )

    known = solver()
    known.train()
    first = solver(checkpoint_name=tmp_path / "run", callbacks=[PressAt(11)])
    with pytest.raises(KeyboardInterrupt):
        first.train()
    again = solver()
    again.resume(tmp_path)
    again.train()
    np.testing.assert_array_equal(again.loss_history, known.loss_history)
    for name, w in known.model.params.items():
        np.testing.assert_array_equal(again.model.params[name], w)


def test_a_config_that_no_file_can_hold_is_said_and_the_training_goes_on(data, tmp_path):
    def rule(w, dw, config):
        config["keep"] = object()
        return w - 0.01 * dw, config

    solver = Solver(
        Linear(),
        data,
        update_rule=rule,
        batch_size=BATCH,
        num_epochs=2,
        verbose=False,
        checkpoint_name=tmp_path / "run",
    )
    with pytest.warns(CheckpointWarning, match="keeps 'keep', of type object: a"):
        solver.train()
    assert solver.epoch == 2
    assert "keeps 'keep'" in solver.checkpoint_error
    assert list(tmp_path.glob("*.safetensors")) == []


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (np.zeros(3, complex), "keeps 'kept', of type ndarray"),
        (np.array(["a"]), "keeps 'kept', of type ndarray"),
        (np.longdouble(3), "keeps 'kept', of type longdouble"),
        ({"a": 1}, "keeps 'kept', of type dict"),
    ],
)
def test_configs_that_no_file_can_hold(data, tmp_path, value, why):
    def rule(w, dw, config):
        return w - 0.01 * dw, {**config, "kept": value}

    options = {"update_rule": rule, "batch_size": BATCH, "num_epochs": 1, "verbose": False}
    solver = Solver(Linear(), data, checkpoint_name=tmp_path / "run", **options)
    with pytest.warns(CheckpointWarning, match=why):
        solver.train()
    assert solver.epoch == 1


@pytest.mark.parametrize("limit", [float("inf")])
def test_hyperparameters_that_json_has_not(data, tmp_path, limit):
    """Of a rule of one's own; for ours they are refused."""

    def rule(w, dw, config):
        return w - config["learning_rate"] * np.clip(dw, -9, config["limit"]), config

    def solver(**options):
        config = {"learning_rate": 0.01, "limit": limit}
        settings = {"batch_size": BATCH, "num_epochs": 1, "verbose": False}
        return Solver(Linear(), data, update_rule=rule, optim_config=config, **settings, **options)

    solver(checkpoint_name=tmp_path / "run").train()
    again = solver()
    again.resume(tmp_path)
    assert again._trainer._configs.of["W"][0]["limit"] == limit


def test_a_warning_points_at_the_callers_line(data, tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xpnet.checkpoint_files.write_whole", fails)
    with pytest.warns(CheckpointWarning) as caught:
        make(data, checkpoint_name=tmp_path / "run").train()
    assert {warning.filename for warning in caught} == {__file__}


# When checkpoints are written


def names_of(folder):
    return sorted(path.name for path in folder.glob("*.safetensors"))


def test_every_so_many_epochs_and_at_the_end(data, tmp_path):
    make(data, checkpoint_name=tmp_path / "a", checkpoint_every=2, checkpoints_kept=9).train()
    steps = [2 * STEPS_PER_EPOCH, 4 * STEPS_PER_EPOCH, 5 * STEPS_PER_EPOCH]
    assert names_of(tmp_path) == [f"a-{step:08d}.safetensors" for step in steps]


def test_the_newest_ones_stay(data, tmp_path):
    make(data, checkpoint_name=tmp_path / "a", checkpoints_kept=2).train()
    steps = [4 * STEPS_PER_EPOCH, 5 * STEPS_PER_EPOCH]
    assert names_of(tmp_path) == [f"a-{step:08d}.safetensors" for step in steps]


@pytest.mark.parametrize(("seconds", "written"), [(4.0, 2), (11.0, EPOCHS), (0.0, 1)])
def test_by_the_clock_unless_a_number_is_given(data, tmp_path, monkeypatch, seconds, written):
    """Ten seconds after the last one at the earliest; the end is always one."""
    now = [0.0]

    class Clock:
        def on_epoch(self, _solver):
            now[0] += seconds

    monkeypatch.setattr("xpnet.checkpoint_files.time.monotonic", lambda: now[0])
    options = {"checkpoint_every": None, "checkpoints_kept": 99, "callbacks": [Clock()]}
    make(data, checkpoint_name=tmp_path / "a", **options).train()
    assert len(names_of(tmp_path)) == written


def test_within_long_epochs_every_minute(data, whole, tmp_path, monkeypatch):
    """Two steps take 40 seconds; what is written within an epoch is gone on from to the bit."""
    now = [0.0]

    class Clock:
        def on_interval(self, _solver):
            now[0] += 40.0

    monkeypatch.setattr("xpnet.checkpoint_files.time.monotonic", lambda: now[0])
    options = {"checkpoint_every": None, "checkpoints_kept": 99, "callbacks": [Clock()]}
    make(data, checkpoint_name=tmp_path / "a", **options).train()
    steps = [int(name[2:10]) for name in names_of(tmp_path)]
    within = [step for step in steps if step % STEPS_PER_EPOCH]
    assert len(within) >= EPOCHS
    assert {*range(STEPS_PER_EPOCH, 36, STEPS_PER_EPOCH)} <= set(steps)
    for step in within[::3]:
        again = make(data)
        again.resume(tmp_path / f"a-{step:08d}.safetensors")
        again.train()
        assert_same(again, whole("adam"))


def test_without_a_name_nothing_is_written(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    solver = make(data)
    solver.train()
    assert names_of(tmp_path) == []
    assert solver.checkpoint_error == ""


# What is refused


CHANGES = {
    "num_epochs was 5 and is 6 now: make the model": {"num_epochs": 6},
    "batch_size was 9 and is 8 now": {"batch_size": 8},
    "update_rule was 'adam' and is 'sgd' now": {"update_rule": "sgd"},
    "learning_rate was 0.01 and is 0.02": {"optim_config": {"learning_rate": 0.02}},
    "seed was [0] and is [1]": {"seed": 1},
    "lr_schedule was 'constant' and is 'Cosine(final=0.0)'": {"lr_schedule": "cosine"},
    "sampling was 'shuffle'": {"sampling": "replacement"},
    "patience was None and is 3": {"patience": 3},
    "preprocess was 'mean' and is 'standard'": {"preprocess": "standard"},
    "num_val_samples was None and is 5": {"num_val_samples": 5},
    "label_smoothing was 0.0 and is 0.1": {"label_smoothing": 0.1},
    "class_weights was None": {"class_weights": "balanced"},
    "clip_norm was None and is 2.0": {"clip_norm": 2.0},
    "lr_decay was 1.0 and is 0.5": {"lr_decay": 0.5},
}


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    """Two checkpoints of one training."""
    folder = tmp_path_factory.mktemp("checkpoints")
    make(data, checkpoint_name=folder / "run").train()
    return folder


@pytest.mark.parametrize("message", CHANGES)
def test_another_run_is_refused_by_what_differs(data, folder, message):
    solver = make(data, **CHANGES[message])
    before = {name: w.copy() for name, w in solver.model.params.items()}
    with pytest.raises(InputError) as caught:
        solver.resume(folder)
    assert message in str(caught.value)
    assert "run-00000035.safetensors" in str(caught.value)
    assert "make the model and the Solver as they were" in str(caught.value)
    assert solver.step == 0
    for name, w in before.items():
        np.testing.assert_array_equal(solver.model.params[name], w)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: {**data, "y_train": (data["y_train"] + 1) % C},
        lambda data: {**data, "X_val": data["X_val"][::-1].copy()},
        lambda data: {**data, "X_train": data["X_train"] + np.float32(1)},
        lambda data: {**data, "X_train": data["X_train"].astype(np.float64)},
    ],
)
def test_other_data_are_refused(data, folder, change):
    with pytest.raises(InputError, match="of a run on other data: give the Solver the same arrays"):
        make(change(data)).resume(folder)


def test_another_net_is_refused(data, folder):
    for options, message in (
        ({"hidden_dims": [9]}, "params was"),
        ({"activation": "tanh"}, "net's activation was 'relu' and is 'tanh'"),
        ({"reg": 0.5}, "net's reg was 0.01 and is 0.5"),
    ):
        net = FullyConnectedNet(**{**NET, **options})
        known = make(data)
        solver = Solver(
            net,
            data,
            update_rule="adam",
            optim_config={"learning_rate": 1e-2},
            batch_size=BATCH,
            preprocess="mean",
            verbose=False,
        )
        with pytest.raises(InputError, match=message):
            solver.resume(folder)
        known.resume(folder)


def test_a_model_of_another_kind_is_refused(data, folder):
    with pytest.raises(InputError, match="model was 'FullyConnectedNet' and is 'Linear' now"):
        Solver(Linear(), data, batch_size=BATCH, verbose=False).resume(folder)


def test_a_net_is_no_checkpoint(data, tmp_path):
    xpnet.save(make(data).model, tmp_path / "net.safetensors")
    with pytest.raises(InputError, match="holds a net and no training: xpnet.load reads it"):
        make(data).resume(tmp_path / "net.safetensors")


def test_a_solver_that_has_taken_steps_is_refused(data, folder):
    solver = make(data)
    solver.train()
    with pytest.raises(InputError, match="has taken steps: resume with one that is new"):
        solver.resume(folder)


def test_nothing_there(data, tmp_path):
    for place in (tmp_path, tmp_path / "nowhere", tmp_path / "no" / "run"):
        with pytest.raises(InputError, match=f"there is no checkpoint at {place}$"):
            make(data).resume(place)


def test_two_trainings_do_not_write_the_same_checkpoints(data, tmp_path):
    second = make(data, checkpoint_name=tmp_path / "run", seed=9)
    sentences = []

    class TrainAnother:
        def on_epoch(self, solver):
            if solver.epoch == 1:
                with pytest.raises(InputError) as caught:
                    second.train()
                sentences.append(str(caught.value))

    make(data, checkpoint_name=tmp_path / "run", callbacks=[TrainAnother()]).train()
    [sentence] = sentences
    assert "another training is writing the checkpoints" in sentence
    assert "wait for its end, or choose another checkpoint_name" in sentence
    make(data, checkpoint_name=tmp_path / "other").train()


def test_names_that_begin_alike_and_folders_of_the_name_are_told_apart(data, tmp_path, monkeypatch):
    """Pruning and resuming touch what has exactly this name."""
    (tmp_path / "run").mkdir()
    for name in ("run/run", "run-b", "run"):
        make(data, checkpoint_name=tmp_path / name, checkpoint_every=1).train()
    for name in ("run/run", "run-b", "run"):
        folder = (tmp_path / name).parent
        found = sorted(path.name for path in folder.glob(f"{(tmp_path / name).name}-0*"))
        assert len(found) == 2, name
    again = make(data, checkpoint_name=tmp_path / "run-b")
    again.resume(tmp_path / "run")
    with pytest.raises(InputError, match="run-b-.* is a checkpoint of another training"):
        again.train()
    monkeypatch.chdir(tmp_path)
    relative = make(data, checkpoint_name="run-b")
    relative.resume(tmp_path / "run-b")
    relative.train()


def test_a_damaged_newer_one_does_not_push_good_ones_out(data, tmp_path):
    press = PressAt(2 * STEPS_PER_EPOCH + 3)
    first = make(data, checkpoint_name=tmp_path / "run", callbacks=[press])
    with pytest.raises(KeyboardInterrupt):
        first.train()
    newest = max(tmp_path.glob("run-*"))
    (tmp_path / "run-99999999.safetensors").write_bytes(newest.read_bytes()[:-9])
    again = make(data, checkpoint_name=tmp_path / "run")
    with pytest.warns(CheckpointWarning, match="run-99999999"):
        again.resume(tmp_path / "run")
    again.train()
    steps = [4 * STEPS_PER_EPOCH, 5 * STEPS_PER_EPOCH]
    names = [f"run-{step:08d}.safetensors" for step in steps]
    assert sorted(path.name for path in tmp_path.glob("run-*")) == [
        *names,
        "run-99999999.safetensors",
    ]


def test_draws_of_a_net_that_takes_its_own_losses_go_on(data, tmp_path):
    """With a rule of one's own the net itself counts its draws."""

    def rule(w, dw, config):
        return w - 0.05 * dw, config

    known = make(data, "batchnorm, dropout", update_rule=rule, optim_config=None)
    known.train()
    first = make(
        data,
        "batchnorm, dropout",
        update_rule=rule,
        optim_config=None,
        checkpoint_name=tmp_path / "run",
        callbacks=[PressAt(11)],
    )
    with pytest.raises(KeyboardInterrupt):
        first.train()
    again = make(data, "batchnorm, dropout", update_rule=rule, optim_config=None)
    again.resume(tmp_path)
    again.train()
    np.testing.assert_array_equal(again.loss_history, known.loss_history)


def test_the_seconds_of_all_sessions(data, tmp_path):
    first = stopped(data, tmp_path, 17)
    again = make(data)
    again.resume(tmp_path)
    assert 0 < again.seconds <= first.seconds
    before = again.seconds
    again.train()
    assert again.seconds > before


def test_odd_numbers_in_nets_and_configs(data, tmp_path):
    """NumPy's scalars of every kind, where a user has put them."""
    solver = make(data, checkpoint_name=tmp_path / "run")
    solver.model.reg = np.float32(0.5)
    solver.train()
    config = {"learning_rate": np.longdouble("0.1"), "limit": np.longdouble(1)}
    options = {"batch_size": BATCH, "num_epochs": 1, "verbose": False, "optim_config": config}
    own = Solver(Linear(), data, update_rule=own_rule, checkpoint_name=tmp_path / "own", **options)
    with pytest.warns(CheckpointWarning, match="longdouble"):
        own.train()


def test_a_preprocessing_that_no_file_can_hold_is_refused_at_once(data, tmp_path):
    class Half:
        fitted = True

        def fit(self, X):
            return self

        def numbers(self):
            return {}

        def apply(self, x, numbers, xp):
            return x / 2

        def transform(self, X):
            return X / 2

        def output_dim(self, dim):
            return dim

    with pytest.raises(InputError, match="Half is none of xpnet's, so that it cannot be saved"):
        make(data, preprocess=Half(), checkpoint_name=tmp_path / "run")
    make(data, preprocess=Half()).train()


def test_checkpoints_of_another_training_are_not_mixed_up(data, tmp_path):
    make(data, checkpoint_name=tmp_path / "run").train()
    before = {path: path.read_bytes() for path in tmp_path.glob("*.safetensors")}
    other = make(data, checkpoint_name=tmp_path / "run")
    with pytest.raises(InputError, match="a checkpoint of another training: go on with that by"):
        other.train()
    assert {path: path.read_bytes() for path in tmp_path.glob("*.safetensors")} == before
    make(data, checkpoint_name=tmp_path / "other").train()
    with pytest.raises(InputError, match="checkpoints of several trainings, other, run: name one"):
        make(data).resume(tmp_path)
    make(data).resume(tmp_path / "other")


def test_a_folder_that_is_not_there(data, tmp_path):
    with pytest.raises(InputError, match="is not there: make it first"):
        make(data, checkpoint_name=tmp_path / "no" / "run")


def test_a_single_label_that_is_another_is_found(data, folder):
    y = data["y_train"].copy()
    y[33] = (y[33] + 1) % C
    with pytest.raises(InputError, match="of a run on other data"):
        make({**data, "y_train": y}).resume(folder)


def test_a_net_that_was_trained_keeps_its_preprocessing(data, folder):
    """Without it a loaded net that is trained further would see other inputs, in silence."""
    net = xpnet.load(folder)
    before = net.predict(data["X_val"])
    options = {"optim_config": {"learning_rate": 1e-12}, "num_epochs": 1, "batch_size": BATCH}
    solver = Solver(net, data, verbose=False, **options)
    assert str(solver.preprocess) == "mean"
    solver.train()
    np.testing.assert_array_equal(net.predict(data["X_val"]), before)


def test_the_net_of_checkpoints_by_their_name(data, folder):
    np.testing.assert_array_equal(
        xpnet.load(folder / "run").predict(data["X_val"]), xpnet.load(folder).predict(data["X_val"])
    )


def test_equal_nets_are_equal_files(data, folder, tmp_path):
    for name in "ab":
        xpnet.save(xpnet.load(folder), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_net_that_cannot_be_written_is_said_by_its_own_name(data, folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no/net\.safetensors'$"):
        xpnet.save(xpnet.load(folder), tmp_path / "no" / "net.safetensors")


@pytest.mark.parametrize("name", ["checkpoint_every", "checkpoints_kept"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "2"])
def test_numbers_that_are_none(data, name, value):
    with pytest.raises(InputError, match=name):
        make(data, **{name: value})


# Pictures, for xpnet.predict


def test_the_form_of_pictures_comes_along(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.integers(100, size=(60, 12)).astype(np.uint8), np.arange(60) % 2
    X[7] = 100
    named = Dataset("p", X[:40], y[:40], X[40:], y[40:], None, None, ("a", "b"), (3, 2, 2), "here")
    net = FullyConnectedNet([3], 12, 2)
    Solver(net, named, num_epochs=1, batch_size=10, verbose=False, preprocess="mean").train()
    xpnet.save(net, tmp_path / "net.safetensors")
    assert xpnet.load(tmp_path / "net.safetensors").picture == ((3, 2, 2), 100.0)
