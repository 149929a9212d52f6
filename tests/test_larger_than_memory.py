"""A process that may hold less memory than the training set has trains on it from its file."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

ROWS, FEATURES, CLASSES = 25_600, 10_000, 5
SPARE = 128 * 2**20  # bytes beyond what the libraries took; the set has 256 MB

# RLIMIT_DATA counts memory that is the process's own: no maps of files to be read alone.
RUN = """
import json, pathlib, re, resource, sys
import numpy as np
import xpnet

def own_memory():
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmData:\\s+(\\d+) kB", status)[1])

def train(X, y, device):
    net = xpnet.TwoLayerNet(X.shape[1], 10, 5, weight_scale=1e-3, device=device)
    data = {"X_train": X, "y_train": y, "X_val": X[-1000:], "y_val": y[-1000:]}
    solver = xpnet.Solver(
        net, data, update_rule="adam", num_epochs=1, preprocess="standard",
        verbose=False,
    )
    solver.train()
    return solver

path, device, mode, spare = sys.argv[1:]
rng = np.random.default_rng(0)
train(rng.integers(9, size=(2000, 300)), rng.integers(5, size=2000), device)  # all is loaded
limit = own_memory() + int(spare)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
X = np.load(path, mmap_mode=mode or None)
solver = train(X, np.arange(len(X)) % 5, device)
print(json.dumps({"steps": solver.step, "accuracy": solver.best_val_acc}))
"""


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    """Rows of bytes with noise, whose labels go round: 0, 1, 2, 3, 4, 0 ..."""
    path = tmp_path_factory.mktemp("large") / "X.npy"
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 128, size=(1000, FEATURES), dtype=np.uint8)
    centres = rng.integers(0, 128, size=(CLASSES, FEATURES), dtype=np.uint8)
    tile += np.tile(centres, (200, 1))
    X = np.lib.format.open_memmap(path, "w+", np.uint8, (ROWS, FEATURES))
    for start in range(0, ROWS, 1000):
        X[start : start + 1000] = tile[: ROWS - start]
    del X
    yield path
    path.unlink()  # pytest would keep 256 MB of each of three runs


def run(path, device, mode):
    command = [sys.executable, "-c", RUN, str(path), device, mode, str(SPARE)]
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # each holds memory too
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | threads
    )


def skip_unless_limited():
    if sys.platform != "linux":
        pytest.skip("RLIMIT_DATA counts private maps on Linux alone")


@pytest.mark.parametrize("device", ["cpu", "torch"])
def test_a_mapped_set_trains_in_half_its_size(large_file, device):
    skip_unless_limited()
    if device != "cpu" and find_spec(device) is None:
        pytest.skip(f"{device} is not installed")
    done = run(large_file, device, "r")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["steps"] == ROWS // 100
    assert found["accuracy"] > 0.95


def test_the_same_set_does_not_fit_as_a_whole(large_file):
    """So that the test above can fail."""
    skip_unless_limited()
    done = run(large_file, "cpu", "")
    assert done.returncode != 0
    assert "MemoryError: Unable to allocate 244. MiB" in done.stderr
