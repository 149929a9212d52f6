"""The notes' grid of 144 nets on the digits: by a sweep, one after the other, and by peers.

    python ci/benchmark_sweep.py                    # 50 epochs, 3 rounds: a few minutes
    python ci/benchmark_sweep.py --epochs 10 --rounds 5
    python ci/benchmark_sweep.py --data-dir DIR     # 12 nets on CIFAR-10, one epoch
    python ci/benchmark_sweep.py --data-dir DIR --device gpu  # 144 nets, 10 epochs

3 hidden sizes, 4 learning rates, 4 regularisations and 3 decays, by SGD in batches of 100, float32.
Each way trains all nets on the same centred data for as many steps, and is given all cores as it
does best: scikit-learn's MLPClassifier by joblib; jax.vmap with a scanned epoch for each hidden
size and XLA's threads; PyTorch one after the other, and by torch.func.vmap; the sweep in one
process and in as many as there are cores; and one Solver after the other, also by joblib on all
cores. A round that does not count comes first, with joblib's processes and JAX's compiling. The
sweep's processes start anew each time, and that is in its figures. The sweep and the Solver take
accuracies after each epoch, as they always do; the others once, at the end.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the processes share the cores

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from benchmark_peers.machine import describe_machine  # noqa: E402
from benchmark_peers.sweeps import (  # noqa: E402
    by_sklearn,
    by_torch,
    by_torch_func,
    by_vmap,
    combined,
)

import xpnet  # noqa: E402
from xpnet.sweep import sweep  # noqa: E402

SPACE = {
    "hidden_dims": [[20], [50], [100]],
    "learning_rate": [1e-3, 3e-3, 1e-2, 3e-2],
    "reg": [0.0, 1e-3, 1e-2, 1e-1],
    "lr_decay": [0.9, 0.95, 1.0],
}
# None of these diverges: a net alone would end there, and in a stack it goes on in vain.
WIDE = {
    "hidden_dims": [[50]],
    "learning_rate": [1e-4, 3e-4, 1e-3],
    "reg": [0.0, 1e-2],
    "lr_decay": [0.95, 1.0],
}


def by_sweep(
    data: xpnet.data.Dataset, space: dict, epochs: int, processes: int, device: str = "cpu"
) -> float:
    """Return the best validation accuracy of a sweep."""
    options = {"preprocess": "mean", "initializer": "kaiming", "num_epochs": epochs}
    options["device"] = device
    return sweep(data, space, processes=processes, **options).best["val_accuracy"]


def fit_solver(one: dict, data: xpnet.data.Dataset, epochs: int) -> float:
    """Return the best validation accuracy of one net by a Solver."""
    net = xpnet.TwoLayerNet(
        data.input_dim, one["hidden_dims"][0], 10, initializer="kaiming", reg=one["reg"]
    )
    solver = xpnet.Solver(
        net,
        data,
        optim_config={"learning_rate": one["learning_rate"]},
        lr_decay=one["lr_decay"],
        num_epochs=epochs,
        preprocess="mean",
        verbose=False,
        threads=1,
    )
    solver.train()
    return solver.best_val_acc


def one_by_one(data: xpnet.data.Dataset, space: dict, epochs: int) -> float:
    """Return the same by a Solver for each net."""
    return max(fit_solver(one, data, epochs) for one in combined(space))


def by_joblib(data: xpnet.data.Dataset, space: dict, epochs: int) -> float:
    """Return the same by joblib on all cores."""
    from joblib import Parallel, delayed

    fits = (delayed(fit_solver)(one, data, epochs) for one in combined(space))
    return max(Parallel(n_jobs=-1)(fits))


def main() -> None:
    """Measure in turn, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, help="default: 50, of CIFAR-10 1 or on a GPU 10")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data-dir", help="of CIFAR-10, which is then trained on")
    parser.add_argument("--device", default="cpu", help="of the sweep and of PyTorch")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    name = "digits" if options.data_dir is None else "cifar10"
    data = xpnet.data.load(name, data_dir=options.data_dir)
    is_gpu = xpnet.get_backend(options.device).is_gpu
    space = WIDE if name == "cifar10" and not is_gpu else SPACE
    epochs = options.epochs or (50 if name == "digits" else 10 if is_gpu else 1)
    ways = ways_on_a_gpu(options.device) if is_gpu else ways_on_a_cpu(name)
    ways = {way: partial(function, space=space) for way, function in ways.items()}
    found = measured(ways, data, epochs, options.rounds)
    told = describe_machine() | {"data": name, "epochs": epochs, "ways": found}
    nets = len(combined(space))
    sizes = ", ".join(str(size) for (size,) in space["hidden_dims"])
    print(
        f"{nets} nets, {data.input_dim}-({sizes})-10, {epochs} epochs, {data.name}; "
        f"{told['machine']}, {told['system']}, commit {told['commit']}, {told['date']}, load "
        f"{os.getloadavg()[0]:.1f}\n"
    )
    show(found, nets)
    out = options.out or ROOT / "ci" / f"benchmark_sweep_{name}.json"
    out.write_text(json.dumps(told, indent=1) + "\n")


_LOOP = "xpnet's Solver, one net after the other"
_TORCH = "PyTorch, one net after the other"


def ways_on_a_cpu(name: str) -> dict[str, Callable[..., float]]:
    """Return xpnet's own ways, and on the digits the peers that are installed."""
    cores = len(os.sched_getaffinity(0))
    ways: dict[str, Callable[..., float]] = {
        f"**xpnet.sweep**, {cores} processes": partial(by_sweep, processes=cores),
        "**xpnet.sweep**, 1 process": partial(by_sweep, processes=1),
        _LOOP: one_by_one,
        f"xpnet's Solver by joblib, {cores} processes": by_joblib,
    }
    peers = {
        "scikit-learn MLPClassifier, joblib": ("sklearn", by_sklearn),
        "jax.vmap, scanned epochs": ("jax", by_vmap),
        _TORCH: ("torch", by_torch),
        "torch.func.vmap": ("torch", by_torch_func),
    }
    if name == "digits":
        ways |= {way: peer for way, (library, peer) in peers.items() if find_spec(library)}
    return ways


def ways_on_a_gpu(device: str) -> dict[str, Callable[..., float]]:
    """Return the sweep, and PyTorch on the same card."""
    ways: dict[str, Callable[..., float]] = {
        f"**xpnet.sweep** on {device}": partial(by_sweep, processes=1, device=device)
    }
    if find_spec("torch"):
        ways |= {
            _TORCH: partial(by_torch, device="cuda"),
            "torch.func.vmap": partial(by_torch_func, device="cuda"),
        }
    return ways


def measured(
    ways: dict[str, Callable[..., float]], data: xpnet.data.Dataset, epochs: int, rounds: int
) -> dict[str, dict]:
    """Return the seconds of each way in each round, after one that does not count."""
    found: dict[str, dict] = {}
    for r in range(rounds + 1):
        for name, way in ways.items():
            begun = time.perf_counter()
            best = way(data, epochs=epochs)
            seconds = time.perf_counter() - begun
            entry = found.setdefault(name, {"first": seconds, "seconds": [], "best": best})
            if r:
                entry["seconds"].append(seconds)
    return found


def show(found: dict[str, dict], nets: int) -> None:
    """Print the table."""
    print("| | s | nets a second | throughput to one after the other | best validation accuracy |")
    print("|---|---|---|---|---|")
    loop = found[_LOOP if _LOOP in found else _TORCH]["seconds"]
    for name, entry in sorted(found.items(), key=lambda item: median(item[1]["seconds"])):
        times = entry["seconds"]
        ratios = [a / b for a, b in zip(loop, times, strict=True)]
        print(
            f"| {name} | {median(times):.2f} ({min(times):.2f} to {max(times):.2f}) | "
            f"{nets / median(times):.1f} | {median(ratios):.2f} ({min(ratios):.2f} to "
            f"{max(ratios):.2f}) | {entry['best']:.3f} |"
        )


if __name__ == "__main__":
    main()
