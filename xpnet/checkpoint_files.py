"""Checkpoints as files: their names, which there are, which are good, and which to keep."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from xpnet.checks import check_count, check_count_or_none
from xpnet.errors import BackendError, CheckpointWarning, InputError, warn
from xpnet.whole_files import remove_parts, write_whole

__all__ = [
    "Checkpoints",
    "checkpoints_at",
    "checkpoints_named",
    "make_checkpoints",
    "offered",
    "read_good",
    "step_of",
]

_T = TypeVar("_T")
_NAME = re.compile(r"(?P<name>.+)-(?P<step>\d{8,})\.safetensors")
_SECONDS = 10.0  # so that small nets, whose epochs take milliseconds, do not wait for the disk
_SECONDS_WITHIN = 60.0  # an epoch


class Checkpoints:
    """Writes the checkpoints of one training: NAME-00000840.safetensors after 840 steps.

    Attributes:
        name: The beginning of the paths.
        last: The newest that this training has written or was resumed from, or None.
        error: Why the last attempt to write one failed, or "".

    Args:
        name: The beginning of the paths; its folder must be there.
        every: Epochs from one to the next, or None for the first end of an epoch that comes ten
            seconds or more after the last one, and every minute within an epoch.
        kept: How many stay.

    """

    def __init__(self, name: str | Path, every: int | None, kept: int) -> None:
        self.name = Path(name)
        self.last: Path | None = None
        self.error = ""
        self._every = every
        self._kept = kept
        self._written_at = time.monotonic()

    def go_on_from(self, path: Path) -> None:
        """Note that the training was resumed from a checkpoint, which may be one of these."""
        match = _NAME.fullmatch(path.name)
        if match and path.with_name(match["name"]).resolve() == self.name.resolve():
            self.last = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the name for the length of a training.

        Raises:
            InputError: Another training writes checkpoints of that name, or has left some.

        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - 50 ms that few trainings need

        lock = FileLock(str(self.name.with_name(f".{self.name.name}.lock")), timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise InputError(
                f"another training is writing the checkpoints {self.name}: wait for its end, or "
                "choose another checkpoint_name"
            ) from error
        except OSError:  # a folder that cannot be written is said at the first checkpoint
            yield
            return
        try:
            self._begin()
            yield
        finally:
            lock.release()

    def _begin(self) -> None:
        """Look into the folder before the first step."""
        remove_parts(self.name.parent, rf"{re.escape(self.name.name)}-\d{{8,}}\.safetensors")
        there = checkpoints_named(self.name)
        if there and self.last is None:
            raise InputError(
                f"{there[0]} is a checkpoint of another training: go on with that by "
                f"solver.resume({str(self.name)!r}), choose another checkpoint_name, or delete it"
            )

    def are_due(self, epoch: int, *, ends_epoch: bool) -> bool:
        """Return whether the end of an epoch, or a boundary within one, is one to write at."""
        if self._every is not None:
            return ends_epoch and epoch % self._every == 0
        wait = _SECONDS if ends_epoch else _SECONDS_WITHIN
        return time.monotonic() - self._written_at >= wait

    def write(self, content: Callable[[], bytes], step: int) -> None:
        """Write one, and then remove the oldest; if that fails, warn and let the training go on."""
        path = self.name.with_name(f"{self.name.name}-{step:08d}.safetensors")
        self._written_at = time.monotonic()
        try:
            write_whole(path, content())
            # Newer ones may be damaged, which is why this training is behind them.
            until_now = [old for old in checkpoints_named(self.name) if step_of(old) <= step]
            for old in until_now[self._kept :]:
                old.unlink(missing_ok=True)
        except (OSError, InputError) as error:
            self.error = f"{path} could not be written ({_reason(error)})"
            left = "there is no earlier one" if self.last is None else f"the last is {self.last}"
            warn(f"{self.error}; {left}. The training goes on", CheckpointWarning)
        else:
            self.last, self.error = path, ""


def make_checkpoints(name: Any, every: Any, kept: Any) -> Checkpoints | None:
    """Return what writes a training's checkpoints, or None without a name.

    Raises:
        InputError: A number is no positive integer, or the folder of the name is not there.

    """
    every = check_count_or_none("checkpoint_every", every)
    kept = check_count("checkpoints_kept", kept)
    if name is None:
        return None
    if not Path(name).parent.is_dir():
        raise InputError(f"the folder of checkpoint_name={str(name)!r} is not there: make it first")
    return Checkpoints(name, every, kept)


def checkpoints_named(name: Path) -> list[Path]:
    """Return the checkpoints whose paths begin with a name, newest first.

    Links are left out: what they lead to is not the run's.
    """
    if not name.parent.is_dir():
        return []
    found = []
    for path in name.parent.iterdir():
        match = _NAME.fullmatch(path.name)
        if match and match["name"] == name.name and path.is_file() and not path.is_symlink():
            found.append(path)
    return sorted(found, key=step_of, reverse=True)


def checkpoints_at(place: Path) -> list[Path]:
    """Return the checkpoints whose paths begin with a name, or those in a folder; newest first.

    Raises:
        InputError: A folder holds checkpoints of several names.

    """
    if (found := checkpoints_named(place)) or not place.is_dir():
        return found
    matches = (_NAME.fullmatch(path.name) for path in place.iterdir())
    names = sorted({match["name"] for match in matches if match})
    if len(names) > 1:
        raise InputError(
            f"{place} holds checkpoints of several trainings, {', '.join(names)}: name one, such "
            f"as {place / names[0]}"
        )
    return checkpoints_named(place / names[0]) if names else []


def step_of(path: Path) -> int:
    """Return the steps that a checkpoint's name tells."""
    match = _NAME.fullmatch(path.name)
    return int(match["step"]) if match else 0


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
    raise InputError(
        f"no checkpoint at {place} is good: {'; '.join(bad)}. A training must begin anew"
    )


def offered(path: Path, read: Callable[[Path], object]) -> str:
    """Return a sentence with the newest good checkpoint beside one that is not, or ""."""
    match = _NAME.fullmatch(path.name)
    others = checkpoints_named(path.with_name(match["name"])) if match else []
    for other in others:
        try:
            read(other)
        except InputError:
            continue
        return f". There is a good one: {other}"
    return ""


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
