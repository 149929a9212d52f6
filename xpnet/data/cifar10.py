"""CIFAR-10: 60,000 colour pictures of 32 by 32 pixels in ten classes.

Reference: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

import os
from pathlib import Path

import numpy as np

from xpnet.data.cifar10_files import FILES, FOLDER, URL
from xpnet.data.dataset import Dataset
from xpnet.data.download import download_cifar10
from xpnet.data.unpickle import LARGEST_FILE, load_batch
from xpnet.errors import InputError

__all__ = ["default_cache_dir", "load_cifar10"]

_PICTURE = (3, 32, 32)
_ROW = 3072
_NUM_CLASSES = 10


def load_cifar10(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    num_train: int | None = None,
    num_val: int = 1000,
    download: bool = False,
) -> Dataset:
    """Read CIFAR-10 from the official Python files, split as the notes do.

    The last `num_val` of the 50,000 training pictures validate, and the first `num_train` of the
    others train; both are views of one array. A row is uint8, red plane first, (3072,).

    Args:
        data_dir: The folder with `cifar-10-batches-py`, or that folder itself. By default the
            one that XPNET_DATA_DIR names, then `default_cache_dir()`.
        num_train: How many pictures to train on; by default all but the validation pictures.
        num_val: How many pictures to validate on.
        download: Fetch the files if they are not there.

    Raises:
        InputError: Files are missing or damaged, or there are too few pictures.

    """
    folder = _find(data_dir, download=download)
    class_names = _read_class_names(folder / "batches.meta")
    X, y = _read_batches([folder / name for name in FILES[:5]])
    room = len(X) - num_val
    if num_train is None:
        num_train = room
    if num_val < 1 or not 1 <= num_train <= room:
        raise InputError(
            f"cannot train on {num_train} and validate on {num_val} of the {len(X)} pictures in "
            f"{folder}; num_train and num_val are each at least 1 and together at most {len(X)}"
        )
    X_test, y_test = _read_batches([folder / "test_batch"])
    return Dataset(
        name="cifar10",
        X_train=X[:num_train],
        y_train=y[:num_train],
        X_val=X[room:],
        y_val=y[room:],
        X_test=X_test,
        y_test=y_test,
        class_names=class_names,
        picture_shape=_PICTURE,
        source="CIFAR-10, A. Krizhevsky (2009), https://www.cs.toronto.edu/~kriz/cifar.html",
    )


def default_cache_dir() -> Path:
    """Return the folder for downloads: XPNET_CACHE_DIR, or xpnet in the user's cache folder."""
    if own := os.environ.get("XPNET_CACHE_DIR"):
        return Path(own)
    if everyones := os.environ.get("XDG_CACHE_HOME"):
        return Path(everyones) / "xpnet"
    try:
        return Path.home() / ".cache" / "xpnet"
    except RuntimeError as error:
        raise InputError(
            f"there is no cache folder ({error}); name one by XPNET_CACHE_DIR"
        ) from error


def _find(data_dir: str | os.PathLike[str] | None, *, download: bool) -> Path:
    """Return the folder that has all files, downloading them to the first place if asked."""
    if data_dir is not None:
        places = [Path(data_dir)]
    else:
        named = os.environ.get("XPNET_DATA_DIR")
        places = [*([Path(named)] if named else []), default_cache_dir()]
    looked = []
    for place in places:
        # os.path answers False for a folder that we may not enter, where pathlib raises.
        is_it = place.name == FOLDER or os.path.isfile(place / FILES[0])
        folder = place if is_it else place / FOLDER
        missing = [name for name in FILES if not os.path.isfile(folder / name)]
        if not missing:
            return folder
        none_there = len(missing) == len(FILES)
        looked.append(f"{folder} {'is not there' if none_there else 'lacks ' + ', '.join(missing)}")
    if download:
        place = places[0]
        return download_cifar10(place.parent if place.name == FOLDER else place)
    raise InputError(
        f"CIFAR-10 was not found: {'; '.join(looked)}. Give --download (download=True), or fetch "
        f"{URL}, unpack it, and name the folder that you unpacked it in by --data-dir "
        "(data_dir=...) or XPNET_DATA_DIR"
    )


def _read_class_names(path: Path) -> tuple[str, ...]:
    names = load_batch(path).get(b"label_names")
    if (
        not isinstance(names, list)
        or len(names) != _NUM_CLASSES
        or not all(isinstance(name, bytes) for name in names)
    ):
        raise _bad_content(path, f"has no {_NUM_CLASSES} label_names")
    return tuple(name.decode("ascii", "backslashreplace") for name in names)


def _read_batches(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return the pictures (N, 3072) and labels (N,) of several files in one array each."""
    # A picture takes its 3,072 bytes of a file, so the files' sizes bound the rows before any is
    # read: one array is filled in place, and memory that stays unused is never touched.
    room = sum(min(path.stat().st_size, LARGEST_FILE) // _ROW for path in paths)
    X, y = np.empty((room, _ROW), dtype=np.uint8), np.empty(room, dtype=np.int64)
    filled = 0
    for path in paths:
        filled = _copy_batch(path, X, y, filled)
    return X[:filled], y[:filled]


def _copy_batch(path: Path, X: np.ndarray, y: np.ndarray, filled: int) -> int:
    """Copy one file's rows to `X` and `y` from row `filled` on; return the next free row."""
    batch = load_batch(path)
    pictures, labels = batch.get(b"data"), batch.get(b"labels")
    if not isinstance(pictures, np.ndarray) or pictures.shape[1:] != (_ROW,):
        shape = getattr(pictures, "shape", None)
        raise _bad_content(path, f"has data of shape {shape}, not (N, {_ROW})")
    if not isinstance(labels, list) or len(labels) != len(pictures):
        count = len(labels) if isinstance(labels, list) else "no"
        raise _bad_content(path, f"has {count} labels for {len(pictures)} pictures")
    for row, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < _NUM_CLASSES:
            given = label if isinstance(label, int) else type(label).__name__
            raise _bad_content(path, f"has label {given} in row {row}, not 0 to 9")
    end = filled + len(pictures)
    X[filled:end], y[filled:end] = pictures, labels
    return end


def _bad_content(path: Path, what: str) -> InputError:
    return InputError(
        f"{path} {what}: this is no CIFAR-10 file, or a damaged one; "
        "delete it and download it anew (--download)"
    )
