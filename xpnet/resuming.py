"""A training that goes on from a checkpoint: which one, and whether it is the Solver's."""

from pathlib import Path
from typing import TYPE_CHECKING

from xpnet.checkpoint import Prepared, prepared, restore
from xpnet.checkpoint_files import offered, read_good
from xpnet.errors import InputError
from xpnet.run_identity import check_identity
from xpnet.tensor_files import read_tensors

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["resume"]


def resume(solver: "Solver", path: Path, num_epochs: int | None) -> None:
    """Put the training of a checkpoint into a Solver; see `Solver.resume`.

    Raises:
        InputError: It cannot go on from there. The Solver is as it was.

    """
    if solver.step:
        raise InputError("this Solver has taken steps: resume with one that is new")
    path, found = _read(solver, path)
    try:
        check_identity(found.identity, solver)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if num_epochs is not None and num_epochs < found.counters[0]:
        raise InputError(
            f"{path} has done {found.counters[0]} epochs already: num_epochs must be that or more; "
            f"got {num_epochs}"
        )
    restore(solver, found)
    if num_epochs is not None:
        solver._loop.last_epoch = num_epochs
    if solver._checkpoints is not None:
        solver._checkpoints.go_on_from(path)


def _read(solver: "Solver", path: Path) -> tuple[Path, Prepared]:
    """Return a checkpoint: the one that is named, or the newest good one of several."""

    def read(file: Path) -> Prepared:
        return prepared(solver, *read_tensors(file))

    if not path.is_file():
        return read_good(path, read)
    try:
        return path, read(path)
    except InputError as error:
        raise InputError(f"{path}: {error}{offered(path, read)}") from error
