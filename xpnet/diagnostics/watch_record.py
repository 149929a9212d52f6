"""What a watched training has shown, look by look, and the file that keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpnet.diagnostics.histogram import BINS, EDGES
from xpnet.diagnostics.layer_statistics import STATISTICS
from xpnet.diagnostics.verdict import Verdict

__all__ = ["WATCH", "WATCHED", "Notice", "WatchRecord"]

WATCH = "watch.safetensors"
# Beside those of a batch, which units are 0 on the whole validation part; NaN where that look did
# not ask.
WATCHED = (*STATISTICS, "validation_dead_share")


@dataclass(frozen=True)
class Notice:
    """A verdict that became true while training.

    Attributes:
        step: The step after which it was seen.
        verdict: What was seen.
        layer: The layer's name, or "" where it is about the whole training.
        member: The member of a stack, or None for a single net.

    """

    step: int
    verdict: Verdict
    layer: str = ""
    member: int | None = None

    def __str__(self) -> str:
        """Return it as one line."""
        who = "" if self.member is None else f"member {self.member}, "
        return f"{who}step {self.step}: {self.verdict}"


@dataclass(eq=False)
class WatchRecord:
    """The looks of a training, or of a stack.

    Attributes:
        layers: The names of the layers, such as "hidden 1 (64-100, relu)".
        weights: The names of their weights, such as "W1".
        members: The size of the stack, or None.
        steps: The step after which each look was taken.
        notices: The verdicts, each with its step.
        edges: By the name of a histogram the BINS + 1 edges of its bins, on the host.

    """

    layers: list[str]
    weights: list[str]
    members: int | None = None
    steps: list[int] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    edges: Mapping[str, np.ndarray] = field(default_factory=lambda: EDGES)
    _looks: list[dict[str, np.ndarray]] = field(default_factory=list)

    def add(self, step: int, found: Mapping[str, np.ndarray]) -> None:
        """Append a look: a row of each of WATCHED and EDGES; one that is not there is NaN."""
        shapes = self.shapes()
        look = {name: np.full(shape, np.nan, np.float32) for name, shape in shapes.items()}
        for name, value in found.items():
            look[name] = np.asarray(value, dtype=np.float32).reshape(shapes[name])
        self.steps.append(step)
        self._looks.append(look)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each array of one look."""
        rows = () if self.members is None else (self.members,)
        own = (*rows, len(self.layers))
        return dict.fromkeys(WATCHED, own) | dict.fromkeys(EDGES, (*own, BINS))

    @property
    def statistics(self) -> dict[str, np.ndarray]:
        """By each name of WATCHED (looks, layers), or (looks, members, layers)."""
        return {name: self._stacked(name) for name in WATCHED}

    @property
    def histograms(self) -> dict[str, np.ndarray]:
        """By each name of `edges` shares (looks, [members,] layers, BINS)."""
        return {name: self._stacked(name) for name in EDGES}

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts alone."""
        return [notice.verdict for notice in self.notices]

    def last(self, name: str, looks: int = 1) -> np.ndarray:
        """Return the newest looks of a statistic, oldest first."""
        if looks == 1:
            return self._looks[-1][name][None]
        return np.stack([look[name] for look in self._looks[-looks:]])

    def until(self, step: int) -> "WatchRecord":
        """Return what was known after a step, which a run that goes on from there goes on with."""
        count = sum(one <= step for one in self.steps)
        return WatchRecord(
            self.layers,
            self.weights,
            self.members,
            self.steps[:count],
            [notice for notice in self.notices if notice.step <= step],
            self.edges,
            self._looks[:count],
        )

    def _stacked(self, name: str) -> np.ndarray:
        shape = self.shapes()[name]
        rows: list[Any] = [look[name] for look in self._looks]
        return np.stack(rows) if rows else np.zeros((0, *shape), dtype=np.float32)
