"""Stretches of steps on NumPy: one step is recorded, and then replayed for each."""

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.backends.recording import Recorded, Tape
from xpnet.backends.trees import Leaves, are_same, forms, in_order, leaves, rebuilt, row_forms

__all__ = ["ReplayedFunction", "ReplayedSteps"]

_MOST_RECORDINGS = 6


class ReplayedSteps:
    """`advance(carry, data, draws) -> (carry, losses)` of a pure step, by replay.

    The step is recorded again where data or shapes are others than before. A step that cannot be
    recorded is taken as `plain` does it; so is one that fails, which then says why by itself.

    Args:
        step: The step, `(carry, data, draw) -> (carry, loss)`.
        plain: `advance` without a recording.

    """

    def __init__(self, step: Callable[..., Any], plain: Callable[..., Any]) -> None:
        self._step = step
        self._plain = plain
        self._recording: _Recording | None = None

    def __call__(self, carry: Any, data: Any, draws: dict[str, Any]) -> tuple[Any, np.ndarray]:
        """Take the steps; see `Backend.stretch`."""
        drawn = leaves(draws)
        if self._recording is None or not self._recording.fits(carry, data, drawn):
            try:
                self._recording = _Recording(self._step, carry, data, draws)
            except Exception:  # whatever it was, the plain step knows better how to say it
                return self._plain(carry, data, draws)  # type: ignore[no-any-return]
        return self._recording.advance(carry, drawn)


class _Recording:
    """A recorded step, and the arrays that it reads and writes.

    Raises:
        RecordingError: And whatever else the step raises when it gets recorded arrays.

    """

    def __init__(self, step: Callable[..., Any], carry: Any, data: Any, draws: Any) -> None:
        self._tape = Tape()
        self._data = in_order(data)
        self._draws = {path: x[0, ...].copy() for path, x in leaves(draws).items()}
        self._carry = {path: x.copy(order="K") for path, x in leaves(carry).items()}
        noted = {path: Recorded(x, self._tape) for path, x in self._carry.items()}
        drawn = {path: Recorded(x, self._tape) for path, x in self._draws.items()}
        after, loss = step(rebuilt(carry, noted), data, rebuilt(draws, drawn))
        self._hand_on(leaves(after), noted)
        moved = self._tape.join(self._carry.values())
        self._carry = {path: moved(x) for path, x in self._carry.items()}
        self._draws = {path: moved(x) for path, x in self._draws.items()}
        self._loss = moved(loss.value)
        self._carried = rebuilt(carry, self._carry)
        self._own = in_order(self._carried)

    def _hand_on(self, after: Leaves, before: Leaves) -> None:
        """Note the copies of what the step made anew to where the next step reads it."""
        for path, x in after.items():
            if x is before[path]:
                continue
            if any(np.may_share_memory(x.value, own) for own in self._carry.values()):
                raise TypeError("a step hands on a part of what it was given")
            self._tape.note(np.copyto, self._carry[path], x.value)

    def fits(self, carry: Any, data: Any, draws: Leaves) -> bool:
        """Return whether this is the recording of a step on these data, of these shapes."""
        return (
            are_same(data, self._data)
            and (are_same(carry, self._own) or forms(leaves(carry)) == forms(self._carry))
            and row_forms(draws) == forms(self._draws)
        )

    def advance(self, carry: Any, draws: Leaves) -> tuple[Any, np.ndarray]:
        """Take a step for each row of the draws."""
        if not are_same(carry, self._own):
            for path, x in leaves(carry).items():
                if x is not self._carry[path]:
                    np.copyto(self._carry[path], x)
        sources = [(self._draws[path], x) for path, x in draws.items()]
        steps = len(next(iter(draws.values())))
        losses = np.empty((steps, *self._loss.shape), dtype=self._loss.dtype)
        calls, loss = self._tape.calls, self._loss
        for t in range(steps):
            for own, x in sources:
                own[...] = x[t]
            for call in calls:
                call()
            losses[t] = loss
        return self._carried, losses


class ReplayedFunction:
    """`function(live, inputs)` of a pure function, by replay.

    Args:
        function: Computes an array. `live` are arrays that stay where they are while their numbers
            change, as a net's do; `inputs` are others at each call.

    """

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self._function = function
        self._recordings: dict[Any, _RecordedFunction] = {}

    def __call__(self, live: Any, inputs: Any) -> Any:
        """Return what the function computes."""
        given = leaves(inputs)
        key = tuple((path, x.shape, x.dtype) for path, x in given.items())
        recording = self._recordings.get(key)
        if recording is None or not recording.is_of(live):
            try:
                recording = _RecordedFunction(self._function, live, inputs)
            except Exception:  # as for a step
                return self._function(live, inputs)
            if len(self._recordings) >= _MOST_RECORDINGS:  # each keeps its inputs and what it made
                del self._recordings[next(iter(self._recordings))]
            self._recordings[key] = recording
        return recording.compute(given)


class _RecordedFunction:
    """A recorded function, the arrays that it reads in place, and those that its inputs go to."""

    def __init__(self, function: Callable[[Any, Any], Any], live: Any, inputs: Any) -> None:
        self._tape = Tape()
        self._live = in_order(live)
        self._inputs = {path: np.array(x) for path, x in leaves(inputs).items()}
        noted, given = (
            {path: Recorded(x, self._tape) for path, x in arrays.items()}
            for arrays in (leaves(live), self._inputs)
        )
        self._result = function(rebuilt(live, noted), rebuilt(inputs, given)).value

    def is_of(self, live: Any) -> bool:
        """Return whether these are the arrays that it reads in place."""
        return are_same(live, self._live)

    def compute(self, inputs: Leaves) -> np.ndarray:
        """Return the result for other inputs."""
        for path, x in inputs.items():
            np.copyto(self._inputs[path], x)
        self._tape.replay()
        return np.array(self._result)
