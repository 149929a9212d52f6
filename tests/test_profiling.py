"""The profile: its arithmetic on a clock that the test moves, and that it changes nothing."""

import json

import numpy as np
import pytest

import xpnet
from xpnet import train, training_run
from xpnet.backends import Backend
from xpnet.backends.numpy_backend import NumpyBackend
from xpnet.backends.torch_backend import TorchBackend
from xpnet.errors import InputError
from xpnet.profiling.stopwatch import Stopwatch

TRAIN, VAL, BATCH = 40, 20, 10
STEPS_PER_EPOCH = 4


class FakeClock:
    """Stands still but where a test burns time."""

    def __init__(self):
        self.now = 1_000

    def __call__(self):
        return self.now

    def burning(self, function, nanoseconds):
        def burn(*args, **named):
            self.now += nanoseconds
            return function(*args, **named)

        return burn


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def data(rng):
    y = np.arange(TRAIN + VAL) % 3
    X = (rng.standard_normal((TRAIN + VAL, 6)) + y[:, None]).astype(np.float32)
    return {"X_train": X[:TRAIN], "y_train": y[:TRAIN], "X_val": X[TRAIN:], "y_val": y[TRAIN:]}


def make_net(hidden_dims=(5,), **options):
    return xpnet.FullyConnectedNet(list(hidden_dims), 6, 3, **options)


def make_solver(net, data, **options):
    options = {"batch_size": BATCH, "num_epochs": 2, "verbose": False, "print_every": 3, **options}
    return xpnet.Solver(net, data, **options)


def times(profile):
    """Return the microseconds by (phase, piece, part) of the rows that took any."""
    return {
        (row["phase"], row["piece"], row["part"]): row["microseconds"]
        for row in profile.rows()
        if row["microseconds"]
    }


class TestTheArithmetic:
    @pytest.fixture(autouse=True)
    def _nothing_is_replayed(self, monkeypatch):
        """A replay does not call the functions that move the clock."""
        monkeypatch.setattr(NumpyBackend, "replays", False)
        monkeypatch.setattr(NumpyBackend, "repeated", Backend.repeated)

    def test_a_piece_is_charged_for_its_own_time_alone(self, clock):
        watch = Stopwatch(clock)
        inner = watch.watch("forward", "inner", clock.burning(lambda: 1, 30))

        def outer_function(x):
            clock.now += 5
            return inner() + inner() + x

        outer = watch.watch("forward", "outer", outer_function)
        assert [outer(x=1), outer(2)] == [3, 4]
        assert watch.laps["forward", "outer", ""].nanoseconds == 10
        assert watch.laps["forward", "inner", ""].nanoseconds == 120
        taken = {("forward", "outer", ""): 10, ("forward", "inner", ""): 120}
        assert watch.take_laps() == taken
        assert watch.take_laps() == {}

    def test_every_nanosecond_lands_where_it_was_burnt(self, clock, data):
        """By hand: affine 5 µs; ReLU back 1; loss 2; rule 0.5 for 4 arrays; schedule 4.

        A check takes the affine layer once for each part of the data, 10 µs in 4 steps.
        """
        net = make_net()
        layer = net._hidden[0]
        layer.affine = (clock.burning(layer.affine[0], 5_000), *layer.affine[1:])
        backward = clock.burning(layer.activation.backward, 1_000)
        layer.activation = layer.activation._replace(backward=backward)
        net._loss = clock.burning(net._loss, 2_000)
        rule = xpnet.optim.SGD()
        rule.apply = clock.burning(rule.apply, 500)
        schedule = clock.burning(lambda moment: 1.0, 4_000)
        solver = make_solver(net, data, update_rule=rule, lr_schedule=schedule)
        profile = xpnet.profile(solver, 8, clock=clock)
        hidden = "hidden 1 (6-5, relu)"
        # a check takes the loss of the validation part too: 2 µs more
        assert times(profile) == pytest.approx(
            {
                ("forward", hidden, "affine"): 5.0,
                ("backward", hidden, "relu"): 1.0,
                ("forward", "loss (softmax)", ""): 2.0,
                ("update", hidden, ""): 1.0,
                ("update", "output (5-3)", ""): 1.0,
                ("checks", "both parts measured", ""): (5 + 5 + 2 + 2) / STEPS_PER_EPOCH,
                ("rest", "between stretches", ""): 4.0,
            }
        )
        assert profile.done == pytest.approx(14.0 + 3.5)
        assert profile.unwatched == pytest.approx(17.5)
        assert profile.asked is None
        assert profile.compiled is None

    def test_the_slower_half_of_the_turns_is_left_out(self, clock, data):
        """A load that comes with the 11th of 20 turns.

        Before it are 11 turns of 3 steps, in pieces and not, the first of them to warm up; and 4
        checks, each of two parts.
        """
        net = make_net([])
        calls = []

        def loss(*args, **named):
            calls.append(1)
            clock.now += 50_000 if len(calls) > 11 * 3 * 2 + 4 * 2 else 1_000
            return loss_before(*args, **named)

        loss_before, net._loss = net._loss, loss
        profile = xpnet.profile(make_solver(net, data), 60, clock=clock)
        assert profile.turns == 20
        assert times(profile)["forward", "loss (softmax)", ""] == pytest.approx(1.0)
        assert "of 20 turns the quicker half counts" in str(profile)

    def test_shares_sum_to_one_and_phases_to_the_total(self, data):
        profile = xpnet.profile(make_solver(make_net(reg=0.1), data, clip_norm=1.0), 7)
        rows, phases = profile.rows(), profile.phases()
        assert sum(row["share"] for row in rows) == pytest.approx(1.0)
        assert sum(row["share"] for row in phases) == pytest.approx(1.0)
        assert sum(row["microseconds"] for row in rows) == pytest.approx(profile.done)
        assert sum(row["microseconds"] for row in phases) == pytest.approx(profile.done)
        names = [row["phase"] for row in phases]
        assert names == ["batch", "forward", "backward", "update", "checks", "rest"]
        assert all(row["microseconds"] >= 0 for row in rows)
        assert {"clipping", "regularisation"} <= {row["piece"] for row in rows}
        assert json.loads(json.dumps(profile.as_dict()))["steps"] == 7

    def test_the_slowest_layer_has_the_largest_share(self, clock, data):
        net = make_net((5, 4, 5))
        slow = net._hidden[1]
        slow.forward = clock.burning(slow.forward, 9_000)
        net._hidden[2].backward = clock.burning(net._hidden[2].backward, 1_000)
        rows = xpnet.profile(make_solver(net, data), 6, clock=clock).rows()
        largest = max(rows, key=lambda row: row["share"])
        assert (largest["phase"], largest["piece"]) == ("forward", "hidden 2 (5-4, relu)")
        # 3 chunks of data: a step's, and two of a check in 4 steps
        assert largest["share"] == pytest.approx(9.0 / (9.0 + 1.0 + 2 * 9.0 / 4))

    def test_the_device_is_waited_for_in_one_column_only(self, clock, data, monkeypatch):
        def wait_for(_self, _results):
            clock.now += 100

        monkeypatch.setattr(NumpyBackend, "is_asynchronous", True)
        monkeypatch.setattr(NumpyBackend, "wait_for", wait_for)
        net = make_net([])
        net._loss = clock.burning(net._loss, 2_000)
        profile = xpnet.profile(make_solver(net, data), 8, clock=clock)
        loss = next(row for row in profile.rows() if row["piece"] == "loss (softmax)")
        assert loss["microseconds"] == pytest.approx(2.1)
        assert loss["asked_microseconds"] == pytest.approx(2.0)
        assert profile.asked == pytest.approx(2.0 + 4.0 / STEPS_PER_EPOCH)
        assert profile.done > profile.asked
        assert sum(row["asked_share"] for row in profile.phases()) == pytest.approx(1.0)
        assert "share, asked" in str(profile)

    @pytest.mark.parametrize("load", [1.9, 2.1])
    def test_a_busy_machine_is_said(self, data, load, monkeypatch):
        monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0), raising=False)
        monkeypatch.setattr("os.cpu_count", lambda: 2)
        text = str(xpnet.profile(make_solver(make_net(), data), 3))
        assert f"load {load} on 2" in text.replace("\n    ", " ")
        assert ("the machine is busy" in text) == (load > 2)

    def test_the_table(self, clock, data):
        net = make_net()
        layer = net._hidden[0]
        layer.affine = (clock.burning(layer.affine[0], 6_000), *layer.affine[1:])
        net._loss = clock.burning(net._loss, 3_000)
        solver = make_solver(net, data, num_val_samples=10)
        solver.train()
        lines = str(xpnet.profile(solver, 8, clock=clock)).splitlines()
        assert lines[0].startswith("profile of 8 steps of 10 samples, after step 8: float32, NumPy")
        cells = {line.split("  ")[0]: line.split()[-6:] for line in lines if line}
        assert cells["hidden 1 (6-5, relu)"] == ["44.4", "%", "6.0", "6.0", "0.0", "0.0"]
        assert cells["checks: both parts measured"][-3:] == ["33.3", "%", "4.5"]
        assert cells["total"] == ["100.0", "%", "13.5", "9.0", "0.0", "0.0"]
        assert "to watch the pieces slows nothing: 13.5 µs without" in lines


@pytest.fixture
def solver_pair(data):
    """Two Solvers of one training, with all that a step may change where that is quick."""

    def one(backend, members):
        rich = {"normalization": "batchnorm", "dropout_keep_ratio": 0.8, "reg": 0.1}
        how = {
            "update_rule": "adam",
            "preprocess": "standard",
            "lr_schedule": "cosine",
            "clip_norm": 1.0,
            "sample_weights": np.linspace(0.5, 1.5, TRAIN),
        }
        if backend.always_compiles:  # each operation by itself, when it is watched
            rich, how = {}, {"update_rule": "sgd_momentum"}
        seeds = {} if members is None else {"seed": range(members)}
        net = make_net(device=backend.text, members=members, **rich)
        # so that few lengths of stretches are compiled
        lengths = {"print_every": STEPS_PER_EPOCH, "num_epochs": 1}
        return make_solver(net, data, **how, **seeds, **lengths)

    return lambda *args: (one(*args), one(*args))


def state_of(solver):
    """Return all that a training changes, on the host."""
    to_numpy = solver.model.backend.to_numpy
    slots = {
        f"{name} {slot}": to_numpy(x)
        for name, own in solver._trainer._slots.items()
        for slot, x in own.items()
    }
    arrays = {**solver.model.params, **solver.model.state, **solver.best_params}
    return {
        **{name: to_numpy(x) for name, x in arrays.items()},
        **slots,
        "losses": np.asarray(solver.loss_history),
        "val": np.asarray(solver.val_loss_history),
        "train": np.asarray(solver.train_acc_history),
        "best": np.asarray(solver.best_val_acc),
        "counts": np.asarray([solver.step, solver.epoch, solver.model.num_draws]),
    }


def assert_same_state(solver, other):
    found, expected = state_of(solver), state_of(other)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name, strict=True)


class TestNothingChanges:
    @pytest.mark.parametrize("members", [None, 3])
    def test_a_training_goes_on_with_the_same_bits(self, backend, solver_pair, members, capsys):
        profiled, other = solver_pair(backend, members)
        for _ in range(2):
            params = dict(profiled.model.params)
            text = str(xpnet.profile(profiled, 3))
            assert all(profiled.model.params[name] is w for name, w in params.items())
            assert_same_state(profiled, other)
            profiled.train()
            other.train()
            assert_same_state(profiled, other)
        if not backend.always_compiles:
            assert "hidden 1 (6-5, batchnorm, relu, dropout)" in text
            assert "dropout's numbers drawn" in text
        assert ("asked" in text) == backend.is_asynchronous
        assert ("by 3 members" in text) == (members is not None)
        assert capsys.readouterr().out == ""

    def test_callbacks_are_not_called(self, data):
        class Look:
            calls = 0

            def on_interval(self, solver):
                self.calls += 1

            on_epoch = on_end = on_interval

        look = Look()
        xpnet.profile(make_solver(make_net(), data, callbacks=[look]), 5)
        assert look.calls == 0

    def test_a_schedule_with_a_memory_keeps_it(self, data):
        class Falling:
            calls = 0

            def __call__(self, moment):
                self.calls += 1
                return 1.0 / self.calls

        schedule = Falling()
        solver = make_solver(make_net(), data, lr_schedule=schedule)
        before = schedule.calls
        xpnet.profile(solver, 5)
        assert schedule.calls == before


class Counting:
    """A model of one's own, a linear classifier that counts its calls."""

    def __init__(self):
        self.params = {"W": np.zeros((6, 3)), "b": np.zeros(3)}
        self.calls = 0

    def loss(self, X, y=None):
        self.calls += 1
        scores = X @ self.params["W"] + self.params["b"]
        if y is None:
            return scores
        loss, dscores = xpnet.losses.softmax_loss(scores, y)
        return loss, {"W": X.T @ dscores, "b": dscores.sum(axis=0)}


class TestOtherModels:
    def test_a_foreign_model_has_its_phases_and_stays_as_it_is(self, data):
        model, other = Counting(), Counting()
        solver, plain = (
            make_solver(m, data, preprocess="mean", update_rule="adam") for m in (model, other)
        )
        solver.train()
        plain.train()
        profile = xpnet.profile(solver, 5)
        assert model.calls == other.calls
        assert [row["phase"] for row in profile.phases()] == [
            "batch",
            "gradients",
            "update",
            "checks",
            "rest",
        ]
        pieces = {(row["phase"], row["piece"]) for row in profile.rows()}
        assert {
            ("batch", "rows gathered, preprocessed"),
            ("gradients", "model.loss(X, y)"),
            ("update", "W"),
            ("update", "b"),
        } <= pieces
        assert "model.loss(X, y)" in str(profile)
        solver.train()
        plain.train()
        assert solver.loss_history == plain.loss_history
        for name, w in model.params.items():
            np.testing.assert_array_equal(w, other.params[name], strict=True)

    def test_a_rule_of_ones_own_keeps_its_memory(self, data):
        class Slower:
            calls = 0

            def __call__(self, w, dw, config):
                self.calls += 1
                return w - dw / self.calls, config

        rule = Slower()
        profile = xpnet.profile(make_solver(make_net(), data, update_rule=rule, clip_norm=1.0), 5)
        assert rule.calls == 0
        assert {"W1", "b1", "W2", "b2", "clipping"} <= {row["piece"] for row in profile.rows()}

    @pytest.mark.parametrize("base", [xpnet.FullyConnectedNet, xpnet.TwoLayerNet])
    def test_a_net_with_gradients_of_its_own_has_one_piece_for_them(self, clock, data, base):
        class Own(base):
            def loss_and_gradients(self, *args):
                clock.now += 3_000
                return super().loss_and_gradients(*args)

        net = Own([5], 6, 3) if base is xpnet.FullyConnectedNet else Own(6, 5, 3)
        profile = xpnet.profile(make_solver(net, data), 5, clock=clock)
        assert times(profile) == pytest.approx({("gradients", "loss and gradients", ""): 3.0})

    def test_what_cannot_be_copied_is_refused(self, data):
        model = Counting()
        model.generator = (i for i in range(3))
        with pytest.raises(InputError, match=r"copy of the model, and Counting cannot be copied"):
            xpnet.profile(make_solver(model, data))


class TestCompiled:
    def test_jax_shows_the_compiled_step_too(self, data):
        pytest.importorskip("jax")
        profile = xpnet.profile(make_solver(make_net(device="jax"), data), 6)
        assert 0 < profile.compiled_steps < profile.compiled
        assert "the training compiles its steps" in str(profile)

    def test_what_the_training_compiled_is_used_again(self, data, monkeypatch):
        pytest.importorskip("torch")
        compiled = []
        monkeypatch.setattr(TorchBackend, "compile", lambda _, f: compiled.append(f) or f)
        solver = make_solver(make_net(device="torch:cpu"), data, compile=True)
        solver.train()
        assert len(compiled) == 1
        assert xpnet.profile(solver, 6).compiled > 0
        assert len(compiled) == 1
        uncompiled = make_solver(make_net(device="torch:cpu"), data)
        assert xpnet.profile(uncompiled, 6).compiled is None

    def test_synchronize_waits_on_jax(self):
        jax = pytest.importorskip("jax")
        backend = xpnet.get_backend("jax")
        x = jax.numpy.full((800, 800), 1e-3)
        for wait in (lambda _: backend.synchronize(), backend.wait_for):
            y = x
            for _ in range(10):
                y = y @ x
            wait({"y": (y,)})
            assert y.is_ready()


class TestRefusals:
    @pytest.mark.parametrize("steps", [0, -1, 2.5, True, None, "9"])
    def test_steps(self, steps, data):
        with pytest.raises(InputError, match=r"steps must be an integer of at least 1; got"):
            xpnet.profile(make_solver(make_net(), data), steps)

    def test_a_training_that_diverged(self, data):
        solver = make_solver(make_net(), data)
        solver._divergence.steps = np.asarray(3)
        with pytest.raises(InputError, match=r"diverged at step 3: begin another"):
            xpnet.profile(solver)

    def test_steps_that_diverge(self, data):
        solver = make_solver(make_net(), data, optim_config={"learning_rate": 1e30})
        with pytest.raises(InputError, match=r"the losses diverge in the steps that a profile"):
            xpnet.profile(solver, 8)


class TestTheCommandLine:
    def run(self, *options):
        return train.main(["--num-epochs", "1", *options])

    def test_it_prints_the_table_and_writes_it(self, tmp_path, capsys):
        assert self.run("--profile", "12", "--out", str(tmp_path)) == 0
        out = capsys.readouterr().out
        assert "profile of 12 steps of 100 samples, after step 14" in out
        assert "hidden 1 (64-100, relu)" in out
        summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
        rows = summary["profile"]["rows"]
        assert sum(row["share"] for row in rows) == pytest.approx(1.0)
        assert summary["steps"] == 14

    def test_without_a_number_of_steps(self, tmp_path, capsys):
        assert self.run("--profile", "--quiet", "--out", str(tmp_path)) == 0
        assert capsys.readouterr() == ("", "")
        summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
        assert summary["profile"]["steps"] == 200

    def test_it_is_left_out_where_nobody_asks(self, tmp_path):
        assert self.run("--quiet", "--out", str(tmp_path)) == 0
        assert "profile" not in json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))

    def test_no_steps_are_refused_before_the_training(self, capsys):
        assert self.run("--profile", "0") == 2
        captured = capsys.readouterr()
        assert captured.err == (
            "xpnet.train: error: --profile must be an integer of at least 1; got 0\n"
        )
        assert captured.out == ""

    def test_a_training_that_diverges_has_none(self, capsys):
        assert self.run("--profile", "--update-rule", "sgd", "--learning-rate", "1e30") == 1
        captured = capsys.readouterr()
        assert "no profile: the training diverged" in captured.err
        assert "profile of" not in captured.out

    @pytest.mark.parametrize(
        ("error", "reason"),
        [(KeyboardInterrupt, "it was interrupted"), (InputError("too fast"), "too fast")],
    )
    def test_a_profile_that_fails_costs_no_training(
        self, error, reason, tmp_path, capsys, monkeypatch
    ):
        def broken_off(*_):
            raise error

        monkeypatch.setattr(training_run, "profile", broken_off)
        assert self.run("--profile", "--out", str(tmp_path)) == 0
        captured = capsys.readouterr()
        assert captured.err == f"xpnet.train: no profile: {reason}\n"
        assert (tmp_path / "best.safetensors").exists()
