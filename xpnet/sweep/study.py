"""A sweep while it goes on: rounds of configurations, their rungs, and what is known so far."""

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xpnet.backends import get_backend
from xpnet.data import Dataset
from xpnet.errors import CheckpointWarning, warn
from xpnet.host_arrays import host_split
from xpnet.metrics import RSquared
from xpnet.run_identity import data_digest
from xpnet.sweep.costs import costs_of
from xpnet.sweep.fill import filled_up
from xpnet.sweep.halving import rungs, score_until, survivors
from xpnet.sweep.members_folder import members_folder
from xpnet.sweep.plan import FOLD, Group, groups
from xpnet.sweep.pool import Pool
from xpnet.sweep.result import SweepResult
from xpnet.sweep.stack import Carried, Job, News, StackTrainer, TrainedStack, num_classes_of
from xpnet.sweep.state import Best, Known, plan_digest, read_state, write_state
from xpnet.sweep.work import Work, first_size

__all__ = ["Setting", "Study"]

_SECONDS = 2.0  # at least, from one writing of the state to the next
_SHARE = 20  # and so many times what a writing takes


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
        self._best: Best = (-math.inf, 0)
        self._trainer = StackTrainer(data, setting.device, setting.folds, setting.seed, begin)
        train = host_split(data, "train")
        self._sizes = math.prod(train[0].shape[1:]), num_classes_of(data)
        self._is_gpu = get_backend(setting.device).is_gpu
        self._padded: dict[int, list[int]] = {}
        digest = data_digest(train, host_split(data, "val"))
        depends_on = ("folds", "seeds", "halving", "fill_up")
        told = {**plan, **{name: getattr(setting, name) for name in depends_on}}
        self._plan = plan_digest(told, setting.fixed, digest)
        self._runs: dict[int, dict[str, Any]] = {}
        self._rows: dict[int, dict[str, Any]] = {}
        self._shown: dict[int, dict[str, Any]] = {}
        self._curves: dict[int, list[dict[str, Any]]] = {}
        self._written, self._pause = time.monotonic(), _SECONDS
        if path is not None and begin is None and path.exists():
            self._take_over(path)

    def train(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Train a round of configurations, each with its seeds and folds."""
        runs = self._numbered(found)
        self._runs |= runs
        if self._setting.fill_up:
            self._padded |= filled_up(runs, self._setting.fixed, *self._sizes, is_gpu=self._is_gpu)
        self.result.names = list(next(iter(runs.values())))
        self._show(number for number in runs if number in self._rows)
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
                    first: _mean([self._score(n, until) for n in unit])
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
        rest = {n: runs[n] for n in going if not self._is_done(n, until)}
        work = self._work(groups(rest, self._setting.fixed, carried, self._padded))
        following: dict[int, Carried] = {}

        def job_of(part: Group) -> Job:
            on_from = [carried[number] for number in part.numbers if number in carried]
            kept_in = folder and folder / f"{until}-{part.numbers[0]}.safetensors"
            return Job(part, until, on_from, kept_in)

        try:
            for stack in pool.stacks(work, job_of):
                self._add(stack)
                if stack.kept_in is not None:
                    following |= {
                        number: Carried(stack.kept_in, k)
                        for k, number in enumerate(stack.part.numbers)
                    }
                if self._callback is not None:
                    self._callback(self.result)
        finally:  # whatever ends the sweep, what is known is not lost
            if rest:
                self._keep(must=True)
        for path in {one.path for one in carried.values()}:
            path.unlink(missing_ok=True)
        return following

    def _score(self, number: int, until: int) -> float:
        """Return what a run is ranked by after so many epochs; one that diverged comes last."""
        row = self._rows[number]
        is_lost = row["diverged_at"] is not None and row["epochs"] <= until
        return -math.inf if is_lost else score_until(self._curves[number], until)

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
            result.best_run = self._shown[-self._best[1]]
            if result.repeats:
                self._settle()
        result.test_accuracy = _test_accuracy(result, self._setting.data)
        return result

    def _settle(self) -> None:
        """Take the net of the best configuration by the mean, not that of the best single run.

        With folds it trains anew, on the whole training part.
        """
        rows = [self._rows[number] for number in self.result.numbers_of(self.result.best)]
        number = max(rows, key=lambda row: (row["val_accuracy"], -row["number"]))["number"]
        self.result.best_run = self._shown[number]
        if FOLD in self.result.repeats or number != -self._best[1]:
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

    def _is_done(self, number: int, until: int | None) -> bool:
        """Return whether a run has trained to an epoch, or has ended."""
        row = self._rows.get(number)
        if row is None:
            return False
        end = self._whole(self._runs[number])["num_epochs"] if until is None else until
        return bool(row["epochs"] >= end or row["diverged_at"] or row["stopped_at"])

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

    def _add(self, stack: TrainedStack) -> None:
        """Add what became of a stack."""
        self.result.seconds += stack.seconds
        self.result.metric = stack.metric
        for row in stack.rows:
            self._rows[row["number"]] = row
            self._curves[row["number"]] = []
        for row in stack.curves:
            self._curves[row["number"]].append(row)
        # An equal one is the same net, trained further: as accurate, with a lower loss.
        if math.isfinite(stack.best[0]) and stack.best >= self._best:
            self._best, self.result.best_model = stack.best, stack.model
        self._show(stack.part.numbers)
        if self.result.best_model is not None:
            self.result.best_run = self._shown.get(-self._best[1])
        self._keep()

    def _show(self, numbers: Iterable[int]) -> None:
        """Show in the result what is known of some runs, and all in the order of their numbers."""
        for number in numbers:
            values = {name: self._runs[number].get(name) for name in self.result.names}
            self._shown[number] = {"number": number, **values, **self._rows[number]}
        known = sorted(self._shown)
        self.result.rows = [self._shown[number] for number in known]
        self.result.curves = [row for number in known for row in self._curves.get(number, ())]

    def _take_over(self, path: Path) -> None:
        """Go on from what an earlier sweep has kept."""
        known = read_state(path, self._plan)
        self._rows = {row["number"]: row for row in known.rows}
        for row in known.curves:
            self._curves.setdefault(row["number"], []).append(row)
        self._best, self.result.best_model = known.best, known.model
        self.result.metric, self.result.seconds = known.metric, known.seconds

    def _known(self) -> Known:
        """Return all that is known, also of rounds that an earlier sweep has got to."""
        curves = [row for number in sorted(self._curves) for row in self._curves[number]]
        rows = [self._rows[number] for number in sorted(self._rows)]
        model, metric = self.result.best_model, self.result.metric
        return Known(rows, curves, self._best, model, metric, self.result.seconds)

    def _keep(self, *, must: bool = False) -> None:
        """Write what is known; where the disk is full, say so and let the sweep go on."""
        begun = time.monotonic()
        if self._path is None or not self._rows:
            return
        if not must and begun - self._written < self._pause:
            return
        try:
            write_state(self._path, self._known(), self._plan)
        except OSError as error:
            warn(
                f"{self._path} could not be written ({error.strerror or error}). The sweep goes on",
                CheckpointWarning,
            )
        self._written = time.monotonic()
        self._pause = max(_SECONDS, _SHARE * (self._written - begun))


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
