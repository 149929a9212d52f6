"""One step of a training: a batch, the gradients, and the update rule on every parameter."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from xpnet.backends import Array
from xpnet.backends.base import Step
from xpnet.batch_parts import mean_over_parts
from xpnet.data.batches import gather, take_rows
from xpnet.members import per_member
from xpnet.nets import Net, Params, Variables
from xpnet.optim import UpdateRule, clip_by_global_norm
from xpnet.optim.base import Slots
from xpnet.own_classes import are_ours
from xpnet.preprocessing import Preprocessor

__all__ = ["make_step", "updated"]


def make_step(
    net: Net,
    rule: UpdateRule,
    preprocess: Preprocessor | None,
    *,
    fixed: Mapping[str, Any],
    dtype: Any,
    xp: Any,
    gather: Callable[..., Any] = gather,
    clip: Callable[..., Any] = clip_by_global_norm,
) -> Step:
    """Return the pure step `((variables, slots), data, draw) -> ((variables, slots), loss)`.

    Args:
        net: The net.
        rule: The update rule.
        preprocess: What a batch goes through first.
        fixed: The terms of the loss that are numbers, constants of a compiled step.
        dtype: The dtype of the arithmetic.
        xp: The namespace.
        gather: What takes a batch's rows; a profile gives one that it watches.
        clip: Likewise what clips gradients.

    The step takes `data` with X, y, the preprocessor's `numbers`, the `terms` that are arrays and
    perhaps `weights`; and `draw` with the batch's `rows`, the rule's `coefficients` and what the
    `net` draws. Streamed inputs are no `data`: the batch itself, (B, D) or (members, B, D), is
    `draw["X"]`.

    """
    member_axes = 0 if net.members is None else 1
    samples_at_once = _samples_at_once(net, preprocess)

    def gradients(variables: Variables, data: Any, draw: Any, rows: Array) -> Any:
        if "X" in data:
            x, y = gather(data["X"], data["y"], rows, dtype, xp)
        else:  # the inputs are streamed; the copy is a preprocessor's to write into
            x = xp.astype(draw["X"], dtype, copy=True)
            y = take_rows(data["y"], rows, xp)
        if preprocess is not None:
            x = preprocess.apply(x, data["numbers"], xp)
        terms = {**fixed, **data["terms"], **draw["net"]}
        if "weights" in data:
            terms["sample_weights"] = take_rows(data["weights"], rows, xp)
        return net.loss_and_gradients(variables, x, y, terms, xp)

    def step(carry: Any, data: Any, draw: Any) -> Any:
        variables, slots = carry
        size = samples_at_once(data, draw["rows"])
        loss, grads, state = mean_over_parts(
            partial(gradients, variables, data, draw), draw["rows"], size
        )
        terms = {**fixed, **data["terms"]}
        if terms["clip_norm"] is not None:
            grads = clip(grads, terms["clip_norm"], member_axes, xp=xp)
        next_params, next_slots = updated(
            rule, variables.params, grads, slots, draw["coefficients"], member_axes, xp
        )
        return (Variables(next_params, state), next_slots), loss

    return step


def _samples_at_once(net: Net, preprocess: Preprocessor | None) -> Callable[[Any, Array], int]:
    """Return what says how many samples of a batch to take at once: all, where parts may differ.

    They may where samples have weights, and in code of others, which sees what a batch is.
    """
    whole = not (net.takes_samples_alone and are_ours(net, preprocess))
    at_once = net.backend.samples_at_once
    num_parameters = sum(math.prod(shape) for shape in net.shapes().values())

    def samples_at_once(data: Any, rows: Array) -> int:
        batch_size: int = rows.shape[-1]
        are_weighted = "weights" in data or "class_weights" in data["terms"]
        if whole or are_weighted or "X" not in data:
            return batch_size
        return at_once(batch_size, data["X"].shape[-1], num_parameters)

    return samples_at_once


def updated(
    rule: UpdateRule,
    params: Params,
    grads: Params,
    slots: Mapping[str, Slots],
    coefficients: Mapping[str, Array],
    member_axes: int,
    xp: Any,
) -> tuple[Params, dict[str, Slots]]:
    """Return the next parameters and slots, writing into all that is given where the rule can."""
    next_params, next_slots = {}, {}
    c: Mapping[str, Array] = coefficients
    for name, w in params.items():
        next_slots[name] = own_slots = dict(slots[name])
        if member_axes:
            c = {key: per_member(value, w, xp=xp) for key, value in coefficients.items()}
        next_params[name] = rule.apply(w, grads[name], own_slots, c, xp)
    return next_params, next_slots
