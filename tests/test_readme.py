"""The README's Python blocks run as they stand, in their order."""

import re
from pathlib import Path

import pytest

from xpnet.train import main

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_python_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["--quiet", "--out", "run"]) == 0
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 6
    names: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    numbers = [line for line in printed.splitlines() if re.fullmatch(r"[\[\]\d. ]+", line)]
    accuracies = [float(a) for line in numbers for a in re.findall(r"\d\.\d+", line)]
    assert len(accuracies) >= 6
    assert min(accuracies) > 0.7, printed


def test_the_output_shown_is_that_of_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("matplotlib")
    assert main(["--out", "run"]) == 0
    printed = capsys.readouterr().out
    shown = re.search(r"```text\n(xpnet .*?)```", README, flags=re.DOTALL)[1]
    for line in shown.splitlines()[1:]:
        # Times differ by machine, and the last digits of a loss by processor.
        if line != "..." and not line.startswith(("trained ", "(Epoch ", "best ", "test ")):
            assert line in printed
