"""The sweep: stacks of configurations, trained one after the other."""

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.checks import check_count, check_count_or_none
from xpnet.data import Dataset
from xpnet.errors import DivergenceWarning, InputError
from xpnet.host_arrays import host_split
from xpnet.nets import FullyConnectedNet
from xpnet.preprocessing import Preprocessor, get_preprocessor
from xpnet.solver import Solver
from xpnet.sweep.plan import Group, check_names, groups
from xpnet.sweep.result import SweepResult
from xpnet.sweep.space import Distribution, configurations

__all__ = ["sweep"]

# A member of a larger stack takes as long or longer: what its step touches leaves the cache.
_LARGEST_STACK = 8


def sweep(
    data: Mapping[str, Any] | Dataset,
    space: Mapping[str, Sequence[Any] | Distribution],
    *,
    num_samples: int | None = None,
    seeds: int = 1,
    seed: int = 0,
    stack_size: int = _LARGEST_STACK,
    device: str = "cpu",
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
        device: As in `xpnet.get_backend`.
        callback: Called after each stack with what is known until then.
        **fixed: Hyperparameters of all configurations, such as `num_epochs=20`.

    Returns:
        The rows, the curves, and the best net.

    Raises:
        InputError: A name is unknown, the space is empty, or a value is out of range; before the
            first step of the stack that has it.

    """
    check_names(space, "the space")
    check_names(fixed, "sweep")
    if twice := sorted(set(space) & set(fixed)):
        raise InputError(f"{', '.join(twice)} is both in the space and fixed: leave one out")
    check_count("seeds", seeds)
    check_count("stack_size", stack_size)
    found = configurations(space, check_count_or_none("num_samples", num_samples), seed)
    if seeds > 1:
        if "seed" in space:
            raise InputError("seeds repeats each configuration, and seed is in the space already")
        found = [{**one, "seed": seed + k} for one in found for k in range(seeds)]
    names = list(found[0])
    parts = [
        group.part(start, start + stack_size)
        for group in groups(found, {"hidden_dims": [100], "seed": seed, **fixed})
        for start in range(0, len(group.numbers), stack_size)
    ]
    result = SweepResult(names, "accuracy", [], [])
    rows: dict[int, dict[str, Any]] = {}
    for part in parts:
        begun = time.perf_counter()
        solver = _train(part, data, device)
        result.seconds += time.perf_counter() - begun
        result.metric = solver.metric.name
        for k, number in enumerate(part.numbers):
            rows[number] = _row(
                number, {name: found[number].get(name) for name in names}, solver, k
            )
            result.curves += _curve(number, solver, k)
        before = result.best["val_accuracy"] if result.rows else -math.inf
        result.rows = [rows[number] for number in sorted(rows)]
        if result.best["val_accuracy"] > before and result.best["number"] in part.numbers:
            result.best_model = solver.model.member(part.numbers.index(result.best["number"]))
        if callback is not None:
            callback(result)
    result.curves.sort(key=lambda row: row["number"])
    _score(result, data)
    return result


def _train(part: Group, data: Mapping[str, Any] | Dataset, device: str) -> Solver:
    """Return the Solver of a stack that was trained."""
    X, y = host_split(data, "train")
    options = part.net_options()
    is_regression = y.dtype.kind == "f"
    options.setdefault("loss", "squared" if is_regression else "softmax")
    preprocess = _fitted(part.shared.get("preprocess"), data, X)
    features = math.prod(X.shape[1:])
    net = FullyConnectedNet(
        **options,
        input_dim=features if preprocess is None else preprocess.output_dim(features),
        num_classes=_num_classes(data, y, is_regression=is_regression),
        members=len(part.numbers),
        device=device,
    )
    solver_options = {**part.solver_options(), "preprocess": preprocess}
    solver = Solver(net, data, verbose=False, **solver_options)
    with warnings.catch_warnings():  # a sweep expects some to: their rows say it
        warnings.simplefilter("ignore", DivergenceWarning)
        solver.train()
    return solver


def _fitted(
    preprocess: Any, data: Mapping[str, Any] | Dataset, X: np.ndarray
) -> Preprocessor | None:
    """Return the preprocessing, fitted on the training part."""
    shape = data.picture_shape if isinstance(data, Dataset) else None
    made: Preprocessor | None = get_preprocessor(preprocess, shape)
    if made is not None and not getattr(made, "fitted", False):
        made.fit(X)
    return made


def _num_classes(data: Mapping[str, Any] | Dataset, y: np.ndarray, *, is_regression: bool) -> int:
    """Return the scores of a sample: classes, or real targets."""
    if isinstance(data, Dataset):
        return data.num_classes
    return math.prod(y.shape[1:]) if is_regression else int(max(y.max(), np.max(data["y_val"]))) + 1


def _row(number: int, values: dict[str, Any], solver: Solver, k: int) -> dict[str, Any]:
    """Return the row of member `k`."""
    best = float(solver.best_val_acc[k])
    checks = [float(accuracy[k]) for accuracy in solver.val_acc_history]
    at = checks.index(best) if best in checks else None
    diverged, stopped = solver.diverged_at[k], solver.stopped_at[k]
    ended = diverged or stopped or solver.step
    return {
        "number": number,
        **values,
        "val_accuracy": best if at is not None else math.nan,
        "train_accuracy": math.nan if at is None else float(solver.train_acc_history[at][k]),
        "epoch": None if at is None else solver.check_steps[at] / solver.steps_per_epoch,
        "epochs": ended / solver.steps_per_epoch,
        "diverged_at": diverged,
        "stopped_at": stopped,
    }


def _curve(number: int, solver: Solver, k: int) -> list[dict[str, Any]]:
    """Return the checks of member `k`, up to its end."""
    histories = solver.train_acc_history, solver.val_acc_history, solver.val_loss_history
    rows = []
    for step, train_acc, val_acc, val_loss in zip(solver.check_steps, *histories, strict=True):
        if np.isfinite(val_acc[k]):
            rows.append(
                {
                    "number": number,
                    "epoch": step / solver.steps_per_epoch,
                    "train_accuracy": float(train_acc[k]),
                    "val_accuracy": float(val_acc[k]),
                    "val_loss": float(val_loss[k]),
                }
            )
    return rows


def _score(result: SweepResult, data: Mapping[str, Any] | Dataset) -> None:
    """Take the best net's score on the test part, which nothing was chosen by."""
    if result.best_model is None or "X_test" not in data:
        return
    X, y = np.asarray(data["X_test"]), np.asarray(data["y_test"])
    predicted = result.best_model.predict(X)
    if result.metric == "accuracy":
        result.test_accuracy = float((predicted == y).mean())
        return
    y, predicted = y.reshape(len(y), -1), predicted.reshape(len(y), -1)
    residuals = ((predicted - y) ** 2).sum(axis=0)
    result.test_accuracy = float(np.mean(1 - residuals / ((y - y.mean(axis=0)) ** 2).sum(axis=0)))
