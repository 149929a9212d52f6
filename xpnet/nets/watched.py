"""A net whose parts tell of every call: what a profile measures, and how it names the pieces."""

import copy
import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from xpnet.nets.base import Net
from xpnet.nets.fully_connected import FullyConnectedNet
from xpnet.nets.hidden import HiddenLayer

__all__ = ["Watch", "piece_of", "watched_net", "with_watched"]

# From a phase, a piece of it, a function and perhaps a part of the piece to a function that does
# the same and is measured.
Watch: TypeAlias = Callable[..., Callable[..., Any]]
_T = TypeVar("_T")


def with_watched(owner: _T, watch: Watch, **methods: tuple[str, str]) -> _T:
    """Return a shallow copy of `owner` whose named methods are watched as (phase, piece)."""
    seen = copy.copy(owner)
    for name, (phase, piece) in methods.items():
        setattr(seen, name, watch(phase, piece, getattr(owner, name)))
    return seen


def watched_net(net: Net, watch: Watch) -> Net:
    """Return a net of the same parameters, in a dictionary of its own, whose parts are watched.

    A net that computes its loss in its own way has one piece for loss and gradients.
    """
    seen = copy.copy(net)
    seen.params, seen.state = dict(net.params), dict(net.state)
    if not (isinstance(net, FullyConnectedNet) and isinstance(seen, FullyConnectedNet)):
        return with_watched(seen, watch, loss_and_gradients=("gradients", "loss and gradients"))
    if type(net).loss_and_gradients is not FullyConnectedNet.loss_and_gradients:
        return with_watched(seen, watch, loss_and_gradients=("gradients", "loss and gradients"))
    if net.has_dropout:
        seen = with_watched(seen, watch, draws=("batch", "dropout's numbers drawn"))
    seen._hidden = [
        _watched_layer(layer, piece_of(net, layer.weight_name), net.activation, watch)
        for layer in net._hidden
    ]
    seen._affine = _both_ways(piece_of(net, net._last_names[0]), "", net._affine, watch)
    seen._loss = watch("forward", f"loss ({net.loss_name})", net._loss)
    seen._penalty = _both_ways("regularisation", "", net._penalty, watch)
    return seen


def _watched_layer(layer: HiddenLayer, piece: str, activation: str, watch: Watch) -> HiddenLayer:
    """Return the layer with its parts watched, and what is left of it."""
    seen = copy.copy(layer)
    affine = "affine" if layer.activation is not None else "maxout"
    norm = "batchnorm" if layer.state_names else "layernorm"
    seen.affine = _both_ways(piece, affine, layer.affine, watch)
    seen.norm = _both_ways(piece, norm, layer.norm, watch)
    seen.dropout = _both_ways(piece, "dropout", layer.dropout, watch)
    if seen.activation is not None:
        forward, backward = _both_ways(piece, activation, seen.activation[:2], watch)
        seen.activation = seen.activation._replace(forward=forward, backward=backward)
    return with_watched(seen, watch, forward=("forward", piece), backward=("backward", piece))


def _both_ways(
    piece: str, part: str, functions: tuple[Callable[..., Any], ...], watch: Watch
) -> tuple[Callable[..., Any], ...]:
    """Return a forward function and its backward ones, watched."""
    forward, *backward = functions
    return (
        watch("forward", piece, forward, part),
        *(watch("backward", piece, function, part) for function in backward),
    )


def piece_of(net: Any, name: str) -> str:
    """Return the piece that a parameter belongs to: its layer where the net has such."""
    found = re.fullmatch(r"\D+(\d+)", name)
    if not isinstance(net, FullyConnectedNet) or found is None:
        return name
    i, sizes = int(found[1]), net.layer_sizes
    shape = f"{sizes[i - 1]}-{sizes[i]}"
    if i == net.num_layers:
        return f"output ({shape})"
    parts = [shape, *([] if net.normalization is None else [net.normalization]), net.activation]
    parts += ["dropout"] if net.has_dropout else []
    return f"hidden {i} ({', '.join(parts)})"
