"""What a run has left in its folder, read for the report; its data and its net with it."""

import argparse
import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xpnet
from xpnet.data import Dataset
from xpnet.diagnostics import WATCH, Verdict, WatchRecord, read_watch
from xpnet.errors import CheckpointWarning, InputError
from xpnet.hyperparameters import hyperparameters
from xpnet.nets import FullyConnectedNet
from xpnet.options import OneLineParser, add_options
from xpnet.report.doctor_file import read_doctor
from xpnet.report.history_table import HistoryTable, read_history
from xpnet.run_config import CONFIG, arguments_of
from xpnet.run_folder import DOCTOR, HISTORY, SUMMARY

__all__ = ["RunRecord", "read_run"]

_MANY = 10**9  # samples, so that no default batch is cut: a config has its own


@dataclass(frozen=True, eq=False)
class RunRecord:
    """A run.

    Attributes:
        folder: Where it is.
        history: Its losses and checks.
        summary: What summary.json says; empty where the run has not come to its end.
        chosen: Every hyperparameter.
        dataset: The name or the path of the data.
        data: The data, or None where they cannot be read.
        net: The best net so far, or None where there is none.
        watch: What was recorded of its layers, with one look or more; or None.
        diagnosis: What python -m xpnet.doctor has found, if it was asked to write it here.
        remarks: Why something is not there, a sentence each.

    """

    folder: Path
    history: HistoryTable
    summary: dict[str, Any]
    chosen: dict[str, Any]
    dataset: str
    data: Dataset | None
    net: FullyConnectedNet | None
    watch: WatchRecord | None = None
    diagnosis: list[Verdict] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def is_regression(self) -> bool:
        """Whether it learns real targets."""
        return self.history.metric != "acc"

    @property
    def metric(self) -> str:
        """What the checks measured, in words."""
        return "R squared" if self.is_regression else "accuracy"

    @property
    def class_names(self) -> tuple[str, ...]:
        """A name for each class; empty for a regression."""
        names = self.data.class_names if self.data is not None else ()
        return tuple(names or getattr(self.net, "class_names", None) or ())


def read_run(folder: Path, data: Dataset | None = None) -> RunRecord:
    """Return the run of a folder.

    Args:
        folder: Of `python -m xpnet.train --out`.
        data: What it was trained on; None reads them from where config.toml says that they are.

    Raises:
        InputError: The folder holds no run, or one of its files is damaged.

    """
    for name in (CONFIG, HISTORY):
        if not (folder / name).is_file():
            why = f"there is no {name} in it" if folder.is_dir() else "it is no folder"
            raise InputError(
                f"{folder} holds no run, as {why}: give the folder of an earlier "
                "python -m xpnet.train --out DIR, or of a sweep"
            )
    history, options = read_history(folder / HISTORY), _options(folder / CONFIG)
    remarks: list[str] = []
    summary = _summary(folder / SUMMARY, remarks)
    if data is None:
        data = _data(options, remarks)
    chosen = summary.get("hyperparameters") or hyperparameters(
        options, _MANY, is_regression=history.metric != "acc"
    )
    dataset = data.name if data is not None else Path(options.dataset).stem
    net, watch = _net(folder, remarks), _watch(folder / WATCH, remarks)
    doctor = _diagnosis(folder / DOCTOR, remarks)
    return RunRecord(folder, history, summary, chosen, dataset, data, net, watch, doctor, remarks)


def _options(path: Path) -> argparse.Namespace:
    """Return what a run was asked for."""
    parser = OneLineParser(prog="python -m xpnet.report", allow_abbrev=False)
    add_options(parser)
    parser.where = f"{path}: "
    return parser.parse_args(arguments_of(path, parser))


def _summary(path: Path, remarks: list[str]) -> dict[str, Any]:
    if not path.is_file():
        remarks.append(
            "The run has not come to its end, or it was killed: what is here is what it had "
            "written until then."
        )
        return {}
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({error}): it is damaged") from error
    if not isinstance(found, dict) or not _is_summary(found):
        raise InputError(f"{path} is no summary of a run, or damaged: train again")
    return found


def _is_summary(found: dict[str, Any]) -> bool:
    """Return whether the values are of the kinds that the report writes out."""
    number, whole = (int, float), (int, type(None))
    kinds: dict[str, Any] = {"hyperparameters": dict, "versions": dict, "samples": dict}
    kinds |= {"layers": str, "backend": str, "steps": int, "seconds_training": number}
    kinds |= {"diverged_at": whole, "stopped_at": whole, "patience": whole}
    chosen: dict[str, Any] = {
        "update_rule": str,
        "learning_rate": number,
        "lr_decay": number,
        "reg": number,
    }
    chosen |= {"num_epochs": int, "batch_size": int, "dropout_keep_ratio": number}
    own = found.get("hyperparameters")
    return (
        all(isinstance(found.get(name), kind) for name, kind in kinds.items())
        and isinstance(own, dict)
        and all(isinstance(own.get(name), kind) for name, kind in chosen.items())
        and all(isinstance(count, int) for count in found["samples"].values())
        and (found.get("stopped_at") is None or found.get("patience") is not None)
    )


def _data(options: argparse.Namespace, remarks: list[str]) -> Dataset | None:
    try:
        return xpnet.data.load(options.dataset, data_dir=options.data_dir, seed=options.seed)
    except InputError as error:
        remarks.append(f"The data could not be read: {error}.")
        return None


def _net(folder: Path, remarks: list[str]) -> FullyConnectedNet | None:
    """Return the best net, on the CPU, wherever it was trained."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CheckpointWarning)  # xpnet.load and --resume say it
            return xpnet.load(folder)
    except InputError as error:
        remarks.append(f"The net could not be read: {error}.")
        return None


def _watch(path: Path, remarks: list[str]) -> WatchRecord | None:
    """Return what --watch has recorded, if it was on."""
    if not path.is_file():
        return None
    try:
        record = read_watch(path)
    except InputError as error:
        remarks.append(f"What --watch recorded could not be read: {error}.")
        return None
    return record if record.steps and record.members is None else None


def _diagnosis(path: Path, remarks: list[str]) -> list[Verdict]:
    """Return what the doctor has found, if it was asked."""
    if not path.is_file():
        return []
    try:
        return read_doctor(path)
    except InputError as error:
        remarks.append(f"What the doctor found could not be read: {error}.")
        return []
