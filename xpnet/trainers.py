"""Which trainer takes the steps: the fast one for our nets and rules, or the notes' for others."""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from xpnet.checks import check_compiler, check_precision
from xpnet.errors import InputError
from xpnet.members import member_values
from xpnet.metrics import Metric
from xpnet.model_trainer import ModelTrainer
from xpnet.net_trainer import NetTrainer
from xpnet.nets import Net, is_own_net
from xpnet.optim import Rule, UpdateRule, check_range
from xpnet.preprocessing import Preprocessor

__all__ = ["Trainer", "base_rate", "fitting_threads", "make_trainer"]

Trainer: TypeAlias = NetTrainer | ModelTrainer


def make_trainer(
    model: Any,
    rule: Rule,
    optim_config: Mapping[str, Any],
    metric: Metric,
    preprocess: Preprocessor | None,
    *,
    terms: Mapping[str, Any],
    clip_norm: float | np.ndarray | None,
    is_weighted: bool,
    is_scheduled: bool,
    compiled: bool,
    precision: str,
) -> Trainer:
    """Return the trainer that fits.

    Args:
        model: A net of ours, or any model.
        rule: A rule of ours, or any callable.
        optim_config: Its hyperparameters.
        metric: What the checks take.
        preprocess: What batches go through first.
        terms: Options of the loss function that were asked for.
        clip_norm: The largest norm of the gradients, or None.
        is_weighted: Whether samples have weights.
        is_scheduled: Whether the learning rate has a schedule.
        compiled: Whether to compile the steps.
        precision: What the products keep, as `Backend.context` takes it.

    Raises:
        InputError: A hyperparameter is out of range, or something was asked for that only our nets
            with our rules can do.

    """
    members = model.members if isinstance(model, Net) else None
    config = dict(optim_config)
    if isinstance(rule, UpdateRule):
        config = {
            name: member_values(name, value, members)
            for name, value in rule.check_hyperparameters(config).items()
        }
        if is_own_net(model):
            if compiled:
                check_compiler(model.backend)
            check_precision(precision, model)
            return NetTrainer(
                model,
                rule,
                config,
                metric,
                preprocess,
                terms=terms,
                clip_norm=clip_norm,
                compiled=compiled,
            )
    elif "learning_rate" in config:
        check_range("learning_rate", config["learning_rate"])
        rate = member_values("learning_rate", config["learning_rate"], members)
        config["learning_rate"] = rate
    if is_scheduled and "learning_rate" not in config:
        raise InputError(
            "lr_schedule needs a learning rate to multiply: give it in optim_config, such as "
            "{'learning_rate': 1e-3}"
        )
    is_rounded = precision != "float32"
    own = {
        "compile": compiled,
        "precision": is_rounded,
        "sample_weights": is_weighted,
        **terms,
    }
    for name in [name for name, value in own.items() if value is not False]:
        raise InputError(f"{name} is for xpnet's own nets with its own update rules: leave it out")
    if isinstance(model, Net) and model.compute_dtype != model.dtype:
        raise InputError(
            f"a net of {model.dtype} is trained by xpnet's own loss and update rules alone, which "
            "compute in float32: make the net with dtype='float32'"
        )
    return ModelTrainer(model, rule, config, members, metric, preprocess, clip_norm)


def fitting_threads(model: Any, batch_size: int) -> int | None:
    """Return how many threads suit the largest matrix product of a step, or None for all."""
    if not isinstance(model, Net):
        return None
    weights = [shape[-2:] for shape in model.shapes().values() if len(shape) > 1]
    return model.backend.fitting_threads(max(2 * batch_size * math.prod(w) for w in weights))


def base_rate(rule: Rule, optim_config: Mapping[str, Any]) -> Any:
    """Return the learning rate before all scales, or None where the rule keeps it to itself."""
    default = rule.defaults.get("learning_rate") if isinstance(rule, UpdateRule) else None
    rate = optim_config.get("learning_rate", default)
    return None if rate is None else np.asarray(rate)
