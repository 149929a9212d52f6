"""Ten thousand nets in one sweep: the experiment of Farias et al. (arXiv 2206.08369, 2022).

    python ci/benchmark_many.py                # 10,000 nets twice: some minutes
    python ci/benchmark_many.py --repeats 2    # 2,000 nets

Hidden sizes 1 to 100, ten activations, ten repeats, on data of 10 and of 100 features: 1,000
samples of two classes that a random net tells apart, 12 epochs in batches of 32, by SGD, float32.
Beside the sweep on all cores stand, one after the other, this library's Solver and, where it is
installed, a PyTorch loop without a DataLoader, both on one core, timed on nets drawn from the same
ten thousand. Memory is the peak of all processes of the sweep, Python and NumPy included.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from multiprocessing import Queue, get_context
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the processes share the cores

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from benchmark_peers.machine import describe_machine  # noqa: E402

import xpnet  # noqa: E402
from xpnet.layers import ACTIVATIONS  # noqa: E402
from xpnet.sweep import sweep  # noqa: E402

SAMPLES, CLASSES, BATCH, EPOCHS = 1000, 2, 32, 12
SIZES, KINDS = range(1, 101), list(ACTIVATIONS)
OPTIONS = {
    **{"batch_size": BATCH, "num_epochs": EPOCHS, "preprocess": "standard"},
    "num_train_samples": 200,
}
RATE = 0.01


def made_data(features: int) -> dict[str, np.ndarray]:
    """Return samples that a random net of 20 hidden units has labelled."""
    rng = np.random.default_rng(features)
    X = rng.standard_normal((SAMPLES + 400, features)).astype(np.float32)
    hidden = np.tanh(X @ rng.standard_normal((features, 20)) / features**0.5)
    scores = hidden @ rng.standard_normal(20)
    y = (scores > np.median(scores)).astype(np.int64)
    return {
        **{"X_train": X[:SAMPLES], "y_train": y[:SAMPLES]},
        **{"X_val": X[SAMPLES:-200], "y_val": y[SAMPLES:-200]},
        **{"X_test": X[-200:], "y_test": y[-200:]},
    }


def by_sweep(data: dict[str, np.ndarray], repeats: int, processes: int) -> int:
    """Train them all, and return how many there were."""
    space = {"hidden_dims": [[size] for size in SIZES], "activation": KINDS}
    found = sweep(data, space, seeds=repeats, processes=processes, learning_rate=RATE, **OPTIONS)
    return len(found.rows)


def by_solver(data: dict[str, np.ndarray], size: int, kind: str, seed: int) -> None:
    """Train one by this library's Solver."""
    features = data["X_train"].shape[1]
    net = xpnet.FullyConnectedNet([size], features, CLASSES, activation=kind, seed=seed)
    config = {"learning_rate": RATE}
    solver = xpnet.Solver(net, data, optim_config=config, verbose=False, seed=seed, **OPTIONS)
    solver.train()


def by_torch(data: dict[str, np.ndarray], size: int, kind: str, seed: int) -> None:
    """Train one by PyTorch: as many steps, and the validation part after each epoch."""
    import torch  # noqa: PLC0415, TID251
    from torch import nn  # noqa: PLC0415, TID251

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    known = {
        **{"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "selu": nn.SELU},
        **{"gelu": nn.GELU, "mish": nn.Mish, "hardshrink": nn.Hardshrink, "tanh": nn.Tanh},
        **{"sigmoid": nn.Sigmoid, "identity": nn.Identity},
    }
    X, y, X_val, y_val = (
        torch.from_numpy(data[name]) for name in ("X_train", "y_train", "X_val", "y_val")
    )
    mean, std = X.mean(0), X.std(0)
    X, X_val = (X - mean) / std, (X_val - mean) / std
    net = nn.Sequential(nn.Linear(X.shape[1], size), known[kind](), nn.Linear(size, CLASSES))
    rule, loss = torch.optim.SGD(net.parameters(), lr=RATE), nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        order = torch.randperm(len(X))
        for i in range(0, len(X) - BATCH + 1, BATCH):
            rows = order[i : i + BATCH]
            rule.zero_grad()
            loss(net(X[rows]), y[rows]).backward()
            rule.step()
        with torch.no_grad():
            float((net(X_val).argmax(1) == y_val).float().mean())


def seconds_each(
    train: Callable[..., None], data: dict[str, np.ndarray], nets: list[tuple[int, str, int]]
) -> float:
    """Return the median seconds of a net."""
    train(data, *nets[0])  # not counted: what is loaded and compiled once
    times = []
    for net in nets:
        begun = time.perf_counter()
        train(data, *net)
        times.append(time.perf_counter() - begun)
    return median(times)


def sweep_apart(features: int, repeats: int, processes: int, results: Queue) -> None:
    """Sweep in a process of its own, and put seconds, nets and the peak of its memory."""
    data, begun = made_data(features), time.perf_counter()
    number = by_sweep(data, repeats, processes)
    seconds = time.perf_counter() - begun
    own, child = (
        1024 * resource.getrusage(kind).ru_maxrss
        for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    results.put(
        (seconds, number, own + processes * child)
    )  # as if all were as large as the largest


def measured_sweep(features: int, repeats: int, processes: int) -> tuple[float, int, int]:
    """Return seconds, nets and the peak of the memory of a sweep that nothing came before."""
    context = get_context("spawn")
    results = context.Queue()
    process = context.Process(target=sweep_apart, args=(features, repeats, processes, results))
    process.start()
    found: tuple[float, int, int] = results.get()
    process.join()
    return found


def main() -> None:
    """Measure, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--sample", type=int, default=100, help="nets of the one by one")
    parser.add_argument("--out", type=Path, default=ROOT / "ci" / "benchmark_many.json")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    rng = np.random.default_rng(0)
    nets = [(int(rng.choice(SIZES)), str(rng.choice(KINDS)), k) for k in range(options.sample)]
    told, rows = describe_machine(), []
    for features in (10, 100):
        data = made_data(features)
        alone = seconds_each(by_solver, data, nets)
        torch = seconds_each(by_torch, data, nets) if find_spec("torch") else None
        load = os.getloadavg()[0]
        seconds, number, peak = measured_sweep(features, options.repeats, cores)
        rows.append(
            {
                "features": features,
                "nets": number,
                "seconds": seconds,
                "ms_each": 1e3 * seconds / number,
                "solver_ms_each": 1e3 * alone,
                "torch_ms_each": None if torch is None else 1e3 * torch,
                "peak_mb": peak / 1e6,
                "kb_each": peak / number / 1e3,
                "load": load,
            }
        )
    machine = f"{told['machine']}, {told['system']}, commit {told['commit']}, {told['date']}"
    print(f"{cores} processes; {machine}\n")
    print(
        "| features | nets | sweep, s | ms a net | Solver alone, ms a net | PyTorch, ms a net | "
        "peak of all processes, MB | kB a net |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        torch = "" if row["torch_ms_each"] is None else f"{row['torch_ms_each']:.1f}"
        print(
            f"| {row['features']} | {row['nets']:,} | {row['seconds']:.1f} | "
            f"{row['ms_each']:.2f} | {row['solver_ms_each']:.1f} | {torch} | "
            f"{row['peak_mb']:.0f} | {row['kb_each']:.0f} |"
        )
    options.out.write_text(json.dumps(told | {"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
