"""A trained net as one safetensors file that `load` makes a net of again.

The file holds the parameters and the state of the layers, the numbers of the preprocessing, and as
JSON in its header the arguments of the net, the names of the classes, the shape of a sample and a
format version. A checkpoint is such a file with more in it, and `load` takes both.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.checkpoint_files import checkpoints_at, offered, read_good, step_of
from xpnet.errors import BackendError, InputError
from xpnet.model_variables import variables_of
from xpnet.net_records import net_arrays, net_of, net_record
from xpnet.nets import FullyConnectedNet, Variables
from xpnet.tensor_files import FORMAT, read_tensors, tensor_bytes
from xpnet.whole_files import write_whole

__all__ = ["BEST", "load", "net_bytes", "save"]

BEST = "best.safetensors"  # of a run, in its folder


def save(net: FullyConnectedNet, path: str | Path) -> None:
    """Write a net with its preprocessing and its class names, to be read by `xpnet.load`.

    Args:
        net: A `FullyConnectedNet` or `TwoLayerNet`, single or a stack.
        path: The file, such as "net.safetensors"; its folder must be there.

    Raises:
        InputError: The net is of another kind, its preprocessing is not one of xpnet's, or a
            parameter holds NaN or infinity.
        OSError: The file cannot be written. What was there before is still there.

    """
    content = net_bytes(net)
    for name, w in {**net.params, **net.state}.items():
        if not np.isfinite(net.backend.to_numpy(w)).all():
            raise InputError(f"{name} holds NaN or infinity: the net would predict nothing")
    try:
        write_whole(Path(path), content)
    except OSError as error:  # by the name that the caller knows
        raise type(error)(error.errno, error.strerror, str(path)) from error


def net_bytes(
    net: FullyConnectedNet, variables: Variables | None = None, *, step: int = 0
) -> bytes:
    """Return the content of the file.

    Args:
        net: The net.
        variables: In place of the net's own parameters and state.
        step: How many steps its training has done.

    """
    record = net_record(net)
    arrays = net_arrays(net, variables or variables_of(net))
    return tensor_bytes(arrays, {"format": FORMAT, "kind": "net", "net": record, "step": step})


def load(path: str | Path, *, device: str = "cpu") -> FullyConnectedNet:
    """Return the net of a file that `save` wrote, or of a run's checkpoint, the best so far.

    It predicts from raw inputs: its preprocessing came with it. Where the library lacks the 16-bit
    dtype of the net, as NumPy lacks bfloat16, the parameters are float32, of the same values.

    Args:
        path: The file, or the folder that `python -m xpnet.train --out` wrote: of this the best
            net so far, from whatever is newest and not damaged. Or a sweep's folder, or the
            `checkpoint_name` of a Solver.
        device: As in `xpnet.get_backend`.

    Raises:
        InputError: The file cannot be read, or holds no net that fits together; where it is a
            checkpoint with a good one before it, the message names that.
        BackendError: The device cannot be used here.

    """
    if not str(path):
        raise InputError("a net needs the path of a file or a folder; got an empty one")
    path = Path(path)

    def read(file: Path) -> FullyConnectedNet:
        return _net_of_file(*read_tensors(file), device)

    if path.is_dir():
        return _load_folder(path, read)
    if not path.exists() and checkpoints_at(path):
        return read_good(path, read)[1]
    return _load_file(path, read)


def _load_file(path: Path, read: Callable[[Path], FullyConnectedNet]) -> FullyConnectedNet:
    """Return the net of a file; where it is damaged, say which checkpoint is not."""
    try:
        return read(path)
    except BackendError:
        raise
    except InputError as error:
        raise InputError(f"{path}: {error}{offered(path, read)}") from error


def _load_folder(folder: Path, read: Callable[[Path], FullyConnectedNet]) -> FullyConnectedNet:
    """Return the best net of a run: of the newest checkpoint, or of its last check.

    A run that was stopped is checked once more after its checkpoint, and what that check found
    best stands in best.safetensors alone.
    """
    best, checkpoints = folder / BEST, checkpoints_at(folder)
    if not checkpoints and not best.exists() and (folder / "best" / BEST).is_file():
        return _load_folder(folder / "best", read)  # of a sweep
    if best.is_file() and not best.is_symlink():
        try:
            step = read_tensors(best)[1].get("step")
        except InputError:
            step = None
        if not checkpoints or (isinstance(step, int) and step >= step_of(checkpoints[0])):
            return _load_file(best, read)
    return read_good(folder, read)[1]


def _net_of_file(
    arrays: dict[str, np.ndarray], header: dict[str, Any], device: str
) -> FullyConnectedNet:
    """Return the net of a file: of a checkpoint the best, otherwise the only one."""
    if header["kind"] not in ("net", "checkpoint"):
        raise InputError(f"it holds {header['kind']!r}, and neither a net nor a checkpoint")
    if header["net"] is None:
        raise InputError(
            "the model of this checkpoint is none of xpnet's: make it and its Solver as they were, "
            "and call solver.resume(path)"
        )
    prefix = "best." if header["kind"] == "checkpoint" else ""
    return net_of(header["net"], arrays, prefix, device)
