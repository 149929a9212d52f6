"""One whole training, accuracy checks included, in this process.

    python -m benchmark_peers.whole_run NAME DATA_DIR EPOCHS THREADS

It loads CIFAR-10, makes what it needs, trains the net 3072-50-10 and prints what that took.
"""

import json
import sys
import time
from typing import Any

from benchmark_peers.worker import keep_to_cores, own_stdout, peak_mb

_RATE, _DECAY, _CHECKED = 1e-3, 0.95, 1000


def train_xpnet(data: Any, epochs: int) -> tuple[float, float]:
    """Train by this library; return when it began and the best validation accuracy."""
    import xpnet  # noqa: PLC0415

    solver = xpnet.Solver(
        xpnet.TwoLayerNet(3072, 50, 10),
        data,
        optim_config={"learning_rate": _RATE},
        lr_decay=_DECAY,
        num_epochs=epochs,
        num_train_samples=_CHECKED,
        preprocess="mean",
        verbose=False,
    )
    begun = time.perf_counter()
    solver.train()
    return begun, solver.best_val_acc


def train_notes(data: Any, epochs: int, dtype: str) -> tuple[float, float]:
    """Train by the notes' steps; return when it began and the best validation accuracy."""
    import numpy as np  # noqa: PLC0415

    from benchmark_peers.notes import Notes  # noqa: PLC0415
    from benchmark_peers.workloads import WORKLOADS, make_task  # noqa: PLC0415

    notes = Notes(make_task(WORKLOADS["cifar10-50"], data, None), dtype)
    X_val, rate, best = data.X_val - notes.mean, _RATE, 0.0
    begun = time.perf_counter()
    for _ in range(epochs):
        notes.epoch(rate)
        rate *= _DECAY
        rows = notes.rng.choice(len(notes.X_train), _CHECKED)
        notes.net.accuracy(notes.X_train[rows], data.y_train[rows])
        best = max(best, notes.net.accuracy(X_val, np.asarray(data.y_val)))
    return begun, best


def main() -> None:
    """Train once and print what it took."""
    name, data_dir, epochs, threads = sys.argv[1:]
    keep_to_cores(int(threads))
    answers = own_stdout()
    import xpnet  # noqa: PLC0415 - NumPy must see the cores

    loading = time.perf_counter()
    data = xpnet.data.load("cifar10", data_dir=data_dir or None)
    if name == "xpnet":
        begun, best = train_xpnet(data, int(epochs))
    else:
        begun, best = train_notes(data, int(epochs), "float32" if "32" in name else "float64")
    seconds = time.perf_counter() - begun
    took = {"seconds": seconds, "load_s": begun - loading, "best": best, "peak_mb": peak_mb()}
    answers.write(json.dumps(took))
    answers.flush()


if __name__ == "__main__":
    main()
