"""The configs of an update rule of the notes' form: one for each parameter of each member."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from xpnet.backends import Array, backend_of, is_host_array
from xpnet.errors import InputError

__all__ = ["Config", "ConfigsState", "RuleConfigs"]

Config: TypeAlias = dict[str, Any]
ConfigsState: TypeAlias = tuple[dict[str, list[Config]], dict[tuple[str, int], tuple[float, float]]]

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

    def snapshot(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the configs as JSON can hold them, with references to arrays, and these.

        Raises:
            InputError: A config holds something else than numbers, texts and arrays.

        """
        arrays: dict[str, np.ndarray] = {}
        configs = {
            name: [_recorded(config, arrays) for config in own] for name, own in self.of.items()
        }
        rates = [[name, k, *pair] for (name, k), pair in self._rates.items()]
        return {"configs": configs, "rates": rates}, arrays

    def saved_state(
        self, record: Any, arrays: Mapping[str, np.ndarray], params: Mapping[str, Array]
    ) -> "ConfigsState":
        """Return what `go_on_from` takes, from what `snapshot` returned.

        Args:
            record: The JSON.
            arrays: The arrays, and others beside them.
            params: The parameters, to whose library and device arrays go that were there.

        Raises:
            InputError: It does not fit the parameters.

        """
        try:
            configs = {
                name: [_found(one, arrays, params[name]) for one in record["configs"][name]]
                for name in self.of
            }
            rates = {(name, int(k)): (base, put) for name, k, base, put in record["rates"]}
            fits = all(len(own) == len(self.of[name]) for name, own in configs.items())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError("the checkpoint's configs of the update rule are damaged") from error
        if not fits:
            raise InputError("the checkpoint has configs for other members")
        return configs, rates

    def go_on_from(self, state: "ConfigsState") -> None:
        """Take over configs and their rates."""
        self.of, self._rates = state

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


def _recorded(config: Config, arrays: dict[str, np.ndarray]) -> dict[str, list[Any]]:
    """Return a config for JSON: each value with its kind; arrays are put into `arrays`."""
    record: dict[str, list[Any]] = {}
    for key, value in config.items():
        if not isinstance(key, str):
            raise InputError(f"the update rule's config has the key {key!r}: give it a text")
        number = f"config.{len(arrays)}"
        if value is None or isinstance(value, bool | int | str):
            record[key] = ["plain", value]
        elif isinstance(value, float) and not isinstance(value, np.generic):
            record[key] = ["float", value.hex()]  # also NaN and infinity, which JSON has not
        elif isinstance(value, np.generic) and _is_number(value):
            record[key], arrays[number] = ["scalar", number], np.asarray(value)
        elif is_host_array(value) and _is_number(value):
            record[key], arrays[number] = ["host", number], value
        elif hasattr(value, "shape") and not is_host_array(value):
            record[key], arrays[number] = ["array", number], backend_of(value).to_numpy(value)
        else:
            raise InputError(
                f"the update rule's config keeps {key!r}, of type {type(value).__name__}: a "
                "checkpoint can hold texts, numbers of up to 64 bits, and arrays of these"
            )
    return record


def _is_number(value: Any) -> bool:
    """Return whether a NumPy array or scalar holds what safetensors has."""
    return value.dtype.kind in "biuf" and value.dtype.itemsize <= 8


def _found(record: dict[str, list[Any]], arrays: Mapping[str, np.ndarray], like: Array) -> Config:
    """Return the config of a record; what was of the parameter's library is so again."""
    made: dict[str, Callable[[Any], Any]] = {
        "plain": lambda value: value,
        "float": float.fromhex,
        "scalar": lambda number: arrays[number][()],
        "host": lambda number: arrays[number].copy(),
        "array": lambda number: backend_of(like).copy(backend_of(like).asarray(arrays[number])),
    }
    return {key: made[kind](value) for key, (kind, value) in record.items()}
