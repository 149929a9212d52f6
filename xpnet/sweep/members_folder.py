"""Where members wait for the next rung, in files that no kill leaves for ever."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["members_folder"]


@contextmanager
def members_folder(state: Path | None) -> Iterator[Path]:
    """Give a folder for the states of members, beside the sweep's state or a temporary one.

    What a killed sweep of that state has left there is removed first.
    """
    if state is None or not state.parent.is_dir():
        with tempfile.TemporaryDirectory(prefix="xpnet-sweep-") as name:
            yield Path(name)
        return
    folder = state.parent / f".{state.name}-members"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
