"""A disk that is full, or a folder that can no longer be written: nothing learnt is lost."""

import errno
import json
import os
import resource
import subprocess
import sys

import numpy as np
import pytest

import xpnet
from xpnet import CheckpointWarning, Solver, TwoLayerNet, whole_files
from xpnet.train import main
from xpnet.whole_files import write_whole


def limited(folder, largest, *options):
    """Run a training in a process whose files can have so many bytes, as on a full disk."""
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({largest}, {largest}));"
        "from xpnet.train import main; sys.exit(main(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", code, "--out", str(folder), "--num-epochs", "6", *options]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(words, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="the system has no such limit")
def test_a_disk_that_takes_no_checkpoint(tmp_path):
    """Checkpoints have 100 KB and more, the other files less than 80 KB each."""
    found = limited(tmp_path, 80_000, "--checkpoint-every", "2")
    assert found.returncode == 2
    assert found.stderr.count("could not be written (File too large); there is no earlier one") == 3
    assert "make room; all else is in" in found.stderr
    assert "Traceback" not in found.stderr
    names = {path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")}
    assert {"config.toml", "history.csv", "summary.json", "best.safetensors"} <= names
    assert not [name for name in names if "checkpoint" in name or name.endswith("-part")]
    assert json.loads((tmp_path / "summary.json").read_text())["epochs"] == 6
    net, digits = xpnet.load(tmp_path / "best.safetensors"), xpnet.data.load("digits")
    assert (net.predict(digits.X_test) == digits.y_test).mean() > 0.9


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="the system has no such limit")
def test_a_disk_that_takes_nothing(tmp_path):
    found = limited(tmp_path, 100)
    assert found.returncode == 2
    assert "could not be written ([Errno 27] File too large): make room" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.fixture
def digits():
    return xpnet.data.load("digits")


def make(digits, **options):
    net = TwoLayerNet(64, 20, 10, initializer="kaiming")
    return Solver(net, digits, num_epochs=5, preprocess="mean", verbose=False, **options)


def full_after(monkeypatch, writes, number=errno.ENOSPC):
    """Have the disk full after so many flushed files."""
    done = []
    before = os.fsync

    def fsync(descriptor):
        done.append(descriptor)
        if len(done) > writes:
            raise OSError(number, os.strerror(number))
        return before(descriptor)

    monkeypatch.setattr(whole_files.os, "fsync", fsync)
    return done


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_the_training_goes_on_and_the_last_checkpoint_stays(digits, tmp_path, monkeypatch, number):
    solver = make(digits, checkpoint_name=tmp_path / "run", checkpoint_every=1)
    full_after(monkeypatch, 4, number)  # a file and its folder each: two checkpoints
    with pytest.warns(CheckpointWarning) as caught:
        solver.train()
    monkeypatch.undo()
    assert solver.epoch == 5
    steps = solver.steps_per_epoch
    last = f"the last is {tmp_path / f'run-{2 * steps:08d}.safetensors'}. The training goes on"
    assert [last in str(warning.message) for warning in caught] == [True] * 3
    assert os.strerror(number) in solver.checkpoint_error
    names = sorted(path.name for path in tmp_path.iterdir() if path.name != ".run.lock")
    assert names == [f"run-{k * steps:08d}.safetensors" for k in (1, 2)]
    again = make(digits)
    again.resume(tmp_path / "run")
    again.train()
    assert again.loss_history == solver.loss_history


def test_room_again(digits, tmp_path, monkeypatch):
    """A checkpoint fails and the next does not: the training ends well."""
    calls = full_after(monkeypatch, 0)

    class MakeRoom:
        def on_epoch(self, solver):
            if solver.epoch == 2:
                monkeypatch.undo()

    net = TwoLayerNet(64, 5, 10)
    options = {"num_epochs": 3, "verbose": False, "callbacks": [MakeRoom()]}
    options |= {"checkpoint_name": tmp_path / "run", "checkpoint_every": 1}
    solver = Solver(net, digits, **options)
    with pytest.warns(CheckpointWarning, match="No space left on device"):
        solver.train()
    assert calls
    assert solver.checkpoint_error == ""
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_the_command_line_writes_what_it_can(tmp_path, monkeypatch, capsys):
    """The disk is full from the first checkpoint on, and has room for the results."""
    write = whole_files.write_whole

    def no_checkpoint(path, content):
        if "checkpoint" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    monkeypatch.setattr("xpnet.checkpoint_files.write_whole", no_checkpoint)
    assert main(["--out", str(tmp_path), "--num-epochs", "2", "--quiet"]) == 2
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert (tmp_path / "best.safetensors").exists()
    assert (tmp_path / "summary.json").exists()


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"old")
    full_after(monkeypatch, 0)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_a_link_is_replaced_and_not_followed(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.write_bytes(b"theirs")
    inside.symlink_to(outside)
    write_whole(inside, b"ours")
    assert outside.read_bytes() == b"theirs"
    assert (inside.read_bytes(), inside.is_symlink()) == (b"ours", False)


def test_files_have_the_users_own_mode(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_what_a_killed_writer_left_is_removed(digits, tmp_path):
    (tmp_path / ".run-00000014.safetensors-4194305.xpnet-part").write_bytes(b"half")
    theirs = [".film.mkv.part", ".run-b-00000028.safetensors-7.xpnet-part"]
    for name in theirs:
        (tmp_path / name).write_bytes(b"somebody writes it now")
    net = TwoLayerNet(64, 5, 10)
    Solver(net, digits, num_epochs=1, verbose=False, checkpoint_name=tmp_path / "run").train()
    names = sorted(path.name for path in tmp_path.iterdir() if path.name != ".run.lock")
    assert names == [*theirs, "run-00000014.safetensors"]
    assert np.isfinite(net.loss(digits.X_test)).all()
