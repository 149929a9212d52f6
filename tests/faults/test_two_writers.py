"""One run folder, one writer; and no file leads out of the folder."""

import os
import signal
import subprocess
import sys

import pytest

from xpnet.run_folder import open_folder
from xpnet.train import main

HOLD = """
import sys
from xpnet.run_folder import open_folder
with open_folder(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that writes to the folder."""
    words = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("option", ["--out", "--resume"])
def test_the_second_is_refused(holder, tmp_path, capsys, option):
    (tmp_path / "config.toml").write_text('dataset = "digits"\n')
    assert main([option, str(tmp_path), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert f"another process is writing to {tmp_path}: wait for its end, or choose" in error
    assert sorted(os.listdir(tmp_path)) == [".lock", "config.toml"]


def test_the_folder_is_free_when_the_first_is_killed(holder, tmp_path, capsys):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert main(["--out", str(tmp_path), "--num-epochs", "1", "--quiet"]) == 0


def test_the_folder_is_free_when_the_first_has_ended(tmp_path):
    for _ in range(2):
        with open_folder(str(tmp_path)):
            pass


def test_checkpoints_that_are_links_are_passed_over(tmp_path, capsys):
    """Of another run, say, or of a file that a stranger would like to be read."""
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        assert main(["--out", str(folder), "--num-epochs", "2", "--quiet"]) == 0
    [checkpoint] = mine.glob("checkpoint-*")
    checkpoint.unlink()
    checkpoint.symlink_to(next(theirs.glob("checkpoint-*")))
    assert main(["--resume", str(mine)]) == 0
    assert "no checkpoint in" in capsys.readouterr().out
    assert not checkpoint.is_symlink()


@pytest.mark.parametrize("option", ["--out=elsewhere", "--resume=elsewhere", "--config=other.toml"])
def test_a_config_leads_nowhere_else(tmp_path, capsys, option):
    name, value = option.lstrip("-").split("=")
    (tmp_path / "config.toml").write_text(f'{name} = "{tmp_path / value}"\n')
    assert main(["--resume", str(tmp_path)]) == 2
    assert f"'{name}' is no option of a run" in capsys.readouterr().err
    assert not (tmp_path / value).exists()
