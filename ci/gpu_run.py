"""Train the same net on each device that is here, and write what came of it.

    python ci/gpu_run.py RESULTS.json

`ci/gpu.sh` calls this; it runs on a machine without a GPU too, with fewer rows. Every device gets
the same seed, so the accuracies must agree; times include the accuracy checks, and a first run on
each device, of one epoch, is not counted: it compiles.
"""

import json
import os
import platform
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import xpnet

DEVICES = ("cpu", "gpu", "torch:cpu", "torch:cuda", "jax:cpu", "jax:gpu")


def train(data: xpnet.data.Dataset, device: str, epochs: int) -> dict:
    """Return seconds, accuracies and the first and last loss of one training."""
    net = xpnet.TwoLayerNet(data.input_dim, 50, data.num_classes, device=device)
    solver = xpnet.Solver(
        net,
        data,
        optim_config={"learning_rate": 1e-3},
        lr_decay=0.95,
        num_epochs=epochs,
        print_every=100,
        preprocess="mean",
        verbose=False,
    )
    begun = time.perf_counter()
    solver.train()
    net.backend.synchronize()
    return {
        "backend": net.backend.description,
        "seconds": time.perf_counter() - begun,
        "steps": solver.step,
        "best_val_accuracy": solver.best_val_acc,
        "test_accuracy": solver.check_accuracy(data.X_test, data.y_test, batch_size=1000),
        "losses": [solver.loss_history[0], solver.loss_history[-1]],
    }


def describe_gpu() -> str:
    """Return the name and the driver of the GPU, or say that there is none."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"


def main() -> None:
    """Train on each device and write the results."""
    data = xpnet.data.load("cifar10" if os.environ.get("XPNET_DATA_DIR") else "digits")
    runs = {}
    for device in DEVICES:
        try:
            xpnet.get_backend(device)
        except xpnet.BackendError as error:
            runs[device] = {"not run": error.reason}
            continue
        train(data, device, epochs=1)
        runs[device] = train(data, device, epochs=10)
    versions = {name: getattr(__import__(name), "__version__", "") for name in installed()}
    results = {
        "dataset": data.name,
        "gpu": describe_gpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {"xpnet": xpnet.__version__, **versions},
        "runs": runs,
    }
    Path(sys.argv[1]).write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


def installed() -> list[str]:
    """Return which of the array libraries are here."""
    return [name for name in ("numpy", "cupy", "torch", "jax") if find_spec(name)]


if __name__ == "__main__":
    main()
