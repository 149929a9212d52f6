"""A net as arrays and a JSON record, and back: what saved nets and checkpoints share."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from xpnet.backends import get_backend
from xpnet.errors import BackendError, InputError
from xpnet.nets import FullyConnectedNet, Variables
from xpnet.nets.storage import NARROW
from xpnet.pictures import PictureForm
from xpnet.preprocessing import BasePreprocessor, get_preprocessor
from xpnet.training_state import dtype_name, host_variables, named_so, saved_floats

__all__ = ["check_savable", "net_arrays", "net_config", "net_of", "net_record"]

_CONFIG = (
    *("hidden_dims", "input_dim", "num_classes", "activation", "normalization", "loss"),
    *("reg", "members", "dtype", "dropout_keep_ratio", "seed"),
)
_NUMBERS = "preprocess."  # before the names of the preprocessing's numbers
_RECORD = ("config", "preprocess", "sample_shape", "class_names", "flat_targets", "picture")


def net_record(net: FullyConnectedNet) -> dict[str, Any]:
    """Return what JSON can hold of a net: all but its numbers.

    Raises:
        InputError: The net is of another kind, or its preprocessing is none of xpnet's.

    """
    if not isinstance(net, FullyConnectedNet):
        raise InputError(
            f"only xpnet's own nets can be saved; got {type(net).__name__}: save its params with "
            "numpy.savez"
        )
    check_savable(net.preprocess)
    preprocess: Any = net.preprocess
    shape = None if preprocess is None else preprocess.sample_shape
    return {
        "config": net_config(net),
        "preprocess": "none" if preprocess is None else preprocess.text,
        "sample_shape": None if shape is None else list(shape),
        "class_names": list(net.class_names),
        "flat_targets": net.flat_targets,
        "picture": None if net.picture is None else [*net.picture.shape, net.picture.white],
    }


def check_savable(preprocess: Any) -> None:
    """Raise InputError unless the preprocessing is one of xpnet's, or None."""
    if not isinstance(preprocess, BasePreprocessor | None):
        raise InputError(
            f"the preprocessing {type(preprocess).__name__} is none of xpnet's, so that it cannot "
            "be saved: apply it to the data before, and leave it out of the net and the Solver"
        )


def net_arrays(net: FullyConnectedNet, variables: Variables) -> dict[str, np.ndarray]:
    """Return parameters, state and the preprocessing's numbers, by their names in a file."""
    numbers = {} if net.preprocess is None else net.preprocess.numbers()
    named = {f"{_NUMBERS}{name}": x for name, x in numbers.items()}
    return host_variables(variables) | named


def net_of(
    record: Mapping[str, Any], arrays: Mapping[str, np.ndarray], prefix: str, device: str
) -> FullyConnectedNet:
    """Return the net of a record, with its preprocessing.

    Args:
        record: As from `net_record`, or whatever a file had in its place.
        arrays: As from `net_arrays`, and others beside them.
        prefix: Of the names of parameters and state.
        device: As in `xpnet.get_backend`.

    Raises:
        InputError: They do not fit together.

    """
    config = _checked(record)
    own = named_so(arrays, prefix)
    _check_sizes(config, own)
    net = FullyConnectedNet(
        **{**config, "dtype": _dtype_there(config["dtype"], device)},
        initializer="zeros",
        device=device,
    )
    for group, part in (("params", net.params), ("state", net.state)):
        for name, w in part.items():
            held = config["dtype"] if group == "params" else _of_state(config["dtype"])
            found = saved_floats(own, f"{group}.{name}", tuple(w.shape), held)
            part[name] = net.backend.copy(net.backend.asarray(found, w.dtype))
    net.preprocess = get_preprocessor(record["preprocess"])
    if isinstance(net.preprocess, BasePreprocessor):
        net.preprocess = _with_numbers(net.preprocess, arrays, record)
    net.flat_targets = record["flat_targets"]
    if record["picture"] is not None:
        net.picture = _picture_of(record["picture"], net.preprocess, net.input_dim)
    net.class_names = tuple(record["class_names"])
    return net


def _checked(record: Any) -> dict[str, Any]:
    """Return the net's arguments of a record, after a look whether it is one."""
    known = isinstance(record, dict) and set(record) == set(_RECORD)
    if known:
        config, shape, names = (record[name] for name in ("config", "sample_shape", "class_names"))
        known = (
            isinstance(config, dict)
            and set(config) == set(_CONFIG)
            and isinstance(record["flat_targets"], bool)
            and isinstance(record["preprocess"], str)
            and isinstance(names, list)
            and all(isinstance(name, str) for name in names)
            and isinstance(record["picture"], list | None)
            and (shape is None or _are_sizes(shape))
        )
    if not known:
        raise InputError("the file's record of the net is of another format, or damaged")
    return dict(record["config"])


def _picture_of(record: list[Any], preprocess: Any, input_dim: int) -> PictureForm:
    """Return the form of the pictures, which must have as many numbers as a sample."""
    if len(record) != 4:
        raise InputError(f"the file's pictures are {record}, and no shape and white")
    *shape, white = record
    known = preprocess is not None and preprocess.sample_shape is not None
    features = math.prod(preprocess.sample_shape) if known else input_dim
    if not (_are_sizes(shape) and math.prod(shape) == features):
        raise InputError(
            f"the file's pictures have the shape {shape}, but samples {features} numbers"
        )
    if not isinstance(white, int | float) or not 0 < white < math.inf:
        raise InputError(f"the file's pictures have {white!r} for white")
    return PictureForm((shape[0], shape[1], shape[2]), float(white))


def _are_sizes(value: Any) -> bool:
    """Return whether a value is a list of positive integers."""
    return isinstance(value, list) and all(type(n) is int and n > 0 for n in value)


def _check_sizes(config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Raise InputError unless the weights have the sizes of the config, before any are made."""
    members = config["members"]
    sizes = [config["input_dim"], config["hidden_dims"], config["num_classes"]]
    if not (isinstance(sizes[1], list) and _are_sizes([sizes[0], *sizes[1], sizes[2]])):
        raise InputError(f"the file's config has the sizes {sizes}, which are none")
    if members is not None and not _are_sizes([members]):
        raise InputError(f"the file's config has {members!r} members")
    sizes = [sizes[0], *sizes[1], sizes[2]]
    names = [f"params.W{i}" for i in range(1, len(sizes))]
    weights = [arrays[name] for name in names if name in arrays]
    lead = () if members is None else (members,)
    axes = [3 if config["activation"] == "maxout" else 2] * (len(names) - 1) + [2]
    fits = len(weights) == len(names) and all(
        w.ndim == len(lead) + n and w.shape[: len(lead)] == lead and w.shape[-2:] == pair
        for w, n, pair in zip(weights, axes, pairwise(sizes), strict=True)
    )
    if not fits:
        raise InputError(
            f"the file's config has the sizes {sizes} and members {members}, but its weights have "
            f"the shapes {[w.shape for w in weights]}"
        )


def _with_numbers(
    preprocess: BasePreprocessor, arrays: Mapping[str, np.ndarray], record: Mapping[str, Any]
) -> BasePreprocessor:
    """Return the preprocessing with its numbers, which must lead to the net's inputs."""
    shape, wanted = record["sample_shape"], record["config"]["input_dim"]
    given = named_so(arrays, _NUMBERS)
    preprocess = preprocess.with_numbers(given)
    numbers = preprocess.numbers()
    kinds = {given[name].dtype.kind for name in numbers}
    if kinds != {"f"} or not all(np.isfinite(x).all() for x in numbers.values()):
        raise InputError(f"the numbers of the preprocessing {preprocess} are not all finite")
    # What comes in has as many features as the first projection takes, or as what goes out.
    projections = [x for x in numbers.values() if x.ndim == 2]
    features = projections[0].shape[1] if projections else wanted
    if shape is not None and math.prod(shape) != features:
        raise InputError(
            f"the file's samples have the shape {tuple(shape)}, but its preprocessing takes "
            f"{features} features"
        )
    sample = np.zeros((1, *(shape or (features,))))
    preprocess = preprocess.with_numbers(given, None if shape is None else tuple(shape))
    found = preprocess.transform(sample).reshape(1, -1).shape[1]
    if found != wanted:
        raise InputError(
            f"the file's preprocessing {preprocess} gives {found} features, but the net takes "
            f"{wanted}"
        )
    return preprocess


def net_config(net: FullyConnectedNet) -> dict[str, Any]:
    """Return the arguments that make such a net again."""
    sizes = net.layer_sizes
    values = {
        "hidden_dims": list(sizes[1:-1]),
        "input_dim": sizes[0],
        "num_classes": sizes[-1],
        "activation": net.activation,
        "normalization": net.normalization,
        "loss": net.loss_name,
        "reg": _plain(net.reg),
        "members": net.members,
        "dtype": dtype_name(next(iter(net.params.values()))),
        "dropout_keep_ratio": _plain(net.dropout_keep_ratio),
        "seed": net.seeds if net.members is not None else net.seeds[0],
    }
    return {name: values[name] for name in _CONFIG}


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _dtype_there(name: Any, device: str) -> Any:
    """Return the dtype of a saved net on a device: float32 instead of 16 bits that it lacks."""
    try:
        get_backend(device).dtype(name)
    except BackendError:
        return "float32" if name in NARROW else name
    return name


def _of_state(dtype: str) -> str:
    """Return the dtype of a net's state: that of the arithmetic."""
    return "float32" if dtype in NARROW else dtype
