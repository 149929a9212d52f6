"""Checkpoints as files: their names, which there are, which are good, and which to keep."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from xpnet.errors import BackendError, CheckpointWarning, InputError, warn
from xpnet.whole_files import remove_parts, write_whole

__all__ = ["Checkpoints", "checkpoints_at", "offered", "read_good"]

_T = TypeVar("_T")
_NAME = re.compile(r"(?P<name>.+)-(?P<step>\d{8,})\.safetensors")
_SECONDS = 10.0  # so that small nets, whose epochs take milliseconds, do not wait for the disk


class Checkpoints:
    """Writes the checkpoints of one training: NAME-00000840.safetensors after 840 steps.

    Attributes:
        name: The beginning of the paths.
        last: The newest that this training has written or was resumed from, or None.
        error: Why the last attempt to write one failed, or "".

    Args:
        name: The beginning of the paths; its folder must be there.
        every: Epochs from one to the next, or None for the first end of an epoch that comes ten
            seconds or more after the last one.
        kept: How many stay.

    """

    def __init__(self, name: str | Path, every: int | None, kept: int) -> None:
        self.name = Path(name)
        self.last: Path | None = None
        self.error = ""
        self._every = every
        self._kept = kept
        self._written_at = time.monotonic()

    def begin(self) -> None:
        """Look into the folder before the first step.

        Raises:
            InputError: It is not there, or has checkpoints of that name from another training.

        """
        if not self.name.parent.is_dir():
            raise InputError(
                f"the folder of checkpoint_name={str(self.name)!r} is not there: make it first"
            )
        remove_parts(self.name.parent)
        there = checkpoints_at(self.name)
        if there and self.last is None:
            raise InputError(
                f"{there[0]} is a checkpoint of another training: go on with that by "
                f"solver.resume({str(self.name)!r}), choose another checkpoint_name, or delete it"
            )

    def are_due(self, epoch: int) -> bool:
        """Return whether the end of an epoch is one to write at."""
        if self._every is not None:
            return epoch % self._every == 0
        return time.monotonic() - self._written_at >= _SECONDS

    def write(self, content: Callable[[], bytes], step: int) -> None:
        """Write one, and then remove the oldest; if that fails, warn and let the training go on."""
        path = self.name.with_name(f"{self.name.name}-{step:08d}.safetensors")
        self._written_at = time.monotonic()
        try:
            write_whole(path, content())
            for old in checkpoints_at(self.name)[self._kept :]:
                if old != path:
                    old.unlink(missing_ok=True)
        except (OSError, InputError) as error:
            self.error = f"{path} could not be written ({_reason(error)})"
            left = "there is no earlier one" if self.last is None else f"the last is {self.last}"
            warn(f"{self.error}; {left}. The training goes on", CheckpointWarning)
        else:
            self.last, self.error = path, ""


def checkpoints_at(place: Path) -> list[Path]:
    """Return the checkpoints in a folder, or those whose paths begin with a name; newest first.

    Links are left out: what they lead to is not the run's.

    Raises:
        InputError: A folder holds checkpoints of several names.

    """
    folder = place if place.is_dir() else place.parent
    if not folder.is_dir():
        return []
    found = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    if not place.is_dir():
        found = [(match, path) for match, path in found if match["name"] == place.name]
    found = [(match, path) for match, path in found if path.is_file() and not path.is_symlink()]
    names = sorted({match["name"] for match, _ in found})
    if len(names) > 1:
        raise InputError(
            f"{place} holds checkpoints of several trainings, {', '.join(names)}: name one, such "
            f"as {place / names[0]}"
        )
    newest_first = sorted(found, key=lambda item: int(item[0]["step"]), reverse=True)
    return [path for _, path in newest_first]


def read_good(place: Path, read: Callable[[Path], _T]) -> tuple[Path, _T]:
    """Return the newest checkpoint at a place that can be read, and what `read` makes of it.

    Raises:
        InputError: There is none.

    Warns:
        CheckpointWarning: A newer one is damaged.

    """
    bad = []
    for path in checkpoints_at(place):
        try:
            value = read(path)
        except BackendError:
            raise  # the device is to blame, and no file
        except InputError as error:
            bad.append(f"{path}: {error}")
            continue
        for line in bad:
            warn(f"{line}. Using {path} instead", CheckpointWarning)
        return path, value
    if not bad:
        raise InputError(f"there is no checkpoint at {place}")
    raise InputError(f"no checkpoint at {place} is good: " + "; ".join(bad))


def offered(path: Path, read: Callable[[Path], object]) -> str:
    """Return a sentence with the newest good checkpoint beside one that is not, or ""."""
    match = _NAME.fullmatch(path.name)
    others = checkpoints_at(path.with_name(match["name"])) if match else []
    for other in others:
        try:
            read(other)
        except InputError:
            continue
        return f". There is a good one: {other}"
    return ""


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
