"""One stack of a sweep: trained, and told as rows."""

import copy
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xpnet.data import Dataset
from xpnet.data.mapped import is_mapped
from xpnet.errors import DivergenceWarning
from xpnet.host_arrays import host_split
from xpnet.member_states import MemberStates, go_on_from, joined, member_states
from xpnet.nets import FullyConnectedNet, cut, padded_stack
from xpnet.preprocessing import Preprocessor, get_preprocessor
from xpnet.solver import Solver
from xpnet.sweep.folds import fold_of
from xpnet.sweep.plan import FOLD, OWN, Group
from xpnet.tensor_files import FORMAT, read_tensors, tensor_bytes
from xpnet.whole_files import write_whole

__all__ = ["Carried", "Job", "News", "StackTrainer", "TrainedStack", "num_classes_of"]

_SECONDS = 0.1  # from one news to the next


class Carried(NamedTuple):
    """Where the state of a member lies that is to go on."""

    path: Path
    member: int


class Job(NamedTuple):
    """What is to be trained as one stack.

    Attributes:
        part: The configurations.
        until: The epoch after which they pause, or None for their end.
        carried: What each goes on from, or nothing for all.
        kept_in: The file for what they could go on from, or None.

    """

    part: Group
    until: int | None = None
    carried: Sequence[Carried] = ()
    kept_in: Path | None = None


class News(NamedTuple):
    """How far a stack is."""

    part: Group
    epoch: int
    scores: list[float]  # the best validation accuracy of each, or -infinity
    going: list[bool]


@dataclass(eq=False)
class TrainedStack:
    """What became of the members of a stack.

    Attributes:
        part: The configurations.
        rows: What is measured of each, with its `number`.
        curves: A row for each check of each.
        best: The accuracy and the number of the best of them; the number counts down.
        model: That net.
        metric: What the accuracies are.
        seconds: That its training took.
        kept_in: The file that they can go on from, or None.

    """

    part: Group
    rows: list[dict[str, Any]]
    curves: list[dict[str, Any]]
    best: tuple[float, int]
    model: FullyConnectedNet
    metric: str
    seconds: float
    kept_in: Path | None


class StackTrainer:
    """Trains stacks on the same data, and fits each preprocessing once.

    Args:
        data: As in `sweep`.
        device: Likewise.
        folds: How many folds the training part is cut into, where configurations have one.
        seed: By which the folds are drawn.
        begin: Called once, when the first stack is about to take its first step.

    """

    def __init__(
        self,
        data: Mapping[str, Any] | Dataset,
        device: str,
        folds: int | None,
        seed: int,
        begin: Callable[[], None] | None = None,
    ) -> None:
        self._data = data if isinstance(data, Dataset) else dict(data)
        self._device, self._folds, self._seed = device, folds, seed
        self._begin = begin
        self._num_classes = num_classes_of(data)
        self._fold: tuple[int | None, Mapping[str, Any] | Dataset] = (None, self._data)
        self._fitted: dict[Any, Preprocessor | None] = {}

    @property
    def is_mapped(self) -> bool:
        """Whether the training inputs are memory-mapped."""
        return is_mapped(host_split(self._data, "train")[0])

    def train(
        self, job: Job, threads: int | None = None, tell: Callable[[News], None] | None = None
    ) -> TrainedStack:
        """Train a stack, or train it further, and return what became of it.

        Args:
            job: The stack.
            threads: As in `xpnet.Solver`.
            tell: Called as it goes on.

        """
        solver = self._solver(job.part, threads, tell)
        if job.carried:
            go_on_from(solver, _carried(job.carried))
        if self._begin is not None:
            self._begin()
            self._begin = None
        begun = time.perf_counter()
        with warnings.catch_warnings():  # a sweep expects some to: their rows say it
            warnings.simplefilter("ignore", DivergenceWarning)
            solver.train(until=job.until)
        seconds = time.perf_counter() - begun
        is_kept = job.kept_in is not None and _keep(solver, job.kept_in)
        numbers = list(enumerate(job.part.numbers))
        rows = [_row(number, solver, k) for k, number in numbers]
        accuracies = [row["val_accuracy"] for row in rows]
        scores = [accuracy if math.isfinite(accuracy) else -math.inf for accuracy in accuracies]
        k, number = max(numbers, key=lambda pair: (scores[pair[0]], -pair[1]))
        return TrainedStack(
            job.part,
            rows,
            [row for k, number in numbers for row in _curve(number, solver, k)],
            (scores[k], -number),
            _member(solver.model, job.part, k),
            solver.metric.name,
            seconds,
            job.kept_in if is_kept else None,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: it makes folds and fits for itself."""
        return {**vars(self), "_fold": (None, self._data), "_fitted": {}, "_begin": None}

    def _solver(
        self, part: Group, threads: int | None, tell: Callable[[News], None] | None
    ) -> Solver:
        """Return the Solver of a stack."""
        fold = part.shared.get(FOLD)
        data = self._data_of(fold)
        X, y = host_split(data, "train")
        preprocess = self._preprocess(part.shared.get("preprocess"), fold, data)
        features = math.prod(X.shape[1:])
        common: dict[str, Any] = {
            "input_dim": features if preprocess is None else preprocess.output_dim(features),
            "num_classes": self._num_classes,
            "device": self._device,
        }
        if "loss" not in part.shared:
            common["loss"] = "squared" if y.dtype.kind == "f" else "softmax"
        net = _net(part, common)
        solver_options = {**part.solver_options(), "preprocess": preprocess}
        callbacks = [] if tell is None else [_Teller(part, tell)]
        return Solver(
            net, data, verbose=False, threads=threads, callbacks=callbacks, **solver_options
        )

    def _data_of(self, fold: int | None) -> Mapping[str, Any] | Dataset:
        """Return all data, or those of a fold, of which the last is kept: others follow soon."""
        if fold is None:
            return self._data
        if self._fold[0] != fold:
            self._fold = fold, fold_of(self._data, fold, self._folds or 1, self._seed)
        return self._fold[1]

    def _preprocess(
        self, wanted: Any, fold: int | None, data: Mapping[str, Any] | Dataset
    ) -> Preprocessor | None:
        """Return the preprocessing, fitted on the training part."""
        if (wanted, fold) not in self._fitted:
            shape = data.picture_shape if isinstance(data, Dataset) else None
            made: Preprocessor | None = get_preprocessor(copy.deepcopy(wanted), shape)
            if made is not None and not getattr(made, "fitted", False):
                made.fit(host_split(data, "train")[0])
            self._fitted[wanted, fold] = made
        return self._fitted[wanted, fold]


def _net(part: Group, common: Mapping[str, Any]) -> FullyConnectedNet:
    """Return the stack of the configurations, where they ask for it each with sizes of its own."""

    def make(hidden_dims: Sequence[int], members: Sequence[int]) -> FullyConnectedNet:
        options = {**part.some(members).net_options(), "hidden_dims": hidden_dims, **common}
        return FullyConnectedNet(**options, members=len(members))

    sizes = part.shared["hidden_dims"]
    if OWN in part.varied:
        return padded_stack(part.varied[OWN], sizes, make)
    return make(sizes, range(len(part.numbers)))


def _member(net: FullyConnectedNet, part: Group, k: int) -> FullyConnectedNet:
    """Return a member as a single net of its own sizes."""
    own = net.member(k)
    return cut(own, part.varied[OWN][k]) if OWN in part.varied else own


class _Teller:
    """Tells how far a Solver is, at ends of epochs, but not without end."""

    def __init__(self, part: Group, tell: Callable[[News], None]) -> None:
        self._part, self._tell, self._told = part, tell, -math.inf

    def on_epoch(self, solver: Solver) -> None:
        if time.monotonic() - self._told >= _SECONDS:
            ended = zip(solver.diverged_at, solver.stopped_at, strict=True)
            going = [not (diverged or stopped) for diverged, stopped in ended]
            scores = [float(score) for score in solver.best_val_acc]
            self._tell(News(self._part, solver.epoch, scores, going))
            self._told = time.monotonic()


def num_classes_of(data: Mapping[str, Any] | Dataset) -> int:
    """Return the scores of a sample: classes, or real targets."""
    if isinstance(data, Dataset):
        return data.num_classes
    _, y = host_split(data, "train")
    if y.dtype.kind == "f":
        return math.prod(y.shape[1:])
    return int(max(y.max(), np.max(data["y_val"]))) + 1


def _keep(solver: Solver, path: Path) -> bool:
    """Write what the members can go on from, and return whether there was room for it.

    If there was none, those that go on train from their start, to the same bits.
    """
    states = member_states(solver)
    header = {"format": FORMAT, "kind": "members", "net": None, "counters": list(states.counters)}
    try:
        write_whole(path, tensor_bytes(states.arrays, header))
    except OSError:
        return False
    return True


def _carried(parts: Sequence[Carried]) -> MemberStates:
    """Return what members go on from, of each file in one piece, in the order of the members."""
    found: list[tuple[MemberStates, list[int]]] = []
    path = None
    for part in parts:
        if part.path != path:
            arrays, header = read_tensors(part.path)
            found.append((MemberStates(arrays, tuple(header["counters"])), []))
            path = part.path
        found[-1][1].append(part.member)
    return joined(found)


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
