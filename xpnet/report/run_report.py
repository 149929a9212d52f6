"""report.html of a run: what is wrong first, then how it went, what came of it, how it was made."""

from collections.abc import Sequence
from pathlib import Path

from xpnet.data import Dataset
from xpnet.report.answers import answers_section
from xpnet.report.baseline import baseline_of
from xpnet.report.curves import curves_section
from xpnet.report.figures import note
from xpnet.report.layers import layers_section
from xpnet.report.markup import Markup, tag
from xpnet.report.numbers import count_text
from xpnet.report.outcome import outcome_verdicts
from xpnet.report.page import page, tiles
from xpnet.report.results import results, subtitle, title_of
from xpnet.report.run_record import RunRecord, read_run
from xpnet.report.settings import settings_section
from xpnet.report.verdicts import Said, verdicts_section
from xpnet.run_folder import REPORT
from xpnet.whole_files import write_whole

__all__ = ["run_page", "write_run_report"]


def write_run_report(
    folder: Path, data: Dataset | None = None, verdicts: Sequence[Said] = ()
) -> Path:
    """Write report.html into the folder of a run, and return its path.

    Args:
        folder: Of `python -m xpnet.train --out`.
        data: What it was trained on; None reads them from where config.toml says that they are.
        verdicts: What was found besides --watch, each with where and when, or "".

    Raises:
        InputError: The folder holds no run, or one of its files is damaged.
        OSError: The file cannot be written.

    """
    path = folder / REPORT
    write_whole(path, run_page(read_run(folder, data), verdicts))
    return path


def run_page(run: RunRecord, verdicts: Sequence[Said] = ()) -> bytes:
    """Return the page of a run."""
    parts = [
        tiles(results(run)),
        *([tag("div", [note(text) for text in run.remarks])] if run.remarks else []),
        _verdicts(run, verdicts),
        curves_section(run),
        layers_section(run),
        answers_section(run),
        settings_section(run),
    ]
    return page(title_of(run), subtitle(run), parts)


_HOW_TO_ASK = [
    "That is what the curves say. ",
    *(tag("code", "python -m xpnet.train --watch"), " looks at every layer while it trains, and "),
    *(tag("code", "python -m xpnet.doctor"), " at the data, the net and the training before."),
]


def _verdicts(run: RunRecord, others: Sequence[Said]) -> Markup:
    """Return what --watch and others have found; without either, how to ask."""
    known = {verdict.name for verdict, _ in others}
    if run.watch is not None:
        known |= {notice.verdict.name for notice in run.watch.notices}
    own = [
        (verdict, "")
        for verdict in outcome_verdicts(run, baseline_of(run))
        if verdict.name not in known
    ]
    if run.watch is None:
        return verdicts_section([*others, *own], None if others else _HOW_TO_ASK)
    said = list(others)
    for notice in run.watch.notices:
        where = f"step {notice.step:,}" + (f", {notice.layer}" if notice.layer else "")
        said.append((notice.verdict, where))
    said += own  # last, as those of --watch say why
    looks = f"Watched by {count_text(len(run.watch.steps), 'look')} at all layers, the last at "
    looks += f"step {run.watch.steps[-1]:,}"
    nothing = "" if run.watch.notices else ", which found nothing to warn of"
    return verdicts_section(said, f"{looks}{nothing}.")
