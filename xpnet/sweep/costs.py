"""What a member of a stack takes: memory of a step, memory in all, and arithmetic."""

from itertools import pairwise
from typing import Any, NamedTuple

from xpnet.optim import get_rule
from xpnet.sweep.plan import Group

__all__ = ["Costs", "costs_of"]

_WIDTHS = {"float64": 8, "float32": 4}  # what is kept in 16 bits is computed with in float32
_MADE = 3  # arrays that a step makes of the size of a layer's outputs
# A step's calls, in multiplications of its forward pass that take as long: on the digits, stacks of
# 4 to 64 members took 160 us a step besides 0.9 us for each hidden unit of each member.
_CALLS = 1.4e6


class Costs(NamedTuple):
    """Of one member."""

    step_bytes: int  # that a step touches
    held_bytes: int  # that a training keeps beside its data
    step_work: float  # multiplications of a step's forward pass
    epochs: float

    def step(self, members: int) -> float:
        """Return what a step costs a member of a stack of so many, which share the calls."""
        return self.step_work + _CALLS / members


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
        step_work=float(own.get("batch_size", 100)) * products,
        epochs=float(own.get("num_epochs", 10)),
    )
