"""Many nets trained together: which configurations there are, and what became of each."""

from xpnet.sweep.result import SweepResult
from xpnet.sweep.run import sweep
from xpnet.sweep.space import Choice, LogUniform, Uniform

__all__ = ["Choice", "LogUniform", "SweepResult", "Uniform", "sweep"]
