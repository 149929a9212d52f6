"""A run of the command line: its data, its net, its training, and what comes of it."""

import argparse
import sys
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import xpnet
from xpnet.backends import Backend, get_backend
from xpnet.checkpoint_files import checkpoints_named
from xpnet.checks import check_count
from xpnet.command_line import INTERRUPTED
from xpnet.data import Dataset
from xpnet.diagnostics import WATCH, Watch
from xpnet.errors import CheckpointWarning, DivergenceWarning, InputError
from xpnet.history_file import HistoryFile
from xpnet.hyperparameters import hyperparameters
from xpnet.interrupts import Terminated
from xpnet.preprocessing import BasePreprocessor
from xpnet.profiling import Profile, profile
from xpnet.progress import watch
from xpnet.run_config import CONFIG, config_text
from xpnet.run_folder import (
    CHECKPOINT,
    HISTORY,
    is_complete,
    open_folder,
    refuse_other_run,
    remove_run,
    write_results,
)
from xpnet.run_lines import head_lines, result_lines, resumed_line, stopped_line, written_lines
from xpnet.run_parts import fitted_preprocess, load_data, make_net, solver_options
from xpnet.solver import Solver
from xpnet.versions import versions
from xpnet.watched_run import go_on_watching, said_divergence, watch_of, watch_summary
from xpnet.whole_files import write_whole

__all__ = ["DIVERGED", "TERMINATED", "run"]

DIVERGED, TERMINATED = 1, 143


def run(parser: argparse.ArgumentParser, options: argparse.Namespace, started: float) -> int:
    """Train as the options say, report, and return the exit status.

    Raises:
        InputError: Something was asked for that cannot be done.

    """
    with ExitStack() as stack:
        backend = get_backend(options.device)
        folder = None
        if options.overwrite and options.out is None:
            raise InputError("--overwrite is for --out DIR: give that too, or leave it out")
        if options.out is not None:
            folder = stack.enter_context(open_folder(options.out))
            if not (options.resume or options.overwrite):
                refuse_other_run(folder)
        data = load_data(options)
        chosen = hyperparameters(options, len(data.X_train), is_regression=data.is_regression)
        for name in ("threads", "profile"):
            if getattr(options, name) is not None:
                check_count(f"--{name}", getattr(options, name))
        with backend.threads(options.threads) as available:
            preprocess = fitted_preprocess(options, chosen, data)
            solver = _make_solver(options, chosen, data, preprocess, folder)
            threads = solver.threads or available
            layers = "-".join(map(str, solver.model.layer_sizes))
            if not options.quiet:
                lines = head_lines(chosen, layers, data, preprocess, backend, threads)
                _print(f"xpnet {xpnet.__version__}, {next(lines)}", *lines)
            watched = watch_of(options, folder)
            history = _begin(parser, options, chosen, solver, folder, watched)
            if folder is not None and options.resume and is_complete(folder, solver):
                return 0
            status = _train(solver, folder, watched)
            summary = _summary(options, chosen, solver, data, backend)
            summary |= {
                "threads": threads,
                "seconds_training": solver.seconds,
                "test_accuracy": _test_accuracy(solver, data),
                "interrupted": status in (INTERRUPTED, TERMINATED),
                "watch": watch_summary(watched),
            }
            asked = options.profile is not None
            profiled = _profile(solver, options.profile, status) if asked else None
        summary["seconds_total"] = time.perf_counter() - started
        if profiled is not None:
            summary["profile"] = profiled.as_dict()
        if not options.quiet:
            _print(*result_lines(summary), *(() if profiled is None else ("", str(profiled), "")))
        if folder is not None and history is not None:
            errors = [history.error, "" if watched is None else watched.error]
            written = _written(folder, solver, data, summary, errors)
            written += [] if watched is None else [WATCH]
            if not options.quiet:
                _print(*written_lines(folder, written, preprocess))
        return status


def _begin(
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    chosen: dict[str, Any],
    solver: Solver,
    folder: Path | None,
    watched: Watch | None,
) -> HistoryFile | None:
    """Resume if that was asked for, and write what stands in the folder from the start."""
    if watched is not None:
        solver.callbacks = (*solver.callbacks, watched)
    if options.compile and not options.quiet:
        _print("compiling, which takes a minute or two")
    if folder is None:
        return None
    if options.resume:
        line = f"no checkpoint in {folder} yet: starting from the beginning"
        if checkpoints_named(folder / CHECKPOINT):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", CheckpointWarning)
                solver.resume(folder / CHECKPOINT, num_epochs=options.last_epoch)
            _say(caught)
            line = resumed_line(solver)
        if not options.quiet:
            _print(line)
        if watched is not None:
            go_on_watching(watched, solver, folder)
    try:
        if not options.resume:
            remove_run(folder)  # now that all else is known to be right
            write_whole(folder / CONFIG, config_text(parser, options, chosen).encode())
        history = HistoryFile(folder / HISTORY, solver)
    except OSError as error:
        raise _no_room(folder, error) from error
    solver.callbacks = (*solver.callbacks, history)
    return history


def _summary(
    options: argparse.Namespace,
    chosen: dict[str, Any],
    solver: Solver,
    data: Dataset,
    backend: Backend,
) -> dict[str, Any]:
    """Return what summary.json says of a run, but for what the clock says."""
    parts = [part for part in ("train", "val", "test") if f"X_{part}" in data]
    return {
        "dataset": options.dataset,
        "source": data.source,
        "device": options.device,
        "backend": backend.description,
        "samples": {part: len(data[f"X_{part}"]) for part in parts},
        "class_names": list(data.class_names),
        "layers": "-".join(map(str, solver.model.layer_sizes)),
        "hyperparameters": chosen,
        "epochs": solver.epoch,
        "steps": solver.step,
        "metric": solver.metric.name,
        "best_val_accuracy": solver.best_val_acc,
        "diverged_at": solver.diverged_at,
        "stopped_at": solver.stopped_at,
        "patience": chosen["patience"],
        "versions": versions(backend),
    }


def _test_accuracy(solver: Solver, data: Dataset) -> Any:
    if data.X_test is None:
        return None
    return solver.check_accuracy(data.X_test, data.y_test, batch_size=1000)


def _make_solver(
    options: argparse.Namespace,
    chosen: dict[str, Any],
    data: Dataset,
    preprocess: BasePreprocessor | None,
    folder: Path | None,
) -> Solver:
    """Return the Solver of the net that the options describe."""
    net = make_net(options, chosen, data, preprocess)
    steps_per_epoch = len(data.X_train) // check_count("batch_size", chosen["batch_size"])
    callbacks = [] if options.quiet else [watch(chosen["num_epochs"], steps_per_epoch)]
    return Solver(
        net,
        data,
        **solver_options(options, chosen),
        print_every=options.print_every,
        verbose=False,
        preprocess=preprocess,
        compile=options.compile,
        checkpoint_name=None if folder is None else folder / CHECKPOINT,
        checkpoint_every=options.checkpoint_every,
        checkpoints_kept=options.checkpoints_kept,
        callbacks=callbacks,
    )


def _train(solver: Solver, folder: Path | None, watched: Watch | None) -> int:
    """Train and return the exit status; a divergence or a signal is said in one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DivergenceWarning)
        warnings.simplefilter("always", CheckpointWarning)
        status = 0
        try:
            solver.train()
        except (KeyboardInterrupt, Terminated) as stop:
            status = INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED
            print(stopped_line(solver, folder), file=sys.stderr)
    if any(issubclass(warning.category, DivergenceWarning) for warning in caught):
        status = status or DIVERGED
    if said_divergence(watched):  # and knows more of it
        caught = [one for one in caught if not issubclass(one.category, DivergenceWarning)]
    _say(caught)
    return status


def _say(caught: list[warnings.WarningMessage]) -> None:
    """Print our own warnings, and pass others on."""
    for warning in caught:
        if issubclass(warning.category, DivergenceWarning | CheckpointWarning):
            print(f"xpnet.train: {warning.message}", file=sys.stderr)
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def _profile(solver: Solver, steps: int, status: int) -> Profile | None:
    """Return where the time goes, or say why not: what was trained is worth more than that."""
    if status == 0:
        try:
            return profile(solver, steps)
        except InputError as error:
            reason = str(error)
        except KeyboardInterrupt:
            reason = "it was interrupted"
    else:
        reason = f"the training {'diverged' if status == DIVERGED else 'was interrupted'}"
    print(f"xpnet.train: no profile: {reason}", file=sys.stderr)
    return None


def _written(
    folder: Path, solver: Solver, data: Dataset, summary: dict[str, Any], errors: list[str]
) -> list[str]:
    """Write what came of a run, and return the names of the files."""
    try:
        names = write_results(folder, solver, data, summary)
        # 50 ms that a run without --out need not wait for
        from xpnet.report import write_run_report  # noqa: PLC0415

        names.append(write_run_report(folder, data).name)
    except OSError as error:
        raise _no_room(folder, error) from error
    if missing := [text for text in (solver.checkpoint_error, *errors) if text]:
        raise InputError(f"{', and '.join(missing)}: make room; all else is in {folder}")
    return [*names, *sorted(path.name for path in checkpoints_named(folder / CHECKPOINT))]


def _no_room(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"{folder} could not be written ({error}): make room, or choose another --out DIR"
    )


def _print(*lines: str) -> None:
    """Print lines at once, also into a pipe."""
    print(*lines, sep="\n", flush=True)
