"""Which units are dead or saturated on a whole part of the data, batch by batch."""

from collections.abc import Iterable, Sequence
from typing import Any

from xpnet.backends import Array, array_namespace
from xpnet.diagnostics.layer_outputs import check_layers, saturated_share, tapped
from xpnet.errors import InputError
from xpnet.nets import FullyConnectedNet, Net, Variables

__all__ = ["activity", "over_batches", "validation_statistics"]


def validation_statistics(
    net: Net, variables: Variables, batches: Iterable[Array], *, xp: Any = None
) -> dict[str, Array]:
    """Return which units are dead, and which outputs saturated, on all batches together.

    The net is as in testing.

    Args:
        net: A fully connected net, single or a stack.
        variables: Parameters and state.
        batches: Inputs (N, D) or (..., N, D) each, preprocessed; N may differ.
        xp: The namespace, from a caller that has it.

    Returns:
        `dead_share` and `saturated_share` as in `layer_statistics`, each of shape (..., layers).

    Raises:
        InputError: The net is of another kind, or there is no batch.

    """
    checked = check_layers(net)
    xp = array_namespace(*variables.params.values()) if xp is None else xp
    found = [(int(x.shape[-2]), activity(checked, variables, x, xp)) for x in batches]
    return over_batches(checked, found, xp)


def activity(net: FullyConnectedNet, variables: Variables, x: Array, xp: Any) -> Array:
    """Return one array (..., units + layers) of a batch; pure.

    For every unit of every layer 1 where it is not 0 for some sample, otherwise 0; then the
    saturated share of every layer.
    """
    tap = tapped(net)
    tap.net.scores(variables.params, variables.state, x, xp)
    outputs = tap.outputs()
    live = [xp.max(xp.astype(out != 0, out.dtype), axis=-2) for out in outputs]
    shares = [saturated_share(net, i, out, xp)[..., None] for i, out in enumerate(outputs)]
    return xp.concat([*live, *shares], axis=-1)


def over_batches(
    net: FullyConnectedNet, found: Sequence[tuple[float, Array]], xp: Any
) -> dict[str, Array]:
    """Return the statistics of all batches, from the size or share of each, and its `activity`."""
    if not found:
        raise InputError("dead units are looked for on one batch or more; got none")
    sizes = net.layer_sizes[1:]
    total = sum(size for size, _ in found)
    live = xp.max(xp.stack([one for _, one in found]), axis=0)
    dead, start = [], 0
    for units in sizes:
        dead.append(1.0 - xp.mean(live[..., start : start + units], axis=-1))
        start += units
    weighted = [one[..., start : start + len(sizes)] * (size / total) for size, one in found]
    return {
        "dead_share": xp.stack(dead, axis=-1),
        "saturated_share": xp.sum(xp.stack(weighted), axis=0),
    }
