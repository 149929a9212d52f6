"""How the configurations of a sweep become stacks: what may differ inside of one, and what not."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xpnet.errors import InputError, did_you_mean
from xpnet.optim import RULES, get_rule

__all__ = ["FOLD", "NAMES", "OWN", "Group", "check_names", "groups"]

_RULE = {name for rule in RULES.values() for name in rule.defaults}
# Numbers of the arithmetic: each member of a stack may have its own.
_OF_MEMBERS = {"reg", "dropout_keep_ratio", "weight_scale", "seed", "lr_decay", "clip_norm", *_RULE}
_OF_NETS = {
    *("hidden_dims", "activation", "normalization", "dropout_keep_ratio", "reg", "weight_scale"),
    *("initializer", "loss", "dtype", "seed"),
}
_OF_SOLVERS = {
    *("update_rule", "lr_decay", "lr_schedule", "batch_size", "num_epochs", "patience"),
    *("clip_norm", "class_weights", "label_smoothing", "preprocess", "sampling", "seed"),
    *("num_train_samples", "num_val_samples"),
}
NAMES = sorted(_OF_NETS | _OF_SOLVERS | _RULE)
FOLD = "fold"  # which part of the training data validates; no hyperparameter of its users
OWN = "own_dims"  # hidden sizes of a member of a stack whose sizes are larger


@dataclass(frozen=True)
class Group:
    """Configurations that can train as one stack.

    Attributes:
        shared: What all have alike; with folds, which one it is.
        varied: By name, a value for each.
        numbers: Which configurations they are, counted from 0.

    """

    shared: dict[str, Any]
    varied: dict[str, list[Any]]
    numbers: list[int]

    def part(self, start: int, stop: int) -> "Group":
        """Return those from one place to another."""
        return self.some(range(start, min(stop, len(self.numbers))))

    def some(self, places: Iterable[int]) -> "Group":
        """Return those at some places."""
        places = list(places)
        varied = {name: [values[k] for k in places] for name, values in self.varied.items()}
        return Group(self.shared, varied, [self.numbers[k] for k in places])

    @property
    def key(self) -> str:
        """What configurations must have alike to be in the same group."""
        common = sorted(self.shared.items(), key=lambda item: item[0])
        return repr((common, sorted(self.varied)))

    def values(self, k: int) -> dict[str, Any]:
        """Return all that is known of number `k` of them."""
        found = {**self.shared, **{name: values[k] for name, values in self.varied.items()}}
        return found | {"hidden_dims": found.pop(OWN)} if OWN in found else found

    def net_options(self) -> dict[str, Any]:
        """Return the options of the stacked net."""
        own = {**self.shared, **self.varied}
        return {name: value for name, value in own.items() if name in _OF_NETS}

    def solver_options(self) -> dict[str, Any]:
        """Return the options of its Solver."""
        own = {**self.shared, **self.varied}
        options = {name: value for name, value in own.items() if name in _OF_SOLVERS}
        rule = get_rule(own.get("update_rule", "sgd"))
        config = {name: own[name] for name in getattr(rule, "defaults", {}) if name in own}
        return {**options, "optim_config": config}


def check_names(names: Iterable[str], what: str) -> None:
    """Raise InputError unless each is a hyperparameter that a sweep knows."""
    for name in names:
        if name not in NAMES:
            raise InputError(
                f"{what} has no hyperparameter {name!r}{did_you_mean(name, NAMES)}: choose of "
                f"{', '.join(NAMES)}"
            )


def groups(
    configurations: Mapping[int, Mapping[str, Any]],
    fixed: Mapping[str, Any],
    carried: Container[int] = (),
    padded: Mapping[int, list[int]] | None = None,
) -> list[Group]:
    """Return the groups: configurations that differ in numbers alone are together.

    Args:
        configurations: By their numbers.
        fixed: What they have alike.
        carried: The numbers of those that have trained before; they go on apart from the others.
        padded: For some numbers the hidden sizes that they are filled up to.

    Raises:
        InputError: A configuration has what its update rule has not.

    """
    found: dict[tuple[str, bool], Group] = {}
    for number, configuration in configurations.items():
        whole = {**fixed, **configuration}
        _check_rule(whole, configuration)
        own = {name: value for name, value in whole.items() if _is_of_member(name, value, whole)}
        if padded and number in padded:
            own[OWN] = whole["hidden_dims"]
            whole["hidden_dims"] = padded[number]
        shared = {name: value for name, value in whole.items() if name not in own}
        empty = Group(shared, {name: [] for name in own}, [])
        group = found.setdefault((empty.key, number in carried), empty)
        group.numbers.append(number)
        for name, value in own.items():
            group.varied[name].append(value)
    return [_by_seed(group) for group in found.values()]


def _by_seed(group: Group) -> Group:
    """Return a group in the order of its seeds: a stack of one seed takes one batch for all."""
    seeds = group.varied.get("seed", [])
    return group.some(sorted(range(len(seeds)), key=seeds.__getitem__)) if seeds else group


def _is_of_member(name: str, value: Any, whole: Mapping[str, Any]) -> bool:
    """Return whether a value may be another for each member of a stack."""
    if name == "weight_scale" and whole.get("initializer", "gaussian") != "gaussian":
        return False
    return name in _OF_MEMBERS and isinstance(value, int | float)


def _check_rule(whole: Mapping[str, Any], configuration: Mapping[str, Any]) -> None:
    rule = get_rule(whole.get("update_rule", "sgd"))
    known = getattr(rule, "defaults", {})
    for name in sorted((_RULE & set(configuration)) - set(known)):
        raise InputError(
            f"{name} has no meaning for {whole.get('update_rule', 'sgd')}, which has "
            f"{', '.join(known)}: sweep it with another update_rule"
        )
