"""Stretches of steps on a GPU: some steps are captured as a graph, and then launched as one.

A small step on a GPU takes as long as the host needs to launch its fifty kernels one by one. A
graph launches the kernels of many steps at once. It reads and writes the very memory that it was
captured with, so that carry, draws and losses have arrays of their own here, which are filled
before a launch and read after it.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet.backends.base import Advance, Backend, Step
from xpnet.backends.namespace import Array
from xpnet.backends.trees import Leaves, are_same, forms, in_order, leaves, rebuilt, row_forms
from xpnet.errors import warn

__all__ = ["Capture", "CapturedSteps"]

Capture: TypeAlias = Callable[[Callable[[], None]], Callable[[], Any]]

_AT_ONCE = 8  # steps of the longer graph: a Solver prints, and stops for it, at each tenth
_LONGEST_REASON = 200  # characters
_BEFORE = 100  # steps without a graph
_TOLERANCE = 1e-3  # of the largest number; other kernels may be chosen for a graph


class CapturedSteps:
    """`advance(carry, data, draws) -> (carry, losses)` of a pure step, by captured graphs.

    The first hundred steps are taken as `plain` does it: a short training is over before a capture
    would pay. So are those of streamed inputs, of which no graph holds a copy. Before they are
    used, graphs are held against the step itself: if they differ by more than 0.1% of the largest
    number, or cannot be captured, there is a warning, and steps are taken as before.

    Args:
        step: The step.
        plain: `advance` without a graph.
        backend: What the arrays are of.
        capture: Takes a function of no arguments that reads and writes arrays in place, may call it
            a few times, and returns what makes it happen again.

    """

    def __init__(self, step: Step, plain: Advance, backend: Backend, capture: Capture) -> None:
        self._step = step
        self._plain = plain
        self._backend = backend
        self._capture = capture
        self._graphs: _Graphs | None = None
        self._is_refused = False
        self._taken = 0

    def __call__(self, carry: Any, data: Any, draws: dict[str, Any]) -> tuple[Any, Array]:
        """Take the steps; see `Backend.stretch`."""
        self._taken += draws["rows"].shape[0]
        if self._is_refused or self._taken <= _BEFORE or "X" in draws:
            return self._plain(carry, data, draws)
        if self._graphs is None or not self._graphs.fit(carry, data, draws):
            self._graphs = None  # in case that the capture is broken off
            self._graphs = self._captured(carry, data, draws)
        take = self._graphs.advance if self._graphs else self._plain
        return take(carry, data, draws)

    def _captured(self, carry: Any, data: Any, draws: dict[str, Any]) -> "_Graphs | None":
        """Return graphs of these steps, or None, now and from now on."""
        try:
            graphs = _Graphs(self._step, carry, data, draws, self._backend, self._capture)
            if not graphs.differ_from(self._plain, carry, data, draws):
                return graphs
            reason = "their graph gives other numbers"
        except Exception as error:
            said = " ".join(str(error).split())[:_LONGEST_REASON]
            reason = f"they cannot be captured ({type(error).__name__}: {said})"
        self._is_refused = True
        warn(
            f"steps on {self._backend.description} are launched kernel by kernel, which takes "
            f"longer, because {reason}",
            RuntimeWarning,
        )
        return None


class _Graphs:
    """A graph of several steps and one of a single step, which share their carry."""

    def __init__(
        self, step: Step, carry: Any, data: Any, draws: Any, backend: Backend, capture: Capture
    ) -> None:
        self._backend = backend
        self._data = in_order(data)
        self._carry = {path: backend.copy(x) for path, x in leaves(carry).items()}
        self._carried = rebuilt(carry, self._carry)
        self._own = in_order(self._carried)
        self._forms = row_forms(leaves(draws))
        self._graphs = [
            _Graph(step, self._carried, data, _some(draws, length, backend), backend, capture)
            for length in (_AT_ONCE, 1)
        ]

    def fit(self, carry: Any, data: Any, draws: Any) -> bool:
        """Return whether these are graphs of steps on these data, of these shapes."""
        return (
            are_same(data, self._data)
            and (are_same(carry, self._own) or forms(leaves(carry)) == forms(self._carry))
            and row_forms(leaves(draws)) == self._forms
        )

    def advance(self, carry: Any, _data: Any, draws: Any) -> tuple[Any, Array]:
        """Take a step for each row of the draws."""
        if not are_same(carry, self._own):
            for path, x in leaves(carry).items():
                self._carry[path][...] = x
        drawn, losses, start = leaves(draws), [], 0
        for graph in self._graphs:
            while draws["rows"].shape[0] - start >= graph.length:
                losses.append(graph.launch(drawn, start))
                start += graph.length
        return self._carried, losses[0] if len(losses) == 1 else self._backend.xp.concat(losses)

    def differ_from(self, plain: Advance, carry: Any, data: Any, draws: Any) -> bool:
        """Return whether a launch of each graph gives other numbers than the steps themselves."""
        some = _some(draws, sum(graph.length for graph in self._graphs), self._backend)
        copies = {path: self._backend.copy(x) for path, x in leaves(carry).items()}
        expected = in_order(plain(rebuilt(carry, copies), data, some))
        found = in_order(self.advance(carry, data, some))
        host = self._backend.to_numpy
        return any(_differ(host(x), host(y)) for x, y in zip(found, expected, strict=True))


class _Graph:
    """A graph of as many steps as there are draws, which it reads from here."""

    def __init__(
        self, step: Step, carry: Any, data: Any, draws: Any, backend: Backend, capture: Capture
    ) -> None:
        self._backend = backend
        self._draws = leaves(draws)
        self.length = draws["rows"].shape[0]
        rows = [
            rebuilt(draws, {path: x[t, ...] for path, x in self._draws.items()})
            for t in range(self.length)
        ]

        def steps() -> None:
            now, losses = carry, []
            for row in rows:
                now, loss = step(now, data, row)
                losses.append(loss)
            self._losses = backend.xp.stack(losses)  # first: a loss may be what was carried
            for own, x in zip(in_order(carry), in_order(now), strict=True):
                if x is not own:
                    own[...] = x

        self._launch = capture(steps)

    def launch(self, drawn: Leaves, start: int) -> Array:
        """Take the steps of the draws from `start` on, and return their losses."""
        for path, own in self._draws.items():
            own[...] = drawn[path][start : start + self.length, ...]
        self._launch()
        return self._backend.copy(self._losses)


def _some(draws: Any, length: int, backend: Backend) -> Any:
    """Return a copy of the first draws, over and over where there are fewer."""

    def taken(x: Array) -> Array:
        times = -(-length // x.shape[0])
        return backend.copy(backend.xp.concat([x] * times)[:length, ...])

    return rebuilt(draws, {path: taken(x) for path, x in leaves(draws).items()})


def _differ(found: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether numbers differ by more than rounding; NaN is equal to NaN."""
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    room = _TOLERANCE * largest
    return not np.allclose(found, expected, rtol=0, atol=room, equal_nan=True)
