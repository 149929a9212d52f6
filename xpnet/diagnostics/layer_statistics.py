"""What each layer of a net does on a batch: its outputs, its gradients and its updates, in numbers.

All is computed on the device, for each member of a stack: nothing here goes to the host.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from xpnet.backends import Array, array_namespace, device
from xpnet.diagnostics.histogram import EDGES, log_sizes, spread, value_shares
from xpnet.diagnostics.layer_outputs import Tap, saturated_share, tapped, weight_names
from xpnet.nets import FullyConnectedNet, Net, Params, Variables

__all__ = ["STATISTICS", "Update", "layer_statistics", "nonfinite_shares"]

# From the parameters and their gradients to the next parameters.
Update: TypeAlias = Callable[[Params, Params], Params]

STATISTICS = (
    *("activation_mean", "activation_std", "zero_share", "dead_share", "saturated_share"),
    *("nonfinite_share", "output_gradient_norm", "gradient_norm", "weight_norm", "update_ratio"),
)


def layer_statistics(
    net: Net,
    variables: Variables,
    x: Array,
    y: Array,
    terms: Mapping[str, Any],
    *,
    update: Update | None = None,
    xp: Any = None,
    tap: Tap | None = None,
) -> dict[str, Array]:
    """Return what each layer does on a batch, in training; pure.

    A layer is an affine or maxout layer and all up to the next one; its outputs are what the next
    one gets. Leave the draws of dropout out of `terms`, as what dropout drops would count as 0; and
    give `reg` 0.0 in them, as the regularisation's gradient hides one that vanishes.

    Args:
        net: A fully connected net, single or a stack.
        variables: Parameters and state.
        x: Inputs (N, D) or (..., N, D), preprocessed.
        y: Labels or targets.
        terms: As in `net.loss_and_gradients`.
        update: Gives the parameters after a step, from those before and the gradients, into which
            alone it may write. Where they are known, `lambda params, grads: after`.
        xp: The namespace, from a caller that has it.
        tap: What `tapped(net)` gives, likewise.

    Returns:
        By name an array of shape (..., layers), the layer of the scores last:

        - `activation_mean`, `activation_std`: of all outputs.
        - `zero_share`: of the outputs, those that are exactly 0.
        - `dead_share`: of the units, those that are 0 for every sample of the batch.
        - `saturated_share`: of the outputs of sigmoid or tanh, those where the slope is below 6% of
          the largest; 0 for other activations.
        - `nonfinite_share`: of the outputs, those that are NaN or infinite.
        - `output_gradient_norm`: of the gradient by the outputs of all samples.
        - `gradient_norm`, `weight_norm`: of the weights, without biases.
        - `update_ratio`: the norm of the weights' change over their norm; NaN without `update`.

        And of shape (..., layers, BINS) which share of the values is in each bin of `EDGES`, by
        `xpnet.diagnostics.histogram.value_shares`:

        - `activations`: the outputs, in standard deviations from their mean.
        - `gradients`: log10 of the sizes of the weights' gradients.

    Raises:
        InputError: The net is of another kind.

    Reference: Stanford CS231n, "Neural Networks Part 2" and "Part 3": distributions of activations
    and gradients by layer, dead units, the ratio of updates to weights. X. Glorot and Y. Bengio,
    "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    """
    tap = tapped(net) if tap is None else tap
    xp = array_namespace(x, *variables.params.values()) if xp is None else xp
    _, grads, _ = tap.net.loss_and_gradients(variables, x, y, terms, xp)
    names, outputs, gradients = weight_names(tap.net), tap.outputs(), tap.output_gradients()
    tap.results.clear()  # of a tap that stays, what was computed need not
    params, rows = variables.params, []
    for i, name in enumerate(names):
        axes = _own_axes(tap.net, params[name])
        row = _of_outputs(tap.net, i, outputs[i], gradients[i], xp)
        rows.append(row | _of_weights(params[name], grads[name], axes, xp))
    after = None if update is None else update(params, grads)  # now that they may be written into
    for row, name in zip(rows, names, strict=True):
        w, norm = params[name], row["weight_norm"]
        change = norm * xp.nan
        if after is not None:
            change = _norm(after[name] - w, _own_axes(tap.net, w), xp)
        row["update_ratio"] = change / xp.maximum(norm, _tiny(w, xp))
    stacked = {name: xp.stack([row[name] for row in rows], axis=-1) for name in STATISTICS}
    return stacked | {name: xp.stack([row[name] for row in rows], axis=-2) for name in EDGES}


def nonfinite_shares(
    net: FullyConnectedNet,
    variables: Variables,
    x: Array,
    y: Array,
    terms: Mapping[str, Any],
    xp: Any,
) -> Array:
    """Return `nonfinite_share` alone, (..., layers), of what `layer_statistics` takes; pure."""
    tap = tapped(net)
    tap.net.loss_and_gradients(variables, x, y, terms, xp)
    return xp.stack([_nonfinite_share(out, xp) for out in tap.outputs()], axis=-1)


def _nonfinite_share(out: Array, xp: Any) -> Array:
    flat = _flat(out, 2, xp)
    return _sum(xp.astype(~xp.isfinite(flat), out.dtype), xp) / flat.shape[-1]


def _of_outputs(
    net: FullyConnectedNet, i: int, out: Array, dout: Array, xp: Any
) -> dict[str, Array]:
    """Return what the outputs (..., N, units) of layer `i` tell, and the gradient by them."""
    num_samples, num_units = out.shape[-2:]
    flat, number = _flat(out, 2, xp), num_samples * num_units
    mean = _sum(flat, xp) / number
    deviations = flat - mean[..., None]
    std = _norm(deviations, 1, xp) / math.sqrt(number)
    zeros = _sum(xp.matrix_transpose(xp.astype(out == 0, out.dtype)), xp)  # by unit
    some = spread(xp.reshape(deviations, out.shape), 2, xp)
    in_std = some / xp.maximum(std, _tiny(out, xp))[..., None]
    return {
        "activation_mean": mean,
        "activation_std": std,
        "zero_share": _sum(zeros, xp) / number,
        "dead_share": _sum(xp.astype(zeros == num_samples, out.dtype), xp) / num_units,
        "saturated_share": saturated_share(net, i, out, xp),
        "nonfinite_share": _nonfinite_share(out, xp),
        "output_gradient_norm": _norm(dout, 2, xp),
        "activations": value_shares(in_std, "activations", xp),
    }


def _of_weights(w: Array, dw: Array, own_axes: int, xp: Any) -> dict[str, Array]:
    """Return what the weights of a layer and their gradient tell."""
    sizes = log_sizes(spread(dw, own_axes, xp), xp)
    return {
        "gradient_norm": _norm(dw, own_axes, xp),
        "weight_norm": _norm(w, own_axes, xp),
        "gradients": value_shares(sizes, "gradients", xp),
    }


def _own_axes(net: FullyConnectedNet, w: Array) -> int:
    """Return how many axes a single net's weights have: maxout has one more than others."""
    return len(w.shape) - (0 if net.members is None else 1)


def _flat(x: Array, own_axes: int, xp: Any) -> Array:
    """Return the values over the last axes as one."""
    count = len(x.shape) - own_axes
    return xp.reshape(x, (*x.shape[:count], math.prod(x.shape[count:])))


# Products, as these take a half or a third of the time of sums, and of a look.
def _sum(x: Array, xp: Any) -> Array:
    """Return the sum over the last axis."""
    return x @ xp.ones(x.shape[-1:], dtype=x.dtype, device=device(x))


def _norm(x: Array, own_axes: int, xp: Any) -> Array:
    """Return the root of the sum of squares over the last axes."""
    flat = _flat(x, own_axes, xp)
    return xp.sqrt((flat[..., None, :] @ flat[..., None])[..., 0, 0])


def _tiny(x: Array, xp: Any) -> float:
    """Return the smallest divisor, for layers whose numbers are all alike, or all 0."""
    return float(xp.finfo(x.dtype).smallest_normal)
