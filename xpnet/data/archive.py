"""Unpack CIFAR-10's archive, and nothing but the files that belong to it."""

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path

from xpnet.data.cifar10_files import FILES, FOLDER
from xpnet.data.unpickle import LARGEST_FILE
from xpnet.errors import InputError

__all__ = ["unpack"]

_REMEDY = "it was deleted; give the address of the official archive, or unpack it by hand"


def unpack(archive: Path, folder: Path, source: str) -> None:
    """Write the files of a .tar.gz archive's `cifar-10-batches-py` to a new folder.

    The bytes are copied and nothing else of a member is used: no path, link, owner or mode.

    Args:
        archive: The file to unpack.
        folder: Where the files go; it is made here.
        source: What messages call the archive.

    Raises:
        InputError: The archive is damaged, lacks a file, or holds anything else.

    """
    folder.mkdir()
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                _unpack_member(tar, member, folder, source)
    except InputError:
        raise
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError) as error:
        raise InputError(f"{source} is no sound .tar.gz archive ({error}): {_REMEDY}") from error
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{source} lacks {', '.join(missing)}: {_REMEDY}")


def _unpack_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, source: str
) -> None:
    if member.isdir() and member.name == FOLDER:
        return
    top, _, name = member.name.partition("/")
    known = top == FOLDER and name in {*FILES, "readme.html"} and not (folder / name).exists()
    if not known or not member.isreg():
        kind = "file" if member.isreg() else "folder" if member.isdir() else "link or device"
        raise InputError(
            f"{source} holds the {kind} {member.name!r}, which has no place in CIFAR-10: {_REMEDY}"
        )
    if not 0 <= member.size <= LARGEST_FILE:
        raise InputError(
            f"{source} holds {name} of {member.size} bytes, over the limit of {LARGEST_FILE}: "
            f"{_REMEDY}"
        )
    content = tar.extractfile(member)
    if content is not None:
        with content, (folder / name).open("xb") as out:
            shutil.copyfileobj(content, out)
