"""The Solver's callback: nothing changes, nothing stops more often, and every look is kept."""

import os
import signal
import warnings

import numpy as np
import pytest

from xpnet import DivergenceWarning, FullyConnectedNet, InputError, Solver, TwoLayerNet
from xpnet.diagnostics import (
    Notice,
    Verdict,
    Watch,
    read_watch,
    rehearsed_divergence,
    watched_training,
)
from xpnet.diagnostics.looks import Looks
from xpnet.diagnostics.looks_together import look_at
from xpnet.diagnostics.rehearsed_divergence import first_nonfinite_layers, kept, rehearsal
from xpnet.diagnostics.spacing import Spacing
from xpnet.errors import CheckpointWarning, WatchWarning

N, D, C = 60, 7, 3


@pytest.fixture
def data(rng):
    y = rng.integers(C, size=N)
    X = (rng.standard_normal((N, D)) + 2 * np.eye(C, D)[y]).astype(np.float32)
    return {"X_train": X, "y_train": y, "X_val": X[:20], "y_val": y[:20]}


def make(data, callbacks=(), device="cpu", members=None, num_epochs=3, **options):
    seeds = 0 if members is None else list(range(members))
    net = FullyConnectedNet(
        [5, 4], D, C, normalization="batchnorm", dropout_keep_ratio=0.8, reg=0.1, members=members,
        seed=seeds, device=device,
    )  # fmt: skip
    settings = {"update_rule": "adam", "batch_size": 6, "print_every": 4, "preprocess": "mean"}
    settings |= {"verbose": False, "seed": seeds, "num_epochs": num_epochs, **options}
    return Solver(net, data, callbacks=callbacks, **settings)


def quiet(every=None, **options):
    return Watch(every, say=lambda _: None, **options)


OPTIONS = {
    "plain": {},
    "all": {
        "lr_schedule": "warmup:1+cosine",
        "lr_decay": 0.9,
        "clip_norm": 0.5,
        "class_weights": "balanced",
        "sample_weights": range(N),
        "label_smoothing": 0.1,
    },
}


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize("kind", OPTIONS)
def test_a_watched_run_has_the_bits_of_one_that_is_not(backend, data, members, kind):
    if backend.always_compiles and (members, kind) != (3, "all"):
        pytest.skip("each of them compiles for seconds, and the last has what the others have")
    plain = make(data, device=backend.text, members=members, **OPTIONS[kind])
    watch = quiet(1)
    seen = make(data, [watch], backend.text, members, **OPTIONS[kind])
    plain.train()
    seen.train()
    assert watch.record.steps == [0, 5, 9, 10, 13, 17, 20, 21, 25, 29, 30]
    np.testing.assert_array_equal(plain.loss_history, seen.loss_history)
    np.testing.assert_array_equal(plain.val_loss_history, seen.val_loss_history)
    for ours, theirs in (
        (plain.model.params, seen.model.params),
        (plain.model.state, seen.model.state),
    ):
        for name, w in ours.items():
            np.testing.assert_array_equal(backend.to_numpy(w), backend.to_numpy(theirs[name]))
    for name, found in watch.record.statistics.items():
        if name != "validation_dead_share":
            assert np.isfinite(found).all(), name


def test_a_member_is_seen_as_the_net_alone(data):
    together, alone = quiet(1), quiet(1)
    make(data, [together], members=2).train()
    net = FullyConnectedNet(
        [5, 4], D, C, normalization="batchnorm", dropout_keep_ratio=0.8, reg=0.1, seed=1
    )
    Solver(
        net, data, callbacks=[alone], update_rule="adam", batch_size=6, print_every=4,
        preprocess="mean", verbose=False, seed=1, num_epochs=3,
    ).train()  # fmt: skip
    for name, found in alone.record.statistics.items():
        assert together.record.statistics[name].shape == (11, 2, 3)
        np.testing.assert_allclose(
            together.record.statistics[name][:, 1], found, rtol=1e-4, atol=1e-6, err_msg=name
        )


def test_the_update_is_that_of_the_rule(data):
    """A look at the start tells what the first step then does, where all samples are a batch."""
    watch = quiet()
    net = TwoLayerNet(D, 5, C, reg=0.1, initializer="kaiming")
    before = {name: w.copy() for name, w in net.params.items()}
    after = {}

    class Keep:
        def on_interval(self, solver):
            after.setdefault("params", {n: w.copy() for n, w in solver.model.params.items()})

    options = {"update_rule": "sgd_momentum", "clip_norm": 0.05, "num_epochs": 1, "batch_size": N}
    one = {name: x[:1].repeat(N, axis=0) if "train" in name else x for name, x in data.items()}
    Solver(net, one, callbacks=[watch, Keep()], verbose=False, **options).train()
    known = [
        np.linalg.norm(after["params"][w] - before[w]) / np.linalg.norm(before[w])
        for w in ("W1", "W2")
    ]
    np.testing.assert_allclose(watch.record.statistics["update_ratio"][0], known, rtol=1e-3)


def test_a_look_is_one_transfer_and_there_are_no_more_stops(data, monkeypatch):
    """Each look, and each question to the validation part, goes to the host once."""
    counts = []
    kind = type(make(data).model.backend)
    original = kind.to_numpy
    monkeypatch.setattr(kind, "to_numpy", lambda *args: counts.append(1) or original(*args))
    make(data).train()
    plain = len(counts)
    counts.clear()
    watch = quiet(8)
    make(data, [watch]).train()
    asked = np.isfinite(watch.record.statistics["validation_dead_share"][:, 0]).sum()
    assert watch.record.steps == [0, 9, 17, 25, 30]
    assert len(counts) == plain + len(watch.record.steps) + asked


def test_it_goes_by_the_time():
    now = [0.0]
    spacing = Spacing(0.01, clock=lambda: now[0])

    def take(step, cost):
        with spacing.measured(step):
            now[0] += cost

    assert spacing.allows(1, 0.0)
    take(1, 0.1)
    assert not spacing.allows(50, 29.9)
    assert spacing.allows(50, 30.1)  # 0.3 s of looks in 30 s: one, this one and the last
    take(50, 0.3)
    assert not spacing.allows(60, 99.9)
    assert spacing.allows(60, 100.1)
    assert not spacing.allows(50, 1000.0)  # not twice after one step


@pytest.mark.parametrize("kind", OPTIONS)
def test_copies_looked_at_together_show_what_each_did(data, kind):
    copies, alone = [], []

    class Keep:
        def on_begin(self, solver):
            copies.append(kept(solver, Looks(solver).now()))

        def on_interval(self, solver):
            looks = Looks(solver)
            if solver.step == 1:
                alone.append(looks.look(looks.at_start()))
            elif solver.step in (5, 17):
                copies.append(kept(solver, looks.now()))
                alone.append(looks.look(looks.now()))

        def on_end(self, solver):
            together = look_at(Looks(solver), copies)
            assert [copy.step for copy in copies] == [0, 5, 17]
            for found, known in zip(together, alone, strict=True):
                assert found.keys() == known.keys()
                for name, value in known.items():
                    np.testing.assert_allclose(
                        found[name], value, rtol=1e-4, atol=1e-6, err_msg=name
                    )
            alone.append("compared")

    make(data, [Keep()], **OPTIONS[kind]).train()
    assert alone[-1] == "compared"


@pytest.fixture
def short(monkeypatch):
    """However slow the machine is, trainings are short."""
    monkeypatch.setattr("xpnet.diagnostics.looks_together._SHORT", 3600.0)
    monkeypatch.setattr(watched_training, "_REST", 0.0)


def test_a_short_training_has_looks_that_are_evenly_spread(data, short):
    watch = quiet()
    make(data, [watch], num_epochs=100).train()
    assert watch.record.steps == [0, 200, 400, 600, 800, 1000]
    make(data, [brief := quiet()], num_epochs=3).train()
    assert brief.record.steps == [0, 30]


def test_what_a_short_training_shows_is_said_once_with_its_step(short):
    """Units are dead from the start: it is not said again of the later copies."""
    said = []
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((N, D)).astype(np.float32), rng.integers(C, size=N)
    net = TwoLayerNet(D, 5, C, initializer="kaiming")
    net.params["b1"] = net.params["b1"] - 100
    many = {"X_train": X, "y_train": y, "X_val": X[:20], "y_val": y[:20]}
    watch = Watch(say=said.append)
    Solver(net, many, callbacks=[watch], num_epochs=100, batch_size=6, verbose=False).train()
    assert len(watch.record.steps) == 6
    dead = [one for one in said if one.verdict.name == "dead units"]
    assert [(one.step, one.layer) for one in dead] == [(0, "hidden 1 (7-5, relu)")]


def test_of_a_short_training_that_diverges_the_start_is_told_first(data, short):
    said = []
    net = TwoLayerNet(D, 50, C, initializer="kaiming")
    solver = Solver(
        net, data, callbacks=[Watch(say=said.append)], update_rule="sgd", batch_size=6,
        optim_config={"learning_rate": 1e3}, num_epochs=100, verbose=False,
    )  # fmt: skip
    with pytest.warns(DivergenceWarning):
        solver.train()
    names = [(one.verdict.name, one.step) for one in said]
    assert names == [("update ratio", 0), ("divergence", solver.diverged_at)]


def test_a_training_that_turns_out_long_is_looked_at_by_the_time(data, monkeypatch):
    monkeypatch.setattr("xpnet.diagnostics.looks_together._SHORT", 0.0)
    monkeypatch.setattr("xpnet.diagnostics.looks_together._TOLD", 0.0)
    asked = []
    allows = Spacing.allows
    monkeypatch.setattr(Spacing, "allows", lambda *args: asked.append(args) or allows(*args))
    watch = quiet()
    make(data, [watch]).train()
    assert watch.record.steps[0] == 0
    assert watch.record.steps[-1] == 30
    assert asked


def test_a_short_training_that_is_broken_off_has_the_looks_until_then(data, short):
    watch = quiet()

    class Stop:
        def on_epoch(self, solver):
            if solver.epoch == 50:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        make(data, [watch, Stop()], num_epochs=100).train()
    assert watch.record.steps == [0, 200, 400]


def test_where_the_whole_is_known_looks_are_evenly_spread():
    """Of 1000 s, with 1% for looks of 2 s: five, of which one is the first and one the last."""
    now = [0.0]
    spacing = Spacing(0.01, clock=lambda: now[0])
    taken = []
    for step in range(1000):
        if spacing.allows(step, float(step), 1000.0):
            taken.append(step)
            with spacing.measured(step):
                now[0] += 2.0
    assert taken == [0, 250, 500, 750]


def test_looks_that_get_cheaper_do_not_come_one_after_the_other():
    now, costs = [0.0], iter([2.0, *[0.5] * 100])
    spacing = Spacing(0.01, clock=lambda: now[0])
    taken = []
    for step in range(1000):
        if spacing.allows(step, float(step), 1000.0):
            taken.append(step)
            with spacing.measured(step):
                now[0] += next(costs)
    assert len(taken) > 10
    assert np.diff(taken[1:]).min() > 20


def test_a_training_that_goes_by_the_time_rests_between_questions(data, monkeypatch):
    """So that a boundary without a look costs a glance at the clock."""
    asked = []
    allows = Spacing.allows
    monkeypatch.setattr(Spacing, "allows", lambda *args: asked.append(args) or allows(*args))
    monkeypatch.setattr("xpnet.diagnostics.watched_training._REST", 3600.0)
    watch = quiet()
    make(data, [watch]).train()
    assert watch.record.steps == [0, 30]
    assert len(asked) <= 4


def test_a_compilers_time_is_forgiven_once():
    now = [0.0]
    spacing = Spacing(0.01, forgives_first=True, clock=lambda: now[0])
    for cost in (100.0, 0.1):
        assert spacing.allows(int(cost) + 1000 * (cost == 0.1), 1.0)
        with spacing.measured(int(cost)):
            now[0] += cost
    assert not spacing.allows(2000, 29.0)
    assert spacing.allows(2000, 31.0)


def test_looks_take_their_share_of_the_time_alone(data, monkeypatch):
    """The clock stands still but in looks, which take a second, and in training."""
    watch = quiet()
    seconds = {"looks": 0.0, "all": 0.0}
    solver = make(data, [watch], num_epochs=40)
    monkeypatch.setattr(
        type(solver), "seconds_until_now", property(lambda s: 1.0 * s.step), raising=True
    )

    class Clocked(Spacing):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs, clock=lambda: seconds["looks"])

    original = Looks.look
    monkeypatch.setattr("xpnet.diagnostics.watched_training.Spacing", Clocked)
    monkeypatch.setattr(
        Looks,
        "look",
        lambda self, live: seconds.update(looks=seconds["looks"] + 1) or original(self, live),
    )
    together = watched_training.look_at
    monkeypatch.setattr(
        watched_training,
        "look_at",
        lambda *args: seconds.update(looks=seconds["looks"] + 1) or together(*args),
    )
    solver.train()
    assert solver.step == 400
    taken = len(watch.record.steps)
    assert 3 <= taken <= 0.01 * 400  # the first and the last come in any case


def test_the_record_of_a_resumed_run_is_that_of_one_that_was_not_stopped(data, tmp_path):
    whole = quiet(5)
    make(data, [whole], num_epochs=4).train()
    path = tmp_path / "watch.safetensors"

    class Kill:
        def on_interval(self, solver):
            if solver.step > 26:
                raise SystemExit

    first = make(
        data, [quiet(5, path=path), Kill()], num_epochs=4,
        checkpoint_name=tmp_path / "run", checkpoint_every=1,
    )  # fmt: skip
    with pytest.raises(SystemExit):
        first.train()
    second = make(data, num_epochs=4)
    second.resume(tmp_path)
    assert second.step == 20
    watch = quiet(5)
    watch.go_on_from(read_watch(path), second)
    assert watch.record.steps[-1] <= 20
    second.callbacks = (watch,)
    second.train()
    assert watch.record.steps == whole.record.steps
    for name, found in whole.record.statistics.items():
        np.testing.assert_array_equal(watch.record.statistics[name], found)


def test_no_checkpoint_is_ahead_of_the_record(data, tmp_path):
    """Where the process is killed after a checkpoint, the file has all looks until then."""
    path = tmp_path / "watch.safetensors"
    seen = []

    class Look:
        def on_interval(self, solver):
            for checkpoint in tmp_path.glob("run-*"):
                step = int(checkpoint.stem.partition("-")[2])
                steps = [known for known in watch.record.steps if known <= step]
                assert read_watch(path).steps[: len(steps)] == steps
                seen.append(step)

    watch = quiet(1, path=path)
    make(data, [watch, Look()], checkpoint_name=tmp_path / "run", checkpoint_every=1).train()
    assert set(seen) == {10, 20}


def test_a_file_that_cannot_be_written_is_said_and_the_training_goes_on(data, tmp_path):
    watch = quiet(1, path=tmp_path / "missing" / "watch.safetensors")
    solver = make(data, [watch])
    with pytest.warns(CheckpointWarning, match="could not be written .*The training goes on"):
        solver.train()
    assert solver.step == 30
    assert "could not be written" in watch.error


def test_it_warns_where_nobody_listens(data):
    net = TwoLayerNet(D, 5, C, initializer="zeros")
    with pytest.warns(WatchWarning, match=r"step 0: warning: dead units: hidden 1 \(7-5, relu\)"):
        Solver(net, data, callbacks=[Watch()], num_epochs=1, batch_size=6, verbose=False).train()


def test_a_second_training_goes_on_with_the_record(data):
    watch = quiet(10)
    solver = make(data, [watch], num_epochs=1)
    solver.train()
    assert watch.record.steps == [0, 10]
    solver.train()
    assert watch.record.steps == [0, 10, 20]


def test_patience_ends_with_a_look(data):
    watch = quiet()
    solver = make(data, [watch], num_epochs=500, patience=2)
    solver.train()
    assert solver.stopped_at is not None
    assert watch.record.steps[-1] == solver.step


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_other_dtypes(data, dtype):
    pytest.importorskip("torch")
    watch = quiet(5)
    net = FullyConnectedNet([5], D, C, dtype=dtype, device="torch:cpu")
    Solver(net, data, callbacks=[watch], num_epochs=2, batch_size=6, verbose=False).train()
    assert np.isfinite(watch.record.statistics["update_ratio"]).all()


def test_streamed_inputs(data, tmp_path):
    np.save(tmp_path / "X.npy", data["X_train"])
    mapped = {**data, "X_train": np.load(tmp_path / "X.npy", mmap_mode="r")}
    found = []
    for given in (data, mapped):
        watch = quiet(5)
        make(given, [watch]).train()
        found.append(watch.record.statistics)
    for name, known in found[0].items():
        np.testing.assert_array_equal(found[1][name], known)


# Refused


class Foreign:
    def __init__(self):
        self.params = {"w": np.zeros((D, C))}

    def loss(self, X, y=None):
        scores = X @ self.params["w"]
        return scores if y is None else (0.0, {"w": np.zeros((D, C))})


def test_what_cannot_be_watched(data):
    with pytest.raises(InputError, match=r"only a net and an update rule .*; got Foreign by .*sgd"):
        Solver(Foreign(), data, callbacks=[Watch()], batch_size=6, verbose=False).train()
    with pytest.raises(InputError, match="every must be an integer of at least 1; got 0"):
        Watch(0)


def test_the_record_of_another_net(data):
    watch = quiet(5)
    make(data, [watch]).train()
    other = TwoLayerNet(D, 5, C)
    with pytest.raises(
        InputError, match=r"record is of hidden 1 \(7-5, batchnorm, relu, dropout\)"
    ):
        Solver(other, data, callbacks=[watch], batch_size=6, verbose=False).train()
    with pytest.raises(InputError, match="the record is of"):
        quiet().go_on_from(watch.record, make(data, members=2))


# Divergence


def test_the_layer_that_broke_first_is_named(backend, data):
    """The second hidden layer's weights make its outputs overflow at the first step."""
    net = FullyConnectedNet([5, 4], D, C, device=backend.text)
    w = {name: backend.to_numpy(x).copy() for name, x in net.params.items()}
    w["W1"] *= 1e20
    w["W2"] *= 1e20
    net.params = {name: backend.asarray(x) for name, x in w.items()}
    said = []
    solver = Solver(net, data, callbacks=[Watch(say=said.append)], batch_size=6, verbose=False)
    with pytest.warns(DivergenceWarning):
        solver.train()
    [notice] = [one for one in said if one.verdict.name == "divergence"]
    assert (notice.step, notice.layer) == (1, "hidden 2 (5-4, relu)")
    assert notice.verdict.status == "fault"


@pytest.mark.parametrize("rule", ["sgd", "sgd_momentum", "adam", "rmsprop"])
def test_the_suggested_rate_trains(data, rule):
    """Of a rate that is too high by far."""

    def train(rate):
        said = []
        net = FullyConnectedNet([50, 50], D, C, activation="elu")
        options = {"update_rule": rule, "optim_config": {"learning_rate": rate}, "num_epochs": 20}
        solver = Solver(
            net, data, callbacks=[Watch(say=said.append)], batch_size=6, verbose=False, **options
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)
            solver.train()
        return solver, [one for one in said if one.verdict.name == "divergence"]

    rate = {"sgd": 30.0, "sgd_momentum": 10.0, "adam": 1e15, "rmsprop": 1e15}[rule]
    solver, [notice] = train(rate)
    assert solver.diverged_at == notice.step
    suggested = float(notice.verdict.remedy.split()[5])
    assert suggested <= rate / 10
    solver, said = train(suggested)
    assert said == []
    assert np.mean(solver.loss_history[-10:]) < 0.7 * solver.loss_history[0]


def test_each_member_is_told_of_by_itself(data):
    said = []
    net = TwoLayerNet(D, 20, C, members=3, initializer="kaiming")
    rates = {"learning_rate": [1e-2, 1e3, 1e5]}
    solver = Solver(
        net, data, optim_config=rates, callbacks=[Watch(1, say=said.append)], batch_size=6,
        verbose=False, print_every=3,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        solver.train()
    told = {one.member: one.step for one in said if one.verdict.name == "divergence"}
    assert told == {k: step for k, step in enumerate(solver.diverged_at) if step is not None}
    assert set(told) == {1, 2}
    assert [one for one in said if one.member == 0] == []


def stack_that_diverges(data, said, **options):
    """Ten members at rates of which most diverge, at steps of their own."""
    rates = list(np.geomspace(0.01, 100.0, 10))
    net = FullyConnectedNet([20], D, C, members=10, activation="elu")
    solver = Solver(
        net, data, update_rule="sgd_momentum", optim_config={"learning_rate": rates}, batch_size=6,
        print_every=10, num_epochs=8, verbose=False, callbacks=[Watch(say=said.append)], **options
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        solver.train()
    return solver, [one for one in said if one.verdict.name == "divergence"]


def test_no_step_of_a_member_is_rehearsed_twice_and_none_of_others(data, monkeypatch):
    """However many of them diverge at steps of their own, each is told its layer."""
    taken = []
    original = rehearsed_divergence.rehearsal

    def noted(solver, start, members):
        for step, twin, rows in original(solver, start, members):
            taken.extend((step, k) for k in members)
            yield step, twin, rows

    monkeypatch.setattr(rehearsed_divergence, "rehearsal", noted)
    solver, told = stack_that_diverges(data, [])
    broke = {k: step for k, step in enumerate(solver.diverged_at) if step is not None}
    assert len(set(broke.values())) > 3
    assert {one.member: one.step for one in told} == broke
    assert len(taken) == len(set(taken))
    assert {k for _, k in taken} == set(broke)
    assert len(taken) < 0.5 * len(broke) * max(broke.values())
    assert "was not looked for" not in " ".join(str(one) for one in told)


def test_of_a_stack_a_share_of_the_steps_is_rehearsed(data, monkeypatch):
    """And where that is not enough, nothing is claimed of the layer."""
    monkeypatch.setattr("xpnet.diagnostics.watch_divergence._REHEARSED", 0.0)
    _, [first, *told] = stack_that_diverges(data, [])
    assert first.layer.startswith(("hidden 1", "output"))
    later = [one for one in told if one.step > 1 + 10 * ((first.step + 8) // 10)]
    assert later
    for notice in later:
        assert notice.layer == ""
        assert "in which layer that began was not looked for" in notice.verdict.found


def test_the_layer_is_named_where_a_later_training_diverges_at_once(data):
    """Of weights that were changed in between, before any copy of its own was due."""
    said = []
    net = FullyConnectedNet([5], D, C)
    solver = Solver(
        net, data, callbacks=[Watch(say=said.append)], batch_size=6, num_epochs=1, verbose=False
    )
    solver.train()
    net.params = {name: w * np.float32(1e20) for name, w in net.params.items()}
    with pytest.warns(DivergenceWarning):
        solver.train()
    [notice] = [one for one in said if one.verdict.name == "divergence"]
    assert (notice.step, notice.layer) == (11, "output (5-3)")


def test_who_diverged_in_an_earlier_training_is_not_told_of_again(data):
    said = []
    solver, told = stack_that_diverges(data, said)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        solver.train()
    again = [one.member for one in said if one.verdict.name == "divergence"]
    assert len(again) == len(set(again)) >= len(told)


def test_a_rehearsal_takes_the_very_steps_of_the_training(data):
    """From copies of another epoch; on NumPy to the bit."""
    starts = []

    class Keep:
        def on_interval(self, solver):
            if solver.step in (1, 13):
                starts.append(kept(solver, Looks(solver).now()))

        def on_end(self, solver):
            looks = Looks(solver)
            for start in starts:
                asked = {step: [0] for step in (start.step + 1, 14, 20, 21, 30)}
                assert first_nonfinite_layers(solver, looks, start, asked) == {0: None}
                twin = next(twin for step, twin, _ in rehearsal(solver, start) if step == 31)
                for name, w in solver._trainer.variables.params.items():
                    np.testing.assert_array_equal(twin.variables.params[name], w)

    make(data, [Keep()]).train()
    assert [start.step for start in starts] == [1, 13]


@pytest.mark.parametrize("seeds", [[3, 3, 3, 3], [0, 1, 2, 3]])
def test_some_members_take_the_steps_that_they_took_in_the_stack(data, seeds):
    """Each with numbers of its own; on NumPy to the bit, with batches and dropout of its seed."""
    own = {"lr_decay": [0.9, 0.8, 0.7, 0.6], "clip_norm": [0.5, 0.6, 0.7, 0.8]}
    own |= {"optim_config": {"learning_rate": [1e-3, 2e-3, 3e-3, 4e-3]}, "label_smoothing": 0.1}
    net = FullyConnectedNet(
        [5, 4], D, C, normalization="batchnorm", dropout_keep_ratio=[0.8, 0.7, 0.9, 0.6],
        reg=[0.0, 0.1, 0.2, 0.3], members=4, seed=seeds,
    )  # fmt: skip
    starts = []

    class Keep:
        def on_interval(self, solver):
            if solver.step == 5:
                starts.append(kept(solver, Looks(solver).now()))

        def on_end(self, solver):
            steps = rehearsal(solver, starts[0], [1, 3])
            twin = next(twin for step, twin, _ in steps if step == 31)
            for found, known in zip(twin.variables, solver._trainer.variables, strict=True):
                for name, w in known.items():
                    np.testing.assert_array_equal(found[name], w[[1, 3]], err_msg=name)
            starts.append("compared")

    Solver(
        net, data, callbacks=[Keep()], update_rule="adam", batch_size=6, print_every=4,
        preprocess="mean", verbose=False, seed=seeds, num_epochs=3, **own,
    ).train()  # fmt: skip
    assert starts[1] == "compared"


def test_a_notice_says_the_member_and_the_step():
    verdict = Verdict("loss", "warning", "found", "expected")
    assert (
        str(Notice(3, verdict, "", 2))
        == "member 2, step 3: warning: loss: found; expected expected"
    )
