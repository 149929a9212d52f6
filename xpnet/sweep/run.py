"""The sweep: stacks of configurations, and what became of them."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.checks import check_count, check_count_or_none
from xpnet.data import Dataset
from xpnet.errors import CheckpointWarning, InputError, warn
from xpnet.host_arrays import host_split
from xpnet.metrics import RSquared
from xpnet.run_identity import data_digest
from xpnet.sweep.plan import check_names, groups
from xpnet.sweep.pool import trained_stacks
from xpnet.sweep.result import SweepResult
from xpnet.sweep.space import Distribution, configurations
from xpnet.sweep.stack import TrainedStack
from xpnet.sweep.state import Best, plan_digest, read_state, write_state

__all__ = ["sweep"]

# On the digits a member of a stack of 16 takes a quarter to a half of the time of a net alone, as
# the checks and the calls are shared; in larger stacks what a step touches leaves the cache.
_LARGEST_STACK = 16
_SECONDS = 2.0  # from one writing of the state to the next


def sweep(
    data: Mapping[str, Any] | Dataset,
    space: Mapping[str, Sequence[Any] | Distribution],
    *,
    num_samples: int | None = None,
    seeds: int = 1,
    seed: int = 0,
    stack_size: int = _LARGEST_STACK,
    processes: int | None = 1,
    device: str = "cpu",
    state: str | Path | None = None,
    callback: Callable[[SweepResult], None] | None = None,
    **fixed: Any,
) -> SweepResult:
    """Train a net for each configuration of a space, many at once, and return what became of them.

    Configurations that differ in numbers alone, such as learning rate and regularisation, train as
    members of a stack; on NumPy each ends with the bits that it would have had alone. Others, such
    as hidden sizes, activations and batch sizes, split them into stacks.

    Args:
        data: As in `xpnet.Solver`.
        space: By the name of a hyperparameter, of `FullyConnectedNet`, `Solver` or the update rule,
            a list of values or a distribution: `{"learning_rate": [1e-3, 1e-2], "reg": [0, 0.1]}`
            are four configurations.
        num_samples: Draw so many configurations instead of all combinations; distributions, such as
            `LogUniform(1e-5, 1e-2)`, need it.
        seeds: Train each configuration so many times, with seeds from `seed` on.
        seed: Of weights, batches and draws.
        stack_size: The most members of a stack.
        processes: Train so many stacks at a time, each in a process of its own with one thread;
            None takes as many as there are cores where that is worth their start, and there is no
            GPU. A script that asks for more than one needs `if __name__ == "__main__":`.
        device: As in `xpnet.get_backend`.
        state: A file to keep what is known in while the sweep goes on. If it is there already, the
            sweep goes on from it, to the same rows and the same best net.
        callback: Called after each stack with what is known until then.
        **fixed: Hyperparameters of all configurations, such as `num_epochs=20`.

    Returns:
        The rows, the curves, and the best net.

    Raises:
        InputError: A name is unknown, the space is empty, or a value is out of range, before the
            first step of the stack that has it; or the state is of another sweep.

    """
    check_names(space, "the space")
    check_names(fixed, "sweep")
    if twice := sorted(set(space) & set(fixed)):
        raise InputError(f"{', '.join(twice)} is both in the space and fixed: leave one out")
    check_count("seeds", seeds)
    check_count("stack_size", stack_size)
    processes = check_count_or_none("processes", processes)
    found = configurations(space, check_count_or_none("num_samples", num_samples), seed)
    if seeds > 1:
        if "seed" in space:
            raise InputError("seeds repeats each configuration, and seed is in the space already")
        found = [{**one, "seed": seed + k} for one in found for k in range(seeds)]
    names = list(found[0])
    fixed = {"hidden_dims": [100], "seed": seed, **fixed}
    result, best = SweepResult(names, "accuracy", [], []), (-math.inf, 0)
    path = None if state is None else Path(state)
    plan = plan_digest(
        found, fixed, data_digest(host_split(data, "train"), host_split(data, "val"))
    )
    if path is not None and path.exists():
        result, best = read_state(path, names, plan)
    done = {row["number"] for row in result.rows}
    parts = [
        group.part(start, start + stack_size)
        for group in groups(found, fixed, done)
        for start in range(0, len(group.numbers), stack_size)
    ]
    written = time.monotonic()
    try:
        for stack in trained_stacks(parts, data, device, processes):
            _add(result, stack, found)
            if stack.best > best:
                best, result.best_model = stack.best, stack.model
            if path is not None and time.monotonic() - written >= _SECONDS:
                _keep(path, result, best, plan)
                written = time.monotonic()
            if callback is not None:
                callback(result)
    finally:  # whatever ends the sweep, what is known is not lost
        if path is not None and result.rows:
            _keep(path, result, best, plan)
    result.curves.sort(key=lambda row: row["number"])
    _score(result, data)
    return result


def _keep(path: Path, result: SweepResult, best: Best, plan: str) -> None:
    """Write the state; where the disk is full, say so and let the sweep go on."""
    try:
        write_state(path, result, best, plan)
    except OSError as error:
        warn(
            f"{path} could not be written ({error.strerror or error}). The sweep goes on",
            CheckpointWarning,
        )


def _add(result: SweepResult, stack: TrainedStack, found: list[dict[str, Any]]) -> None:
    """Add what became of a stack."""
    result.seconds += stack.seconds
    result.metric = stack.metric
    for row in stack.rows:
        values = {name: found[row["number"]].get(name) for name in result.names}
        result.rows.append({"number": row["number"], **values, **row})
    result.rows.sort(key=lambda row: row["number"])
    result.curves += stack.curves


def _score(result: SweepResult, data: Mapping[str, Any] | Dataset) -> None:
    """Take the best net's score on the test part, which nothing was chosen by."""
    if result.best_model is None or "X_test" not in data:
        return
    X, y = np.asarray(data["X_test"]), np.asarray(data["y_test"])
    predicted = result.best_model.predict(X)
    if result.metric == "accuracy":
        result.test_accuracy = float((predicted == y).mean())
        return
    y, metric = y.reshape(len(y), -1), RSquared()
    result.test_accuracy = float(metric.value(metric.sums(predicted.reshape(y.shape), y, np), y))
