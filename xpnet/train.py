"""Train a fully connected net from the command line: `python -m xpnet.train`."""

import argparse
import os
import platform
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import xpnet
from xpnet.backends import Backend, get_backend
from xpnet.checks import check_count
from xpnet.choices import choices_text
from xpnet.data import Dataset
from xpnet.errors import DivergenceWarning, InputError
from xpnet.hyperparameters import hyperparameters, optim_config
from xpnet.nets import FullyConnectedNet
from xpnet.options import OneLineParser, add_options
from xpnet.preprocessing import BasePreprocessor, get_preprocessor
from xpnet.profiling import Profile, profile
from xpnet.progress import watch
from xpnet.run_folder import open_folder, write_run
from xpnet.run_lines import head_lines, result_lines, written_lines
from xpnet.solver import Solver

__all__ = ["main"]

_MANY = 1000  # features, from which on finding principal components takes more than a second
_BAD_INPUT, _DIVERGED, _INTERRUPTED, _NO_READER = 2, 1, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 after a training; 1 if it diverged; 2 for input that was refused; 130 after Ctrl-C.
    """
    started = time.perf_counter()
    parser = OneLineParser(
        prog="python -m xpnet.train",
        description="Train a fully connected net. Without options: on handwritten digits, in a "
        "second.",
        epilog="exit status: 0 trained, 1 diverged, 2 input refused, 130 stopped by Ctrl-C",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"xpnet {xpnet.__version__}")
    parser.add_argument("--list", action=_ListChoices, nargs=0, help="print what can be chosen")
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        return _run(options, started)
    except InputError as error:
        print(f"xpnet.train: error: {error}", file=sys.stderr)
        return _BAD_INPUT
    except BrokenPipeError:
        # Whoever read the output has gone, as `| head` does; flushing at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NO_READER
    except OSError as error:
        print(f"xpnet.train: error: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BAD_INPUT
    except MemoryError as error:
        reason = str(error) or "the net or the data are too large for it"
        print(f"xpnet.train: error: not enough memory: {reason}", file=sys.stderr)
        return _BAD_INPUT
    except KeyboardInterrupt:
        print("\ninterrupted outside the training: nothing more is written", file=sys.stderr)
        return _INTERRUPTED


class _ListChoices(argparse.Action):
    """Prints the choices and ends, as --version does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(choices_text())
        parser.exit()


def _run(options: argparse.Namespace, started: float) -> int:
    """Train as the options say, and report."""
    backend = get_backend(options.device)
    folder = None if options.out is None else open_folder(options.out)
    data = _load(options)
    chosen = hyperparameters(options, len(data.X_train), is_regression=data.is_regression)
    if options.threads is not None:
        check_count("--threads", options.threads)
    if options.profile is not None:
        check_count("--profile", options.profile)
    with backend.threads(options.threads) as available:
        preprocess = get_preprocessor(chosen["preprocess"], data.picture_shape)
        if preprocess is not None:
            if not options.quiet and not preprocess.keeps_shape and data.input_dim > _MANY:
                _print(f"fitting {preprocess}, which may take a minute")
            preprocess.fit(data.X_train)
        solver = _make_solver(options, chosen, data, preprocess)
        threads = solver.threads or available
        layers = "-".join(map(str, solver.model.layer_sizes))
        if not options.quiet:
            lines = head_lines(chosen, layers, data, preprocess, backend, threads)
            _print(f"xpnet {xpnet.__version__}, {next(lines)}", *lines)
            if options.compile:
                _print("compiling, which takes a minute or two")
        begun = time.perf_counter()
        status = _train(solver)
        seconds_training = time.perf_counter() - begun
        test_accuracy = None
        if data.X_test is not None:
            test_accuracy = solver.check_accuracy(data.X_test, data.y_test, batch_size=1000)
        profiled = None if options.profile is None else _profile(solver, options.profile, status)
    summary = {
        "dataset": options.dataset,
        "source": data.source,
        "device": options.device,
        "backend": backend.description,
        "threads": threads,
        "samples": {
            part: len(data[f"X_{part}"]) for part in ("train", "val", "test") if f"X_{part}" in data
        },
        "class_names": list(data.class_names),
        "layers": layers,
        "hyperparameters": chosen,
        "epochs": solver.epoch,
        "steps": solver.step,
        "seconds_total": time.perf_counter() - started,
        "seconds_training": seconds_training,
        "metric": solver.metric.name,
        "best_val_accuracy": solver.best_val_acc,
        "test_accuracy": test_accuracy,
        "diverged_at": solver.diverged_at,
        "stopped_at": solver.stopped_at,
        "patience": chosen["patience"],
        "interrupted": status == _INTERRUPTED,
        "versions": _versions(backend),
    }
    if profiled is not None:
        summary["profile"] = profiled.as_dict()
    if not options.quiet:
        _print(*result_lines(summary), *(() if profiled is None else ("", str(profiled), "")))
    if folder is not None:
        written = _write(folder, solver, data, summary)
        if not options.quiet:
            _print(*written_lines(folder, written, preprocess))
    return status


def _load(options: argparse.Namespace) -> Dataset:
    """Return the data set that the options name."""
    if options.dataset != "cifar10" and (options.download or options.data_dir is not None):
        given = "--download" if options.download else "--data-dir"
        raise InputError(
            f"{given} is for --dataset cifar10, but --dataset is {options.dataset}: leave it out"
        )
    return xpnet.data.load(
        options.dataset, data_dir=options.data_dir, download=options.download, seed=options.seed
    )


def _make_solver(
    options: argparse.Namespace,
    chosen: dict[str, Any],
    data: Dataset,
    preprocess: BasePreprocessor | None,
) -> Solver:
    """Return the Solver of the net that the options describe."""
    net = FullyConnectedNet(
        chosen["hidden_dims"],
        data.input_dim if preprocess is None else preprocess.output_dim(data.input_dim),
        data.num_classes,
        activation=chosen["activation"],
        normalization=_or_none(chosen["normalization"]),
        dropout_keep_ratio=chosen["dropout_keep_ratio"],
        reg=chosen["reg"],
        weight_scale=chosen.get("weight_scale"),
        initializer=chosen["initializer"],
        loss=chosen["loss"],
        dtype=chosen["dtype"],
        device=options.device,
        seed=chosen["seed"],
    )
    if data.is_regression:  # start from the targets' mean, however far from 0 it lies
        mean = np.mean(data.y_train, axis=0).reshape(data.num_classes)
        with net.backend.context():  # of float16, a mean beyond 65504 diverges at the first step
            net.params[f"b{net.num_layers}"] = net.backend.asarray(mean, net.dtype)
    steps_per_epoch = len(data.X_train) // check_count("batch_size", chosen["batch_size"])
    callbacks = [] if options.quiet else [watch(chosen["num_epochs"], steps_per_epoch)]
    return Solver(
        net,
        data,
        update_rule=chosen["update_rule"],
        optim_config=optim_config(options, chosen),
        lr_decay=chosen["lr_decay"],
        batch_size=chosen["batch_size"],
        num_epochs=chosen["num_epochs"],
        print_every=options.print_every,
        verbose=False,
        seed=chosen["seed"],
        sampling=chosen["sampling"],
        preprocess=preprocess,
        lr_schedule=chosen["lr_schedule"],
        patience=chosen["patience"],
        clip_norm=chosen["clip_norm"],
        class_weights=_or_none(chosen["class_weights"]),
        label_smoothing=chosen["label_smoothing"],
        compile=options.compile,
        precision=chosen["precision"],
        threads=options.threads,
        callbacks=callbacks,
    )


def _or_none(text: str) -> str | None:
    return None if text == "none" else text


def _train(solver: Solver) -> int:
    """Train and return the exit status; a divergence or a Ctrl-C is said in one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DivergenceWarning)
        try:
            solver.train()
            status = 0
        except KeyboardInterrupt:
            print(
                f"\ninterrupted at step {solver.step}: the best parameters so far are kept",
                file=sys.stderr,
            )
            status = _INTERRUPTED
    for warning in caught:
        if issubclass(warning.category, DivergenceWarning):
            print(f"xpnet.train: {warning.message}", file=sys.stderr)
            status = status or _DIVERGED
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    return status


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
        reason = f"the training {'diverged' if status == _DIVERGED else 'was interrupted'}"
    print(f"xpnet.train: no profile: {reason}", file=sys.stderr)
    return None


def _write(folder: Path, solver: Solver, data: Dataset, summary: dict[str, Any]) -> list[str]:
    try:
        return write_run(folder, solver, data, summary)
    except OSError as error:
        raise InputError(
            f"{folder} could not be written ({error}): make room, or choose another --out DIR"
        ) from error


def _print(*lines: str) -> None:
    """Print lines at once, also into a pipe."""
    print(*lines, sep="\n", flush=True)


def _versions(backend: Backend) -> dict[str, str]:
    return {
        "xpnet": xpnet.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        backend.name: backend.version,
    }


if __name__ == "__main__":
    sys.exit(main())
