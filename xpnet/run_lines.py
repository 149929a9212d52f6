"""The lines that a run on the command line prints before and after the training."""

import math
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backends import Backend
from xpnet.data import Dataset
from xpnet.hyperparameters import worth_saying
from xpnet.preprocessing import BasePreprocessor
from xpnet.solver import Solver

__all__ = ["head_lines", "result_lines", "resumed_line", "stopped_line", "written_lines"]

_WIDTH = 98


def head_lines(
    chosen: dict[str, Any],
    layers: str,
    data: Dataset,
    preprocess: BasePreprocessor | None,
    backend: Backend,
    threads: int,
) -> Iterator[str]:
    """Yield where it runs, the data, the net, and every hyperparameter."""
    yield f"{backend.description}, {threads} BLAS thread{'s' * (threads != 1)}"
    if backend.remark:
        yield backend.remark
    parts = [f"{len(data.X_train):,} training", f"{len(data.X_val):,} validation"]
    if data.X_test is not None:
        parts.append(f"{len(data.X_test):,} test")
    yield _wrapped(f"{data.name}: {', '.join(parts)} samples; {data.source}")
    yield f"net: {layers}"
    if preprocess is not None and preprocess.note:
        yield _wrapped(f"{preprocess}: {preprocess.note}")
    yield _wrapped(worth_saying(chosen))
    if not data.is_regression:
        empty = np.flatnonzero(np.bincount(data.y_train, minlength=data.num_classes) == 0)
        if len(empty):
            names = ", ".join(data.class_names[k] for k in empty[:5])
            yield f"note: no training sample has the label {names}; integer labels count from 0"


def resumed_line(solver: Solver) -> str:
    """Return from where a run goes on."""
    done = f"step {solver.step:,} of {solver.last_epoch * solver.steps_per_epoch:,}"
    if solver.epoch == solver.last_epoch:
        return f"complete: {done} is done, and nothing is left to train"
    return f"resumed at {done}"


def stopped_line(solver: Solver, folder: Path | None) -> str:
    """Return where a signal has stopped a run, and how it goes on."""
    kept = "the best parameters so far are kept"
    if folder is not None and not solver.checkpoint_error:
        kept = f"go on by python -m xpnet.train --resume {shlex.quote(str(folder))}"
    return f"\nstopped at step {solver.step:,}: {kept}"


def result_lines(summary: dict[str, Any]) -> Iterator[str]:
    """Yield how long it took and how good the net became."""
    seconds, steps, metric = summary["seconds_training"], summary["steps"], summary["metric"]
    if summary["stopped_at"] is not None:
        yield f"stopped early: no better validation in {summary['patience']} epochs"
    yield f"trained {steps:,} step{'s' * (steps != 1)} in {seconds:.2f} s, checks included"
    if math.isfinite(summary["best_val_accuracy"]):
        yield f"best validation {metric} {summary['best_val_accuracy']:.4f}"
    else:
        yield "nothing was learnt: the parameters are those of the start"
    if summary["test_accuracy"] is not None:
        yield f"test {metric} {summary['test_accuracy']:.4f}"


def written_lines(
    folder: object, written: list[str], preprocess: BasePreprocessor | None
) -> Iterator[str]:
    """Yield which files there are, and why a picture is missing."""
    yield _wrapped(f"written to {folder}: {', '.join(written)}")
    if "curves.png" not in written:
        yield "no pictures, as matplotlib is not installed: pip install matplotlib"
    elif "weights.png" not in written:
        if preprocess is not None and not preprocess.keeps_shape:
            why = f"the net's inputs are no pictures after {preprocess}"
        else:
            why = "samples are not (H, W), (1, H, W) or (3, H, W)"
        yield f"no weights.png, as {why}"


def _wrapped(text: str) -> str:
    width = _WIDTH
    if sys.stdout.isatty():
        width = min(width, shutil.get_terminal_size().columns)
    return textwrap.fill(
        text, width, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
    )
