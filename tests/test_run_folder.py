"""The run folder: who may write, what is written, and what is refused before a training begins."""

import csv
import json
import os
import signal

import numpy as np
import pytest
from safetensors import safe_open

import xpnet
from xpnet import Solver, TwoLayerNet, run_folder
from xpnet.data import Dataset, load
from xpnet.errors import InputError
from xpnet.history_file import HistoryFile
from xpnet.nets import FullyConnectedNet
from xpnet.run_config import CONFIG
from xpnet.run_folder import (
    HISTORY,
    open_folder,
    refuse_other_run,
    remove_run,
    write_results,
)


def no_constant(text):
    pytest.fail(f"{text} is no JSON")


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=no_constant)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def trained(digits, tmp_path):
    """A Solver that has trained as the command line does, with config.toml and history.csv."""
    (tmp_path / CONFIG).write_text("num-epochs = 2\n")
    net = TwoLayerNet(64, 4, 10, initializer="kaiming")
    solver = Solver(net, digits, update_rule="adam", num_epochs=2, verbose=False, preprocess="mean")
    solver.callbacks = [HistoryFile(tmp_path / HISTORY, solver)]
    solver.train()
    return solver


@pytest.fixture
def no_matplotlib(monkeypatch):
    monkeypatch.setattr(run_folder, "find_spec", lambda name: None)


def names_in(folder):
    """Return the names of all but what is hidden, as the lock is."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_open_folder_makes_it_with_its_parents(tmp_path):
    with open_folder(str(tmp_path / "a" / "b")) as folder:
        assert folder == tmp_path / "a" / "b"
        assert folder.is_dir()
        assert names_in(folder) == []


def test_open_folder_keeps_what_is_there(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".hidden").write_text("mine too")
    with open_folder(str(tmp_path)) as folder:
        assert folder == tmp_path
        assert names_in(tmp_path) == ["notes.txt"]
    assert names_in(tmp_path) == ["notes.txt"]
    texts = [(tmp_path / name).read_text() for name in ("notes.txt", ".hidden")]
    assert texts == ["mine", "mine too"]


def refuse(path):
    """Return the sentence that refuses a folder."""
    with pytest.raises(InputError) as caught, open_folder(str(path)):
        pytest.fail("it was opened")
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    assert "--out DIR" in text
    return text


def test_open_folder_refuses_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    refuse(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_open_folder_refuses_what_lies_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    assert "Not a directory" in refuse(tmp_path / "file" / "run")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc")
def test_open_folder_refuses_what_cannot_be_made():
    refuse("/proc/xpnet-run")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc")
def test_open_folder_tries_to_write():
    """The folder is there, so that making it is no test of it."""
    refuse("/proc/self")


@pytest.mark.usefixtures("no_matplotlib")
def test_json_has_null_for_what_it_cannot_say(trained, digits, tmp_path):
    summary = {"a": float("nan"), "b": {"c": -float("inf"), "d": 1.5}, "e": np.float64("nan")}
    write_results(tmp_path, trained, digits, summary)
    assert read_json(tmp_path / "summary.json") == {
        "a": None,
        "b": {"c": None, "d": 1.5},
        "e": None,
    }


@pytest.mark.usefixtures("no_matplotlib")
def test_json_has_null_inside_lists_too(trained, digits, tmp_path):
    write_results(tmp_path, trained, digits, {"rates": [float("inf"), 2.0]})
    assert read_json(tmp_path / "summary.json") == {"rates": [None, 2.0]}


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_no_pictures(trained, digits, tmp_path):
    names = write_results(tmp_path, trained, digits, {})
    assert names == ["summary.json", "history.csv", "config.toml", "best.safetensors"]
    assert sorted(names) == names_in(tmp_path)


def test_the_names_are_those_of_the_files(trained, digits, tmp_path):
    pytest.importorskip("matplotlib")
    names = write_results(tmp_path, trained, digits, {})
    assert sorted(names) == names_in(tmp_path)
    assert names[4:] == ["curves.png", "weights.png"]


@pytest.mark.parametrize(
    ("picture_shape", "drawn"), [(None, False), ((1, 8, 8), True), ((64, 1, 1), False)]
)
def test_weights_are_drawn_where_inputs_are_pictures(
    trained, digits, tmp_path, picture_shape, drawn
):
    pytest.importorskip("matplotlib")
    parts = {key: digits[key] for key in digits.keys()}  # noqa: SIM118 - no mapping
    data = Dataset(
        name="other",
        **parts,
        class_names=digits.class_names,
        picture_shape=picture_shape,
        source="here",
    )
    names = write_results(tmp_path, trained, data, {})
    assert ("weights.png" in names) is drawn
    assert (tmp_path / "weights.png").exists() is drawn


def test_history_has_every_loss_as_it_was(trained, tmp_path):
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "epoch", "loss", "train_acc", "val_acc", "val_loss"]
    assert [int(row["step"]) for row in rows] == list(range(1, 29))
    assert [float(row["loss"]) for row in rows] == trained.loss_history
    checks = [row for row in rows if row["val_acc"]]
    assert [int(row["step"]) for row in checks] == trained.check_steps == [1, 14, 28]
    for key in ("train_acc", "val_acc", "val_loss"):
        assert [float(row[key]) for row in checks] == getattr(trained, f"{key}_history")
    assert [row["epoch"] for row in checks] == ["0.0714", "1.0000", "2.0000"]


def test_history_is_the_same_written_at_once(trained, tmp_path):
    HistoryFile(tmp_path / "again.csv", trained)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / HISTORY).read_bytes()


def test_a_regression_has_columns_of_r2(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((90, 3))
    y = X.sum(axis=1)
    arrays = {"X_train": X, "y_train": y, "X_val": X[:30], "y_val": y[:30]}
    data = Dataset(
        "sums",
        **arrays,
        X_test=None,
        y_test=None,
        class_names=(),
        picture_shape=None,
        source="here",
    )
    net = FullyConnectedNet([4], 3, 1, loss="squared")
    solver = Solver(net, data, num_epochs=2, batch_size=30, verbose=False)
    solver.callbacks = [HistoryFile(tmp_path / HISTORY, solver)]
    solver.train()
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "epoch", "loss", "train_R2", "val_R2", "val_loss"]
    checks = [float(row["val_R2"]) for row in rows if row["val_R2"]]
    assert checks == solver.val_acc_history


@pytest.mark.usefixtures("no_matplotlib")
def test_the_best_net_is_there_with_mean_and_class_names(trained, digits, tmp_path):
    for name in ("W1", "b1"):  # those of the Solver count, and not the model's
        trained.model.params[name] = trained.model.params[name] + 1
    write_results(tmp_path, trained, digits, {})
    with safe_open(tmp_path / "best.safetensors", "numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        record = json.loads(file.metadata()["xpnet"])["net"]
    assert set(arrays) == {*(f"params.{name}" for name in trained.best_params), "preprocess.mean"}
    assert set(trained.best_params) == {"W1", "b1", "W2", "b2"}
    assert record["preprocess"] == "mean"
    for name, w in trained.best_params.items():
        np.testing.assert_array_equal(arrays[f"params.{name}"], w)
    np.testing.assert_allclose(arrays["preprocess.mean"], digits.X_train.mean(axis=0), rtol=1e-12)
    assert tuple(record["class_names"]) == digits.class_names


@pytest.mark.usefixtures("no_matplotlib")
def test_results_replace_earlier_ones(trained, digits, tmp_path):
    """A resumed run writes them again."""
    write_results(tmp_path, trained, digits, {"run": "first, with a longer text"})
    write_results(tmp_path, trained, digits, {"run": 2})
    assert read_json(tmp_path / "summary.json") == {"run": 2}
    assert not [path.name for path in tmp_path.iterdir() if ".part" in path.name]


def test_nothing_of_an_earlier_run_stays(trained, digits, tmp_path, monkeypatch):
    """Else the folder holds the weights of another net beside the numbers of this one."""
    pytest.importorskip("matplotlib")
    (tmp_path / "notes.txt").write_text("mine")
    written = write_results(tmp_path, trained, digits, {})
    assert sorted([*written, "notes.txt"]) == names_in(tmp_path)
    with pytest.raises(InputError, match="holds a run already.*--overwrite"):
        refuse_other_run(tmp_path)
    assert sorted([*written, "notes.txt"]) == names_in(tmp_path)
    remove_run(tmp_path)
    assert names_in(tmp_path) == ["notes.txt"]
    monkeypatch.setattr(run_folder, "find_spec", lambda name: None)
    write_results(tmp_path, trained, digits, {})
    assert names_in(tmp_path) == ["best.safetensors", "notes.txt", "summary.json"]


def test_overwrite_removes_nothing_until_all_else_is_right(tmp_path, capsys):
    """A run that cannot begin leaves the old one alone."""
    from xpnet.train import main

    assert main(["--out", str(tmp_path), "--num-epochs", "1", "--quiet"]) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for wrong in (
        ["--batch-size", "0"],
        ["--learning-rate", "-1"],
        ["--dataset", "nowhere.npz"],
        ["--hidden-dims", "0"],
        ["--update-rule", "sgd", "--beta1", "0.5"],
    ):
        assert main(["--out", str(tmp_path), "--overwrite", "--quiet", *wrong]) == 2
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert main(["--out", str(tmp_path), "--overwrite", "--num-epochs", "2", "--quiet"]) == 0
    assert read_json(tmp_path / "summary.json")["epochs"] == 2
    assert len(list(tmp_path.glob("checkpoint-*"))) == 1


def test_what_the_last_check_of_a_stopped_run_found_is_what_is_loaded(tmp_path, monkeypatch):
    """That check comes after the checkpoint, which a resumed run goes on from without it."""
    from xpnet import training_run
    from xpnet.train import main

    class Press:
        def on_interval(self, solver):
            if solver.step == 21:
                signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(training_run, "watch", lambda *given: Press())
    try:
        assert main(["--out", str(tmp_path), "--num-epochs", "3"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    digits = load("digits")
    promised = read_json(tmp_path / "summary.json")["best_val_accuracy"]
    net = xpnet.load(tmp_path)
    assert (net.predict(digits.X_val) == digits.y_val).mean() == promised
    [checkpoint] = tmp_path.glob("checkpoint-*21.safetensors")
    older = xpnet.load(checkpoint)
    assert (older.predict(digits.X_val) == digits.y_val).mean() < promised
    monkeypatch.setattr(training_run, "watch", lambda *given: object())
    assert main(["--resume", str(tmp_path), "--quiet"]) == 0
    promised = read_json(tmp_path / "summary.json")["best_val_accuracy"]
    assert (xpnet.load(tmp_path).predict(digits.X_val) == digits.y_val).mean() == promised
