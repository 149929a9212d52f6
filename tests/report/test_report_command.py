"""`python -m xpnet.report`: pages made anew, and folders that hold nothing to report."""

import json
import shutil
import signal

import pytest

import xpnet.train
from xpnet.report.command import main


@pytest.fixture
def copied(digits_run, tmp_path):
    """A copy of a run's folder."""
    folder = tmp_path / "run"
    shutil.copytree(digits_run, folder)
    return folder


def refused(capsys, folder):
    """Return the sentence that refuses a folder."""
    capsys.readouterr()
    assert main([str(folder)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("xpnet.report: error: ")
    return lines[0]


def test_a_run_writes_its_page_and_made_anew_it_is_the_same(tmp_path, capsys):
    assert xpnet.train.main(["--num-epochs", "1", "--out", str(tmp_path)]) == 0
    assert "report.html" in capsys.readouterr().out
    before = (tmp_path / "report.html").read_bytes()
    (tmp_path / "report.html").unlink()
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"written: {tmp_path / 'report.html'}\n"
    assert (tmp_path / "report.html").read_bytes() == before


def test_another_run_takes_the_page_of_the_one_before_away(tmp_path):
    options = ["--num-epochs", "1", "--quiet", "--out", str(tmp_path)]
    assert xpnet.train.main(options) == 0
    before = (tmp_path / "report.html").read_bytes()
    assert xpnet.train.main([*options, "--overwrite", "--seed", "1"]) == 0
    assert (tmp_path / "report.html").read_bytes() != before


def test_stopped_by_a_signal_it_is_written_too(tmp_path, monkeypatch, tree_of):
    from xpnet.history_file import HistoryFile

    def stop(self, solver):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(HistoryFile, "on_epoch", stop)
    assert xpnet.train.main(["--quiet", "--out", str(tmp_path)]) == 143
    page = tree_of(tmp_path)
    assert "stopped" in page.one(id="results").text
    assert page.one(id="loss")


def test_of_a_run_that_was_killed(copied, tree_of):
    (copied / "summary.json").unlink()
    (copied / "best.safetensors").unlink()  # there is a checkpoint
    with (copied / "history.csv").open("a") as file:
        file.write("29,2.07")  # half a row
    assert main([str(copied)]) == 0
    page = tree_of(copied)
    assert "has not come to its end, or it was killed" in page.text
    assert {f["id"] for f in page.all("figure")} >= {"loss", "metric", "confusion-val", "mistakes"}
    assert "28 steps" in page.one(id="results").text


def test_of_a_run_before_its_first_step(copied, tree_of):
    for path in [*copied.glob("checkpoint-*"), copied / "best.safetensors"]:
        path.unlink()
    for name in ("summary.json", "watch.safetensors"):
        (copied / name).unlink()
    text = (copied / "history.csv").read_text()
    (copied / "history.csv").write_text(text.splitlines()[0] + "\n")
    assert main([str(copied)]) == 0
    page = tree_of(copied)
    assert "No step was taken" in page.text
    assert "The net could not be read" in page.text


def test_without_its_data(copied, tree_of):
    config = (copied / "config.toml").read_text()
    (copied / "config.toml").write_text(config.replace('"digits"', '"/nowhere/data.npz"'))
    assert main([str(copied)]) == 0
    page = tree_of(copied)
    assert "The data could not be read" in page.text
    figures = {f["id"] for f in page.all("figure")}
    assert "loss" in figures
    assert "confusion-val" not in figures


def test_with_other_data_than_it_was_trained_on(copied, tree_of):
    import numpy as np

    rng = np.random.default_rng(0)
    np.savez(copied / "x.npz", X=rng.normal(size=(50, 3)), y=rng.integers(0, 2, size=50))
    config = (copied / "config.toml").read_text()
    path = str(copied / "x.npz")
    (copied / "config.toml").write_text(config.replace('"digits"', json.dumps(path)))
    assert main([str(copied)]) == 0
    assert "It could not be asked" in tree_of(copied).text


def test_what_watch_recorded_may_be_damaged(copied, tree_of):
    (copied / "watch.safetensors").write_bytes(b"nothing")
    assert main([str(copied)]) == 0
    assert "What --watch recorded could not be read" in tree_of(copied).text


def test_no_such_folder(tmp_path, capsys):
    assert "is no folder" in refused(capsys, tmp_path / "nowhere")


def test_an_empty_folder(tmp_path, capsys):
    error = refused(capsys, tmp_path)
    assert "holds no run, as there is no config.toml in it" in error
    assert "--out DIR" in error


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("history.csv", ""),
        ("history.csv", "a,b\n1,2\n"),
        ("history.csv", "step,epoch,loss,train_acc,val_acc,val_loss\n1,one,2,,,\n"),
        ("history.csv", "step,epoch,loss,train_acc,val_acc,val_loss\n1,1,2\n"),
        ("history.csv", "step,epoch,loss,train_acc,val_acc,val_loss\n1,1,[1;2],,,\n"),
        ("history.csv", "step,epoch,loss,train_acc,val_acc,val_loss\n2,1,2,,,\n"),
        ("history.csv", "step,epoch,loss,train_acc,val_acc,val_loss\n1,nan,2,,,\n"),
        ("history.csv", "step,epoch,loss,train_x,val_x,val_loss\n1,1,2,,,\n"),
        ("history.csv", b"\xff\xfe\n"),
        ("summary.json", "{"),
        ("summary.json", "[]"),
        ("summary.json", '{"hyperparameters": 5}'),
        ("config.toml", "="),
        ("config.toml", 'colour = "red"\n'),
    ],
)
def test_a_damaged_file_is_refused(copied, capsys, name, content):
    (copied / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = (copied / "report.html").read_bytes()
    assert name in refused(capsys, copied)
    assert (copied / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("results.csv", "number\n0\n"),
        ("results.csv", b"\xff"),
        ("curves.csv", "number,epoch,val_accuracy\nx,1,0.5\n"),
        ("summary.json", "{}"),
        ("summary.json", ""),
    ],
)
def test_a_damaged_sweep_is_refused(sweep_run, tmp_path, capsys, name, content):
    folder = tmp_path / "sweep"
    shutil.copytree(sweep_run, folder)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert str(folder) in refused(capsys, folder)


def test_a_folder_that_cannot_be_written(copied, capsys, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xpnet.report.run_report.write_whole", full)
    assert "No space left on device" in refused(capsys, copied)


def test_no_optional_library_is_needed(copied, monkeypatch):
    """Neither matplotlib nor Pillow: what is not there cannot be imported."""
    import sys

    for name in ("matplotlib", "PIL"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main([str(copied)]) == 0


def test_what_the_doctor_found_comes_first(copied, tree_of):
    verdict = {"name": "labels", "status": "fault", "found": "<none>", "expected": "some"}
    skipped = {"name": "dropout", "status": "not looked at", "found": "there is none"}
    rows = [{**verdict, "remedy": "Bring some."}, {**skipped, "expected": "", "remedy": ""}]
    (copied / "doctor.json").write_text(json.dumps({"verdicts": rows}))
    assert main([str(copied)]) == 0
    section = tree_of(copied).one(id="verdicts")
    assert section.all("article")[0].one("h3").text == "✖ fault labels"
    assert section.all("article")[0].all("dd")[0].text == "<none>"
    assert "dropout" in section.one("details").text
    assert "xpnet.doctor" not in section.text


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"verdicts": [{"name": "x"}]}'])
def test_what_the_doctor_found_may_be_damaged(copied, tree_of, content):
    (copied / "doctor.json").write_text(content)
    assert main([str(copied)]) == 0
    assert "What the doctor found could not be read" in tree_of(copied).text


def test_the_doctors_words_stay_for_the_next_run_and_go_with_the_last(tmp_path):
    (tmp_path / "doctor.json").write_text('{"verdicts": []}')
    options = ["--num-epochs", "1", "--quiet", "--out", str(tmp_path)]
    assert xpnet.train.main(options) == 0
    assert (tmp_path / "doctor.json").exists()
    assert xpnet.train.main([*options, "--overwrite"]) == 0
    assert not (tmp_path / "doctor.json").exists()


def test_of_a_run_that_was_made_longer(tmp_path, tree_of):
    options = ["--schedule", "cosine", "--num-epochs", "1", "--quiet", "--out", str(tmp_path)]
    assert xpnet.train.main(options) == 0
    assert "made longer" not in tree_of(tmp_path).text
    assert xpnet.train.main(["--resume", str(tmp_path), "--num-epochs", "2", "--quiet"]) == 0
    page = tree_of(tmp_path)
    assert "2 epochs" in page.one(id="results").text
    assert "made longer" in page.one(id="learning-rate").text


def test_a_summary_beside_a_history_without_steps(copied):
    text = (copied / "history.csv").read_text()
    (copied / "history.csv").write_text(text.splitlines()[0] + "\n")
    assert main([str(copied)]) == 0
