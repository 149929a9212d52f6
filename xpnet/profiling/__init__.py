"""Where the time of a training goes: by layer and by phase, with and without the device waiting."""

from xpnet.profiling.measure import profile
from xpnet.profiling.report import PieceTime, Profile

__all__ = ["PieceTime", "Profile", "profile"]
