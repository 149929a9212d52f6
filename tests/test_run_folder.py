"""The run folder: what is written, and what is refused before a training begins."""

import csv
import json
import os

import numpy as np
import pytest

from xpnet import Solver, TwoLayerNet, run_folder
from xpnet.data import Dataset, load
from xpnet.errors import InputError
from xpnet.nets import FullyConnectedNet
from xpnet.run_folder import open_folder, write_run


def no_constant(text):
    pytest.fail(f"{text} is no JSON")


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=no_constant)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def trained(digits):
    net = TwoLayerNet(64, 4, 10, initializer="kaiming")
    solver = Solver(net, digits, update_rule="adam", num_epochs=2, verbose=False, preprocess="mean")
    solver.train()
    return solver


@pytest.fixture
def no_matplotlib(monkeypatch):
    monkeypatch.setattr(run_folder, "find_spec", lambda name: None)


def test_open_folder_makes_it_with_its_parents(tmp_path):
    folder = open_folder(str(tmp_path / "a" / "b"))
    assert folder == tmp_path / "a" / "b"
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_open_folder_keeps_what_is_there(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert open_folder(str(tmp_path)) == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def refuse(path):
    """Return the sentence that refuses a folder."""
    with pytest.raises(InputError) as caught:
        open_folder(str(path))
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
    write_run(tmp_path, trained, digits, summary)
    assert read_json(tmp_path / "summary.json") == {
        "a": None,
        "b": {"c": None, "d": 1.5},
        "e": None,
    }


@pytest.mark.usefixtures("no_matplotlib")
def test_json_has_null_inside_lists_too(trained, digits, tmp_path):
    write_run(tmp_path, trained, digits, {"rates": [float("inf"), 2.0]})
    assert read_json(tmp_path / "summary.json") == {"rates": [None, 2.0]}


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_no_pictures(trained, digits, tmp_path):
    names = write_run(tmp_path, trained, digits, {})
    assert names == ["summary.json", "history.csv", "best_params.npz"]
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())


def test_the_names_are_those_of_the_files(trained, digits, tmp_path):
    pytest.importorskip("matplotlib")
    names = write_run(tmp_path, trained, digits, {})
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())
    assert names[3:] == ["curves.png", "weights.png"]


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
    names = write_run(tmp_path, trained, data, {})
    assert ("weights.png" in names) is drawn
    assert (tmp_path / "weights.png").exists() is drawn


@pytest.mark.usefixtures("no_matplotlib")
def test_history_has_every_loss_as_it_was(trained, digits, tmp_path):
    write_run(tmp_path, trained, digits, {})
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


@pytest.mark.usefixtures("no_matplotlib")
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
    solver.train()
    write_run(tmp_path, solver, data, {})
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "epoch", "loss", "train_R2", "val_R2", "val_loss"]
    checks = [float(row["val_R2"]) for row in rows if row["val_R2"]]
    assert checks == solver.val_acc_history


@pytest.mark.usefixtures("no_matplotlib")
def test_best_params_hold_net_mean_and_class_names(trained, digits, tmp_path):
    write_run(tmp_path, trained, digits, {})
    with np.load(tmp_path / "best_params.npz", allow_pickle=False) as file:
        arrays = dict(file)
    texts = {"preprocess", "class_names", "config"}
    assert set(arrays) == {"W1", "b1", "W2", "b2", "mean", *texts}
    assert str(arrays["preprocess"]) == "mean"
    for name, w in trained.best_params.items():
        np.testing.assert_array_equal(arrays[name], w)
    np.testing.assert_allclose(arrays["mean"], digits.X_train.mean(axis=0), rtol=1e-12)
    assert tuple(arrays["class_names"]) == digits.class_names


@pytest.mark.usefixtures("no_matplotlib")
def test_a_second_run_replaces_the_first(trained, digits, tmp_path):
    write_run(tmp_path, trained, digits, {"run": "first, with a longer text"})
    write_run(tmp_path, trained, digits, {"run": 2})
    assert read_json(tmp_path / "summary.json") == {"run": 2}
    assert not list(tmp_path.glob("*.part"))


def test_pictures_of_an_earlier_run_do_not_stay(trained, digits, tmp_path, monkeypatch):
    """Else the folder holds the weights of another net beside the numbers of this one."""
    pytest.importorskip("matplotlib")
    write_run(tmp_path, trained, digits, {})
    monkeypatch.setattr(run_folder, "find_spec", lambda name: None)
    names = write_run(tmp_path, trained, digits, {})
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())
