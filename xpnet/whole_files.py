"""Files that are written as a whole: a reader, or whoever comes after a crash, finds no half."""

import os
import re
from pathlib import Path

__all__ = ["remove_parts", "write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name, flush it to the disk, and give it its name.

    Until then what had that name before is untouched, and it is not followed if it is a link.

    Raises:
        OSError: The disk is full or the folder is read-only, for example. Nothing is left behind.

    """
    part = path.with_name(f".{path.name}-{os.getpid()}.xpnet-part")
    part.unlink(missing_ok=True)
    try:
        with part.open("xb") as file:  # made anew: a link of that name is not followed
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    _flush_folder(path.parent)


def remove_parts(folder: Path, names: str) -> None:
    """Remove what writers that were killed have left of files in a folder.

    Nobody may be writing them now.

    Args:
        folder: The folder.
        names: A regular expression for the names of the files.

    """
    part = re.compile(rf"\.({names})-\d+\.xpnet-part")
    for path in folder.iterdir():
        if part.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
