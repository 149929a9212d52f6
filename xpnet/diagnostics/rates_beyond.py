"""Which learning rates beyond those that were tried are worth a trial."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.trial import Trial

if TYPE_CHECKING:
    from xpnet.diagnostics.evidence import Evidence

__all__ = ["rates_beyond"]


def rates_beyond(evidence: "Evidence", found: Mapping[float, Trial]) -> list[float]:
    """Return factors below or above those of `found`, by factor; none where these are enough."""
    ways = {factor: evidence.way(trial) for factor, trial in found.items()}
    lowest, highest = min(found), max(found)
    best = max(ways, key=lambda factor: ways[factor])
    if ways[1.0] >= limits.WELL_LEARNT * ways[best] and evidence.learns(found[1.0]):
        return []
    plain = evidence.way_of(evidence.reference.val_accuracy)
    if ways[best] < limits.NOTHING_LEARNT:
        if plain < limits.NOTHING_LEARNT:
            return []
        best = lowest if found[1.0].diverged or found[lowest].grew else highest
    if ways[best] < limits.WELL_LEARNT * plain and found[best].grew:
        best = lowest
    if best == lowest:
        return [lowest / 1000, lowest / 100, lowest / 10]
    return [highest * 10, highest * 100, highest * 1000] if best == highest else []
