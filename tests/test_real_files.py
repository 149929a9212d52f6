"""The notes' run on CIFAR-10, where XPNET_DATA_DIR names its folder."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import xpnet

DATA_DIR = os.environ.get("XPNET_DATA_DIR")

# The peak of this very process: ru_maxrss would also count its parent's, from before the exec.
RUN = """
import pathlib, sys
from xpnet.train import main
status = main(sys.argv[1:])
print(pathlib.Path("/proc/self/status").read_text())
sys.exit(status)
"""


@pytest.mark.skipif(not DATA_DIR, reason="XPNET_DATA_DIR names no folder with CIFAR-10")
def test_the_notes_run_on_real_files(tmp_path):
    """At least 0.49 validation accuracy (the notes print 0.483), in under 400 MB."""
    options = "--hidden-dim 50 --learning-rate 1e-3 --lr-decay 0.95 --num-epochs 10 --seed 0"
    command = [sys.executable, "-c", RUN, "--dataset", "cifar10", "--data-dir", DATA_DIR]
    command += [*options.split(), "--out", str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["steps"] == 4900
    assert summary["best_val_accuracy"] >= 0.49
    assert summary["test_accuracy"] >= 0.45
    assert {"curves.png", "weights.png"} <= {path.name for path in tmp_path.iterdir()}
    peak = re.search(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert peak is not None
    assert int(peak[1]) < 400_000


@pytest.mark.slow
@pytest.mark.skipif(not DATA_DIR, reason="XPNET_DATA_DIR names no folder with CIFAR-10")
def test_five_layers_with_batchnorm_pass_one_half():
    data = xpnet.data.load("cifar10", data_dir=DATA_DIR)
    net = xpnet.FullyConnectedNet([200, 100, 100, 50], normalization="batchnorm")
    solver = xpnet.Solver(
        net,
        data,
        update_rule="adam",
        optim_config={"learning_rate": 1e-3},
        num_epochs=4,
        lr_schedule="cosine",
        preprocess="mean",
        verbose=False,
    )
    solver.train()
    assert solver.best_val_acc > 0.50
    predicted = net.predict(data.X_test)
    assert np.mean(predicted == data.y_test) > 0.48
