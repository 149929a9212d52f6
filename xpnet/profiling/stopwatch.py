"""A stopwatch for functions that call each other: each is charged for its own time alone."""

from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["Clock", "Key", "Lap", "Stopwatch"]

Clock: TypeAlias = Callable[[], int]  # nanoseconds from any start
Key: TypeAlias = tuple[str, str, str]  # phase, piece, part of the piece


class Lap:
    """What a piece has taken so far: nanoseconds of its own, calls, and when the last began."""

    def __init__(self) -> None:
        self.nanoseconds = self.calls = self.begun = 0


class Stopwatch:
    """Measures the functions that `watch` has wrapped.

    Attributes:
        clock: What gives the time.
        laps: What the pieces of a step have taken, by phase, piece and part of the piece.
        rare: Likewise what happens once an epoch.

    Args:
        clock: Gives nanoseconds.
        wait: Waits until the results that it is given are computed; None measures until the call
            returns, which on some devices is before the work is done.

    """

    def __init__(self, clock: Clock, wait: Callable[[Any], None] | None = None) -> None:
        self.clock = clock
        self.laps: dict[Key, Lap] = {}
        self.rare: dict[Key, Lap] = {}
        self._wait = wait
        self._inner = 0  # nanoseconds of the pieces within the one that runs now

    def reset(self) -> None:
        """Forget what was measured; what is wrapped stays so."""
        self.take_laps()
        for lap in self.rare.values():
            lap.nanoseconds = lap.calls = 0

    def take_laps(self) -> dict[Key, int]:
        """Return the nanoseconds of the pieces of a step, and count them from 0 again."""
        taken = {key: lap.nanoseconds for key, lap in self.laps.items() if lap.calls}
        for lap in self.laps.values():
            lap.nanoseconds = lap.calls = 0
        return taken

    def watch(
        self,
        phase: str,
        piece: str,
        function: Callable[..., Any],
        part: str = "",
        *,
        is_rare: bool = False,
    ) -> Callable[..., Any]:
        """Return `function` measured as that piece, or part of it; those of one name add up."""
        lap = (self.rare if is_rare else self.laps).setdefault((phase, piece, part), Lap())
        clock, wait = self.clock, self._wait

        def measured(*args: Any, **named: Any) -> Any:
            before, self._inner = self._inner, 0
            begun = clock()
            result = function(*args, **named)
            if wait is not None:
                wait(result)
            taken = clock() - begun
            lap.nanoseconds += taken - self._inner
            lap.calls += 1
            lap.begun = begun
            self._inner = before + taken
            return result

        return measured

    def watch_rare(self, phase: str, piece: str, function: Callable[..., Any]) -> Any:
        """Return `function` measured as a piece that happens once an epoch."""
        return self.watch(phase, piece, function, is_rare=True)

    @property
    def rarely(self) -> int:
        """The nanoseconds of what happens once an epoch."""
        return sum(lap.nanoseconds for lap in self.rare.values())
