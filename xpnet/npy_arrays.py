"""Arrays from .npy files, whose size is looked at before any of it is mapped."""

import math
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from xpnet.errors import InputError

__all__ = ["read_npy"]


def read_npy(path: Path, *, mapped: bool = False) -> np.ndarray:
    """Return the array of a file that `numpy.save` wrote.

    Args:
        path: The file.
        mapped: Leave it in the file, memory-mapped to be read alone.

    Raises:
        InputError: The file cannot be read, is no .npy file, ends too early, or holds Python
            objects.

    """
    try:
        with path.open("rb") as file:
            shape = _checked_shape(file, path.name)
        can_map = mapped and 0 not in shape
        return np.asarray(np.load(path, mmap_mode="r" if can_map else None, allow_pickle=False))
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"cannot open {path.name} ({error.strerror or error}); check the path"
        ) from error
    except Exception as error:  # the header is parsed as Python, which can raise almost anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"{path.name} is damaged, or no .npy file ({reason}); write it with numpy.save"
        ) from error


def _checked_shape(file: BinaryIO, name: str) -> tuple[int, ...]:
    """Return the shape, or raise InputError unless the file holds all the plain values of it."""
    shape, dtype = _header(file)
    if dtype.hasobject:
        raise InputError(
            f"{name} holds Python objects; save plain numbers, or names as strings: y.astype(str)"
        )
    promised = file.tell() + math.prod(shape) * dtype.itemsize
    size = os.fstat(file.fileno()).st_size
    if size < promised:  # a map of it would end the process at the first missing page
        raise InputError(
            f"{name} is truncated: it has {size:,} bytes of {promised:,}; write it anew"
        )
    return shape


def _header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    """Return the shape and the dtype; the file then stands at the first number."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"version {'.'.join(map(str, version))}, of named fields")
    return shape, dtype
