"""One stack of a sweep: trained, and told as rows."""

import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.data import Dataset
from xpnet.errors import DivergenceWarning
from xpnet.host_arrays import host_split
from xpnet.nets import FullyConnectedNet
from xpnet.preprocessing import Preprocessor, get_preprocessor
from xpnet.solver import Solver
from xpnet.sweep.plan import Group

__all__ = ["TrainedStack", "train_stack"]


@dataclass(eq=False)
class TrainedStack:
    """What became of the members of a stack.

    Attributes:
        rows: What is measured of each, with its `number`.
        curves: A row for each check of each.
        best: The accuracy and the number of the best of them; the number counts down.
        model: That net.
        metric: What the accuracies are.
        seconds: That the stack took.

    """

    rows: list[dict[str, Any]]
    curves: list[dict[str, Any]]
    best: tuple[float, int]
    model: FullyConnectedNet
    metric: str
    seconds: float


def train_stack(
    part: Group,
    data: Mapping[str, Any] | Dataset,
    device: str,
    fitted: dict[Any, Preprocessor | None],
    threads: int | None = None,
) -> TrainedStack:
    """Train the configurations of a group as one stack.

    Args:
        part: The configurations.
        data: As in `sweep`.
        device: Likewise.
        fitted: What earlier stacks have fitted, by what was asked for; is added to.
        threads: As in `xpnet.Solver`.

    """
    begun = time.perf_counter()
    wanted = part.shared.get("preprocess")
    if wanted not in fitted:
        fitted[wanted] = _fitted(wanted, data)
    solver = _train(part, data, device, fitted[wanted], threads)
    numbers = list(enumerate(part.numbers))
    rows = [_row(number, solver, k) for k, number in numbers]
    accuracies = [row["val_accuracy"] for row in rows]
    scores = [accuracy if math.isfinite(accuracy) else -math.inf for accuracy in accuracies]
    k, number = max(numbers, key=lambda pair: (scores[pair[0]], -pair[1]))
    return TrainedStack(
        rows,
        [row for k, number in numbers for row in _curve(number, solver, k)],
        (scores[k], -number),
        solver.model.member(k),
        solver.metric.name,
        time.perf_counter() - begun,
    )


def _train(
    part: Group,
    data: Mapping[str, Any] | Dataset,
    device: str,
    preprocess: Preprocessor | None,
    threads: int | None,
) -> Solver:
    """Return the Solver of a stack that was trained."""
    X, y = host_split(data, "train")
    options = part.net_options()
    is_regression = y.dtype.kind == "f"
    options.setdefault("loss", "squared" if is_regression else "softmax")
    features = math.prod(X.shape[1:])
    net = FullyConnectedNet(
        **options,
        input_dim=features if preprocess is None else preprocess.output_dim(features),
        num_classes=_num_classes(data, y, is_regression=is_regression),
        members=len(part.numbers),
        device=device,
    )
    solver_options = {**part.solver_options(), "preprocess": preprocess}
    solver = Solver(net, data, verbose=False, threads=threads, **solver_options)
    with warnings.catch_warnings():  # a sweep expects some to: their rows say it
        warnings.simplefilter("ignore", DivergenceWarning)
        solver.train()
    return solver


def _fitted(preprocess: Any, data: Mapping[str, Any] | Dataset) -> Preprocessor | None:
    """Return the preprocessing, fitted on the training part."""
    shape = data.picture_shape if isinstance(data, Dataset) else None
    made: Preprocessor | None = get_preprocessor(preprocess, shape)
    if made is not None and not getattr(made, "fitted", False):
        made.fit(host_split(data, "train")[0])
    return made


def _num_classes(data: Mapping[str, Any] | Dataset, y: np.ndarray, *, is_regression: bool) -> int:
    """Return the scores of a sample: classes, or real targets."""
    if isinstance(data, Dataset):
        return data.num_classes
    return math.prod(y.shape[1:]) if is_regression else int(max(y.max(), np.max(data["y_val"]))) + 1


def _row(number: int, solver: Solver, k: int) -> dict[str, Any]:
    """Return the row of member `k`."""
    best = float(solver.best_val_acc[k])
    checks = [float(accuracy[k]) for accuracy in solver.val_acc_history]
    at = checks.index(best) if best in checks else None
    diverged, stopped = solver.diverged_at[k], solver.stopped_at[k]
    ended = diverged or stopped or solver.step
    return {
        "number": number,
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
