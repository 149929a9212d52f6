"""The measuring: the same steps in pieces, without them, and compiled, by turns."""

import os
import time
from typing import TYPE_CHECKING

from xpnet.backends import backend_of
from xpnet.checks import check_count
from xpnet.errors import InputError
from xpnet.net_trainer import NetTrainer
from xpnet.profiling.rehearsal import Rehearsal
from xpnet.profiling.report import PHASES, PieceTime, Profile
from xpnet.profiling.stopwatch import Clock, Key, Stopwatch
from xpnet.training_state import dtype_name

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["profile"]

_ROUNDS = 20


def profile(solver: "Solver", steps: int = 200, *, clock: Clock = time.perf_counter_ns) -> Profile:
    """Return where the time of a training goes, by layer and by phase.

    The steps that a training would take next are taken on copies: neither the Solver nor its model
    is changed, and a training that goes on has the same bits. What happens once an epoch, such as
    checks, is measured once and shared out to the epoch's steps; callbacks and printing are left
    out. The steps are taken in pieces and without them by turns, after one to warm up, and of each
    the quicker half of the turns counts: other programs slow the rest.

    On a device that works while Python goes on, the steps are taken in pieces twice: waiting for
    the device after each piece, and not.

    Args:
        solver: A Solver, before or after its training.
        steps: How many to measure.
        clock: Gives the time in nanoseconds.

    Returns:
        The table: `str` for people, `rows()` for programs.

    Raises:
        InputError: `steps` is no positive integer, the training has diverged, or a model that is
            not xpnet's cannot be copied by `copy.deepcopy`.

    """
    steps = check_count("steps", steps)
    if solver._divergence.gone.all():
        raise InputError(
            f"this training diverged at step {solver.diverged_at}: begin another, with a "
            "smaller learning rate, and profile that"
        )
    trainer = solver._loop.trainer
    first = next(iter(solver.model.params.values()))
    backend = backend_of(first)
    compiles = isinstance(trainer, NetTrainer) and (
        trainer.compiled or backend.always_compiles or backend.replays
    )
    wait = backend.wait_for if backend.is_asynchronous else None
    with backend.context(solver.precision), backend.threads(solver.threads) as threads:
        done = Rehearsal(solver, Stopwatch(clock, wait), in_pieces=True)
        plain = Rehearsal(solver, Stopwatch(clock))
        asked = compiled = None
        if backend.is_asynchronous:
            asked = Rehearsal(solver, Stopwatch(clock), in_pieces=True)
        if compiles:
            compiled = Rehearsal(solver, Stopwatch(clock), compiled=True)
        _by_turns([r for r in (done, plain, asked, compiled) if r], steps, solver.print_every)
    per_epoch = solver.steps_per_epoch
    return Profile(
        pieces=_pieces(done, asked, per_epoch),
        steps=steps,
        turns=len(done.turns),
        steps_before=solver.step,
        steps_per_epoch=per_epoch,
        batch_size=solver.batch_size,
        members=solver.members,
        backend=backend.description,
        dtype=dtype_name(first),
        threads=threads,
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        unwatched=_whole(plain, per_epoch)[1],
        compiled=None if compiled is None else _whole(compiled, per_epoch)[1],
        compiled_steps=None if compiled is None else _whole(compiled, per_epoch)[0],
    )


def _by_turns(rehearsals: list[Rehearsal], steps: int, print_every: int) -> None:
    """Let each take the steps, a few stretches at a time, after a turn that nobody measures."""
    stretches = max(1, round(steps / _ROUNDS / print_every))
    each = min(steps, stretches * print_every)
    turns = [each] * (steps // each) + [steps % each] * (steps % each > 0)
    for rehearsal in rehearsals:
        for turn in sorted(set(turns)):
            rehearsal.take(turn)
        rehearsal.begin()
    for turn in turns:
        for rehearsal in rehearsals:
            rehearsal.take(turn)


def _pieces(done: Rehearsal, asked: Rehearsal | None, per_epoch: int) -> list[PieceTime]:
    """Return what each piece takes, in the order of a step; the last has what no other has."""
    waited = _by_piece(done, per_epoch)
    called = {} if asked is None else _by_piece(asked, per_epoch)
    pieces = [PieceTime(*key, taken, called.get(key)) for key, taken in waited.items()]
    return sorted(pieces, key=lambda piece: PHASES.index(piece.phase))


def _by_piece(rehearsal: Rehearsal, per_epoch: int) -> dict[Key, float]:
    """Return microseconds a step by phase, piece and part."""
    watch, turn = rehearsal.stopwatch, rehearsal.quicker()
    found = {key: taken / turn.steps for key, taken in turn.laps.items()}
    found |= {key: taken / per_epoch for key, taken in rehearsal.once_an_epoch().items()}
    begun = {key: lap.begun for laps in (watch.laps, watch.rare) for key, lap in laps.items()}
    found = dict(sorted(found.items(), key=lambda item: begun[item[0]]))
    rest = turn.nanoseconds - sum(turn.laps.values())
    found["rest", "between stretches", ""] = rest / turn.steps
    return {key: taken / 1e3 for key, taken in found.items()}


def _whole(rehearsal: Rehearsal, per_epoch: int) -> tuple[float, float]:
    """Return the microseconds of a step, and those with its share of what comes once an epoch."""
    turn = rehearsal.quicker()
    step = turn.nanoseconds / turn.steps / 1e3
    return step, step + sum(rehearsal.once_an_epoch().values()) / per_epoch / 1e3
