"""The outputs of each layer of a net, taken from its own pass, and the names of the layers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from xpnet.backends import Array
from xpnet.errors import InputError
from xpnet.nets import FullyConnectedNet, Net
from xpnet.nets.watched import piece_of, watched_net

__all__ = ["Tap", "check_layers", "layer_names", "saturated_share", "tapped", "weight_names"]

# Where |t| is larger, the slope 1 - t^2 is below 6% of the largest: of tanh t is the output, and of
# the sigmoid 2 out - 1, as tanh(x) = 2 sigmoid(2 x) - 1; there that is an output beyond 0.985.
_SATURATED = 0.97


class Tap(NamedTuple):
    """A net of the same parameters, its layers' names, and what its parts have returned since.

    `results` has what each returned by the direction and the piece of the net, and `loss` there
    the loss and its gradient by the scores.
    """

    net: FullyConnectedNet
    layers: list[str]
    results: dict[tuple[str, str], Any]

    def outputs(self) -> list[Array]:
        """Return the outputs of each layer, (..., N, units), the scores last."""
        return [self.results["forward", piece][0] for piece in self.layers]

    def output_gradients(self) -> list[Array]:
        """Return the gradient of the loss by the outputs of each layer, of their shapes."""
        later = [self.results["backward", piece][0] for piece in self.layers[1:]]
        return [*later, self.results["forward", "loss"][1]]


def tapped(net: Net) -> Tap:
    """Return a net that computes as `net` does, and notes what its layers return.

    Raises:
        InputError: The net is of another kind.

    """
    checked = check_layers(net)
    results: dict[tuple[str, str], Any] = {}
    loss = f"loss ({checked.loss_name})"

    def watch(
        phase: str, piece: str, function: Callable[..., Any], part: str = ""
    ) -> Callable[..., Any]:
        if part:  # of a hidden layer, which is noted as a whole
            return function

        def noted(*args: Any, **kwargs: Any) -> Any:
            results[phase, "loss" if piece == loss else piece] = result = function(*args, **kwargs)
            return result

        return noted

    seen: Any = watched_net(checked, watch)
    return Tap(seen, layer_names(checked), results)


def check_layers(net: Any) -> FullyConnectedNet:
    """Return the net, or raise InputError unless its layers can be looked into."""
    own = FullyConnectedNet.loss_and_gradients
    if isinstance(net, FullyConnectedNet) and type(net).loss_and_gradients is own:
        return net
    raise InputError(
        "only the layers of a FullyConnectedNet, with its own loss_and_gradients, can be looked "
        f"into; got {type(net).__name__}"
    )


def weight_names(net: FullyConnectedNet) -> list[str]:
    """Return the names of the weights, W1 to that of the scores, one a layer."""
    return [f"W{i}" for i in range(1, net.num_layers + 1)]


def layer_names(net: FullyConnectedNet) -> list[str]:
    """Return the names of the layers, such as "hidden 1 (64-100, relu)" and "output (100-10)"."""
    return [piece_of(net, name) for name in weight_names(net)]


def saturated_share(net: FullyConnectedNet, i: int, out: Array, xp: Any) -> Array:
    """Return which share of the outputs (..., N, units) of layer `i`, from 0, is saturated."""
    is_hidden = i + 1 < net.num_layers
    if is_hidden and net.activation in ("sigmoid", "tanh"):
        t = 2.0 * out - 1.0 if net.activation == "sigmoid" else out
        return xp.mean(xp.astype(xp.abs(t) > _SATURATED, out.dtype), axis=(-2, -1))
    return xp.zeros_like(out[..., 0, 0])
