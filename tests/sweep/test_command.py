"""`python -m xpnet.sweep`: what it prints and leaves, and what it refuses."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import xpnet
from xpnet import InputError
from xpnet.sweep import sweep
from xpnet.sweep.command import main
from xpnet.sweep.stack import StackTrainer
from xpnet.train import main as train

QUICK = ["--num-epochs", "2", "--hidden-dim", "6"]


@pytest.fixture
def _no_pictures(monkeypatch):
    monkeypatch.setattr("xpnet.sweep.files.find_spec", lambda name: None)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_grid(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    words = ["--grid", "learning-rate=1e-3,1e-2", "--grid", "reg=0,0.1,1", *QUICK]
    assert main([*words, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "6 nets on digits" in out
    assert out.count(" val 0.") == 6
    assert "the best of 6 is a maximum over noise" in out
    rows = table(tmp_path / "results.csv")
    assert [(row["learning_rate"], row["reg"]) for row in rows] == [
        (rate, reg) for rate in ("0.001", "0.01") for reg in ("0", "0.1", "1")
    ]
    digits = xpnet.data.load("digits")
    known = sweep(
        digits,
        {"learning_rate": [1e-3, 1e-2], "reg": [0, 0.1, 1]},
        **{"num_epochs": 2, "hidden_dims": [6], "preprocess": "mean", "update_rule": "adam"},
        **{"initializer": "kaiming", "lr_decay": 0.97},
    )
    assert [float(row["val_accuracy"]) for row in rows] == [
        row["val_accuracy"] for row in known.rows
    ]
    curves = table(tmp_path / "curves.csv")
    assert len(curves) == 6 * 3
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["best"]["val_accuracy"] == known.best["val_accuracy"]
    net = xpnet.load(tmp_path / "best")
    accuracy = (net.predict(digits.X_test) == digits.y_test).mean()
    assert summary["test_accuracy"] == accuracy
    assert (tmp_path / "sweep.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.usefixtures("_no_pictures")
def test_draws_seeds_and_layers(tmp_path, capsys):
    words = ["--random", "3", "--space", "learning-rate=loguniform(1e-3,1e-2)", "--seeds", "2"]
    words += ["--grid", "hidden-dims=5,6x4", "--grid", "normalization=none,batchnorm"]
    assert main([*words, "--num-epochs", "1", "--out", str(tmp_path), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    rows = table(tmp_path / "results.csv")
    assert len(rows) == 6
    assert {row["hidden_dims"] for row in rows} <= {"5", "6,4"}
    assert {row["normalization"] for row in rows} <= {"", "batchnorm"}
    assert [row["seed"] for row in rows] == ["0", "1"] * 3
    assert not (tmp_path / "sweep.png").exists()


def test_rules_have_numbers_of_their_own(capsys):
    assert main(["--grid", "update-rule=sgd,adam,rmsprop", *QUICK]) == 0
    assert capsys.readouterr().out.count("update_rule ") >= 3


@pytest.mark.usefixtures("_no_pictures")
def test_a_folder_is_not_written_over(tmp_path, capsys):
    words = ["--grid", "reg=0,1", *QUICK, "--quiet", "--out", str(tmp_path)]
    assert main(words) == 0
    assert main(words) == 2
    assert "holds a sweep or a run already (arguments.json)" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0


@pytest.mark.usefixtures("_no_pictures")
def test_a_sweep_that_cannot_begin_leaves_the_folder_as_it_was(tmp_path, capsys):
    """The old one is not removed for it, and no trace of it is in the way of the next."""
    assert main(["--grid", "reg=-1,0", *QUICK, "--out", str(tmp_path)]) == 2
    words = ["--grid", "reg=0,1", *QUICK, "--quiet", "--out", str(tmp_path)]
    assert main(words) == 0
    before = contents(tmp_path)
    for wrong in (["--grid", "regg=0"], ["--grid", "reg=0", "--dataset", "nowhere"]):
        assert main([*wrong, "--overwrite", "--out", str(tmp_path)]) == 2
        assert contents(tmp_path) == before


@pytest.mark.usefixtures("_no_pictures")
def test_ctrl_c_keeps_what_is_known(tmp_path, capsys, monkeypatch):
    train, done = StackTrainer.train, []

    def pressed(*given, **options):
        if done:
            raise KeyboardInterrupt
        done.append(train(*given, **options))
        return done[0]

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(StackTrainer, "train", pressed)
    try:
        words = ["--grid", "hidden-dims=4,12", "--grid", "reg=0,1", "--num-epochs", "1"]
        assert main([*words, "--out", str(tmp_path)]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert "stopped after 2 of 4 nets" in capsys.readouterr().err
    assert [row["hidden_dims"] for row in table(tmp_path / "results.csv")] == ["12", "12"]
    assert np.isfinite(xpnet.load(tmp_path / "best").params["W1"]).all()
    monkeypatch.setattr(StackTrainer, "train", train)
    assert main(["--resume", str(tmp_path), "--quiet"]) == 0
    assert main([*words, "--out", str(tmp_path / "whole"), "--quiet"]) == 0
    for name in ("results.csv", "curves.csv"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    nets = [xpnet.load(path / "best") for path in (tmp_path, tmp_path / "whole")]
    np.testing.assert_array_equal(nets[0].params["W1"], nets[1].params["W1"])


def test_a_sweep_that_is_killed_goes_on_to_the_same_table(tmp_path):
    words = ["--grid", "learning-rate=1e-3,1e-2", "--grid", "hidden-dims=8,16,24,32,40,48,56,64"]
    words += ["--num-epochs", "30", "--quiet", "--processes", "1"]
    command = [sys.executable, "-m", "xpnet.sweep"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    begun = time.perf_counter()
    whole = [*command, *words, "--out", str(tmp_path / "whole")]
    subprocess.run(whole, check=True, env=environment)
    seconds = time.perf_counter() - begun
    with subprocess.Popen(
        [*command, *words, "--out", str(tmp_path / "run")], env=environment
    ) as run:
        try:
            run.wait(0.6 * seconds)
        except subprocess.TimeoutExpired:
            run.kill()
    subprocess.run([*command, "--resume", str(tmp_path / "run")], check=True, env=environment)
    for name in ("results.csv", "curves.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_resuming_is_refused(tmp_path, capsys):
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "arguments.json").write_text("[1")
    for words, sentence in (
        (["--resume", str(tmp_path / "no")], "holds no sweep, as there is no arguments.json"),
        (["--resume", str(tmp_path), "--grid", "reg=1"], "so that --grid has no meaning: leave it"),
        (
            ["--resume", str(tmp_path / "damaged")],
            "arguments.json is damaged: begin the sweep anew",
        ),
    ):
        assert main(words) == 2
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "there is nothing to sweep: give --grid NAME=A,B,... or --space"),
        (["--grid", "reg"], "--grid takes NAME=VALUES, such as --grid reg=0,0.1; got 'reg'"),
        (["--grid", "regg=1"], "no hyperparameter 'regg' (did you mean reg?)"),
        (["--grid", "reg=1", "--grid", "reg=2"], "reg is in the space twice: join its values"),
        (["--grid", "reg=a"], "reg must be a number; got"),
        (["--grid", "hidden-dims=axb"], "hidden-dims takes sizes such as 100, or 100x50"),
        (["--space", "reg=uniform(0,1)"], "reg is drawn from a distribution: say how often"),
        (["--space", "reg=normal(0,1)"], "a distribution is uniform(LOW,HIGH), loguniform(LOW"),
        (["--space", "reg=uniform(1)"], "uniform takes two numbers, as in uniform(1e-5,1e-2)"),
        (["--space", "reg=choice()"], "choice() needs a value; got none"),
        (
            ["--grid", "reg=0,1", "--random", "20000"],
            "these are 20,000 nets to train (20,000 drawn): leave out",
        ),
        (["--grid", "reg=0,1", "--seeds", "0"], "--seeds must be an integer of at least 1; got 0"),
        (["--grid", "reg=0,1", "--dataset", "nowhere"], "there is no data set"),
    ],
)
def test_what_is_refused(words, sentence, capsys):
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.startswith("xpnet.sweep: error: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_options_of_a_training_are_refused(capsys):
    for option in ("--config", "--profile", "--compile"):
        with pytest.raises(SystemExit) as ending:
            main(["--grid", "reg=0", option])
        assert ending.value.code == 2
        assert f"{option} is for python -m xpnet.train" in capsys.readouterr().err


@pytest.mark.usefixtures("_no_pictures")
def test_folds_and_halving_leave_a_table_of_configurations(tmp_path, capsys):
    words = ["--grid", "learning-rate=1e-4,1e-3,1e-2,3e-2", "--folds", "3", "--halving"]
    assert main([*words, "--num-epochs", "4", "--hidden-dim", "6", "--out", str(tmp_path)]) == 0
    assert "12 nets on digits" in (out := capsys.readouterr().out)
    assert "trained anew on the whole training part: validation accuracy" in out
    rows = table(tmp_path / "results.csv")
    assert [row["fold"] for row in rows] == ["0", "1", "2"] * 4
    assert sorted(float(row["epochs"]) for row in rows) == [1] * 6 + [2] * 3 + [4] * 3
    configurations = table(tmp_path / "configurations.csv")
    assert [row["runs"] for row in configurations] == ["3"] * 4
    summary = json.loads((tmp_path / "summary.json").read_text())
    highest = max(configurations, key=lambda row: float(row["val_accuracy"]))
    assert summary["best"]["learning_rate"] == float(highest["learning_rate"])
    digits = xpnet.data.load("digits")
    accuracy = (xpnet.load(tmp_path / "best").predict(digits.X_val) == digits.y_val).mean()
    assert summary["refit_accuracy"] == accuracy


@pytest.mark.usefixtures("_no_pictures")
def test_two_stages(tmp_path):
    words = ["--random", "6", "--space", "learning-rate=loguniform(1e-5,1e-1)", "--refine", "4"]
    words += ["--coarse-epochs", "1", "--num-epochs", "2", "--hidden-dim", "6", "--quiet"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert [row["num_epochs"] for row in table(tmp_path / "results.csv")] == ["1"] * 6 + ["2"] * 4


@pytest.mark.usefixtures("_no_pictures")
def test_the_config_of_the_best_trains_it_again(tmp_path):
    words = ["--random", "5", "--space", "learning-rate=loguniform(1e-3,1e-1)", "--seeds", "2"]
    words += ["--grid", "hidden-dims=6,12x5", "--grid", "normalization=none,batchnorm"]
    sweep_folder, run = tmp_path / "sweep", tmp_path / "run"
    assert main([*words, "--num-epochs", "3", "--out", str(sweep_folder), "--quiet"]) == 0
    config = sweep_folder / "best" / "config.toml"
    assert train(["--config", str(config), "--out", str(run), "--quiet"]) == 0
    first, second = (xpnet.load(path) for path in (sweep_folder / "best", run))
    assert first.layer_sizes == second.layer_sizes
    for name, w in first.params.items():
        np.testing.assert_array_equal(second.params[name], w)


def on_a_terminal(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda: True)


@pytest.mark.usefixtures("_no_pictures")
def test_on_a_terminal_there_is_a_live_table(capsys, monkeypatch):
    on_a_terminal(monkeypatch)
    monkeypatch.setattr("xpnet.sweep.display._SECONDS", 0.0)
    monkeypatch.setattr("xpnet.sweep.stack._SECONDS", 0.0)
    words = ["--grid", "learning-rate=1e-3,1e-2,1e30", "--update-rule", "sgd"]
    words += ["--grid", "hidden-dims=6,20", "--num-epochs", "4"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert " val 0." not in out  # no line for each: the table has them
    assert "learning_rate 0.01  hidden_dims 20 ..." in err  # in training
    assert "best of 6 so far" in err
    assert "2 diverged" in err
    assert "left" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--grid", "reg=0,0.1", "--reg", "0.5"], "reg is in the space and is fixed at 0.5 too"),
        (["--grid", "learning-rate=loguniform(1e-3,1)"], "use --space learning_rate=loguniform("),
        (["--random", "3", "--space", "batch-size=uniform(10,90)"], "takes whole numbers: draw it"),
        (
            ["--random", "3", "--space", "hidden-dims=choice(10,axb)"],
            "sizes such as 100, or 100x50",
        ),
        (["--random", "3"], "such as --grid reg=0,0.1; NAME is one of"),
    ],
)
def test_slips_of_a_user_are_named(words, sentence, capsys):
    assert main(words) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("_no_pictures")
def test_options_are_known_by_their_own_names(tmp_path):
    words = ["--random", "4", "--space", "hidden-dims=choice(6,6x4)", "--grid", "lr=1e-3"]
    words += ["--grid", "schedule=constant,cosine", "--grid", "early-stopping=2"]
    assert main([*words, "--num-epochs", "2", "--quiet", "--out", str(tmp_path)]) == 0
    rows = table(tmp_path / "results.csv")
    assert {row["hidden_dims"] for row in rows} <= {"6", "6,4"}
    assert {row["lr_schedule"] for row in rows} <= {"constant", "cosine"}
    assert {row["patience"] for row in rows} == {"2"}
    net = xpnet.load(tmp_path)  # the sweep's folder will do
    assert net.layer_sizes == xpnet.load(tmp_path / "best").layer_sizes


def test_where_all_diverged_that_is_what_is_said(capsys):
    words = ["--grid", "learning-rate=1e8,1e10", "--update-rule", "sgd", "--num-epochs", "3"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "2 of 2 diverged\nnone of them is worth a look: try learning rates far lower" in out
    assert "maximum over noise" not in out


def test_data_that_are_none(tmp_path):
    with pytest.raises(InputError, match="data must be a dictionary or a Dataset"):
        sweep(([1.0], [0]), {"reg": [0.0]})
