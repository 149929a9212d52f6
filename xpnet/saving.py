"""A trained net as one .npz file that `load` makes a net of again.

The file holds the parameters and the state of the layers by their names, "preprocess" with the text
of the preprocessing, its numbers by their names, "class_names", and "config", a JSON text with the
arguments of the net. No pickle is written or read. Parameters of bfloat16, which NumPy does not
have, stand there as their 16 bits, in uint16: the upper half of the float32 of that value.
"""

import io
import json
import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backends import Array, array_namespace, get_backend
from xpnet.errors import BackendError, InputError
from xpnet.nets import FullyConnectedNet
from xpnet.nets.storage import NARROW
from xpnet.npz_arrays import bfloat16_bits, floats_of_bfloat16, read_npz
from xpnet.preprocessing import BasePreprocessor, get_preprocessor

__all__ = ["load", "net_bytes", "save"]

_FORMAT = 1
_CONFIG = (
    *("hidden_dims", "input_dim", "num_classes", "activation", "normalization", "loss"),
    *("reg", "members", "dtype", "dropout_keep_ratio", "seed"),
)


def save(net: FullyConnectedNet, path: str | Path) -> None:
    """Write a net with its preprocessing and its class names, to be read by `xpnet.load`.

    Args:
        net: A `FullyConnectedNet` or `TwoLayerNet`, single or a stack.
        path: The file; its folder must be there.

    Raises:
        InputError: The net is of another kind, or its preprocessing is not one of xpnet's.

    """
    Path(path).write_bytes(net_bytes(net))


def net_bytes(net: FullyConnectedNet, variables: Mapping[str, Array] | None = None) -> bytes:
    """Return the content of the file, with `variables` for the net's own parameters and state."""
    if not isinstance(net, FullyConnectedNet):
        raise InputError(
            f"only xpnet's own nets can be saved; got {type(net).__name__}: save its params with "
            "numpy.savez"
        )
    preprocess = net.preprocess
    if not isinstance(preprocess, BasePreprocessor | None):
        raise InputError(
            f"the preprocessing {type(preprocess).__name__} is none of xpnet's, so that it cannot "
            "be saved: set net.preprocess = None, and apply it before predict"
        )
    variables = {**net.params, **net.state} if variables is None else variables
    host = {name: net.backend.to_numpy(w) for name, w in variables.items()}
    first = next(iter(net.params))
    dtype = "bfloat16" if _is_bfloat16(variables[first]) else host[first].dtype.name
    if dtype == "bfloat16":
        host |= {name: bfloat16_bits(host[name]) for name in net.params}
    host |= {} if preprocess is None else preprocess.numbers()
    shape = None if preprocess is None else preprocess.sample_shape
    config = {
        "format": _FORMAT,
        "net": _net_config(net, dtype),
        "sample_shape": None if shape is None else list(shape),
        "flat_targets": net.flat_targets,
    }
    texts = {
        "config": json.dumps(config),
        "preprocess": "none" if preprocess is None else preprocess.text,
        "class_names": list(net.class_names),
    }
    file = io.BytesIO()
    np.savez(file, **{name: np.asarray(text, np.str_) for name, text in texts.items()}, **host)  # type: ignore[arg-type]
    return file.getvalue()


def load(path: str | Path, *, device: str = "cpu") -> FullyConnectedNet:
    """Return the net of a file that `save` or `python -m xpnet.train --out` wrote.

    It predicts from raw inputs: its preprocessing came with it. Where the library lacks the 16-bit
    dtype of the net, as NumPy lacks bfloat16, the parameters are float32, of the same values.

    Args:
        path: The file, such as "run/best_params.npz".
        device: As in `xpnet.get_backend`.

    Raises:
        InputError: The file cannot be read, or holds no net that fits together.
        BackendError: The device cannot be used here.

    """
    try:
        return _load(Path(path), device)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error


def _load(path: Path, device: str) -> FullyConnectedNet:
    arrays = read_npz(path, lambda names: names)
    config = _read_config(arrays)
    _check_sizes(config["net"], arrays)
    is_bits = config["net"]["dtype"] == "bfloat16"
    kept = {**config["net"], "dtype": _dtype_there(config["net"]["dtype"], device)}
    net = FullyConnectedNet(**kept, initializer="zeros", device=device)
    for part in (net.params, net.state):
        for name, w in part.items():
            found = arrays.get(name)
            if is_bits and part is net.params and found is not None and found.dtype == np.uint16:
                found = floats_of_bfloat16(found)
            if found is None or found.shape != tuple(w.shape) or found.dtype.kind != "f":
                given = "none" if found is None else f"{found.dtype} {found.shape}"
                raise InputError(
                    f"the net needs {name} of shape {tuple(w.shape)}; the file has {given}"
                )
            part[name] = net.backend.asarray(found, w.dtype)
    net.preprocess = get_preprocessor(str(_text(arrays, "preprocess", 0)))
    if isinstance(net.preprocess, BasePreprocessor):
        net.preprocess = _with_numbers(net.preprocess, arrays, config)
    net.flat_targets = config["flat_targets"]
    net.class_names = tuple(_text(arrays, "class_names", 1).tolist())
    return net


def _dtype_there(name: Any, device: str) -> Any:
    """Return the dtype of a saved net on a device: float32 instead of 16 bits that it lacks."""
    try:
        get_backend(device).dtype(name)
    except BackendError:
        return "float32" if name in NARROW else name
    return name


def _is_bfloat16(w: Array) -> bool:
    xp = array_namespace(w)
    return bool(hasattr(xp, "bfloat16") and w.dtype == xp.bfloat16)


def _with_numbers(
    preprocess: BasePreprocessor, arrays: Mapping[str, np.ndarray], config: Mapping[str, Any]
) -> BasePreprocessor:
    """Return the preprocessing with its numbers, which must lead to the net's inputs."""
    shape, wanted = config["sample_shape"], config["net"]["input_dim"]
    preprocess = preprocess.with_numbers(arrays)
    # What comes in has as many features as the first projection takes, or as what goes out.
    projections = [x for x in preprocess.numbers().values() if x.ndim == 2]
    features = projections[0].shape[1] if projections else wanted
    if shape is not None and math.prod(shape) != features:
        raise InputError(
            f"the file's samples have the shape {tuple(shape)}, but its preprocessing takes "
            f"{features} features"
        )
    sample = np.zeros((1, *(shape or (features,))))
    preprocess = preprocess.with_numbers(arrays, None if shape is None else tuple(shape))
    found = preprocess.transform(sample).reshape(1, -1).shape[1]
    if found != wanted:
        raise InputError(
            f"the file's preprocessing {preprocess} gives {found} features, but the net takes "
            f"{wanted}"
        )
    return preprocess


def _check_sizes(config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Raise InputError unless the weights have the sizes of the config, before any are made."""
    try:
        sizes = [config["input_dim"], *config["hidden_dims"], config["num_classes"]]
        weights = [arrays[f"W{i}"] for i in range(1, len(sizes))]
    except (KeyError, TypeError) as error:
        raise InputError(f"the file's config does not fit its arrays: {error}") from error
    found = [w.shape[-2:] for w in weights]
    members = config["members"]
    lead = () if members is None else (members,)
    axes = [3 if config["activation"] == "maxout" else 2] * (len(weights) - 1) + [2]
    stacked = all(
        w.ndim == len(lead) + n and w.shape[: len(lead)] == lead
        for w, n in zip(weights, axes, strict=True)
    )
    if found != list(pairwise(sizes)) or not stacked:
        raise InputError(
            f"the file's config has the sizes {sizes} and members {members}, but its weights have "
            f"the shapes {[w.shape for w in weights]}"
        )


def _net_config(net: FullyConnectedNet, dtype: str) -> dict[str, Any]:
    """Return the arguments that make such a net again."""
    sizes = net.layer_sizes

    def plain(value: Any) -> Any:
        return value.tolist() if isinstance(value, np.ndarray) else value

    values = {
        "hidden_dims": list(sizes[1:-1]),
        "input_dim": sizes[0],
        "num_classes": sizes[-1],
        "activation": net.activation,
        "normalization": net.normalization,
        "loss": net.loss_name,
        "reg": plain(net.reg),
        "members": net.members,
        "dtype": dtype,
        "dropout_keep_ratio": plain(net.dropout_keep_ratio),
        "seed": net.seeds if net.members is not None else net.seeds[0],
    }
    return {name: values[name] for name in _CONFIG}


def _read_config(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the config of a file, after a look whether it is one."""
    try:
        config = json.loads(str(_text(arrays, "config", 0)))
        known = config["format"] == _FORMAT and set(config["net"]) == set(_CONFIG)
        shape = config["sample_shape"]
        known = known and isinstance(config["flat_targets"], bool)
        known = known and (shape is None or all(type(n) is int and n > 0 for n in shape))
    except InputError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"the file's config is damaged ({type(error).__name__})") from error
    if not known:
        raise InputError("the file's config is of another format: it wants another xpnet")
    return dict(config)


def _text(arrays: Mapping[str, np.ndarray], name: str, axes: int) -> np.ndarray:
    """Return the array of texts of that name."""
    text = arrays.get(name)
    if text is None or text.dtype.kind != "U" or text.ndim != axes:
        raise InputError(
            f"the file holds no net, as there is no text {name!r}: write one with xpnet.save, or "
            "python -m xpnet.train --out"
        )
    return text
