"""`--watch` on the command line: one clean line a warning, the file, the summary, and --resume."""

import json
import os
import signal
import sys

import numpy as np
import pytest

from xpnet.diagnostics import read_watch
from xpnet.history_file import HistoryFile
from xpnet.train import main

SHORT = ["--num-epochs", "3", "--hidden-dim", "10"]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Leave the pictures out, which take half a second."""
    monkeypatch.setattr("xpnet.run_folder.find_spec", lambda name: None)


def run(capsys, *arguments):
    status = main([*SHORT, *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def summary_of(folder):
    return json.loads((folder / "summary.json").read_bytes())


def test_a_healthy_run_says_nothing_and_leaves_the_record(capsys, tmp_path):
    status, out, err = run(capsys, "--watch", "10", "--out", str(tmp_path))
    assert (status, err) == (0, "")
    assert out.splitlines()[-2].strip().endswith("watch.safetensors")
    record = read_watch(tmp_path / "watch.safetensors")
    assert record.steps == [0, 11, 21, 31, 41, 42]
    assert record.layers == ["hidden 1 (64-10, relu)", "output (10-10)"]
    assert summary_of(tmp_path)["watch"] == {"looks": 6, "notices": []}
    assert "watch = 10\n" in (tmp_path / "config.toml").read_text()


def test_without_it_there_is_none(capsys, tmp_path):
    assert run(capsys, "--out", str(tmp_path), "--quiet")[0] == 0
    assert not (tmp_path / "watch.safetensors").exists()
    assert summary_of(tmp_path)["watch"] is None


def test_it_changes_nothing(capsys, tmp_path):
    for name, more in (("plain", []), ("seen", ["--watch"])):
        run(capsys, "--out", str(tmp_path / name), "--quiet", *more)
    plain, seen = ((tmp_path / name / "history.csv").read_text() for name in ("plain", "seen"))
    assert plain == seen
    assert "watch" not in (tmp_path / "plain" / "config.toml").read_text()
    assert 'watch = "auto"\n' in (tmp_path / "seen" / "config.toml").read_text()


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_one_line_a_warning(capsys, tmp_path, quiet):
    arguments = ["--weight-scale", "0", "--initializer", "gaussian", "--out", str(tmp_path)]
    status, _, err = run(capsys, "--watch", *arguments, *quiet)
    assert status == 0
    assert err == (
        "xpnet.train: step 0: warning: dead units: hidden 1 (64-10, relu): 100% of the units are 0 "
        "on the whole validation set; expected less than 50%, as such a unit gets no gradient and "
        "stays so. Begin with other weights: initializer='kaiming'\n"
    )
    [notice] = summary_of(tmp_path)["watch"]["notices"]
    assert (notice["step"], notice["layer"]) == (0, "hidden 1 (64-10, relu)")
    assert (notice["name"], notice["status"]) == ("dead units", "warning")


def test_the_run_that_diverges(capsys, tmp_path):
    arguments = ["--update-rule", "sgd", "--learning-rate", "30", "--out", str(tmp_path)]
    status, _, err = run(capsys, "--watch", "--quiet", *arguments)
    assert status == 1
    *_, line = err.splitlines()
    step = summary_of(tmp_path)["diverged_at"]
    assert f"step {step}: fault: divergence: the loss is NaN or infinite at step {step}; " in line
    assert "was the first layer whose outputs were not finite" in line
    assert "Try a learning rate of " in line
    assert err.count("divergence") == 1
    assert "training diverged" not in err  # which would suggest another rate
    notice = summary_of(tmp_path)["watch"]["notices"][-1]
    assert (notice["name"], notice["status"], notice["step"]) == ("divergence", "fault", step)


def test_above_a_bar(monkeypatch, capsys):
    """On a terminal a warning is a line of its own."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, _, err = run(capsys, "--watch", "--weight-scale", "0", "--initializer", "gaussian")
    lines = [line for line in err.replace("\r", "\n").split("\n") if "dead units" in line]
    assert len(lines) == 1
    assert lines[0].startswith("xpnet.train: step 0: ")


@pytest.fixture
def stopped(monkeypatch, capsys, tmp_path):
    """A run that Ctrl-C has ended at step 21, in its second epoch."""
    original = HistoryFile.on_interval

    def stop(self, solver):
        if solver.step == 21:
            os.kill(os.getpid(), signal.SIGINT)
        original(self, solver)

    with monkeypatch.context() as patch:
        patch.setattr(HistoryFile, "on_interval", stop)
        status = run(capsys, "--watch", "10", "--out", str(tmp_path / "run"), "--quiet")[0]
    assert status == 130
    assert read_watch(tmp_path / "run" / "watch.safetensors").steps == [0, 11, 21]
    return tmp_path / "run"


def test_a_resumed_run_goes_on_with_its_record(capsys, stopped, tmp_path):
    assert main(["--resume", str(stopped), "--quiet"]) == 0
    run(capsys, "--watch", "10", "--out", str(tmp_path / "whole"), "--quiet")
    found, known = (
        read_watch(folder / "watch.safetensors") for folder in (stopped, tmp_path / "whole")
    )
    assert found.steps == known.steps
    for name, value in known.statistics.items():
        np.testing.assert_array_equal(found.statistics[name], value)


def test_a_damaged_record_begins_anew(capsys, stopped):
    path = stopped / "watch.safetensors"
    path.write_bytes(path.read_bytes()[:-3])
    assert main(["--resume", str(stopped), "--quiet"]) == 0
    err = capsys.readouterr().err
    assert err.startswith(f"xpnet.train: {path}: the file is damaged or truncated")
    assert err.endswith("The record begins anew\n")
    assert read_watch(path).steps == [28, 41, 42]


def test_the_record_of_another_net_begins_anew(capsys, stopped, tmp_path):
    main(["--hidden-dim", "7", "--num-epochs", "1", "--watch", "--quiet", "--out", str(tmp_path)])
    path = stopped / "watch.safetensors"
    path.write_bytes((tmp_path / "watch.safetensors").read_bytes())
    assert main(["--resume", str(stopped), "--quiet"]) == 0
    assert "The record begins anew" in capsys.readouterr().err


def test_a_run_may_be_watched_from_its_resumption_on(capsys, tmp_path):
    run(capsys, "--out", str(tmp_path), "--quiet")
    arguments = ["--resume", str(tmp_path), "--num-epochs", "5", "--watch", "10", "--quiet"]
    assert main(arguments) == 0
    assert read_watch(tmp_path / "watch.safetensors").steps == [51, 61, 70]


def test_overwrite_takes_the_old_record_away(capsys, tmp_path):
    run(capsys, "--watch", "--out", str(tmp_path), "--quiet")
    run(capsys, "--overwrite", "--out", str(tmp_path), "--quiet")
    assert not (tmp_path / "watch.safetensors").exists()


@pytest.mark.parametrize("given", ["0", "-1", "often", "1.5", ""])
def test_what_is_no_spacing(capsys, given):
    with pytest.raises(SystemExit) as stop:
        main([f"--watch={given}"])
    assert stop.value.code == 2
    assert (
        "expected steps from one look to the next, such as 100, or auto" in capsys.readouterr().err
    )
