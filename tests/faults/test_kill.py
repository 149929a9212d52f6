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
    *("--early-stopping", "300", "--num-epochs", "120", "--checkpoint-every", "1"),
)
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


def command(*options):
    return [sys.executable, "-m", "xpnet.train", *options]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody killed, and the seconds that it took."""
    folder = tmp_path_factory.mktemp("whole")
    begun = time.perf_counter()
    words = command("--out", str(folder), *OPTIONS)
    subprocess.run(words, check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    return folder, time.perf_counter() - begun


def outcome(process, seconds):
    """Kill a process after so long; return whether that was needed, and what it had printed."""
    try:
        out, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return True, process.communicate()[0]
    assert process.returncode == 0, error
    return False, out


def run_with_kills(folder, rng, seconds):
    """Start a run, and go on with it after each kill, until it ends.

    Returns:
        The kills, and the sessions that went on from a checkpoint.

    """
    resumed = 0
    for kills in range(1000):
        known = (folder / "config.toml").exists()
        words = command(*(("--resume", str(folder)) if known else ("--out", str(folder), *OPTIONS)))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(words, env=ENVIRONMENT, **pipes) as process:
            # Up to a whole run's length: also while it starts, and while it writes its results.
            killed, out = outcome(process, rng.uniform(0.2, 1.0) * seconds)
        resumed += "resumed at step" in out
        if not killed:
            return kills, resumed
    raise AssertionError("the run never ended")


def test_the_end_is_that_of_a_run_that_nobody_killed(whole, tmp_path):
    known, seconds = whole
    rng = random.Random(1)
    kills = runs = resumed = 0
    while kills < KILLS:
        folder = tmp_path / str(runs)
        found = run_with_kills(folder, rng, seconds)
        kills, resumed, runs = kills + found[0], resumed + found[1], runs + 1
        assert (folder / "history.csv").read_bytes() == (known / "history.csv").read_bytes()
        for name in ("best.safetensors", *(path.name for path in known.glob("checkpoint-*"))):
            found, _ = read_tensors(folder / name)
            expected, _ = read_tensors(known / name)
            assert found.keys() == expected.keys()
            for key, x in expected.items():
                np.testing.assert_array_equal(found[key], x, err_msg=key)
        assert not list(folder.glob(".*-part"))
    print(f"{kills} kills in {runs} runs, of which {resumed} sessions resumed from a checkpoint")
    assert resumed
