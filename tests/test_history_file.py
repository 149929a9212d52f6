"""history.csv while a training goes on: its rows are the Solver's histories, to the last digit."""

import csv
import errno
import io
import json
import math
import re
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import xpnet
from xpnet import CheckpointWarning, FullyConnectedNet, Solver, history_file
from xpnet.history_file import HistoryFile
from xpnet.train import main

N, D, C, BATCH = 70, 5, 3, 10
STEPS_PER_EPOCH = 7
EVERY = 2  # so that a look at the loss comes at the steps 1, 3, 5, 7, ...


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    y = rng.integers(C, size=N + 20)
    X = (rng.standard_normal((N + 20, D)) + np.eye(C, D)[y]).astype(np.float32)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.csv"


@pytest.fixture
def clock(monkeypatch):
    """A clock for the module that stands still until its `now` is set."""
    made = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(history_file, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


def make(data, *callbacks, net=None, **options):
    settings = {"batch_size": BATCH, "num_epochs": 3, "print_every": EVERY, "verbose": False}
    settings["optim_config"] = {"learning_rate": 0.1}
    net = FullyConnectedNet([4], D, C, weight_scale=0.3) if net is None else net
    return Solver(net, data, callbacks=callbacks, **{**settings, **options})


def watched(path, solver, *others):
    """Give a Solver the file, and then others who may look at it; return the Solver."""
    solver.callbacks = (HistoryFile(path, solver), *others)
    return solver


def table(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))


def expected(solver, steps, accuracy="acc"):
    """Return the rows of the first steps as Python itself writes their numbers."""
    checks = {step: i for i, step in enumerate(solver.check_steps)}
    histories = {
        f"train_{accuracy}": solver.train_acc_history,
        f"val_{accuracy}": solver.val_acc_history,
        "val_loss": solver.val_loss_history,
    }
    return [
        {
            "step": str(step),
            "epoch": f"{step / STEPS_PER_EPOCH:.4f}",
            "loss": repr(solver.loss_history[step - 1]),
            **{
                name: repr(values[checks[step]]) if step in checks else ""
                for name, values in histories.items()
            },
        }
        for step in range(1, steps + 1)
    ]


class Reader:
    """A callback that notes how far the file is, and compares all that it has."""

    def __init__(self, path, clock=None, seconds=0.0):
        self.path, self.clock, self.seconds = path, clock, seconds
        self.at_interval, self.at_epoch = {}, {}

    def on_interval(self, solver):
        rows = table(self.path)
        assert rows == expected(solver, len(rows))
        self.at_interval[solver.step] = len(rows)
        if self.clock is not None:
            self.clock.now += self.seconds

    def on_epoch(self, solver):
        assert table(self.path) == expected(solver, solver.step)
        self.at_epoch[solver.step] = len(table(self.path))


class PressAt:
    """A callback that presses Ctrl-C at a step."""

    def __init__(self, step):
        self.step = step

    def on_interval(self, solver):
        if solver.step == self.step:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def no_room(monkeypatch):
    """Have every attempt to append to a history.csv fail; return the attempts."""
    opened, attempts = Path.open, []

    def refusing(self, mode="r", *given, **options):
        if self.name == "history.csv" and "a" in mode:
            attempts.append(mode)
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(self, mode, *given, **options)

    monkeypatch.setattr(Path, "open", refusing)
    return attempts


# What the rows hold


def test_rows_are_the_histories_to_the_last_digit(path, data):
    solver = watched(path, make(data))
    solver.train()
    rows = table(path)
    assert rows == expected(solver, 3 * STEPS_PER_EPOCH)
    assert [float(row["loss"]) for row in rows] == solver.loss_history
    checks = [row for row in rows if row["val_acc"]]
    assert [int(row["step"]) for row in checks] == solver.check_steps == [1, 7, 14, 21]
    for key in ("train_acc", "val_acc", "val_loss"):
        assert [float(row[key]) for row in checks] == getattr(solver, f"{key}_history")


def test_the_text_is_plain(path, data):
    solver = watched(path, make(data))
    solver.train()
    content = path.read_bytes()
    assert content.startswith(b"step,epoch,loss,train_acc,val_acc,val_loss\n1,0.1429,")
    assert content.endswith(b"\n")
    assert b"\r" not in content
    assert content.count(b"\n") == 1 + 3 * STEPS_PER_EPOCH
    assert content.splitlines()[2].endswith(b",,,")


def test_a_regression_has_columns_of_r2(path, data):
    targets = {f"y_{part}": data[f"X_{part}"][:, :2].sum(axis=1) for part in ("train", "val")}
    net = FullyConnectedNet([4], D, 1, loss="squared", weight_scale=0.3)
    solver = watched(path, make({**data, **targets}, net=net))
    solver.train()
    rows = table(path)
    assert list(rows[0]) == ["step", "epoch", "loss", "train_R2", "val_R2", "val_loss"]
    assert rows == expected(solver, 3 * STEPS_PER_EPOCH, "R2")


def test_a_loss_that_is_not_measured_is_nan(path, data):
    """A rule that is not ours leaves the Solver without a validation loss."""

    def rule(w, dw, config):
        return w - 0.1 * dw, config

    solver = watched(path, make(data, update_rule=rule, optim_config={}))
    solver.train()
    assert [row["val_loss"] for row in table(path) if row["val_acc"]] == ["nan"] * 4


@pytest.mark.parametrize("members", [2, 12])
def test_a_stack_has_every_number_of_each_member(path, data, members):
    """A cell is the text of a list, which Python and JSON read alike."""
    net = FullyConnectedNet([4], D, C, weight_scale=0.3, members=members, seed=list(range(members)))
    solver = watched(path, make(data, net=net, num_epochs=1))
    solver.train()
    rows = table(path)
    assert [row["step"] for row in rows] == [str(step) for step in range(1, STEPS_PER_EPOCH + 1)]
    losses = [json.loads(row["loss"]) for row in rows]
    assert losses == [x.tolist() for x in solver.loss_history]
    assert np.shape(losses) == (STEPS_PER_EPOCH, members)
    checks = [row for row in rows if row["val_acc"]]
    assert [int(row["step"]) for row in checks] == solver.check_steps == [1, 7]
    for key in ("train_acc", "val_acc", "val_loss"):
        found = [json.loads(row[key]) for row in checks]
        assert found == [x.tolist() for x in getattr(solver, f"{key}_history")]
    assert path.read_text().splitlines()[2] == f'2,0.2857,"{losses[1]}",,,'


@pytest.mark.filterwarnings("ignore::xpnet.DivergenceWarning")
def test_a_member_that_has_diverged_has_nan_in_its_place(path, data):
    net = FullyConnectedNet([4], D, C, weight_scale=0.3, members=2, seed=[0, 1])
    rates = {"learning_rate": [0.1, 1e18]}
    solver = watched(path, make(data, net=net, num_epochs=1, optim_config=rates))
    solver.train()
    assert solver.diverged_at[0] is None
    row = table(path)[-1]
    for key in ("loss", "train_acc", "val_acc", "val_loss"):
        first, second = json.loads(row[key].replace("nan", "NaN"))
        assert math.isfinite(first)
        assert math.isnan(second)


# A divergence


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave the pictures out, which take half a second."""
    monkeypatch.setattr("xpnet.run_folder.find_spec", lambda name: None)


@pytest.mark.filterwarnings("ignore::xpnet.DivergenceWarning")
def test_a_divergence_between_two_looks_is_the_last_row(path, data):
    solver = make(data, optim_config={"learning_rate": 1e18}, print_every=5)
    watched(path, solver).train()
    assert solver.diverged_at not in (1, 6, 11), "it is to come between two looks"
    assert len(table(path)) == solver.diverged_at
    assert table(path) == expected(solver, solver.diverged_at)


@pytest.fixture
def diverged(tmp_path, capsys):
    """The folder of a run that diverged between two looks at its loss."""
    folder = tmp_path / "run"
    words = ["--update-rule=sgd", "--learning-rate=1e6", "--print-every=5", "--num-epochs=2"]
    assert main([*words, "--out", str(folder), "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        r"xpnet\.train: training diverged: the loss is NaN or infinite at step \d, with learning "
        r"rate 1e\+06; try 1e\+05\. The best parameters are kept\.\n",
        err,
    )
    return folder


@pytest.mark.usefixtures("no_pictures")
def test_a_command_line_run_that_diverges_between_two_looks_writes_all(diverged):
    summary = json.loads((diverged / "summary.json").read_text())
    step = summary["diverged_at"]
    assert step in (2, 3, 4, 5)
    assert summary["steps"] == 6, "the second look"
    rows = table(diverged / "history.csv")
    assert [int(row["step"]) for row in rows] == list(range(1, step + 1))
    assert [math.isfinite(float(row["loss"])) for row in rows] == [*[True] * (step - 1), False]
    names = {path.name for path in diverged.iterdir()} - {".lock", ".checkpoint.lock"}
    files = {"best.safetensors", "config.toml", "history.csv", "report.html", "summary.json"}
    assert names == {*files, "checkpoint-00000006.safetensors"}
    assert xpnet.load(diverged).predict(np.ones((2, 64))).shape == (2,)


@pytest.mark.usefixtures("no_pictures")
def test_resume_of_a_run_that_diverged_is_refused(diverged, capsys):
    """And leaves all files as they are."""
    step = json.loads((diverged / "summary.json").read_text())["diverged_at"]
    before = {path.name: path.read_bytes() for path in diverged.iterdir()}
    assert main(["--resume", str(diverged), "--quiet"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"xpnet.train: error: this training diverged at step {step}: ")
    assert err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in diverged.iterdir()} == before


@pytest.mark.usefixtures("no_pictures")
def test_resume_of_a_run_that_diverged_says_what_to_do_at_a_command_line(diverged, capsys):
    assert main(["--resume", str(diverged), "--quiet"]) == 2
    line = capsys.readouterr().err
    assert "Solver" not in line
    assert line.endswith(": begin another, with a smaller learning rate\n")


# While the training goes on


def test_each_epoch_ends_with_all_its_rows_in_the_file(path, data, clock):
    reader = Reader(path, clock)
    watched(path, make(data), reader).train()
    assert reader.at_epoch == {7: 7, 14: 14, 21: 21}


def test_within_a_second_nothing_is_appended_before_the_epoch_ends(path, data, clock):
    reader = Reader(path, clock, seconds=0.2)
    watched(path, make(data, num_epochs=2), reader).train()
    assert reader.at_interval == {1: 0, 3: 0, 5: 0, 7: 0, 9: 7, 11: 7, 13: 7}


def test_after_a_second_the_rows_before_this_step_are_appended(path, data, clock):
    """Step 9 comes less than a second after the end of an epoch, where all rows were appended."""
    reader = Reader(path, clock, seconds=1.0)
    watched(path, make(data, num_epochs=2), reader).train()
    assert reader.at_interval == {1: 0, 3: 2, 5: 4, 7: 6, 9: 7, 11: 10, 13: 12}


def test_the_second_counts_from_the_last_time(path, data, clock):
    reader = Reader(path, clock, seconds=0.5)
    watched(path, make(data, num_epochs=1, print_every=1), reader).train()
    assert reader.at_interval == {1: 0, 2: 0, 3: 2, 4: 2, 5: 4, 6: 4, 7: 6}


def test_how_often_it_was_appended_makes_no_difference(tmp_path, data, clock):
    contents = []
    for seconds in (0.0, 0.7, 5.0):
        path = tmp_path / f"{seconds}.csv"
        watched(path, make(data), Reader(path, clock, seconds)).train()
        contents.append(path.read_bytes())
    assert contents[0] == contents[1] == contents[2]


def test_what_was_there_goes_when_a_training_begins(path, data):
    path.write_text("of another run\n" * 100)
    watched(path, make(data))
    assert path.read_text() == "step,epoch,loss,train_acc,val_acc,val_loss\n"


def test_a_second_training_of_the_same_solver_is_appended(path, data):
    solver = watched(path, make(data))
    solver.train()
    first = path.read_bytes()
    solver.train()
    assert path.read_bytes().startswith(first)
    assert table(path) == expected(solver, 6 * STEPS_PER_EPOCH)


@pytest.mark.parametrize("step", [1, 3, 11, 14])
def test_ctrl_c_leaves_the_last_check_in_the_last_row(path, data, step, clock):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    solver = watched(path, make(data, print_every=1), Reader(path, clock, 2.0), PressAt(step))
    try:
        with pytest.raises(KeyboardInterrupt):
            solver.train()
    finally:
        signal.signal(signal.SIGINT, before)
    assert solver.check_steps[-1] == solver.step == step
    assert table(path) == expected(solver, step)


def test_a_resumed_solver_replaces_what_is_there(path, tmp_path, data):
    options = {"checkpoint_name": tmp_path / "c", "checkpoint_every": 1, "checkpoints_kept": 9}
    watched(path, make(data, **options)).train()
    whole = path.read_bytes()
    assert len(table(path)) == 21
    solver = make(data, checkpoint_name=tmp_path / "elsewhere-c")
    solver.resume(tmp_path / "c-00000014.safetensors")
    watched(path, solver)
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:15])
    solver.train()
    assert path.read_bytes() == whole


# Where the file cannot be written


def test_an_append_that_fails_is_one_warning_and_the_training_goes_on(path, data, no_room):
    solver = watched(path, make(data))
    with pytest.warns(CheckpointWarning) as caught:
        solver.train()
    assert [str(warning.message) for warning in caught] == [
        f"{path} could not be written (No space left on device). The training goes on, and all of "
        "it will be written at its end"
    ]
    assert len(no_room) == 1, "it does not try each epoch anew"
    assert solver.step == 3 * STEPS_PER_EPOCH
    assert table(path) == expected(solver, 3 * STEPS_PER_EPOCH)


def test_until_the_end_the_file_stays_as_it_was(path, data, no_room):
    lengths = []
    later = SimpleNamespace(on_epoch=lambda solver: lengths.append(len(table(path))))
    solver = watched(path, make(data), later)
    with pytest.warns(CheckpointWarning, match="could not be written"):
        solver.train()
    assert lengths == [0, 0, 0]
    assert no_room


def test_a_failure_at_the_last_append_is_mended_at_once(path, data, no_room):
    """Where an interrupt ends the training, `on_end` is the first to append."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    solver = watched(path, make(data), PressAt(3))
    try:
        with pytest.warns(CheckpointWarning), pytest.raises(KeyboardInterrupt):
            solver.train()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(no_room) == 1
    assert table(path) == expected(solver, 3)


@pytest.mark.usefixtures("no_room", "no_pictures")
def test_a_command_line_run_says_it_in_a_line_and_loses_nothing(tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["--num-epochs", "2", "--out", str(folder), "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"xpnet.train: {folder / 'history.csv'} could not be written (No space left on device). "
        "The training goes on, and all of it will be written at its end\n"
    )
    assert len(table(folder / "history.csv")) == 28
    assert (folder / "best.safetensors").is_file()


@pytest.fixture
def still_no_room(no_room, monkeypatch):
    """Return a function that has writing at the end fail as well."""

    def refuse():
        def write_whole(_path, _content):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(history_file, "write_whole", write_whole)

    return refuse


def test_a_disk_that_stays_full_is_a_warning_too(path, data, still_no_room):
    solver = watched(path, make(data))
    still_no_room()
    with pytest.warns(CheckpointWarning) as caught:
        solver.train()
    said = f"{path} could not be written (No space left on device)"
    assert [str(warning.message) for warning in caught] == [
        f"{said}. The training goes on, and all of it will be written at its end",
        f"{said}. The rows up to the last that could be written are there",
    ]
    assert solver.callbacks[0].error == said
    assert solver.step == 3 * STEPS_PER_EPOCH
    assert table(path) == []


def test_a_file_that_is_complete_in_the_end_has_no_error(path, data, no_room):
    solver = watched(path, make(data))
    with pytest.warns(CheckpointWarning):
        solver.train()
    assert no_room
    assert solver.callbacks[0].error == ""


@pytest.fixture
def full_from_the_first_step(still_no_room, monkeypatch):
    """Have every run on the command line find a full disk for its history once it has begun."""
    train = Solver.train

    def refusing(solver):
        still_no_room()
        train(solver)

    monkeypatch.setattr(Solver, "train", refusing)


@pytest.mark.usefixtures("full_from_the_first_step", "no_pictures")
@pytest.mark.parametrize("rate", ["0.01", "1e18"])
def test_a_command_line_run_whose_history_is_not_complete_ends_with_status_2(
    rate, tmp_path, capsys
):
    folder = tmp_path / "run"
    words = ["--num-epochs=2", f"--learning-rate={rate}", "--out", str(folder), "--quiet"]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    full = f"{folder / 'history.csv'} could not be written (No space left on device)"
    lines = [line for line in err.splitlines() if "diverged" not in line]
    assert lines[0].startswith(f"xpnet.train: {full}. The training goes on")
    assert lines[1:] == [
        f"xpnet.train: {full}. The rows up to the last that could be written are there",
        f"xpnet.train: error: {full}: make room; all else is in {folder}",
    ]
    summary = json.loads((folder / "summary.json").read_text())
    [checkpoint] = folder.glob("checkpoint-*.safetensors")
    assert checkpoint.name == f"checkpoint-{summary['steps']:08d}.safetensors"
    for file in (checkpoint, folder / "best.safetensors"):
        assert xpnet.load(file).num_classes == 10
    assert (folder / "config.toml").is_file()
    assert table(folder / "history.csv") == []


@pytest.mark.usefixtures("no_pictures")
def test_a_history_that_was_not_complete_is_after_a_resume(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        opened = Path.open

        def refusing(self, mode="r", *given, **options):
            if self.name == "history.csv" and "a" in mode:
                raise OSError(errno.ENOSPC, "No space left on device")
            return opened(self, mode, *given, **options)

        patch.setattr(Path, "open", refusing)
        patch.setattr(HistoryFile, "on_end", lambda *_: None)
        main(["--num-epochs=2", "--out", str(folder), "--quiet"])
    assert table(folder / "history.csv") == []
    capsys.readouterr()
    assert main(["--resume", str(folder), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert len(table(folder / "history.csv")) == 28


def test_a_file_that_cannot_be_begun_is_an_error(tmp_path, data):
    with pytest.raises(OSError, match="No such file or directory"):
        HistoryFile(tmp_path / "nowhere" / "history.csv", make(data))


def test_a_command_line_run_whose_file_cannot_be_begun_is_refused(tmp_path, capsys, monkeypatch):
    def write_whole(_path, _content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(history_file, "write_whole", write_whole)
    folder = tmp_path / "run"
    assert main(["--num-epochs", "1", "--out", str(folder), "--quiet"]) == 2
    assert capsys.readouterr().err == (
        f"xpnet.train: error: {folder} could not be written ([Errno 28] No space left on device): "
        "make room, or choose another --out DIR\n"
    )
