"""`--resume` at the command line: what may be changed, what is left alone, and what is refused."""

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

import xpnet
from xpnet import training_run
from xpnet.train import main

OPTIONS = ("--hidden-dims", "12,9", "--normalization", "batchnorm", "--dropout-keep-ratio", "0.8")


class Press:
    """Sends Ctrl-C at a step."""

    def __init__(self, step):
        self.step = step

    def on_interval(self, solver):
        if solver.step == self.step:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def _quiet_and_without_pictures(monkeypatch):
    monkeypatch.setattr("xpnet.run_folder.find_spec", lambda name: None)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def run(*words):
    return main([*map(str, words)])


def history(folder):
    return (folder / "history.csv").read_bytes()


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A run of four epochs that was stopped within the third."""

    def at(step=31, *options):
        with monkeypatch.context() as patched:
            patched.setattr(training_run, "watch", lambda *given: Press(step))
            assert run("--out", tmp_path / "run", *OPTIONS, "--num-epochs", "4", *options) == 130
        return tmp_path / "run"

    return at


@pytest.fixture
def whole(tmp_path):
    def of(epochs, *options):
        folder = tmp_path / f"whole{epochs}"
        assert run("--out", folder, *OPTIONS, "--num-epochs", epochs, "--quiet", *options) == 0
        return folder

    return of


def test_it_goes_on_and_says_so(stopped, whole, capsys):
    folder = stopped()
    assert f"go on by python -m xpnet.train --resume {folder}" in capsys.readouterr().err
    assert run("--resume", folder) == 0
    out = capsys.readouterr().out
    assert "resumed at step 31 of 56" in out
    assert "trained 56 steps in" in out
    assert history(folder) == history(whole(4))
    assert json.loads((folder / "summary.json").read_text())["interrupted"] is False


def test_a_folder_with_spaces_is_quoted(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training_run, "watch", lambda *given: Press(11))
    assert run("--out", tmp_path / "my run", "--num-epochs", "2") == 130
    assert f"--resume '{tmp_path / 'my run'}'" in capsys.readouterr().err


def test_a_run_may_be_made_longer(stopped, whole):
    folder = stopped()
    assert run("--resume", folder, "--num-epochs", "6", "--quiet") == 0
    assert history(folder) == history(whole(6))
    assert run("--resume", folder, "--num-epochs", "7", "--quiet") == 0
    assert history(folder) == history(whole(7))


def test_not_shorter_than_it_is(stopped, capsys):
    folder = stopped()
    assert run("--resume", folder, "--num-epochs", "1") == 2
    assert "has done 2 epochs already" in capsys.readouterr().err


def test_a_complete_run_is_left_as_it_is(whole, capsys):
    folder = whole(3)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    times = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    assert run("--resume", folder) == 0
    assert (
        "complete: step 42 of 42 is done, and nothing is left to train" in capsys.readouterr().out
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")} == times


def test_results_that_a_kill_has_left_out_are_written(whole):
    folder = whole(3)
    kept = (folder / "summary.json").read_bytes()
    (folder / "summary.json").unlink()
    (folder / "best.safetensors").unlink()
    assert run("--resume", folder, "--quiet") == 0
    again = json.loads((folder / "summary.json").read_text())
    assert again["best_val_accuracy"] == json.loads(kept)["best_val_accuracy"]
    assert again["seconds_training"] >= 0.9 * json.loads(kept)["seconds_training"] > 0


def test_killed_before_the_first_checkpoint(whole, capsys):
    folder = whole(2)
    for path in folder.glob("checkpoint-*"):
        path.unlink()
    before = history(folder)
    (folder / "history.csv").write_text("half a l")
    assert run("--resume", folder) == 0
    assert "no checkpoint in" in capsys.readouterr().out
    assert history(folder) == before


def test_options_of_the_machine_may_be_others(stopped, whole):
    folder = stopped(31, "--threads", "1")
    options = ("--device", "numpy", "--print-every", "7", "--checkpoint-every", "1", "--quiet")
    assert run("--resume", folder, *options) == 0
    assert history(folder) == history(whole(4))


def test_on_another_device_what_was_for_the_first_is_left_out(stopped, whole):
    pytest.importorskip("jax")
    folder = stopped(31, "--threads", "1")  # which JAX refuses
    assert run("--resume", folder, "--device", "jax", "--quiet") == 0
    losses = [
        np.genfromtxt(folder / "history.csv", delimiter=",", skip_header=1)[:, 2]
        for folder in (folder, whole(4))
    ]
    assert np.abs(losses[0] - losses[1]).max() < 1e-5


def test_data_that_have_moved(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "my.npz", X=rng.standard_normal((90, 5)), y=np.arange(90) % 3)
    monkeypatch.setattr(training_run, "watch", lambda *given: Press(11))
    words = ("--dataset", tmp_path / "my.npz", "--batch-size", "10", "--num-epochs", "5")
    assert run("--out", tmp_path / "run", *words) == 130
    shutil.move(tmp_path / "my.npz", tmp_path / "moved.npz")
    assert run("--resume", tmp_path / "run") == 2
    assert str(tmp_path / "my.npz") in capsys.readouterr().err
    monkeypatch.setattr(training_run, "watch", lambda *given: Press(0))
    assert run("--resume", tmp_path / "run", "--dataset", tmp_path / "moved.npz") == 0
    np.savez(tmp_path / "moved.npz", X=rng.standard_normal((90, 5)), y=np.arange(90) % 3)
    (tmp_path / "run" / "summary.json").unlink()
    assert run("--resume", tmp_path / "run", "--dataset", tmp_path / "moved.npz") == 2
    assert "of a run on other data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--seed", "3"), "--seed has no meaning: leave it out, or start another run from"),
        (("--learning-rate=1"), "--learning-rate has no meaning"),
        (("--out", "other"), "--out has no meaning"),
        (("--overwrite",), "--overwrite has no meaning"),
        (("--config", "c.toml"), "--config has no meaning"),
    ],
)
def test_what_would_make_another_run_is_refused(whole, capsys, words, sentence):
    words = (words,) if isinstance(words, str) else words
    assert run("--resume", whole(1), *words) == 2
    assert sentence in capsys.readouterr().err


def test_what_is_no_run(tmp_path, whole, capsys):
    for place, sentence in (
        (tmp_path / "nowhere", "nowhere holds no run, as it is not there"),
        (tmp_path, "holds no run, as there is no config.toml in it: give the folder of an earlier"),
    ):
        assert run("--resume", place) == 2
        assert sentence in capsys.readouterr().err
    folder = whole(1)
    [checkpoint] = folder.glob("checkpoint-*")
    for file in (checkpoint, folder / "config.toml"):
        assert run("--resume", file) == 2
        assert f"--resume takes the folder of a run: give --resume {folder}" in (
            capsys.readouterr().err
        )
    assert not Path("nowhere").exists()


def test_a_damaged_newest_checkpoint_is_said(stopped, whole, capsys):
    folder = stopped(31, "--checkpoint-every", "1")
    newest = max(folder.glob("checkpoint-*"))
    newest.write_bytes(newest.read_bytes()[:1000])
    assert run("--resume", folder) == 0
    out, err = capsys.readouterr()
    assert "damaged or truncated" in err
    assert "checkpoint-00000028.safetensors instead" in err
    assert "resumed at step 28 of 56" in out
    assert history(folder) == history(whole(4))


def test_overwrite_without_a_folder_is_refused(capsys):
    assert run("--overwrite", "--num-epochs", "1") == 2
    assert "--overwrite is for --out DIR" in capsys.readouterr().err


def test_the_best_of_a_run_that_goes_on_is_loaded(stopped, whole):
    folder = stopped()
    assert run("--resume", folder, "--quiet") == 0
    digits = xpnet.data.load("digits")
    np.testing.assert_array_equal(
        xpnet.load(folder).predict(digits.X_test), xpnet.load(whole(4)).predict(digits.X_test)
    )
