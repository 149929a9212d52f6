"""Sweeps of which parts diverge, end early, come twice, or are stopped more than once."""

import json
import math
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import xpnet
from xpnet import InputError
from xpnet.data.mapped import is_mapped
from xpnet.preprocessing import Standardization
from xpnet.sweep import Choice, LogUniform, sweep
from xpnet.sweep.command import main

FIXED = {"num_epochs": 8, "batch_size": 10, "preprocess": "mean", "hidden_dims": [5]}
HOT = {"learning_rate": [1e-2, 1e38, 2e-2]}


@pytest.mark.parametrize("options", [{"seeds": 2}, {"folds": 2}])
def test_a_configuration_that_diverges_at_once_comes_last(data, options):
    found = sweep(data, HOT, **options, **FIXED)
    lost = next(row for row in found.configurations if row["learning_rate"] == 1e38)
    assert math.isnan(lost["val_accuracy"])
    assert (lost["val_std"], lost["diverged"]) == (None, 2)
    assert found.top(3)[-1]["number"] == lost["number"]
    assert "2 of 6 diverged" in str(found)
    assert found.configurations_to_csv()


@pytest.mark.parametrize("options", [{}, {"seeds": 2}, {"halving": True}, {"folds": 2}])
def test_where_all_diverge_there_is_no_best_net(data, options, tmp_path):
    found = sweep(data, {"learning_rate": [1e30, 1e31]}, **options, **FIXED)
    assert found.best_model is None
    assert found.test_accuracy is None
    assert "taken once" not in str(found)
    words = ["--grid", "learning-rate=1e30,1e31", "--update-rule", "sgd", "--num-epochs", "2"]
    assert main([*words, "--out", str(tmp_path), "--quiet"]) == 0
    text = (tmp_path / "summary.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["best"] is None
    assert not (tmp_path / "best").exists()


def test_those_that_diverged_do_not_take_the_places_of_others(data):
    """Accuracies from before they diverged count for nothing when halves are dropped."""
    rates = [30.0, 1e-4, 1e-3, 100.0]
    found = sweep(data, {"learning_rate": rates}, halving=True, **FIXED)
    assert [row["diverged_at"] is None for row in found.rows] == [False, True, True, False]
    (last,) = [row for row in found.rows if row["epochs"] == 8]
    assert last["learning_rate"] in (1e-4, 1e-3)
    hottest = max(row["val_accuracy"] for row in found.rows if row["diverged_at"] is not None)
    assert hottest > last["val_accuracy"]  # what it would have been ranked by


@pytest.mark.parametrize("ratios", [[1.0, 0.5], [0.5, 1.0]])
def test_where_one_has_dropout_none_is_filled_up(data, ratios):
    space = {"hidden_dims": [[3], [5]], "dropout_keep_ratio": ratios}
    options = {name: value for name, value in FIXED.items() if name != "hidden_dims"}
    found, apart = (sweep(data, space, fill_up=f, **options) for f in (True, False))
    assert found.curves == apart.curves


def test_a_preprocessing_of_ones_own_is_fitted_for_each_fold(data):
    space = {"learning_rate": [1e-3, 1e-2]}
    own = Standardization()
    found, known = (
        sweep(data, space, folds=3, **{**FIXED, "preprocess": wanted})
        for wanted in (own, "standard")
    )
    assert found.curves == known.curves
    assert found.refit_accuracy == known.refit_accuracy
    assert not own.fitted


def test_a_round_with_too_little_to_halve_trains_whole(data):
    space = {"learning_rate": LogUniform(1e-4, 1e-1)}
    found = sweep(data, space, num_samples=4, refine=1, halving=True, **FIXED)
    assert [row["epochs"] for row in found.rows[4:]] == [8]
    found = sweep(data, space, num_samples=4, refine=2, coarse_epochs=1, halving=True, **FIXED)
    assert sorted(row["epochs"] for row in found.rows) == [1, 1, 1, 1, 4, 8]


def test_equal_draws_are_configurations_of_their_own(data):
    """Each has its seeds and no more; the same training twice is no evidence."""
    space = {"reg": Choice((0.0, 0.1))}
    found = sweep(data, space, num_samples=5, seeds=2, **FIXED)
    assert [row["runs"] for row in found.configurations] == [2] * 5


def test_stopped_twice_in_the_second_stage_nothing_is_lost(data, tmp_path):
    space = {"learning_rate": LogUniform(1e-5, 1e-1)}
    options = {"num_samples": 4, "refine": 6, **FIXED}
    known = sweep(data, space, **options)

    def stop_after(number):
        def callback(result):
            if len(result.rows) >= number:
                raise KeyboardInterrupt

        return callback

    options |= {"state": tmp_path / "state", "stack_size": 2}
    with pytest.raises(KeyboardInterrupt):
        sweep(data, space, callback=stop_after(8), **options)
    # Killed before the second stage has trained anything more.
    with pytest.raises(KeyboardInterrupt):
        sweep(data, space, callback=stop_after(8), **options)
    trained = []
    found = sweep(data, space, callback=lambda result: trained.append(len(result.rows)), **options)
    assert trained == [10] or trained == []
    assert found.rows == known.rows
    assert found.curves == known.curves


@pytest.mark.parametrize("options", [{"folds": 2}, {"seeds": 2}, {"halving": True, "patience": 2}])
def test_stopped_it_goes_on_with_all_kinds_of_trainings(data, tmp_path, options):
    space = {"learning_rate": [1e-3, 1e-2, 3e-2, 0.3]}
    known = sweep(data, space, **options, **FIXED)

    def stop(result):
        raise KeyboardInterrupt

    options = {**options, "state": tmp_path / "state", "stack_size": 2}
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sweep(data, space, callback=stop, **options, **FIXED)
    found = sweep(data, space, **options, **FIXED)
    assert found.rows == known.rows
    assert found.curves == known.curves
    assert found.refit_accuracy == known.refit_accuracy
    assert not [path for path in tmp_path.iterdir() if path.name != "state"]  # no members left


def test_what_a_killed_sweep_has_left_is_removed(data, tmp_path):
    left = tmp_path / ".state-members"
    left.mkdir()
    (left / "1-0.safetensors").write_bytes(b"old")
    space = {"learning_rate": [1e-3, 1e-2]}
    sweep(data, space, halving=True, state=tmp_path / "state", **FIXED)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({"hidden_dims": [5, 6]}, r"got 5: give \[\[5\]\]"),
        ({"hidden_dims": [["a"]]}, "hidden_dims must be a positive integer; got 'a'"),
        ({"batch_size": ["a"]}, "batch_size must be an integer"),
        ({"num_epochs": [None, 2]}, "num_epochs must be an integer"),
        ({"activation": [["relu"]]}, r"activation must be a name; got \['relu'\]"),
    ],
)
def test_values_of_another_kind_are_refused(data, space, sentence):
    options = {name: value for name, value in FIXED.items() if name not in space}
    with pytest.raises(InputError, match=sentence):
        sweep(data, space, **options)


def test_values_of_numpy_are_as_good(data):
    plain = {"learning_rate": [1e-3, 1e-2], "hidden_dims": [[5], [6]], "class_weights": [[1, 1, 2]]}
    numpys = {
        "learning_rate": np.array([1e-3, 1e-2]),
        "hidden_dims": [np.array([5]), np.array([6])],
        "class_weights": [np.array([1, 1, 2])],
    }
    options = {name: value for name, value in FIXED.items() if name != "hidden_dims"}
    found, known = (sweep(data, space, **options) for space in (numpys, plain))
    assert found.rows == known.rows


def own_rule(w, dw, config):
    return w - config.setdefault("learning_rate", 1e-2) * dw, config


def test_halving_needs_a_rule_that_is_known(data):
    with pytest.raises(InputError, match="halving goes on from what the update rule keeps"):
        sweep(data, {"reg": [0, 1]}, halving=True, update_rule=own_rule, **FIXED)


def test_memory_mapped_inputs_are_not_sent_to_processes(data, tmp_path):
    np.save(tmp_path / "X.npy", data["X_train"])
    mapped = {**data, "X_train": np.load(tmp_path / "X.npy", mmap_mode="r")}
    assert is_mapped(mapped["X_train"])
    with pytest.raises(InputError, match="X_train is memory-mapped, and each process"):
        sweep(mapped, {"reg": [0.0, 1.0]}, processes=2, **FIXED)
    known = sweep(data, {"reg": [0.0, 1.0]}, **FIXED)
    assert sweep(mapped, {"reg": [0.0, 1.0]}, processes=None, **FIXED).rows == known.rows


@pytest.mark.parametrize(
    "wrong",
    [
        ["--grid", "reg=0,1", "--num-epochs", "1", "--halving"],
        ["--grid", "reg=-1,0"],
        ["--grid", "reg=0", "--refine", "3"],
        ["--grid", "num-epochs=a"],
        ["--grid", "momentum=0.5", "--update-rule", "adam"],
    ],
)
def test_what_is_refused_does_not_remove_an_older_sweep(tmp_path, wrong, capsys):
    words = ["--grid", "reg=0,1", "--num-epochs", "1", "--hidden-dim", "6", "--quiet"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main([*wrong, "--overwrite", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("xpnet.sweep: error: ")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert main([*words, "--overwrite", "--out", str(tmp_path)]) == 0


KILLER = """
import os, signal, numpy as np
from multiprocessing import active_children
from xpnet import InputError
from xpnet.data import load
from xpnet.sweep import sweep

def kill(news):
    for child in active_children():
        os.kill(child.pid, signal.SIGKILL)

if __name__ == "__main__":
    space = {"hidden_dims": [[size] for size in range(8, 72, 8)]}
    try:
        sweep(load("digits"), space, processes=2, num_epochs=40, tell=kill, fill_up=False)
    except InputError as error:
        print(error)
"""


def test_a_process_that_was_killed_is_said(tmp_path):
    (tmp_path / "killer.py").write_text(KILLER)
    found = subprocess.run(
        [sys.executable, str(tmp_path / "killer.py")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert "processes of the sweep was killed, perhaps for want of memory" in found.stdout
    assert found.stderr == ""
    assert signal.SIGKILL  # what it was killed by


def test_the_best_config_of_a_sweep_without_filling_up_is_exact(tmp_path):
    words = ["--grid", "hidden-dims=3,5,7", "--num-epochs", "3", "--no-fill-up", "--quiet"]
    assert main([*words, "--out", str(tmp_path / "sweep")]) == 0
    from xpnet.train import main as train

    config = str(tmp_path / "sweep" / "best" / "config.toml")
    assert train(["--config", config, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    first, second = (xpnet.load(tmp_path / name) for name in ("sweep/best", "run"))
    for name, w in first.params.items():
        np.testing.assert_array_equal(second.params[name], w)


def test_a_watch_says_of_each_net_what_is_wrong_with_it(data, tmp_path):
    """Rates of 100 leave units dead; the others have no word, and no number changes."""
    space = {"learning_rate": [1e-2, 100.0, 1e38]}
    options = {**FIXED, "hidden_dims": [20]}
    known = sweep(data, space, **options)
    found = sweep(data, space, watch=4, state=tmp_path / "state", **options)
    assert str(found.rows) == str(known.rows)  # NaN is not equal to itself
    said = {(notice["number"], notice["name"]) for notice in found.notices}
    assert {number for number, _ in said} == {1, 2}
    assert all(notice["remedy"] for notice in found.notices)
    assert any(line.startswith("watched: ") for line in str(found).splitlines())
    again = sweep(data, space, watch=4, state=tmp_path / "state", **options)
    assert again.notices == found.notices
    several = sweep(data, space, watch=4, processes=2, stack_size=1, **options)
    assert {(n["number"], n["name"]) for n in several.notices} == said


def test_watched_on_the_command_line(tmp_path):
    words = ["--grid", "learning-rate=1e-2,300", "--update-rule", "sgd", "--num-epochs", "6"]
    assert main([*words, "--watch", "5", "--out", str(tmp_path), "--quiet"]) == 0
    lines = (tmp_path / "notices.csv").read_text().splitlines()
    assert lines[0] == "number,learning_rate,step,layer,name,status,found,expected,remedy"
    assert {line[0] for line in lines[1:]} == {"1"}
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert any(remark.startswith("watched: ") for remark in summary["remarks"])
