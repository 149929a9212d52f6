"""The configs of an update rule of the notes' form: one for each parameter of each member."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Config", "RuleConfigs"]

Config: TypeAlias = dict[str, Any]

_LEAST_SCALE = 1e-300  # our rules refuse a rate of 0; times this, no parameter moves either


class RuleConfigs:
    """What a rule keeps from one step to the next, and its scaled learning rates.

    Attributes:
        of: The configs of every member, by parameter.

    Args:
        optim_config: Where they start; an array or sequence of `members` items is one a member.
        names: The names of the parameters.
        members: The size of the stack, or None.

    """

    def __init__(
        self, optim_config: Mapping[str, Any], names: list[str], members: int | None
    ) -> None:
        self.of = {
            name: [_of_member(optim_config, k, members) for k in range(members or 1)]
            for name in names
        }
        # For each config the rate before any scale, and the scaled one that was put there.
        self._rates: dict[tuple[str, int], tuple[float, float]] = {}

    def scale_rates(self, scale: Any) -> None:
        """Put learning rates times `scale`, a number or one a member, into the configs.

        A rule may change the rate in its config by itself: this multiplies the rate before scales.
        """
        for name, configs in self.of.items():
            scales = np.broadcast_to(np.maximum(scale, _LEAST_SCALE), (len(configs),))
            for k, config in enumerate(configs):
                if "learning_rate" not in config:
                    continue
                rate = config["learning_rate"]
                base, put = self._rates.get((name, k), (rate, rate))
                if rate != put:
                    base = base * (rate / put) if put else rate
                config["learning_rate"] = base * float(scales[k])
                self._rates[name, k] = (base, config["learning_rate"])


def _of_member(config: Mapping[str, Any], k: int, members: int | None) -> Config:
    """Return the config of member `k`: its own item of what has one for each member."""
    return {name: v[k] if _has_one_each(v, members) else v for name, v in config.items()}


def _has_one_each(value: Any, members: int | None) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.shape[:1] == (members,))
    return isinstance(value, list | tuple) and len(value) == members
