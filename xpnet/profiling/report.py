"""What a profile found: rows for programs, a table for people."""

from dataclasses import dataclass
from typing import Any

from xpnet.profiling.table import table_text

__all__ = ["PHASES", "PieceTime", "Profile"]

# "gradients" is what a model that is not xpnet's does at once; "rest" is what no piece has taken.
PHASES = ("batch", "forward", "backward", "gradients", "update", "checks", "rest")


@dataclass(frozen=True)
class PieceTime:
    """What one piece takes.

    Attributes:
        phase: One of `PHASES`.
        piece: The layer, or what else it is.
        part: The part of the layer; empty for what is left of it, or where it has no parts.
        done: Microseconds a step until its work is done.
        asked: Microseconds a step until its call has returned; None where that is the same.

    """

    phase: str
    piece: str
    part: str
    done: float
    asked: float | None = None


@dataclass(frozen=True)
class Profile:
    """Where the time of a training goes: `print` shows the table.

    Times are microseconds a step; what happens once an epoch is shared out to its steps.

    Attributes:
        pieces: The time of each piece, in the order of a step; together they are all of it.
        steps: The steps that were taken.
        turns: The turns that they were taken in; the times are of the quicker half of these.
        steps_before: The steps that the training had done.
        steps_per_epoch: The steps that a check is shared out to.
        batch_size: Samples a step.
        members: The size of the stack, or None.
        backend: The library and its device.
        dtype: Of the parameters.
        threads: Of the host's matrix products.
        cores: Of the machine.
        load: The machine's load at the end, or None where it does not tell.
        unwatched: A step of the same operations while nobody watches its pieces.
        compiled: A step as the training compiles it, or None where it does not.
        compiled_steps: The same without its share of what happens once an epoch.

    """

    pieces: list[PieceTime]
    steps: int
    turns: int
    steps_before: int
    steps_per_epoch: int
    batch_size: int
    members: int | None
    backend: str
    dtype: str
    threads: int
    cores: int
    load: float | None
    unwatched: float
    compiled: float | None
    compiled_steps: float | None

    def __str__(self) -> str:
        return table_text(self)

    @property
    def done(self) -> float:
        """What a step takes, the device waited for after each piece."""
        return sum(piece.done for piece in self.pieces)

    @property
    def asked(self) -> float | None:
        """What a step takes with the device waited for at the losses alone; None if no other."""
        asked = [piece.asked for piece in self.pieces if piece.asked is not None]
        return sum(asked) if asked else None

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each piece: phase, piece, part, microseconds and share of a step.

        `asked_microseconds` and `asked_share` are there where calls return before the work is done.
        The shares of a column sum to 1.
        """
        return [
            {
                **{name: getattr(piece, name) for name in ("phase", "piece", "part")},
                **self._times(piece.done, piece.asked),
            }
            for piece in self.pieces
        ]

    def phases(self) -> list[dict[str, Any]]:
        """Return a row for each phase, with the same columns."""
        rows = []
        for phase in PHASES:
            pieces = [piece for piece in self.pieces if piece.phase == phase]
            if pieces:
                asked = [piece.asked for piece in pieces if piece.asked is not None]
                times = self._times(sum(p.done for p in pieces), sum(asked) if asked else None)
                rows.append({"phase": phase, **times})
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON takes it."""
        own = {name: value for name, value in vars(self).items() if name != "pieces"}
        times = {"microseconds": self.done, "asked_microseconds": self.asked}
        return {**own, **times, "phases": self.phases(), "rows": self.rows()}

    def _times(self, done: float, asked: float | None) -> dict[str, float]:
        times = {"share": done / self.done if self.done else 0.0, "microseconds": done}
        if asked is None:
            return times
        total = self.asked or 1.0
        return {**times, "asked_share": asked / total, "asked_microseconds": asked}
