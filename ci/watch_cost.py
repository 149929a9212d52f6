"""What `--watch` costs: the same trainings watched and not, by turns.

    python ci/watch_cost.py --rounds 15 [--data-dir DIR]

Of the digits, and with the folder of the CIFAR-10 files of these. Prints which share of a watched
training's own time is spent inside the watch, and the ratio of the times, watched to not, in pairs
of neighbours: of the process's own time and of the clock's, which other programs disturb more.
Each with its quartiles.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import xpnet
from xpnet import FullyConnectedNet, Solver
from xpnet.diagnostics import Watch


class Workload(NamedTuple):
    """A training."""

    name: str
    data: xpnet.data.Dataset
    sizes: tuple[int, int, int]
    epochs: int
    options: dict[str, Any]


class Times(NamedTuple):
    """Of one training, the part of the process's time inside the watch, and how many looks."""

    process: float
    clock: float
    inside: float
    looks: int


class Timed(Watch):
    """A watch that adds up the process's time inside of it."""

    seconds = 0.0

    def on_interval(self, solver: Solver) -> None:
        """Look if due."""
        self._timed(super().on_interval, solver)

    def on_epoch(self, solver: Solver) -> None:
        """Look if due."""
        self._timed(super().on_epoch, solver)

    def on_end(self, solver: Solver) -> None:
        """Look at the end."""
        self._timed(super().on_end, solver)

    def _timed(self, call: Callable[[Solver], None], solver: Solver) -> None:
        begun = time.process_time()
        call(solver)
        self.seconds += time.process_time() - begun


def train(work: Workload, *, watched: bool) -> Times:
    """Train once."""
    features, hidden, classes = work.sizes
    net = FullyConnectedNet([hidden], features, classes, reg=0.03)
    said: list[object] = []
    watch = Timed(say=said.append)
    solver = Solver(
        net,
        work.data,
        num_epochs=work.epochs,
        preprocess="mean",
        verbose=False,
        callbacks=[watch] if watched else [],
        **work.options,
    )
    process, clock = time.process_time(), time.perf_counter()
    solver.train()
    process, clock = time.process_time() - process, time.perf_counter() - clock
    if said:
        raise SystemExit(f"a healthy training was warned of: {said[0]}")
    inside = watch.seconds / process
    return Times(process, clock, inside, 0 if watch.record is None else len(watch.record.steps))


def ratios(work: Workload, rounds: int) -> str:
    """Return the line of a training."""
    train(work, watched=True)
    pairs = []
    for turn in range(rounds):
        found = {watched: train(work, watched=watched) for watched in (turn % 2 == 0, turn % 2 > 0)}
        pairs.append((found[True], found[False]))
    seconds = statistics.median(plain.process for _, plain in pairs)
    looks = statistics.median(seen.looks for seen, _ in pairs)
    process = _spread([seen.process / plain.process for seen, plain in pairs])
    clock = _spread([seen.clock / plain.clock for seen, plain in pairs])
    inside = _spread([seen.inside for seen, _ in pairs])
    head = f"{work.name:25} {seconds:6.2f} s {looks:4.0f} looks"
    return f"{head}  inside {inside}  process {process}  clock {clock}"


def _spread(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--data-dir")
    options = parser.parse_args()
    digits = xpnet.data.load("digits")
    adam = {"update_rule": "adam", "optim_config": {"learning_rate": 3e-3}, "lr_decay": 0.97}
    works = [
        Workload("digits, 64-100-10, Adam", digits, (64, 100, 10), 60, adam),
        Workload("digits, the same, longer", digits, (64, 100, 10), 300, adam),
    ]
    if options.data_dir is not None:
        cifar10 = xpnet.data.load("cifar10", data_dir=options.data_dir)
        sgd = {"optim_config": {"learning_rate": 1e-4}}
        works.append(Workload("CIFAR-10, 3072-50-10, SGD", cifar10, (3072, 50, 10), 3, sgd))
    for work in works:
        print(ratios(work, options.rounds), flush=True)


if __name__ == "__main__":
    main()
