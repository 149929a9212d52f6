"""A median with its smallest and largest."""

from statistics import median

__all__ = ["spread"]


def spread(values: list[float], form: str) -> str:
    """Return median, minimum and maximum as text."""
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"
