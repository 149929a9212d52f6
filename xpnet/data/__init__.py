"""Data sets: the digits that come along, CIFAR-10, and a user's own .npz or .npy files."""

import os
from pathlib import Path

from xpnet.data.cifar10 import load_cifar10
from xpnet.data.dataset import Dataset, split_rows
from xpnet.data.digits import load_digits
from xpnet.data.download import download_cifar10
from xpnet.data.folder import load_folder
from xpnet.data.labels import encode_labels
from xpnet.data.npz import load_npz
from xpnet.errors import InputError, did_you_mean

__all__ = [
    "NAMES",
    "Dataset",
    "download_cifar10",
    "encode_labels",
    "load",
    "load_cifar10",
    "load_digits",
    "load_folder",
    "load_npz",
    "split_rows",
]

NAMES = {
    "digits": "1,797 handwritten digits of 8 by 8 pixels, which come with the package",
    "cifar10": "60,000 colour pictures of 32 by 32 pixels in 10 classes (--data-dir, --download)",
}


def load(
    name_or_path: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
    seed: int = 0,
) -> Dataset:
    """Return the data set of that name, of that .npz file, or of that folder of .npy files.

    Args:
        name_or_path: "digits", "cifar10", the path of a file that ends in .npz, or of a folder
            with X_train.npy and so on; see `load_folder`.
        data_dir: Where CIFAR-10 is; see `load_cifar10`.
        download: Fetch CIFAR-10 if it is not there.
        seed: Splits an .npz file of X and y. The named data sets have a fixed split.

    Raises:
        InputError: There is no such data set, or it cannot be read.

    """
    name = os.fspath(name_or_path)
    if name == "digits":
        return load_digits()
    if name == "cifar10":
        return load_cifar10(data_dir, download=download)
    if Path(name).is_dir():
        return load_folder(name)
    if Path(name).suffix.lower() == ".npz":
        return load_npz(name, seed=seed)
    raise InputError(
        f"there is no data set {name!r}: give {', '.join(NAMES)}, or the path of a file that "
        f"ends in .npz or of a folder with X_train.npy{did_you_mean(name, NAMES)}"
    )
