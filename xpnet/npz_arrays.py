"""Arrays from .npz files, without running what a pickle inside one may hold."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile

import numpy as np

from xpnet.errors import InputError

__all__ = ["bfloat16_bits", "floats_of_bfloat16", "read_npz"]


def read_npz(path: Path, choose: Callable[[list[str]], Iterable[str]]) -> dict[str, np.ndarray]:
    """Return the arrays of a file that `choose` names, given the names of all.

    Raises:
        InputError: The file cannot be read, is no .npz file, is damaged, or one of these arrays
            holds Python objects; or as from `choose`.

    """
    try:
        with path.open("rb") as file:
            _check_zip(file)
            with np.load(file, allow_pickle=False) as archive:
                chosen = list(choose(archive.files))
                for key in chosen:
                    _check_size(archive.zip, key)
                return {key: _array(archive, key) for key in chosen}
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"cannot open it ({error.strerror or error}); check the path") from error
    # A damaged file can raise almost anything: zipfile, zlib and NumPy's header parser each have
    # errors of their own.
    except Exception as error:
        raise InputError(f"the file is damaged or truncated ({error}); write it anew") from error


def bfloat16_bits(x: np.ndarray) -> np.ndarray:
    """Return float32 values that bfloat16 has as its 16 bits, the upper half of float32's."""
    bits = np.asarray(x, dtype=np.float32).view(np.uint32)
    return np.asarray(bits >> 16, dtype=np.uint16)


def floats_of_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Return what `bfloat16_bits` was given, as float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _check_zip(file: BinaryIO) -> None:
    # Without this, np.load takes any other file for a pickle and advises to allow pickles.
    if file.read(2) != b"PK":
        raise InputError("this is no .npz file; write one with numpy.savez")
    file.seek(0)


def _check_size(archive: ZipFile, key: str) -> None:
    """Raise InputError if the header of an array promises more than its part of the file has.

    NumPy would allocate what the header says before it reads the numbers.
    """
    name = key if key in archive.namelist() else f"{key}.npy"
    with archive.open(name) as member:
        try:
            version = np.lib.format.read_magic(member)
        except ValueError:
            return  # no array, which is said when it is read
        read = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
        held = archive.getinfo(name).file_size - member.tell()
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize > held:
        raise InputError(
            f"array {key} is damaged: its header promises {math.prod(shape) * dtype.itemsize:,} "
            f"bytes, and the file has {held:,}; write it anew"
        )


def _array(archive: Mapping[str, np.ndarray], key: str) -> np.ndarray:
    try:
        array = archive[key]
    except ValueError as error:
        # NumPy's own sentence says to allow pickles, which would run code from the file.
        raise InputError(
            f"array {key} is damaged or holds Python objects; save it as plain numbers, or labels "
            "as strings: y.astype(str)"
        ) from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{key} is no array; write the file with numpy.savez")
    return array
