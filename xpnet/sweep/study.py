"""A sweep while it goes on: rounds of configurations, and their rungs."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xpnet.backends import get_backend
from xpnet.data import Dataset
from xpnet.host_arrays import host_split
from xpnet.metrics import RSquared
from xpnet.run_identity import data_digest
from xpnet.sweep.costs import costs_of
from xpnet.sweep.fill import filled_up
from xpnet.sweep.halving import rungs, survivors
from xpnet.sweep.jobs import Carried, Job, News
from xpnet.sweep.ledger import Ledger
from xpnet.sweep.members_folder import members_folder
from xpnet.sweep.plan import FOLD, Group, groups
from xpnet.sweep.pool import Pool
from xpnet.sweep.result import SweepResult
from xpnet.sweep.stack import StackTrainer
from xpnet.sweep.state import plan_digest
from xpnet.sweep.work import Work, first_size

__all__ = ["Setting", "Study"]


class Setting(NamedTuple):
    """What all rounds of a sweep have alike; see `sweep`."""

    data: Mapping[str, Any] | Dataset
    device: str
    fixed: dict[str, Any]
    folds: int | None
    seed: int
    seeds: int
    stack_size: int | None
    processes: int | None
    halving: bool
    fill_up: bool
    watch: bool | int


class Study:
    """Trains rounds of configurations, and keeps what is known.

    Args:
        setting: Of the sweep.
        plan: What else it depends on.
        path: Of the file for what is known, or None.
        callback: As in `sweep`.
        tell: Likewise.
        begin: Likewise.

    """

    def __init__(
        self,
        setting: Setting,
        plan: Mapping[str, Any],
        path: Path | None,
        callback: Callable[[SweepResult], None] | None,
        tell: Callable[[News], None] | None,
        begin: Callable[[], None] | None = None,
    ) -> None:
        self._setting, self._path = setting, path
        self._callback, self._tell = callback, tell
        data = setting.data
        repeats = [name for name, n in (("seed", setting.seeds - 1), (FOLD, setting.folds)) if n]
        runs_each = setting.seeds * (setting.folds or 1)
        self.result = SweepResult(
            [], "accuracy", [], [], repeats=tuple(repeats), runs_each=runs_each
        )
        self._trainer = StackTrainer(
            data, setting.device, setting.folds, setting.seed, begin, setting.watch
        )
        train = host_split(data, "train")
        self._sizes = math.prod(train[0].shape[1:]), self._trainer.num_classes
        self._is_gpu = get_backend(setting.device).is_gpu
        self._padded: dict[int, list[int]] = {}
        digest = data_digest(train, host_split(data, "val"))
        depends_on = ("folds", "seeds", "halving", "fill_up")
        told = {**plan, **{name: getattr(setting, name) for name in depends_on}}
        plan_text = plan_digest(told, setting.fixed, digest)
        self._ledger = Ledger(self.result, path, plan_text, is_new=begin is not None)
        self._runs: dict[int, dict[str, Any]] = {}

    def train(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Train a round of configurations, each with its seeds and folds."""
        runs = self._numbered(found)
        self._runs |= runs
        if self._setting.fill_up:
            self._padded |= filled_up(runs, self._setting.fixed, *self._sizes, is_gpu=self._is_gpu)
        self._ledger.begin_round(runs)
        units = self._units(runs)
        num_epochs = min(self._whole(run)["num_epochs"] for run in runs.values())
        steps: list[int] = []
        if self._setting.halving and len(units) > 1 and num_epochs > 1:
            steps = rungs(num_epochs, len(units))
        carried: dict[int, Carried] = {}
        with (
            members_folder(self._path) as folder,
            Pool(self._trainer, self._setting.device, self._setting.processes, self._tell) as pool,
        ):
            for until in steps[:-1]:
                carried = self._train_rung(pool, runs, units, until, carried, folder)
                scores = {
                    first: _mean([self._ledger.score(n, until) for n in unit])
                    for first, unit in units.items()
                }
                units = {first: units[first] for first in survivors(scores)}
            self._train_rung(pool, runs, units, None, carried, None)

    def _train_rung(
        self,
        pool: Pool,
        runs: Mapping[int, Mapping[str, Any]],
        units: Mapping[int, Sequence[int]],
        until: int | None,
        carried: Mapping[int, Carried],
        folder: Path | None,
    ) -> dict[int, Carried]:
        """Train some runs to an epoch, or to their end, and return where their states lie."""
        going = [number for unit in units.values() for number in unit]
        ends = {n: until or self._whole(runs[n])["num_epochs"] for n in going}
        rest = {n: runs[n] for n in going if not self._ledger.is_done(n, ends[n])}
        work = self._work(groups(rest, self._setting.fixed, carried, self._padded))
        following: dict[int, Carried] = {}

        def job_of(part: Group) -> Job:
            on_from = [carried[number] for number in part.numbers if number in carried]
            kept_in = folder and folder / f"{until}-{part.numbers[0]}.safetensors"
            return Job(part, until, on_from, kept_in)

        try:
            for stack in pool.stacks(work, job_of):
                self._ledger.add(stack)
                if stack.kept_in is not None:
                    following |= {
                        number: Carried(stack.kept_in, k)
                        for k, number in enumerate(stack.part.numbers)
                    }
                if self._callback is not None:
                    self._callback(self.result)
        finally:  # whatever ends the sweep, what is known is not lost
            if rest:
                self._ledger.keep(must=True)
        for path in {one.path for one in carried.values()}:
            path.unlink(missing_ok=True)
        return following

    def _units(self, runs: Mapping[int, Any]) -> dict[int, list[int]]:
        """Return the runs of each configuration, by the number of its first."""
        units: dict[int, list[int]] = {}
        for number in runs:
            units.setdefault(number - number % self.result.runs_each, []).append(number)
        return units

    def finish(self) -> SweepResult:
        """Return what was found, with the best net and its one look at the test part."""
        result = self.result
        if result.best_model is not None:
            result.best_run = self._ledger.shown(-self._ledger.best[1])
            if result.repeats:
                self._settle()
        result.test_accuracy = _test_accuracy(result, self._setting.data)
        return result

    def _settle(self) -> None:
        """Take the net of the best configuration by the mean, not that of the best single run.

        With folds it trains anew, on the whole training part.
        """
        rows = [self._ledger.shown(n) for n in self.result.numbers_of(self.result.best)]
        known = [row for row in rows if math.isfinite(row["val_accuracy"])] or rows
        number = max(known, key=lambda row: (row["val_accuracy"], -row["number"]))["number"]
        self.result.best_run = self._ledger.shown(number)
        if FOLD in self.result.repeats or number != -self._ledger.best[1]:
            run = {name: v for name, v in self._runs[number].items() if name != FOLD}
            (part,) = groups({number: run}, self._setting.fixed, padded=self._padded)
            stack = self._trainer.train(Job(part))
            self.result.best_model = stack.model
            self.result.seconds += stack.seconds
            if FOLD in self.result.repeats:
                self.result.refit_accuracy = stack.rows[0]["val_accuracy"]

    def _numbered(self, found: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
        """Return the runs of a round by their numbers: every configuration, seed and fold."""
        seeds = range(self._setting.seeds)
        folds: Sequence[int | None] = [None]
        if self._setting.folds is not None:
            folds = range(self._setting.folds)
        runs = []
        for one in found:
            for k in seeds:
                seeded = {**one, "seed": self._setting.seed + k} if len(seeds) > 1 else dict(one)
                runs += [seeded if f is None else {**seeded, FOLD: f} for f in folds]
        first = len(self._runs)
        return dict(enumerate(runs, first))

    def _whole(self, run: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._setting.fixed, **run}

    def _work(self, found: list[Group]) -> Work:
        """Return the groups as work, in stacks of a size that fits the cache and the memory."""
        backend, given = get_backend(self._setting.device), self._setting.stack_size
        costs = [costs_of(group, *self._sizes) for group in found]
        sizes = [given or first_size(cost.step_bytes, is_gpu=self._is_gpu) for cost in costs]
        memory, lanes = backend.memory_bytes(), self._setting.processes
        if lanes is None:
            lanes = 1 if self._is_gpu else os.cpu_count() or 1
        # Half of the memory: the data, and what other programs have, are not counted.
        most = [
            max(1, memory // (2 * lanes * cost.held_bytes)) if memory else 2**20 for cost in costs
        ]
        return Work(
            found,
            [cost.epochs * cost.step(size) for cost, size in zip(costs, sizes, strict=True)],
            sizes,
            most,
            # Where each size is compiled anew, trials cost more than they bring.
            is_fixed=given is not None or backend.always_compiles,
        )


def _mean(scores: list[float]) -> float:
    return math.fsum(scores) / len(scores) if all(map(math.isfinite, scores)) else -math.inf


def _test_accuracy(result: SweepResult, data: Mapping[str, Any] | Dataset) -> float | None:
    """Return the best net's score on the test part, which nothing was chosen by."""
    if result.best_model is None or "X_test" not in data:
        return None
    X, y = np.asarray(data["X_test"]), np.asarray(data["y_test"])
    predicted = result.best_model.predict(X)
    if result.metric == "accuracy":
        return float((predicted == y).mean())
    y, metric = y.reshape(len(y), -1), RSquared()
    return float(metric.value(metric.sums(predicted.reshape(y.shape), y, np), y))
