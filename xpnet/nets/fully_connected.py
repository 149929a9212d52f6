"""The fully connected net of any depth.

Reference: Stanford CS231n, assignment 2 (`fc_net.py`), without its faults.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Self

import numpy as np

from xpnet.backends import Array, Backend, get_backend
from xpnet.errors import InputError
from xpnet.initializers import Initializer, get_initializer
from xpnet.layers import (
    ACTIVATIONS,
    affine_backward,
    affine_forward,
    affine_parameter_gradients,
    draw_dropout,
    keep_threshold,
)
from xpnet.layers.stacked import laid_out_for_one
from xpnet.losses import get_loss
from xpnet.members import member_seeds, member_values, not_negative, take_member
from xpnet.nets.base import Net, Params, Variables
from xpnet.nets.hidden import NORMALIZATIONS, HiddenLayer
from xpnet.nets.initial import (
    MAXOUT_PIECES,
    check_choice,
    check_keep_ratio,
    check_size,
    check_sizes,
    initial_params,
    initial_state,
    place_members,
)
from xpnet.nets.regularisation import add_penalty_gradients, is_regularised, penalty
from xpnet.nets.summary import summary_html, summary_text

__all__ = ["FullyConnectedNet"]

_LOSS_OPTIONS = ("class_weights", "sample_weights", "label_smoothing")


class FullyConnectedNet(Net):
    """Hidden layers of units with an activation, then an affine layer and a loss.

    {affine - [batchnorm or layernorm] - activation - [dropout]} x (L - 1) - affine - loss, for L
    layers. The parameters are `W1 b1 [gamma1 beta1] ... WL bL`: `Wi` of shape (fan_in, fan_out), or
    with maxout (2, fan_in, fan_out) in a hidden layer, and the others of shape (fan_out,), each
    with a leading axis of `members` in a stack. Biases and betas start at zero, gammas at one. With
    batchnorm the state is `running_mean1 running_var1 ...`, of the shapes of the gammas.

    Args:
        hidden_dims: Units of each hidden layer, from the input on; empty for a linear classifier.
        input_dim: D, the number of features of a sample.
        num_classes: C, the number of classes, or of outputs with the squared loss.
        activation: "relu", "leaky_relu", "elu", "selu", "gelu", "mish", "hardshrink", "sigmoid",
            "tanh", "identity" or "maxout"; the table in `xpnet.layers.activations` compares them.
        normalization: None, "batchnorm" or "layernorm".
        dropout_keep_ratio: The share of hidden units that a training step keeps; 1 for no dropout.
        reg: L2 regularisation strength, which enters the loss with the factor 0.5.
        weight_scale: Standard deviation of the notes' Gaussian initial weights; given without an
            initializer, it asks for "gaussian", whose own default is 1e-3.
        initializer: "gaussian", "xavier", "kaiming", "zeros", or a callable `(rng, (fan_in,
            fan_out)) -> NumPy array`; None for what fits the activation, as the table has it:
            Kaiming for ReLU and most of its kin, Xavier for the others.
        loss: "softmax", "svm", or "squared" for regression.
        members: K for a stack of K independent nets, trained at once; None for a single net.
        dtype: "float32" or "float64"; or "float16" or "bfloat16" where the library has them, in
            which parameters are only kept: all is computed in float32, which gradients, losses,
            scores and running means are too.
        device: As in `xpnet.get_backend`.
        seed: Of the initial weights and of dropout, the same on every backend.

    `reg`, `weight_scale`, `dropout_keep_ratio` and `seed` may be sequences of K values, one a
    member.

    Raises:
        InputError: A size is not a positive integer, a name is unknown, or a value out of range.
        BackendError: The device or its dtype cannot be used here.

    """

    def __init__(
        self,
        hidden_dims: Sequence[int],
        input_dim: int = 3 * 32 * 32,
        num_classes: int = 10,
        *,
        activation: str = "relu",
        normalization: str | None = None,
        dropout_keep_ratio: float | Sequence[float] = 1.0,
        reg: float | Sequence[float] = 0.0,
        weight_scale: float | Sequence[float] | None = None,
        initializer: str | Initializer | None = None,
        loss: str = "softmax",
        members: int | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int | Sequence[int] = 0,
    ) -> None:
        sizes = [
            check_size("input_dim", input_dim),
            *check_sizes("hidden_dims", hidden_dims),
            check_size("num_classes", num_classes),
        ]
        self.members = None if members is None else check_size("members", members)
        self.activation = check_choice("activation", activation, (*ACTIVATIONS, "maxout"))
        self.normalization = check_choice("normalization", normalization, (None, *NORMALIZATIONS))
        self.reg = not_negative("reg", member_values("reg", reg, members))
        self.dropout_keep_ratio = check_keep_ratio(dropout_keep_ratio, members)
        self.loss_name = loss
        self._loss = get_loss(loss)
        self.is_regression = loss == "squared"
        self.seeds = member_seeds(seed, members)
        self.preprocess = None
        self.num_layers = len(sizes) - 1
        self._weight_names = [f"W{i}" for i in range(1, self.num_layers + 1)]
        self._last_names = (f"W{self.num_layers}", f"b{self.num_layers}")
        # On the net, as the loss is, so that a profile can watch them.
        self._affine: tuple[Callable[..., Any], ...]
        scores = partial(affine_forward, by_columns=True)
        self._affine = (scores, affine_backward, affine_parameter_gradients)
        self._penalty: tuple[Callable[..., Any], ...] = (penalty, add_penalty_gradients)
        has_norm = normalization is not None
        backend = get_backend(device)
        self._as_one = self._goes_as_one(backend, sizes[0])
        self._hidden = [
            HiddenLayer(i, activation, normalization, as_one=self._as_one and i == 1)
            for i in range(1, self.num_layers)
        ]
        if initializer is None and weight_scale is None:
            initializer = _fitting_initializer(activation)
        scale = 1e-3 if weight_scale is None else weight_scale
        scales = not_negative("weight_scale", member_values("weight_scale", scale, members))
        draws = [
            (get_initializer(initializer, one), one_seed)
            for one, one_seed in zip(
                np.broadcast_to(scales, (self.members or 1,)).tolist(), self.seeds, strict=True
            )
        ]
        pieces = MAXOUT_PIECES if activation == "maxout" else None
        self.params = place_members(
            lambda k: initial_params(sizes, *draws[k], pieces=pieces, has_norm=has_norm),
            *(members, backend.dtype(dtype), backend),
        )
        self.state = place_members(
            lambda _: initial_state(self.state_shapes()), members, self.compute_dtype, backend
        )

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layer_sizes))
        extras = [self.activation, self.loss_name]
        extras += [] if self.normalization is None else [self.normalization]
        extras += ["dropout"] if self.has_dropout else []
        extras += [] if self.members is None else [f"members={self.members}"]
        return f"{type(self).__name__}({sizes}, {', '.join(extras)}, {self.backend.description})"

    def __rich_repr__(self) -> Iterator[tuple[Any, ...]]:
        """Yield what the `rich` library shows of the net."""
        yield "layer_sizes", self.layer_sizes
        yield "activation", self.activation
        yield "normalization", self.normalization, None
        yield "dropout_keep_ratio", self.dropout_keep_ratio, 1.0
        yield "loss", self.loss_name
        yield "members", self.members, None
        yield "backend", self.backend.description

    def _repr_html_(self) -> str:
        """Return the table of layers, for notebooks."""
        return summary_html(self)

    def summary(self) -> str:
        """Return a table of the layers: output shapes, parameters, state and memory."""
        return summary_text(self)

    @property
    def takes_samples_alone(self) -> bool:
        """Whether the training loss is the mean of its samples', so that batches have parts.

        With BatchNorm it is not; and dropout's masks are drawn for a whole batch.
        """
        return self.normalization != "batchnorm" and not self.has_dropout

    @property
    def has_dropout(self) -> bool:
        """Whether a training step leaves units out."""
        ratio = self.dropout_keep_ratio
        return ratio < 1 if isinstance(ratio, float) else bool(np.any(np.asarray(ratio) < 1))

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """The features of a sample, the units of each hidden layer, and the classes."""
        weights = [self.params[name] for name in self._weight_names]
        return (int(weights[0].shape[-2]), *(int(w.shape[-1]) for w in weights))

    @property
    def input_dim(self) -> int:
        """The number of features of a sample."""
        return int(self.params["W1"].shape[-2])

    @property
    def num_classes(self) -> int:
        """The number of scores of a sample."""
        return int(self.params[f"W{self.num_layers}"].shape[-1])

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that fit together, with the sizes that the weights give."""
        names = self._weight_names
        if any(name not in self.params or len(self.params[name].shape) < 2 for name in names):
            listed = ", ".join(f"{name} {tuple(w.shape)}" for name, w in self.params.items())
            raise InputError(
                f"params needs {', '.join(names)}, of two axes or more each; it has {listed}"
            )
        shapes: dict[str, tuple[int, ...]] = {}
        sizes = self.layer_sizes
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes), 1):
            pieces = () if i == self.num_layers or self.activation != "maxout" else (MAXOUT_PIECES,)
            shapes |= {f"W{i}": (*pieces, fan_in, fan_out), f"b{i}": (*pieces, fan_out)}
            if i < self.num_layers and self.normalization is not None:
                shapes |= {f"gamma{i}": (fan_out,), f"beta{i}": (fan_out,)}
        return shapes

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the running means and variances."""
        units = self.layer_sizes[1:]
        return {
            name: (units[i],) for i, layer in enumerate(self._hidden) for name in layer.state_names
        }

    def _goes_as_one(self, backend: Backend, features: int) -> bool:
        """Return whether the first layer takes one product for all members.

        Members of one seed share each batch; others have batches of their own.
        """
        least = backend.one_product_from
        is_for_it = self.num_layers > 1 and self.activation != "maxout"
        is_shared = self.members is not None and len(set(self.seeds)) == 1
        return is_for_it and is_shared and least is not None and features >= least

    def laid_out(self, params: Params) -> Params:
        """Return the parameters, the first weights so that all of a stack are one matrix."""
        if not self._as_one:
            return params
        return {**params, "W1": laid_out_for_one(params["W1"], self.backend.xp)}

    def check(self) -> None:
        """Raise InputError unless parameters, state and settings fit, whoever assigned them."""
        super().check()
        check_keep_ratio(self.dropout_keep_ratio, self.members)

    def constants(self) -> dict[str, Any]:
        """Return the regularisation, and with dropout the share of units kept."""
        constants = super().constants()
        if self.has_dropout:
            ratio = self.dropout_keep_ratio
            threshold = keep_threshold(ratio)
            constants["keep_ratio"] = self.device_values("dropout_keep_ratio", ratio)
            constants["keep_threshold"] = (
                threshold if isinstance(threshold, int) else self.backend.asarray(threshold)
            )
        return constants

    def draws(self, step: int, num_samples: int) -> dict[str, np.ndarray]:
        """Return the random numbers of dropout; members of equal seed share theirs."""
        if not self.has_dropout:
            return {}
        shapes = [(num_samples, units) for units in self.layer_sizes[1:-1]]
        by_seed = {seed: draw_dropout(seed, step, shapes) for seed in set(self.seeds)}
        names = [layer.draws_name for layer in self._hidden]
        if len(by_seed) == 1:
            return dict(zip(names, by_seed[self.seeds[0]], strict=True))
        return {
            name: np.stack([by_seed[seed][i] for seed in self.seeds])
            for i, name in enumerate(names)
        }

    def member(self, k: int) -> Self:
        """Return member `k` of a stack as a single net with copies of its parameters.

        Raises:
            InputError: The net is no stack, or has no member of that number.

        """
        is_number = isinstance(k, int | np.integer) and not isinstance(k, bool)
        if self.members is None or not (is_number and 0 <= k < self.members):
            raise InputError(f"no member {k!r}: the net has {self.members or 'no'} members")
        solo = copy.copy(self)
        solo.members = None
        solo._as_one = False
        solo.reg = float(np.broadcast_to(self.reg, (self.members,))[k])
        kept = np.broadcast_to(self.dropout_keep_ratio, (self.members,))
        solo.dropout_keep_ratio = float(kept[k])
        solo.seeds = [self.seeds[k]]
        solo.params = take_member(self.params, k)
        solo.state = take_member(self.state, k) if self.state else {}
        return solo

    def scores(self, params: Params, state: Params, x: Array, xp: Any) -> Array:
        """Return scores (..., N, C) for inputs (N, D) or (..., N, D), as in testing; pure."""
        variables = Variables(params, state)
        for layer in self._hidden:
            x, _, _ = layer.forward(x, variables, None, xp)
        weight, bias = self._last_names
        return self._affine[0](x, params[weight], params[bias], xp=xp)[0]

    def loss_and_gradients(
        self, variables: Variables, x: Array, y: Array, terms: Mapping[str, Any], xp: Any
    ) -> tuple[Array, Params, Params]:
        """Return the training loss, its gradient by each parameter, and the next state; pure."""
        params, layers = variables.params, self._hidden
        (weight, bias), caches, state = self._last_names, [], dict(variables.state)
        forward, backward, parameter_gradients = self._affine
        for layer in layers:
            x, cache, following = layer.forward(x, variables, terms, xp)
            caches.append(cache)
            state.update(following)
        scores, affine = forward(x, params[weight], params[bias], xp=xp)
        options = {name: terms[name] for name in _LOSS_OPTIONS if name in terms}
        loss, dout = self._loss(scores, y, **options, xp=xp)
        grads: Params = dict.fromkeys(params)  # in the order of the parameters
        if layers:
            dout, grads[weight], grads[bias] = backward(dout, affine, xp=xp)
        else:
            grads[weight], grads[bias] = parameter_gradients(dout, affine, xp=xp)
        for i in reversed(range(len(layers))):
            dout, own = layers[i].backward(dout, caches[i], is_first=i == 0, xp=xp)
            grads.update(own)
        if is_regularised(terms["reg"]):
            added, add_gradients = self._penalty
            loss = loss + added(params, self._weight_names, terms["reg"], xp)
            add_gradients(grads, params, self._weight_names, terms["reg"], xp)
        return loss, grads, state

    def objective(self, params: Params, scores: Array, y: Array, reg: Array, xp: Any) -> Array:
        """Return the loss alone, of the member shape, from scores; pure."""
        loss, _ = self._loss(scores, y, xp=xp)
        return loss + penalty(params, self._weight_names, reg, xp) if is_regularised(reg) else loss


def _fitting_initializer(activation: str) -> str:
    """Return the name of the initialiser that fits the activation."""
    if activation == "maxout":
        # The larger of two pieces of mean 0 has the mean square of either: Kaiming would double it.
        return "xavier"
    return ACTIVATIONS[activation].initializer_name
