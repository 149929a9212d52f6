"""Download CIFAR-10, check it, and unpack it; whatever fails leaves no file behind."""

import os
from pathlib import Path

from xpnet.data.cifar10_files import FOLDER, SHA256, URL
from xpnet.errors import InputError

__all__ = ["download_cifar10"]


def download_cifar10(
    folder: str | os.PathLike[str],
    *,
    url: str = URL,
    sha256: str = SHA256,
    progress: bool = True,
) -> Path:
    """Download CIFAR-10 (170 MB) and unpack it (186 MB) into a folder.

    Args:
        folder: Where to put `cifar-10-batches-py`; made if it is not there.
        url: Another address of the same archive.
        sha256: The archive's SHA-256, in hexadecimal digits.
        progress: Show a bar on standard error where that is a terminal.

    Returns:
        The folder `cifar-10-batches-py`.

    Raises:
        InputError: The address does not answer, the archive is not the one expected, or the
            folder cannot be written.

    """
    # These take longer to import than all of xpnet.data, and few need them.
    import tempfile  # noqa: PLC0415

    from xpnet.data.archive import unpack  # noqa: PLC0415
    from xpnet.data.fetch import fetch  # noqa: PLC0415

    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # All that is unfinished lives in here, so that an error or Ctrl-C takes it away.
        with tempfile.TemporaryDirectory(prefix="cifar-10-", suffix=".part", dir=folder) as part:
            archive = Path(part) / "archive.tar.gz"
            found = fetch(url, archive, progress=progress)
            if found != sha256.lower():
                raise InputError(
                    f"{url} has SHA-256 {found} but {sha256} was expected: the download is "
                    "damaged or not CIFAR-10, and was deleted; try again later, or give an "
                    f"archive fetched elsewhere by --data-dir, unpacked (official: {URL})"
                )
            fresh = Path(part) / FOLDER
            unpack(archive, fresh, url)
            return _move(fresh, folder / FOLDER)
    except OSError as error:
        raise InputError(
            f"{folder} cannot hold the download ({error}); free 400 MB there or name another "
            "folder by --data-dir"
        ) from error


def _move(fresh: Path, target: Path) -> Path:
    """Put the finished folder in its place, or its files into the folder that is there."""
    if target.is_dir():
        for path in fresh.iterdir():
            path.replace(target / path.name)
        return target
    return fresh.replace(target)
