"""Whether the parts of a step are all xpnet's own."""

from typing import Any

__all__ = ["are_ours"]


def are_ours(*parts: Any) -> bool:
    """Return whether all parts of a step, and those of a chain, are of xpnet's own classes.

    A user's may do what no replay repeats, such as drawing numbers by itself.
    """
    every = [single for part in parts for single in getattr(part, "parts", [part])]
    return all(p is None or type(p).__module__.startswith("xpnet.") for p in every)
