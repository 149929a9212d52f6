"""One stack of a sweep: trained, and told as rows."""

import copy
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from xpnet.data import Dataset
from xpnet.data.mapped import is_mapped
from xpnet.diagnostics import Notice, Watch
from xpnet.errors import DivergenceWarning
from xpnet.host_arrays import host_split
from xpnet.member_states import go_on_from
from xpnet.nets import FullyConnectedNet, cut, padded_stack
from xpnet.preprocessing import Preprocessor, get_preprocessor
from xpnet.solver import Solver
from xpnet.sweep.carried import carried_states, keep_states
from xpnet.sweep.folds import fold_of
from xpnet.sweep.jobs import Job, News, TrainedStack
from xpnet.sweep.plan import FOLD, OWN, Group
from xpnet.sweep.rows import curve_of, notice_row, row_of

__all__ = ["StackTrainer"]

_SECONDS = 0.1  # from one news to the next


class StackTrainer:
    """Trains stacks on the same data, and fits each preprocessing once.

    Attributes:
        num_classes: The scores of a sample.

    Args:
        data: As in `sweep`.
        device: Likewise.
        folds: How many folds the training part is cut into, where configurations have one.
        seed: By which the folds are drawn.
        begin: Called once, when the first stack is about to take its first step.
        watch: Whether the layers are watched, or at how many steps from one look to the next.

    """

    def __init__(
        self,
        data: Mapping[str, Any] | Dataset,
        device: str,
        folds: int | None,
        seed: int,
        begin: Callable[[], None] | None = None,
        watch: bool | int = False,
    ) -> None:
        self._data = data if isinstance(data, Dataset) else dict(data)
        self._device, self._folds, self._seed = device, folds, seed
        self._begin, self._watch = begin, watch
        self.num_classes = _num_classes_of(data)
        self._fold: tuple[int | None, Mapping[str, Any] | Dataset] = (None, self._data)
        self._fitted: dict[Any, Preprocessor | None] = {}

    @property
    def is_mapped(self) -> bool:
        """Whether the training inputs are memory-mapped."""
        return is_mapped(self._data["X_train"])

    def train(
        self, job: Job, threads: int | None = None, tell: Callable[[News], None] | None = None
    ) -> TrainedStack:
        """Train a stack, or train it further, and return what became of it.

        Args:
            job: The stack.
            threads: As in `xpnet.Solver`, where the library takes a number.
            tell: Called as it goes on.

        """
        notices: list[Notice] = []
        solver = self._solver(job.part, threads, tell, notices)
        if job.carried:
            go_on_from(solver, carried_states(job.carried))
        if self._begin is not None:
            self._begin()
            self._begin = None
        begun = time.perf_counter()
        with warnings.catch_warnings():  # a sweep expects some to: their rows say it
            warnings.simplefilter("ignore", DivergenceWarning)
            solver.train(until=job.until)
        seconds = time.perf_counter() - begun
        is_kept = job.kept_in is not None and keep_states(solver, job.kept_in)
        numbers = list(enumerate(job.part.numbers))
        rows = [row_of(number, solver, k) for k, number in numbers]
        accuracies = [row["val_accuracy"] for row in rows]
        scores = [accuracy if math.isfinite(accuracy) else -math.inf for accuracy in accuracies]
        k, number = max(numbers, key=lambda pair: (scores[pair[0]], -pair[1]))
        return TrainedStack(
            job.part,
            rows,
            [row for k, number in numbers for row in curve_of(number, solver, k)],
            (scores[k], -number),
            _member(solver.model, job.part, k),
            solver.metric.name,
            seconds,
            job.kept_in if is_kept else None,
            [notice_row(job.part.numbers, notice) for notice in notices],
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: it makes folds and fits for itself."""
        return {**vars(self), "_fold": (None, self._data), "_fitted": {}, "_begin": None}

    def _solver(
        self,
        part: Group,
        threads: int | None,
        tell: Callable[[News], None] | None,
        notices: list[Notice],
    ) -> Solver:
        """Return the Solver of a stack."""
        fold = part.shared.get(FOLD)
        data = self._data_of(fold)
        X, y = host_split(data, "train")
        preprocess = self._preprocess(part.shared.get("preprocess"), fold, data)
        features = math.prod(X.shape[1:])
        common: dict[str, Any] = {
            "input_dim": features if preprocess is None else preprocess.output_dim(features),
            "num_classes": self.num_classes,
            "device": self._device,
        }
        if "loss" not in part.shared:
            common["loss"] = "squared" if y.dtype.kind == "f" else "softmax"
        net = _net(part, common)
        solver_options = {**part.solver_options(), "preprocess": preprocess}
        callbacks: list[Any] = [] if tell is None else [_Teller(part, tell)]
        if self._watch:
            every = None if self._watch is True else self._watch
            callbacks.append(Watch(every, say=notices.append))
        threads = threads if net.backend.sets_threads else None
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


def _num_classes_of(data: Mapping[str, Any] | Dataset) -> int:
    """Return the scores of a sample: classes, or real targets."""
    if isinstance(data, Dataset):
        return data.num_classes
    _, y = host_split(data, "train")
    if y.dtype.kind == "f":
        return math.prod(y.shape[1:])
    return int(max(y.max(), np.max(data["y_val"]))) + 1
