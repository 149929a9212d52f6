"""Gradients held against central differences, for those who write layers and losses of their own.

Reference: Stanford CS231n, "Neural Networks Part 3", gradient checks.
"""

from xpnet.gradient_checking.check import gradient_check
from xpnet.gradient_checking.report import GradientReport, InputReport

__all__ = ["GradientReport", "InputReport", "gradient_check"]
