"""What is wrong with a training, and what to change."""

from xpnet.diagnostics.verdict import Verdict

__all__ = ["Verdict"]
