"""Every hyperparameter of a run on the command line: what was given, and the defaults."""

import argparse
from typing import Any

from xpnet.errors import InputError
from xpnet.layers import ACTIVATIONS
from xpnet.optim import RULES
from xpnet.presets import EXTRAS, preset

__all__ = ["RULE_OPTIONS", "hyperparameters", "optim_config", "worth_saying"]

RULE_OPTIONS = {
    "momentum": "share of the last step that is kept (sgd_momentum, nesterov_momentum)",
    "decay_rate": "decay of the running mean square (rmsprop)",
    "beta1": "decay of the running mean of the gradient (adam, adamw)",
    "beta2": "decay of the running mean of its square (adam, adamw)",
    "epsilon": "added to the root, against division by 0 (rmsprop, adam, adamw)",
    "weight_decay": "decoupled weight decay (adamw)",
}


def hyperparameters(
    options: argparse.Namespace, num_train: int, *, is_regression: bool = False
) -> dict[str, Any]:
    """Return every hyperparameter of a run: what was given, and the data set's defaults.

    The default batch is no larger than the training set, and the default initialiser fits the
    activation.

    Raises:
        InputError: An option was given that the others leave without a meaning.

    """
    defaults = {**preset(options.dataset, options.update_rule), **EXTRAS}
    defaults["loss"] = "squared" if is_regression else "softmax"
    chosen = {
        name: default if getattr(options, name) is None else getattr(options, name)
        for name, default in defaults.items()
    }
    if options.batch_size is None:
        chosen["batch_size"] = min(chosen["batch_size"], num_train)
    if options.initializer is None and options.weight_scale is None and not _is_the_notes(chosen):
        chosen["initializer"] = _fitting(chosen["activation"])
    if chosen["initializer"] != "gaussian":
        del chosen["weight_scale"]
    if options.weight_scale is not None and chosen["initializer"] != "gaussian":
        raise InputError(
            f"--weight-scale {options.weight_scale} has no meaning for {chosen['initializer']}, "
            "which has a scale of its own: leave it out or choose --initializer gaussian"
        )
    for name in ("seed", "dtype", "sampling", "preprocess"):
        chosen[name] = getattr(options, name)
    return {**chosen, **optim_config(options, chosen)}


def worth_saying(chosen: dict[str, Any]) -> str:
    """Return the hyperparameters as one line, without the extras that were not asked for."""
    said = {name: v for name, v in chosen.items() if name not in EXTRAS or v != EXTRAS[name]}
    if said.get("loss") == "softmax":
        del said["loss"]
    said["hidden_dims"] = ",".join(map(str, chosen["hidden_dims"]))
    return ", ".join(f"{name} {value}" for name, value in said.items())


def optim_config(options: argparse.Namespace, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters of the chosen update rule, its own defaults included.

    Raises:
        InputError: An option was given that belongs to another rule.

    """
    rule = RULES[chosen["update_rule"]]
    config = {"learning_rate": chosen["learning_rate"]}
    for name in RULE_OPTIONS:
        given = getattr(options, name)
        if given is not None and name not in rule.defaults:
            raise InputError(
                f"--{name.replace('_', '-')} {given} has no meaning for {rule.name}, which has "
                f"{', '.join(rule.defaults)}: leave it out or choose another --update-rule"
            )
        if name in rule.defaults:
            config[name] = rule.defaults[name] if given is None else given
    return config


def _is_the_notes(chosen: dict[str, Any]) -> bool:
    """Return whether this is the notes' net, which their small Gaussian weights suit.

    In a deeper one they leave nothing to learn from; BatchNorm would hide it, but not all do.
    """
    one_layer = len(chosen["hidden_dims"]) == 1 and chosen["normalization"] == "none"
    return one_layer and chosen["activation"] == "relu"


def _fitting(activation: str) -> str:
    """Return the initialiser that fits the activation."""
    return ACTIVATIONS[activation].initializer_name if activation in ACTIVATIONS else "xavier"
