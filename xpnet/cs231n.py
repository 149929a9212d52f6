"""The names of the Stanford CS231n assignments' fully connected part, with the course's call forms.

A notebook that was written for them runs when its imports are pointed here, whichever module of the
course they name (classifiers.fc_net, layers, layer_utils, optim, solver, gradient_check, data_utils
or vis_utils): `from cs231n.layers import *` becomes `from xpnet.cs231n import *`. For all at once:

    sed -i -E 's/from cs231n[a-z_.]*/from xpnet.cs231n/' NOTEBOOK.ipynb

The arithmetic is the library's. Other than in the course, wrong input is refused with a sentence,
nothing but the numerical gradients writes into an array, and the Solver goes through the samples in
shuffled order and stops when it diverges.

Random numbers are those of `numpy.random`, which notebooks seed: initial weights, and the masks of
`dropout_forward` and of nets with a seed. Only the order of the samples, and the masks of nets
without a seed, are the library's own.

Reference: Stanford CS231n, assignments 1 and 2, https://cs231n.github.io/.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from xpnet import layers, nets, optim, saving, solver
from xpnet.backends import Array, array_namespace, backend_of, device
from xpnet.data import load
from xpnet.errors import InputError
from xpnet.layers import (
    BatchNormState,
    affine_backward,
    affine_forward,
    affine_relu_backward,
    affine_relu_forward,
    batchnorm_backward,
    layernorm_backward,
    relu_backward,
    relu_forward,
)
from xpnet.losses import softmax_loss, svm_loss
from xpnet.members import member_values

__all__ = [
    "FullyConnectedNet",
    "Solver",
    "TwoLayerNet",
    "adam",
    "affine_backward",
    "affine_forward",
    "affine_relu_backward",
    "affine_relu_forward",
    "batchnorm_backward",
    "batchnorm_backward_alt",
    "batchnorm_forward",
    "dropout_backward",
    "dropout_forward",
    "eval_numerical_gradient",
    "eval_numerical_gradient_array",
    "get_CIFAR10_data",
    "layernorm_backward",
    "layernorm_forward",
    "relu_backward",
    "relu_forward",
    "rmsprop",
    "sgd",
    "sgd_momentum",
    "softmax_loss",
    "svm_loss",
    "visualize_grid",
]

Config: TypeAlias = dict[str, Any]

batchnorm_backward_alt = batchnorm_backward  # the library's is the short form already


def batchnorm_forward(x: Array, gamma: Array, beta: Array, bn_param: Config) -> tuple[Array, Any]:
    """Return the output and the cache, as `xpnet.layers.batchnorm_forward` computes them.

    `bn_param` has the mode, "train" or "test", and may have momentum (0.9), eps (1e-5), and
    running_mean and running_var (zeros), whose next values are written into it.
    """
    xp, names = array_namespace(x), ("running_mean", "running_var")
    zeros = xp.zeros((*x.shape[:-2], *x.shape[-1:]), dtype=x.dtype, device=device(x))
    out, following, cache = layers.batchnorm_forward(
        x,
        gamma,
        beta,
        BatchNormState(*(bn_param.get(name, zeros) for name in names)),
        train=_is_training("batchnorm", bn_param),
        momentum=bn_param.get("momentum", 0.9),
        eps=bn_param.get("eps", 1e-5),
    )
    bn_param.update(zip(names, following, strict=True))
    return out, cache


def layernorm_forward(x: Array, gamma: Array, beta: Array, ln_param: Config) -> tuple[Array, Any]:
    """Return the output and the cache; `ln_param` may have eps (1e-5)."""
    return layers.layernorm_forward(x, gamma, beta, eps=ln_param.get("eps", 1e-5))


def dropout_forward(x: Array, dropout_param: Config) -> tuple[Array, Any]:
    """Return the output and the cache.

    `dropout_param` has the mode, "train" or "test", and p, the chance of an element to be kept.
    With a seed in it, each call drops the same ones.
    """
    if not _is_training("dropout", dropout_param):
        return x, None
    p = member_values("dropout: p", dropout_param.get("p"), None)
    draws = backend_of(x).asarray(_draws(x.shape, dropout_param.get("seed")))
    return layers.dropout_forward(x, draws, p)


def dropout_backward(dout: Array, cache: Any) -> Array:
    """Return the gradient by the input."""
    return dout if cache is None else layers.dropout_backward(dout, cache)


def sgd(w: Array, dw: Array, config: Config | None = None) -> tuple[Array, Config]:
    """Return the next w and the config, which has learning_rate (1e-2)."""
    return _updated(optim.sgd, w, dw, config)


def sgd_momentum(w: Array, dw: Array, config: Config | None = None) -> tuple[Array, Config]:
    """Return the next w and the config: learning_rate (1e-2), momentum (0.9), velocity."""
    return _updated(optim.sgd_momentum, w, dw, config)


def rmsprop(w: Array, dw: Array, config: Config | None = None) -> tuple[Array, Config]:
    """Return the next w and the config: learning_rate (1e-2), decay_rate (0.99), epsilon, cache."""
    return _updated(optim.rmsprop, w, dw, config)


def adam(w: Array, dw: Array, config: Config | None = None) -> tuple[Array, Config]:
    """Return the next w and the config: learning_rate (1e-3), beta1, beta2, epsilon, m, v, t."""
    return _updated(optim.adam, w, dw, config)


class FullyConnectedNet(nets.FullyConnectedNet):
    """`xpnet.FullyConnectedNet` with the course's arguments, ReLU and the softmax loss.

    `weight_scale` is the standard deviation of the initial weights. With a `seed`, every training
    loss drops the same units, as a gradient check wants it.
    """

    def __init__(
        self,
        hidden_dims: Sequence[int],
        input_dim: int = 3 * 32 * 32,
        num_classes: int = 10,
        dropout_keep_ratio: float = 1,
        normalization: str | None = None,
        reg: float = 0.0,
        weight_scale: float = 1e-2,
        dtype: Any = np.float32,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            *(hidden_dims, input_dim, num_classes),
            dropout_keep_ratio=dropout_keep_ratio,
            normalization=normalization,
            reg=reg,
            weight_scale=weight_scale,
            initializer=lambda _, shape: weight_scale * np.random.standard_normal(shape),  # noqa: NPY002
            dtype=np.dtype(dtype).name,
        )
        self._mask_seed = seed

    def draws(self, step: int, num_samples: int) -> dict[str, np.ndarray]:
        """Return the random numbers of dropout in a step."""
        draws = super().draws(step, num_samples)
        if self._mask_seed is None:
            return draws
        return {name: _draws(draw.shape, self._mask_seed) for name, draw in draws.items()}

    def save(self, fname: str) -> None:
        """Write the net to a file, which `xpnet.load` reads."""
        saving.save(self, fname)


class TwoLayerNet(FullyConnectedNet):
    """Affine, ReLU, affine and the softmax loss, in float64."""

    def __init__(
        self,
        input_dim: int = 3 * 32 * 32,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
    ) -> None:
        sizes = [hidden_dim], input_dim, num_classes
        super().__init__(*sizes, reg=reg, weight_scale=weight_scale, dtype=np.float64)


class Solver(solver.Solver):
    """`xpnet.Solver` with the course's checkpoints, and with batches larger than the data.

    With `checkpoint_name="run"` the net is written to run_epoch_1.safetensors and so on, which
    `xpnet.load` reads. Where there are fewer training samples than `batch_size`, a step takes all
    of them.

    Raises:
        InputError: As in `xpnet.Solver`, or the model to be written is none of xpnet's.

    """

    def __init__(
        self,
        model: Any,
        data: Mapping[str, Any],
        *,
        batch_size: int = 100,
        checkpoint_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if checkpoint_name is not None:
            if not isinstance(model, nets.FullyConnectedNet):
                raise InputError(
                    "checkpoint_name is for xpnet's own nets: leave it out, and save the params of "
                    f"{type(model).__name__} with numpy.savez"
                )
            kwargs["callbacks"] = (*kwargs.get("callbacks", ()), _Checkpoints(checkpoint_name))
        super().__init__(model, data, batch_size=_at_most_all(batch_size, data), **kwargs)

    def resume(self, path: Any, *, num_epochs: Any = None) -> None:
        """Raise InputError: what this Solver writes are nets."""
        raise InputError(
            "the course's checkpoints are nets, which xpnet.load reads: to go on with a training "
            "take xpnet.Solver, whose checkpoints hold all of it"
        )


def eval_numerical_gradient(
    f: Callable[[np.ndarray], Any], x: np.ndarray, verbose: bool = True, h: float = 1e-5
) -> np.ndarray:
    """Return the gradient of the number f(x) by central differences, and print it if verbose.

    `x` itself is changed while f is called, since f may be the loss of a net whose parameter x is;
    at the end it is as before.
    """
    grad = eval_numerical_gradient_array(f, x, 1.0, h)
    if verbose:
        for index, value in np.ndenumerate(grad):
            print(index, value)
    return grad


def eval_numerical_gradient_array(
    f: Callable[[np.ndarray], Any], x: np.ndarray, df: Any, h: float = 1e-5
) -> np.ndarray:
    """Return the gradient of sum(f(x) df) by central differences.

    `x` itself is changed while f is called; at the end it is as before.

    Raises:
        InputError: `x` is no NumPy array of floats that can be changed.

    """
    if not (isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.flags.writeable):
        raise InputError(
            "x must be a NumPy array of floats that can be written, as it is changed in place; got "
            f"{type(x).__name__} of {getattr(x, 'dtype', 'no dtype')}: copy or cast it first"
        )
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept, outputs = x[index], []
        try:
            for moved in (kept + h, kept - h):
                x[index] = moved
                outputs.append(np.array(f(x)))  # a copy, as f may return x itself
        finally:
            x[index] = kept
        grad[index] = np.sum((outputs[0] - outputs[1]) * df) / (2 * h)
    return grad


def visualize_grid(Xs: np.ndarray, ubound: float = 255.0, padding: int = 1) -> np.ndarray:
    """Return pictures (N, H, W, C) as one, in rows of ceil(sqrt(N)), with 0 between them.

    Each picture is stretched over 0 to `ubound` by itself.

    Raises:
        InputError: There is no picture, or `Xs` has other axes.

    """
    if Xs.ndim != 4 or 0 in Xs.shape:
        raise InputError(f"Xs must hold pictures of shape (N, H, W, C); got {Xs.shape}")
    count, height, width, channels = Xs.shape
    side = math.ceil(math.sqrt(count))
    low = Xs.min(axis=(1, 2, 3), keepdims=True)
    span = Xs.max(axis=(1, 2, 3), keepdims=True) - low
    cells = np.zeros((side * side, height + padding, width + padding, channels))
    cells[:count, :height, :width] = ubound * (Xs - low) / np.where(span > 0, span, 1)
    rows = cells.reshape(side, side, *cells.shape[1:]).swapaxes(1, 2)
    grid = rows.reshape(side * (height + padding), side * (width + padding), channels)
    return grid[: len(grid) - padding, : grid.shape[1] - padding]


def get_CIFAR10_data(  # noqa: N802 - the course's name
    num_training: int = 49000,
    num_validation: int = 1000,
    num_test: int = 1000,
    subtract_mean: bool = True,
) -> dict[str, np.ndarray]:
    """Return CIFAR-10 as `X_train y_train X_val y_val X_test y_test`.

    Pictures are (N, 3, 32, 32) in float64, less the mean picture of the training part. The first
    ones train, the next validate. The files are looked for as in `xpnet.data.load_cifar10`.

    Raises:
        InputError: Files are missing, or hold fewer pictures.

    """
    found = load("cifar10")
    X, y = (np.concatenate([found[f"{name}_train"], found[f"{name}_val"]]) for name in "Xy")
    stop = num_training + num_validation
    fits = num_training > 0 and num_validation >= 0 and stop <= len(X)
    if not (fits and 0 <= num_test <= len(found["X_test"])):
        raise InputError(
            f"cannot take {num_training} training and {num_validation} validation pictures of "
            f"{len(X)}, and {num_test} test pictures of {len(found['X_test'])}: ask for fewer"
        )
    parts = {
        "train": (X[:num_training], y[:num_training]),
        "val": (X[num_training:stop], y[num_training:stop]),
        "test": (found["X_test"][:num_test], found["y_test"][:num_test]),
    }
    data = {}
    for part, (pictures, labels) in parts.items():
        data[f"X_{part}"] = pictures.reshape(-1, 3, 32, 32).astype(np.float64)
        data[f"y_{part}"] = labels
    if subtract_mean:
        mean = data["X_train"].mean(axis=0)
        for part in parts:
            data[f"X_{part}"] -= mean
    return data


class _Checkpoints:
    """Writes the net at the end of each epoch."""

    def __init__(self, name: str) -> None:
        self.name = name

    def on_epoch(self, trained: solver.Solver) -> None:
        saving.save(trained.model, f"{self.name}_epoch_{trained.epoch}.safetensors")


def _is_training(layer: str, param: Config) -> bool:
    """Return whether the mode is "train", or raise InputError unless it is "test"."""
    mode = param.get("mode")
    if mode not in ("train", "test"):
        raise InputError(f"{layer}: the mode must be 'train' or 'test'; got {mode!r}")
    return bool(mode == "train")


def _draws(shape: tuple[int, ...], seed: int | None) -> np.ndarray:
    """Return draws by which the library's dropout keeps what the course's `rand() < p` keeps.

    To 1/65536, the resolution of a draw.
    """
    generator: Any = np.random if seed is None else np.random.RandomState(seed)
    steps = np.floor(generator.random_sample(shape) * 2**16) - 2**15
    return np.asarray(steps.astype(np.int16))


def _updated(
    rule: optim.UpdateRule, w: Array, dw: Array, config: Config | None
) -> tuple[Array, Config]:
    """Return the next w, and the config itself with the state written into it."""
    config = {} if config is None else config
    next_w, following = rule(w, dw, config)
    config.update(following)
    return next_w, config


def _at_most_all(batch_size: int, data: Any) -> int:
    """Return the batch size, or the number of training samples where that is smaller."""
    X: Any = data.get("X_train") if isinstance(data, Mapping) else None
    if isinstance(batch_size, int) and hasattr(X, "__len__") and 0 < len(X) < batch_size:
        return len(X)
    return batch_size
