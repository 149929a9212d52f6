"""All that a training needs to go on, taken from a Solver, and put into another."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xpnet.backends import backend_of
from xpnet.errors import InputError
from xpnet.model_variables import put_into_model, variables_of
from xpnet.net_records import net_record
from xpnet.nets import FullyConnectedNet, Variables
from xpnet.preprocessing import BasePreprocessor
from xpnet.run_identity import check_identity, identity_of
from xpnet.tensor_files import FORMAT, tensor_bytes
from xpnet.training_state import host_variables, named_so, variables_in_place_of
from xpnet.versions import versions

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = [
    "Prepared",
    "checkpoint_arrays",
    "checkpoint_bytes",
    "prepared",
    "restore",
    "restore_arrays",
]

_COUNTERS = ("epoch", "step", "done_in_epoch", "last_epoch")


def checkpoint_bytes(solver: "Solver") -> bytes:
    """Return a Solver's checkpoint: parameters and state, the rule's, the best, and the histories.

    Raises:
        InputError: The net's preprocessing is none of xpnet's, or a rule keeps what no file holds.

    """
    loop, model = solver._loop, solver.model
    is_ours = isinstance(model, FullyConnectedNet)
    record, arrays = _snapshot(solver)
    header = {
        "format": FORMAT,
        "kind": "checkpoint",
        "net": net_record(model) if is_ours else None,
        "run": identity_of(solver),
        "counters": dict(zip(_COUNTERS, loop.counters, strict=True)),
        "rule": record,
        "seconds": solver.seconds_until_now,
        "versions": versions(backend_of(next(iter(model.params.values())))),
    }
    return tensor_bytes(arrays, header)


def checkpoint_arrays(solver: "Solver") -> dict[str, np.ndarray]:
    """Return the arrays of a checkpoint alone."""
    return _snapshot(solver)[1]


def _snapshot(solver: "Solver") -> tuple[Any, dict[str, np.ndarray]]:
    """Return what the rule keeps for JSON, and all arrays of a checkpoint."""
    record, kept = solver._trainer.snapshot()
    numbers = {}
    if isinstance(solver.preprocess, BasePreprocessor):
        numbers = {f"preprocess.{name}": x for name, x in solver.preprocess.numbers().items()}
    history = solver._loop.history.arrays()
    return record, {
        **kept,
        **host_variables(solver._best.variables, "best."),
        **{f"history.{name}": x for name, x in history.items()},
        **numbers,
    }


class Prepared(NamedTuple):
    """A checkpoint that was read and held against the Solver, but not put into it."""

    identity: Any
    counters: tuple[int, ...] = ()
    history: Mapping[str, np.ndarray] = {}
    best: Variables = Variables({}, {})
    state: Any = None  # what the trainer goes on from
    seconds: float = 0.0


def prepared(
    solver: "Solver", arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]
) -> Prepared:
    """Return what `restore` puts into a Solver made as the one that the checkpoint is of.

    Of another run it returns the identity alone, by which that can be said: the file is good.

    Raises:
        InputError: It is no checkpoint, or does not fit together.

    """
    if header["kind"] != "checkpoint":
        raise InputError("it holds a net and no training: xpnet.load reads it")
    if not {"run", "counters", "rule", "seconds"} <= set(header):
        raise InputError("its header is no checkpoint's, although the file is whole")
    try:
        check_identity(header["run"], solver)
    except InputError:
        return Prepared(header["run"])
    counters = _checked_counters(header["counters"], solver.steps_per_epoch)
    seconds = header["seconds"]
    if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise InputError(f"the checkpoint's seconds are {seconds!r}, and no duration")
    found = _prepared_arrays(solver, arrays, counters, header["rule"])
    return found._replace(identity=header["run"], seconds=float(seconds))


def restore_arrays(
    solver: "Solver", arrays: Mapping[str, np.ndarray], counters: tuple[int, ...]
) -> None:
    """Put arrays like those of `checkpoint_arrays` into a new Solver of one of our nets and rules.

    Raises:
        InputError: They do not fit.

    """
    restore(solver, _prepared_arrays(solver, arrays, counters, None))


def _prepared_arrays(
    solver: "Solver", arrays: Mapping[str, np.ndarray], counters: tuple[int, ...], rule: Any
) -> Prepared:
    """Return a checkpoint's arrays, held against the Solver."""
    _check_numbers(solver, arrays)
    kept = solver._loop.history.checked(named_so(arrays, "history."), counters[1])
    gone = (kept["diverged"] > 0) | (kept["stopped"] > 0)
    state = solver._trainer.saved_state(arrays, rule, gone)
    best = variables_in_place_of(variables_of(solver.model), arrays, "best.")
    return Prepared(None, counters, kept, best, state)


def restore(solver: "Solver", found: Prepared) -> None:
    """Put a checkpoint into a Solver."""
    solver._trainer.go_on_from(found.state)
    solver._loop.history.restore(found.history, found.best)
    solver._loop.counters = found.counters
    solver.seconds = found.seconds
    solver._is_resumed = True
    put_into_model(solver.model, solver._trainer.variables)


def _check_numbers(solver: "Solver", arrays: Mapping[str, np.ndarray]) -> None:
    """Raise InputError unless the preprocessing was fitted on the same data.

    To rounding: the same numbers on another machine may differ in their last bits.
    """
    if not isinstance(solver.preprocess, BasePreprocessor):
        return
    saved = named_so(arrays, "preprocess.")
    for name, now in solver.preprocess.numbers().items():
        then = saved.get(name)
        if then is None or then.shape != now.shape or not _is_near(then, now):
            raise InputError(
                f"the checkpoint's {name} of the preprocessing {solver.preprocess} is another than "
                "that of this training part: give the Solver the same data"
            )


def _is_near(then: np.ndarray, now: np.ndarray) -> bool:
    return np.allclose(then, now, rtol=1e-5, atol=1e-6 * float(np.abs(now).max(initial=0)))


def _checked_counters(saved: Any, steps_per_epoch: int) -> tuple[int, ...]:
    """Return the counters, which must fit each other."""
    numbers: list[Any] = [saved.get(name) for name in _COUNTERS] if isinstance(saved, dict) else []
    if not numbers or any(type(n) is not int or n < 0 for n in numbers):
        raise InputError("the checkpoint's counters are damaged")
    epoch, step, done, last = numbers
    if step != epoch * steps_per_epoch + done or done >= steps_per_epoch or epoch > last:
        raise InputError(
            f"the checkpoint's counters do not fit each other: step {step}, epoch {epoch} of "
            f"{last}, {steps_per_epoch} steps an epoch"
        )
    return epoch, step, done, last
