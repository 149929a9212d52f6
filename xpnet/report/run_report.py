"""report.html of a run: what is wrong first, then how it went, what came of it, how it was made."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path

from xpnet.data import Dataset
from xpnet.diagnostics import Verdict
from xpnet.report.answers import answers_section
from xpnet.report.baseline import baseline_of
from xpnet.report.curves import curves_section
from xpnet.report.figures import note
from xpnet.report.layers import layers_section
from xpnet.report.markup import Child, tag
from xpnet.report.numbers import count_text
from xpnet.report.outcome import outcome_verdicts
from xpnet.report.page import Section, page, tiles
from xpnet.report.results import results, subtitle, title_of
from xpnet.report.run_record import RunRecord, read_run
from xpnet.report.settings import settings_section
from xpnet.report.verdicts import Said, verdicts_section
from xpnet.run_config import CONFIG
from xpnet.run_folder import DOCTOR, REPORT
from xpnet.whole_files import write_whole

__all__ = ["run_page", "write_run_report"]

_DIVERGED = "divergence"
_OF_DIVERGENCE = ("update ratio", "loss not falling", "learning")


def write_run_report(
    folder: Path, data: Dataset | None = None, verdicts: Sequence[Said] = ()
) -> Path:
    """Write report.html into the folder of a run, and return its path.

    Args:
        folder: Of `python -m xpnet.train --out`.
        data: What it was trained on; None reads them from where config.toml says that they are.
        verdicts: What was found besides, each with where and when, or "".

    Raises:
        InputError: The folder holds no run, or one of its files is damaged.
        OSError: The file cannot be written.

    """
    path = folder / REPORT
    write_whole(path, run_page(read_run(folder, data), verdicts))
    return path


def run_page(run: RunRecord, verdicts: Sequence[Said] = ()) -> bytes:
    """Return the page of a run."""
    above = [tiles(results(run)), [note(text) for text in run.remarks]]
    sections = [
        _verdicts(run, verdicts),
        curves_section(run),
        layers_section(run),
        answers_section(run),
        settings_section(run),
    ]
    return page(title_of(run), subtitle(run), above, sections)


def _verdicts(run: RunRecord, others: Sequence[Said]) -> Section:
    """Return what doctor, watch and curves have found, and how to ask those that were not."""
    said = [*others, *((verdict, "") for verdict in run.diagnosis)]
    notices = [] if run.watch is None else run.watch.notices
    for notice in notices:
        where = f"step {notice.step:,}" + (f", {notice.layer}" if notice.layer else "")
        said.append((notice.verdict, where))
    known = {verdict.name for verdict, _ in said}
    own = outcome_verdicts(run, baseline_of(run))  # last, as the others say why
    said += [(verdict, "") for verdict in own if verdict.name not in known]
    if any(verdict.name == _DIVERGED and verdict.is_bad for verdict, _ in said):
        said = [(_after_divergence(verdict), where) for verdict, where in said]
    return verdicts_section(said, [_watched(run), None if run.diagnosis else _how_to_ask(run)])


def _after_divergence(verdict: Verdict) -> Verdict:
    """Return a verdict, which the divergence explains: so one rate is named and not two."""
    if verdict.name not in _OF_DIVERGENCE or not verdict.is_bad:
        return verdict
    return dataclasses.replace(verdict, follows=_DIVERGED)


def _watched(run: RunRecord) -> Child:
    """Return whether the training was watched."""
    if run.watch is None:
        return [
            tag("code", "python -m xpnet.train --watch"),
            " looks at every layer while it trains. ",
        ]
    looks = f"Watched by {count_text(len(run.watch.steps), 'look')} at all layers, the last at "
    looks += f"step {run.watch.steps[-1]:,}"
    return looks + (". " if run.watch.notices else ", which found nothing to warn of. ")


def _how_to_ask(run: RunRecord) -> Child:
    folder = shlex.quote(str(run.folder))
    doctor = f"python -m xpnet.doctor --config {folder}/{CONFIG} --json {folder}/{DOCTOR}"
    return [
        "What is wrong with data, net and training before the first step, the doctor says: ",
        *(tag("code", doctor), " and then ", tag("code", f"python -m xpnet.report {folder}")),
        " to have it here.",
    ]
