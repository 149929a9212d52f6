"""The notes' grid of 144 nets on the digits: by a sweep, one after the other, and by peers.

    python ci/benchmark_sweep.py                    # 50 epochs, 3 rounds: a few minutes
    python ci/benchmark_sweep.py --epochs 10 --rounds 5

3 hidden sizes, 4 learning rates, 4 regularisations and 3 decays, by SGD in batches of 100, float32.
Each way trains all nets on the same centred digits for as many steps, and is given all cores as it
does best: scikit-learn's MLPClassifier by joblib, jax.vmap with a scanned epoch for each hidden
size and XLA's threads, the sweep in one process and in as many as there are cores, and one Solver
after the other. A round that does not count comes first, with joblib's processes and JAX's
compiling. The sweep's processes start anew each time, and that is in its figures. The sweep and the
Solver take accuracies after each epoch, as they always do; the others once, at the end.
"""

import argparse
import itertools
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the processes share the cores

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from benchmark_peers.machine import describe_machine  # noqa: E402

import xpnet  # noqa: E402
from xpnet.sweep import sweep  # noqa: E402

SPACE = {
    "hidden_dims": [[20], [50], [100]],
    "learning_rate": [1e-3, 3e-3, 1e-2, 3e-2],
    "reg": [0.0, 1e-3, 1e-2, 1e-1],
    "lr_decay": [0.9, 0.95, 1.0],
}
GRID = [dict(zip(SPACE, one, strict=True)) for one in itertools.product(*SPACE.values())]
BATCH = 100


def by_sweep(data: xpnet.data.Dataset, epochs: int, processes: int) -> float:
    """Return the best validation accuracy of a sweep."""
    options = {"preprocess": "mean", "initializer": "kaiming", "num_epochs": epochs}
    return sweep(data, SPACE, processes=processes, **options).best["val_accuracy"]


def one_by_one(data: xpnet.data.Dataset, epochs: int) -> float:
    """Return the same by a Solver for each net."""
    best = 0.0
    for one in GRID:
        net = xpnet.TwoLayerNet(
            64, one["hidden_dims"][0], 10, initializer="kaiming", reg=one["reg"]
        )
        solver = xpnet.Solver(
            net,
            data,
            optim_config={"learning_rate": one["learning_rate"]},
            lr_decay=one["lr_decay"],
            num_epochs=epochs,
            preprocess="mean",
            verbose=False,
        )
        solver.train()
        best = max(best, solver.best_val_acc)
    return best


def fit_sklearn(
    one: dict, X: np.ndarray, y: np.ndarray, X_val: np.ndarray, y_val: np.ndarray, epochs: int
) -> float:
    """Return the validation accuracy of one MLPClassifier; it has no decay of this kind."""
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier(
        one["hidden_dims"],
        solver="sgd",
        momentum=0.0,
        batch_size=BATCH,
        alpha=one["reg"],
        learning_rate_init=one["learning_rate"],
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(X, y)
    return float(net.score(X_val, y_val))


def by_sklearn(data: xpnet.data.Dataset, epochs: int) -> float:
    """Return the best of scikit-learn's, by joblib on all cores."""
    from joblib import Parallel, delayed

    parts = centred(data)
    return max(Parallel(n_jobs=-1)(delayed(fit_sklearn)(one, *parts, epochs) for one in GRID))


def by_vmap(data: xpnet.data.Dataset, epochs: int) -> float:
    """Return the best of nets whose step is mapped over the members, by jax.vmap and scan."""
    import jax  # noqa: TID251
    import jax.numpy as jnp  # noqa: TID251

    X, y, X_val, y_val = map(jnp.asarray, centred(data))

    def loss(params: tuple, x: jnp.ndarray, labels: jnp.ndarray, reg: jnp.ndarray) -> jnp.ndarray:
        w1, b1, w2, b2 = params
        scores = jax.nn.relu(x @ w1 + b1) @ w2 + b2
        losses = -jax.nn.log_softmax(scores)[jnp.arange(len(labels)), labels]
        return losses.mean() + 0.5 * reg * ((w1 * w1).sum() + (w2 * w2).sum())

    def step(params: tuple, rows: jnp.ndarray, rate: jnp.ndarray, reg: jnp.ndarray) -> tuple:
        grads = jax.grad(loss)(params, X[rows], y[rows], reg)
        return tuple(w - rate * g for w, g in zip(params, grads, strict=True))

    members = jax.vmap(step, in_axes=(0, None, 0, 0))

    @partial(jax.jit, donate_argnums=0)
    def epoch(params: tuple, batches: jnp.ndarray, rate: jnp.ndarray, reg: jnp.ndarray) -> tuple:
        return jax.lax.scan(lambda p, rows: (members(p, rows, rate, reg), None), params, batches)[0]

    rng, best = np.random.default_rng(0), 0.0
    for size in (20, 50, 100):
        own = [one for one in GRID if one["hidden_dims"] == [size]]
        rate, reg, decay = (
            jnp.asarray([one[name] for one in own], jnp.float32)
            for name in ("learning_rate", "reg", "lr_decay")
        )
        shapes = [(64, size), (size,), (size, 10), (10,)]
        start = [rng.standard_normal(s) * np.sqrt(2 / s[0]) * (len(s) == 2) for s in shapes]
        params = tuple(jnp.asarray(np.stack([w] * len(own)), jnp.float32) for w in start)
        for k in range(epochs):
            rows = rng.permutation(len(X))[: len(X) // BATCH * BATCH].reshape(-1, BATCH)
            params = epoch(params, jnp.asarray(rows), rate * decay**k, reg)
        w1, b1, w2, b2 = params
        scores = jax.nn.relu(X_val @ w1 + b1[:, None]) @ w2 + b2[:, None]
        best = max(best, float((scores.argmax(-1) == y_val).mean(-1).max()))
    return best


def centred(data: xpnet.data.Dataset) -> tuple[np.ndarray, ...]:
    """Return X_train, y_train, X_val and y_val, less the mean of the training part."""
    mean = data.X_train.mean(axis=0)
    return (
        (data.X_train - mean).astype(np.float32),
        data.y_train,
        (data.X_val - mean).astype(np.float32),
        data.y_val,
    )


def main() -> None:
    """Measure in turn, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "ci" / "benchmark_sweep.json")
    options = parser.parse_args()
    data, cores = xpnet.data.load("digits"), len(os.sched_getaffinity(0))
    ways: dict[str, Callable[..., float]] = {
        f"**xpnet.sweep**, {cores} processes": partial(by_sweep, processes=cores),
        "**xpnet.sweep**, 1 process": partial(by_sweep, processes=1),
        "xpnet's Solver, one net after the other": one_by_one,
        "scikit-learn MLPClassifier, joblib": by_sklearn,
        "jax.vmap, scanned epochs": by_vmap,
    }
    found: dict[str, dict] = {}
    for r in range(options.rounds + 1):
        for name, way in ways.items():
            begun = time.perf_counter()
            best = way(data, options.epochs)
            seconds = time.perf_counter() - begun
            entry = found.setdefault(name, {"first": seconds, "seconds": [], "best": best})
            if r:
                entry["seconds"].append(seconds)
    told = describe_machine()
    machine = f"{told['machine']}, {told['system']}, commit {told['commit']}, {told['date']}"
    print(
        f"144 nets, 64-(20, 50, 100)-10, {options.epochs} epochs, digits; {machine}, load "
        f"{os.getloadavg()[0]:.1f}\n"
    )
    print("| | s | nets a second | throughput to the Solver's | best validation accuracy |")
    print("|---|---|---|---|---|")
    loop = found["xpnet's Solver, one net after the other"]["seconds"]
    for name, entry in sorted(found.items(), key=lambda item: median(item[1]["seconds"])):
        times = entry["seconds"]
        ratios = [a / b for a, b in zip(loop, times, strict=True)]
        print(
            f"| {name} | {median(times):.2f} ({min(times):.2f} to {max(times):.2f}) | "
            f"{144 / median(times):.1f} | {median(ratios):.2f} ({min(ratios):.2f} to "
            f"{max(ratios):.2f}) | {entry['best']:.3f} |"
        )
    told |= {"epochs": options.epochs, "ways": found}
    options.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
