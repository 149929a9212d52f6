"""How good one of our nets is on parts of the data: batch by batch, or in one compiled call."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from xpnet.backends import Array, array_namespace
from xpnet.data.batches import Split, take_rows
from xpnet.evaluation import CHECK_BATCH, Measure, make_measure, measured_batches
from xpnet.metrics import Metric
from xpnet.nets import Net, Variables
from xpnet.own_classes import are_ours
from xpnet.preprocessing import Preprocessor
from xpnet.streamed_rows import StreamedRows

__all__ = ["NetScores", "Scores"]

Scores = list[tuple[np.ndarray, np.ndarray, np.ndarray]]


class NetScores:
    """Measures parts of the data where their trainer has put them.

    Args:
        net: The net.
        metric: What is taken beside the loss.
        preprocess: What inputs go through that are not preprocessed yet.
        numbers: The preprocessor's numbers, on the device.

    """

    def __init__(
        self,
        net: Net,
        metric: Metric,
        preprocess: Preprocessor | None,
        numbers: Mapping[str, Array],
    ) -> None:
        self._net = net
        self._backend = net.backend
        self._metric = metric
        self._preprocess = preprocess
        self._numbers = numbers
        self._measures: dict[Any, Measure] = {}
        self._take = self._backend.repeated(_taken)

    def forget(self) -> None:
        """Make the functions anew that measure: they hold the net's constants."""
        self._measures = {}

    def subset(self, split: Split, rows: np.ndarray) -> Split:
        """Return the given rows of a part."""
        given = {"rows": self._backend.as_argument(rows)}
        if isinstance(split.X, StreamedRows):
            y = self._take(split.y, given)
            return split._replace(X=split.X.subset(rows), y=y)
        return split._replace(X=self._take(split.X, given), y=self._take(split.y, given))

    def begin(
        self,
        variables: Variables,
        splits: list[Split],
        targets: list[np.ndarray],
        batch_size: int | None,
    ) -> Callable[[], Scores]:
        """Begin to measure parts, and return what waits for metric, loss and whether it is finite.

        Args:
            variables: Parameters and state.
            splits: The parts, or some of their rows.
            targets: Their targets, on the host.
            batch_size: Samples at once; None for what suits the backend.

        """
        live = {"variables": variables, "numbers": self._numbers}
        if batch_size is None and self._fit_one_call(splits):
            place = self._backend.as_argument
            inputs = {
                str(i): {"X": split.X, "y": split.y}
                | ({} if split.rows is None else {"rows": place(split.rows)})
                for i, split in enumerate(splits)
            }
            found: Any = self._measure_of(splits[0], together=True)(live, inputs)
            return partial(self._results, found, [[1.0]] * len(splits), targets)
        found, shares = [], []
        for split in splits:
            part = split if split.rows is None else self.subset(split, split.rows)
            measure = self._measure_of(split)
            measured = list(measured_batches(measure, live, part, batch_size or CHECK_BATCH))
            shares.append([share for share, _ in measured])
            found += [array for _, array in measured]
        return partial(self._results, found, shares, targets)

    def _fit_one_call(self, splits: list[Split]) -> bool:
        """Return whether the backend is to measure all parts in one call."""
        if not self._backend.values_at_once:
            return False
        if any(isinstance(split.X, StreamedRows) for split in splits):
            return False
        if len({split.is_preprocessed for split in splits}) > 1:
            return False
        rows = sum((split.y if split.rows is None else split.rows).shape[0] for split in splits)
        widths = [shape[-1] for shape in self._net.shapes().values()]
        values = rows * max(splits[0].X.shape[1], *widths) * (self._net.members or 1)
        return bool(values <= self._backend.values_at_once)

    def _results(
        self, found: Array | list[Array], shares: list[list[float]], targets: list[np.ndarray]
    ) -> Scores:
        """Return the scores from what was measured on the batches of all parts."""
        is_list = isinstance(found, list)
        to_host: Any = self._backend.stacked_on_host if is_list else self._backend.to_numpy
        host = to_host(found).astype(np.float64)
        results = []
        for weights, y in zip(shares, targets, strict=True):
            own, host = host[: len(weights)], host[len(weights) :]
            if len(own) == 1:
                sums, loss = own[0, ..., :-1], own[0, ..., -1]
            else:
                sums = own[..., :-1].sum(axis=0)
                loss = np.asarray(sum(w * x for w, x in zip(weights, own[..., -1], strict=True)))
            results.append((self._metric.value(sums, y), loss, np.isfinite(loss)))
        return results

    def _measure_of(self, split: Split, *, together: bool = False) -> Measure:
        """Return what measures the net on batches of a part, or on all parts together."""
        key = self._net, split.is_preprocessed, together
        if key not in self._measures:
            preprocess = None if split.is_preprocessed else self._preprocess
            measure = make_measure(self._net, self._metric, preprocess)
            is_pure = are_ours(self._net, self._metric, preprocess)
            function = partial(_together, measure, self._backend.xp) if together else measure
            self._measures[key] = self._backend.repeated(function, is_pure=is_pure)
        return self._measures[key]


def _taken(x: Array, given: Mapping[str, Array]) -> Array:
    """Return rows: a function of the module, so that it is compiled once for all trainings."""
    return take_rows(x, given["rows"], array_namespace(x))


def _together(measure: Measure, xp: Any, live: Any, parts: Mapping[str, Any]) -> Array:
    """Return what `measure` finds on each part, or on those of its rows that are asked for."""
    found = []
    for part in parts.values():
        X, y, rows = part["X"], part["y"], part.get("rows")
        if rows is not None:
            X, y = take_rows(X, rows, xp), take_rows(y, rows, xp)
        found.append(measure(live, {"X": X, "y": y}))
    return xp.stack(found)
