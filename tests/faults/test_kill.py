"""`kill -9` at random moments of real runs: what is resumed ends as a run that nobody killed.

A few kills here; the long form is XPNET_KILLS=50 pytest tests/faults/test_kill.py.
"""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from xpnet.tensor_files import read_tensors

KILLS = int(os.environ.get("XPNET_KILLS", "4"))
OPTIONS = (
    *("--hidden-dims", "40,30", "--normalization", "batchnorm", "--dropout-keep-ratio", "0.8"),
    *("--update-rule", "adam", "--schedule", "warmup:5+cosine", "--grad-clip", "1"),
    *("--early-stopping", "300", "--num-epochs", "120", "--checkpoint-every", "1", "--quiet"),
)
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


def command(*options):
    return [sys.executable, "-m", "xpnet.train", *options]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody killed, and the seconds that it took."""
    folder = tmp_path_factory.mktemp("whole")
    begun = time.perf_counter()
    subprocess.run(command("--out", str(folder), *OPTIONS), check=True, env=ENVIRONMENT)
    return folder, time.perf_counter() - begun


def is_killed(process, seconds):
    """Kill a process after so long, unless it has ended by itself."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    assert process.returncode == 0, process.stderr.read()
    return False


def run_with_kills(folder, rng, seconds):
    """Start a run, and go on with it after each kill, until it ends; return the kills."""
    go_on = command("--resume", str(folder), "--quiet")
    for kills in range(1000):
        known = (folder / "config.toml").exists()
        words = go_on if known else command("--out", str(folder), *OPTIONS)
        with subprocess.Popen(words, env=ENVIRONMENT, stderr=subprocess.PIPE) as process:
            # Up to a whole run's length: also while it starts, and while it writes its results.
            if not is_killed(process, rng.uniform(0.2, 1.0) * seconds):
                return kills
    raise AssertionError("the run never ended")


def test_the_end_is_that_of_a_run_that_nobody_killed(whole, tmp_path):
    known, seconds = whole
    rng = random.Random(1)
    kills = runs = 0
    while kills < KILLS:
        folder = tmp_path / str(runs)
        kills += run_with_kills(folder, rng, seconds)
        runs += 1
        assert (folder / "history.csv").read_bytes() == (known / "history.csv").read_bytes()
        for name in ("best.safetensors", *(path.name for path in known.glob("checkpoint-*"))):
            found, _ = read_tensors(folder / name)
            expected, _ = read_tensors(known / name)
            assert found.keys() == expected.keys()
            for key, x in expected.items():
                np.testing.assert_array_equal(found[key], x, err_msg=key)
        assert not list(folder.glob(".*-part"))
    print(f"{kills} kills in {runs} runs")
