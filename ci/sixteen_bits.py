"""What keeping a net in 16 bits costs: accuracy and time, and what it saves.

    python ci/sixteen_bits.py [DIR]

Trains on the digits as the command line does, five seeds of each dtype, and on CIFAR-10 in DIR, if
it is given, the notes' net for two epochs, two seeds of each. The dtypes take turns, so that other
programs slow all of them alike. Inputs are handed over as floats, which are then kept in 16 bits
too. PyTorch, as NumPy has no bfloat16.
"""

import argparse
import dataclasses
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import xpnet
from xpnet.tensor_files import read_tensors

DTYPES = ("float32", "float16", "bfloat16")
DIGITS: dict[str, Any] = {
    "seeds": range(5),
    "net": {"hidden_dims": [100], "initializer": "kaiming", "reg": 3e-2},
    "solver": {
        "update_rule": "adam",
        "optim_config": {"learning_rate": 3e-3},
        "lr_decay": 0.97,
        "num_epochs": 60,
    },
}
CIFAR10: dict[str, Any] = {
    "seeds": range(2),
    "net": {"hidden_dims": [50], "weight_scale": 1e-3},
    "solver": {"optim_config": {"learning_rate": 1e-3}, "lr_decay": 0.95, "num_epochs": 2},
}


def train(data: xpnet.data.Dataset, run: dict[str, Any], dtype: str, seed: int) -> dict[str, float]:
    """Train once, and return what it came to."""
    net = xpnet.FullyConnectedNet(
        input_dim=data.input_dim, dtype=dtype, device="torch:cpu", seed=seed, **run["net"]
    )
    solver = xpnet.Solver(
        net, data, preprocess="mean", verbose=False, print_every=100, seed=seed, **run["solver"]
    )
    begun = time.perf_counter()
    solver.train()
    seconds = time.perf_counter() - begun
    return {
        "val": solver.best_val_acc,
        "test": solver.check_accuracy(data.X_test, data.y_test, batch_size=1000),
        "loss": float(np.mean(solver.loss_history[-20:])),
        "ms": 1000 * seconds / solver.step,
        "bytes": sum(w.nbytes for w in net.params.values()),
        "file": file_size(net),
    }


def file_size(net: xpnet.FullyConnectedNet) -> int:
    """Return the bytes of the parameters alone in a file of the net."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.safetensors"
        xpnet.save(net, path)
        arrays, _ = read_tensors(path)
    return sum(x.nbytes for name, x in arrays.items() if name.startswith("params."))


def compare(data: xpnet.data.Dataset, run: dict[str, Any]) -> None:
    """Print a line for each dtype: means over the seeds, and the spread of the accuracies."""
    inputs = ("X_train", "X_val", "X_test")
    data = dataclasses.replace(data, **{name: data[name].astype(np.float32) for name in inputs})
    found: dict[str, list[dict[str, float]]] = {dtype: [] for dtype in DTYPES}
    for seed in run["seeds"]:
        for dtype in DTYPES:
            found[dtype].append(train(data, run, dtype, seed))
    print(f"{data.name}, {len(run['seeds'])} seeds; accuracies: mean (least to most)")
    base = statistics.median(one["ms"] for one in found["float32"])
    for dtype, runs in found.items():
        texts = []
        for name in ("val", "test"):
            values = [one[name] for one in runs]
            mean = statistics.mean(values)
            texts.append(f"{name} {mean:.4f} ({min(values):.4f} to {max(values):.4f})")
        ratio = statistics.median(one["ms"] for one in runs) / base
        texts.append(f"last losses {statistics.mean(one['loss'] for one in runs):.5f}")
        texts.append(f"parameters {runs[0]['bytes']:,} B, in a file {runs[0]['file']:,} B")
        texts.append(f"step {base * ratio:.3f} ms, {ratio:.2f} of float32")
        print(f"  {dtype:8}  {', '.join(texts)}")


def main() -> None:
    """Compare on the digits, and on CIFAR-10 where its folder is given."""
    parser = argparse.ArgumentParser(description="What keeping a net in 16 bits costs.")
    parser.add_argument("data_dir", nargs="?", metavar="DIR", help="holds cifar-10-batches-py/")
    options = parser.parse_args()
    backend = xpnet.get_backend("torch:cpu")
    with backend.threads(1):
        print(f"{backend.description}, one thread")
        compare(xpnet.data.load("digits"), DIGITS)
        if options.data_dir is not None:
            compare(xpnet.data.load("cifar10", data_dir=options.data_dir), CIFAR10)


if __name__ == "__main__":
    main()
