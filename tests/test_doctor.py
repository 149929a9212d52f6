"""`python -m xpnet.doctor`: what it prints, writes and exits with."""

import json
import subprocess
import sys

import numpy as np
import pytest

from xpnet import doctor, train
from xpnet.diagnostics import Verdict
from xpnet.report.doctor_file import read_doctor
from xpnet.report.verdicts import verdicts_section

QUICK = ["--num-epochs", "8", "--learning-rate", "0.01"]


def test_a_healthy_training_exits_with_0(capsys):
    assert doctor.main(QUICK) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("xpnet ")
    assert "digits" in lines[0]
    assert lines[-1] == "healthy: no fault and no warning"
    assert not any(line.startswith(("fine", "not looked at")) for line in lines)
    assert lines[1].endswith(" not looked at: --all shows them")


def test_all_shows_what_is_fine_too(capsys):
    assert doctor.main([*QUICK, "--all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith(("fine", "not looked at")) for line in lines) > 20
    assert not any("--all" in line for line in lines)


def test_a_fault_exits_with_1_and_is_named_first(capsys):
    assert doctor.main([*QUICK, "--learning-rate", "1e-6"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("fault         learning rate: 1e-06 is too low: the loss goes from")
    assert "First: learning rate: Set learning_rate to" in " ".join(lines[-2:])  # wide or narrow


def test_warnings_alone_exit_with_0(capsys):
    assert doctor.main([*QUICK, "--preprocess", "none"]) == 0
    assert "warning       input centring" in capsys.readouterr().out


def test_json_into_a_file_beside_the_table(tmp_path, capsys):
    out = tmp_path / "verdicts.json"
    assert doctor.main([*QUICK, "--all", "--json", str(out)]) == 0
    read = json.loads(out.read_text())
    assert read["healthy"] is True
    names = [verdict["name"] for verdict in read["verdicts"]]
    assert len(names) == len(set(names)) > 20
    printed = capsys.readouterr().out
    assert all(f" {name}: " in printed for name in names)


def test_the_report_of_a_run_reads_the_file(tmp_path, capsys):
    out = tmp_path / "doctor.json"
    assert doctor.main([*QUICK, "--learning-rate", "1e-6", "--json", str(out), "--quiet"]) == 1
    verdicts = read_doctor(out)
    assert [v.name for v in verdicts if v.status == "fault"] == ["learning rate"]
    assert "1e-06 is too low: the loss goes from" in str([v.found for v in verdicts])
    assert {v.follows for v in verdicts if v.status == "warning"} == {"learning rate"}


def test_json_to_the_output_alone(capsys):
    assert doctor.main([*QUICK, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["faults"] == 0


def test_quiet_says_nothing(capsys):
    assert doctor.main([*QUICK, "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_own_data_with_labels_that_slipped(tmp_path, capsys):
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 600)
    X = np.eye(3)[y] * 3 + rng.standard_normal((600, 3))
    np.savez(tmp_path / "own.npz", X=X, y=np.roll(y, 1))
    assert doctor.main(["--dataset", str(tmp_path / "own.npz"), "--num-epochs", "5"]) == 1
    assert "fault         label agreement" in capsys.readouterr().out


def test_a_regression_of_ones_own(tmp_path, capsys):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((600, 4))
    np.savez(tmp_path / "own.npz", X=X, y=X @ rng.standard_normal(4) + 100.0)
    words = [
        "--dataset",
        str(tmp_path / "own.npz"),
        "--num-epochs",
        "20",
        "--learning-rate",
        "0.01",
    ]
    assert doctor.main(words) == 0, capsys.readouterr().out


def test_the_options_of_a_run_that_was_made(tmp_path, capsys):
    run = tmp_path / "run"
    words = [*QUICK, "--learning-rate", "1e-6", "--checkpoint-every", "3", "--out", str(run)]
    assert train.main([*words, "--quiet"]) == 0
    config = str(run / "config.toml")
    assert doctor.main(["--config", config, "--quiet"]) == 1
    assert doctor.main(["--config", config, "--learning-rate", "0.01", "--quiet"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("line", ["compile = true", "watch = 5"])
def test_options_of_a_run_that_a_diagnosis_has_not_are_left_out(line, tmp_path, capsys):
    config = tmp_path / "config.toml"
    config.write_text(f"{line}\nnum-epochs = 8\nlearning-rate = 0.01\n")
    assert doctor.main(["--config", str(config), "--quiet"]) == 0, capsys.readouterr().err


def test_json_alone_where_axes_are_fitted(tmp_path, capsys):
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 300)
    X = np.eye(3)[y] @ rng.standard_normal((3, 1100)) + rng.standard_normal((300, 1100))
    np.savez(tmp_path / "wide.npz", X=X, y=y)
    words = ["--dataset", str(tmp_path / "wide.npz"), "--preprocess", "pca:5", "--num-epochs", "2"]
    doctor.main([*words, "--json", "-"])
    assert json.loads(capsys.readouterr().out)["verdicts"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dataset", "nowhere.npz"], "nowhere.npz"),
        (["--weight-scale", "0.1"], "has no meaning for kaiming"),
        (["--batch-size", "5000"], "larger than the training set"),
        (["--json", "/nowhere/at/all.json", *QUICK], "could not be written"),
        (["--config", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_refused_with_a_sentence(words, said, capsys):
    assert doctor.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("xpnet.doctor: error: ")
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [["--out", "run"], ["--resume", "run"], ["--lerning-rate", "1"]])
def test_options_that_it_has_not(words, capsys):
    with pytest.raises(SystemExit) as stop:
        doctor.main(words)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert "leave it out" in error or "did you mean --learning-rate" in error


def test_as_a_program():
    words = [sys.executable, "-m", "xpnet.doctor", *QUICK, "--json", "-"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["healthy"] is True


def test_quiet_leaves_faults_and_warnings(capsys):
    assert doctor.main(["--learning-rate", "3e-7", "--quiet"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("fault: learning rate: ") for line in lines)
    assert not any(line.startswith(("fine", "not looked at")) for line in lines)
    assert doctor.main(["--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_the_report_shows_the_cause_in_place_of_a_remedy():
    cause = Verdict("symmetry", "fault", "alike", "unlike", "Draw the weights.")
    effect = Verdict("learning rate", "fault", "2.3", "less", "Set another.", follows="symmetry")
    page = str(verdicts_section([(effect, ""), (cause, "")], "by the doctor").content)
    assert page.index("Draw the weights.") < page.index("It follows from: symmetry.")
    assert "Set another." not in page
