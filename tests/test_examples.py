"""Every example runs, as its docstring says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    accuracies = [float(a) for a in re.findall(r"[Tt]est.* accuracy:? (\d\.\d+)", done.stdout)]
    assert accuracies
    assert min(accuracies) > 0.7
