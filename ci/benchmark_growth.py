"""How the time and the memory of a step grow with batch, input, hidden size, depth and members.

    python ci/benchmark_growth.py                              # about half a minute
    python ci/benchmark_growth.py --from ci/benchmark_growth.json

One of the five is varied at a time, the others staying at 256-100-10, batch 100, no stack. xpnet's
Solver trains on NumPy in float32 on one thread, batches included, on made-up bytes, as nothing here
depends on what they show. Beside it stand a step's matrix products alone, of a stack K times those
of one net. Memory is the largest that NumPy had allocated from the second step on, without the
data. Written as JSON and drawn.
"""

import argparse
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmark_peers.machine import describe_machine  # noqa: E402
from benchmark_peers.products import Products  # noqa: E402
from benchmark_peers.spread import spread  # noqa: E402
from benchmark_peers.task import Task  # noqa: E402

import xpnet  # noqa: E402

BASE = {"batch": 100, "input": 256, "hidden": 100, "depth": 1, "members": 1}
AXES = {
    "batch": (10, 30, 100, 300, 1000, 3000),
    "input": (16, 64, 256, 1024, 4096, 16384),
    "hidden": (10, 30, 100, 300, 1000, 3000),
    "depth": (1, 2, 4, 8, 16, 32),
    "members": (1, 2, 4, 8, 16, 32),
}
NAMES = {
    "batch": "samples a batch",
    "input": "inputs",
    "hidden": "hidden units a layer",
    "depth": "hidden layers",
    "members": "members of a stack",
}
_SECONDS, _FLOPS = 0.1, 2e10  # how long a round is about, where so many operations take a second
_OURS, _FLOOR = "#0072B2", "#E69F00"  # Okabe and Ito's, which colour-blind people tell apart


def sizes_of(shape: dict[str, int]) -> list[int]:
    """Return the layers' sizes."""
    return [shape["input"], *[shape["hidden"]] * shape["depth"], 10]


def make_task(shape: dict[str, int]) -> Task:
    """Return data for as many steps as fill a round, and weights."""
    sizes, rng, B = sizes_of(shape), np.random.default_rng(0), shape["batch"]
    products = sum(n * m for n, m in pairwise(sizes))
    steps = _SECONDS * _FLOPS / (6 * B * products * shape["members"])
    X = rng.integers(0, 256, (B * int(np.clip(steps, 3, 200)), sizes[0]), dtype=np.uint8)
    y = rng.integers(0, 10, len(X))
    weights = [np.zeros(pair) for pair in pairwise(sizes)]
    return Task(X, y, X[:10], y[:10], X[:10], y[:10], weights, B, 1e-4, batchnorm=False)


class _FromSecondStep:
    """Forgets the peak of the first step: before it the allocator is given a large empty mark."""

    def on_interval(self, _solver: xpnet.Solver) -> None:
        tracemalloc.reset_peak()


def make_solver(shape: dict[str, int], task: Task) -> xpnet.Solver:
    """Return a Solver of an epoch on the task's data."""
    data = {name: getattr(task, name) for name in ("X_train", "y_train", "X_val", "y_val")}
    members = None if shape["members"] == 1 else shape["members"]
    sizes = sizes_of(shape)
    return xpnet.Solver(
        xpnet.FullyConnectedNet(sizes[1:-1], sizes[0], 10, members=members),
        data,
        optim_config={"learning_rate": task.learning_rate},
        batch_size=task.batch_size,
        num_epochs=1,
        num_train_samples=10,
        print_every=10**9,
        preprocess="mean",
        verbose=False,
        callbacks=[_FromSecondStep()] if tracemalloc.is_tracing() else [],
    )


def measure(shape: dict[str, int], rounds: int) -> dict:
    """Return microseconds a step, of us and of the products, and the peak of memory."""
    task = make_task(shape)
    tracemalloc.start()
    make_solver(shape, task).train()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    solver = make_solver(shape, task)
    solver.train()
    products = Products(task)
    products.train(1)
    found = {"xpnet_us": [], "products_us": [], "peak_mb": peak / 1e6}
    for _ in range(rounds):
        found["xpnet_us"].append(_timed(solver.train, task))
        alone = _timed(lambda: products.train(1), task)
        found["products_us"].append(alone * shape["members"])
    return found


def _timed(train: Callable[[], None], task: Task) -> float:
    begun = time.perf_counter()
    train()
    return 1e6 * (time.perf_counter() - begun) / task.steps


def run(axes: list[str], rounds: int) -> dict:
    """Measure every point, on one thread."""
    found = {**describe_machine(), "axes": {}}
    with xpnet.get_backend("cpu").threads(1):
        for axis in axes:
            print(f"{axis} ...", file=sys.stderr)
            points = {str(n): measure(BASE | {axis: n}, rounds) for n in AXES[axis]}
            found["axes"][axis] = points
    return found


def report(found: dict) -> str:
    """Return a table for each axis; `grows` is the exponent between this point and the last."""
    parts = [f"{found['machine']}; commit {found['commit']}, {found['date']}; 1 thread, float32."]
    for axis, points in found["axes"].items():
        lines = [f"| {NAMES[axis]} | xpnet µs a step | grows | products µs | ratio | peak MB |"]
        lines.append("|---|---|---|---|---|---|")
        before = None
        for n, point in points.items():
            now = int(n), median(point["xpnet_us"])
            power = f"{log(now[1] / before[1]) / log(now[0] / before[0]):.2f}" if before else ""
            floor = median(point["products_us"])
            ours = spread(point["xpnet_us"], ",.0f")
            cells = f"{ours} | {power} | {floor:,.0f} | {now[1] / floor:.2f}"
            lines.append(f"| {now[0]:,} | {cells} | {point['peak_mb']:.1f} |")
            before = now
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def draw(found: dict, path: Path) -> None:
    """Draw time and memory over each axis, on logarithmic scales."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - the table does without

    axes = found["axes"]
    figure = Figure(figsize=(3.1 * len(axes) + 0.5, 6), layout="constrained")
    panels = figure.subplots(2, len(axes), sharex="col", sharey="row", squeeze=False)
    for column, (axis, points) in zip(panels.T, axes.items(), strict=True):
        n = [int(text) for text in points]
        for key, color, mark, label in (
            ("xpnet_us", _OURS, "o-", "xpnet on NumPy"),
            ("products_us", _FLOOR, "s--", "matrix products alone"),
        ):
            us = [points[text][key] for text in points]
            column[0].plot(n, [median(x) for x in us], mark, color=color, label=label, ms=4)
            low, high = [min(x) for x in us], [max(x) for x in us]
            column[0].fill_between(n, low, high, color=color, alpha=0.25, lw=0)
        column[1].plot(n, [p["peak_mb"] for p in points.values()], "o-", color=_OURS, ms=4)
        column[1].set_xlabel(NAMES[axis])
        for panel in column:
            panel.set(xscale="log", yscale="log")
            panel.grid(alpha=0.3)
    panels[0, 0].set_ylabel("µs a step")
    panels[1, 0].set_ylabel("peak memory, MB, without the data")
    panels[0, 0].legend(fontsize=8)
    head = f"{found['machine']}, 1 thread, float32, commit {found['commit']}, {found['date']}"
    figure.suptitle(f"One varied at a time; else 256-100-10, batch 100, no stack. {head}")
    figure.savefig(path, dpi=100)


def main(arguments: list[str] | None = None) -> None:
    """Measure or read, print the tables, write JSON and picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES), help="(all)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--out", type=Path, default=ROOT / "ci" / "benchmark_growth.json")
    parser.add_argument("--from", dest="file", type=Path, help="measure nothing, show this file")
    options = parser.parse_args(arguments)
    if options.file:
        found = json.loads(options.file.read_text())
    else:
        found = run(options.axes, options.rounds)
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(report(found))
    draw(found, (options.file or options.out).with_suffix(".png"))


if __name__ == "__main__":
    main()
