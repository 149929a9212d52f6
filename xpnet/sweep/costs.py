"""What a member of a stack takes: memory of a step, memory in all, and arithmetic."""

from itertools import pairwise
from typing import Any, NamedTuple

from xpnet.optim import get_rule
from xpnet.sweep.plan import Group

__all__ = ["Costs", "costs_of"]

_WIDTHS = {"float64": 8, "float32": 4}  # what is kept in 16 bits is computed with in float32
_CALLS = 2000  # a step's calls, in multiplications for a sample that take as long
_MADE = 3  # arrays that a step makes of the size of a layer's outputs


class Costs(NamedTuple):
    """Of one member."""

    step_bytes: int  # that a step touches
    held_bytes: int  # that a training keeps beside its data
    work: float  # of all its epochs, by which groups are compared


def costs_of(group: Group, features: int, num_classes: int) -> Costs:
    """Return the costs of a member of a group, as its sizes give them.

    Args:
        group: The configurations.
        features: Of a sample.
        num_classes: The scores of a sample.

    """
    own: dict[str, Any] = {**group.shared, **{k: max(v) for k, v in group.varied.items()}}
    sizes = [features, *own.get("hidden_dims", ()), num_classes]
    width = _WIDTHS.get(str(own.get("dtype", "float32")), 4)
    products = sum(a * b for a, b in pairwise(sizes))
    params = products + sum(sizes[1:])
    slots = len(getattr(get_rule(own.get("update_rule", "sgd")), "slots", ()))
    outputs = int(own.get("batch_size", 100)) * sum(sizes[1:])
    return Costs(
        step_bytes=width * (params * (2 + slots) + _MADE * outputs),
        held_bytes=width * (params * (4 + slots) + 2 * _MADE * outputs),
        work=float(own.get("num_epochs", 10)) * (products + _CALLS),
    )
