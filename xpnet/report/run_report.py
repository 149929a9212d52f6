"""report.html of a run: what is wrong first, then how it went, what came of it, how it was made."""

import math
from collections.abc import Sequence
from pathlib import Path

from xpnet.data import Dataset
from xpnet.errors import InputError
from xpnet.nets import FullyConnectedNet
from xpnet.report.baseline import baseline_of
from xpnet.report.confusion import confusion_figure
from xpnet.report.curves import curves_section
from xpnet.report.figures import figure, note
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.mistakes import mistakes_figure
from xpnet.report.numbers import count_text, number_text
from xpnet.report.outcome import outcome_verdicts
from xpnet.report.page import page, tiles
from xpnet.report.pixels import weights_uri
from xpnet.report.regression import regression_figures
from xpnet.report.run_record import RunRecord, read_run
from xpnet.report.scored import Scored, score
from xpnet.report.settings import settings_section
from xpnet.report.verdicts import Said, verdicts_section
from xpnet.report.watched import watched_figures
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
    layers = run.summary.get("layers") or _layers(run)
    title = f"{run.dataset}: {layers}" if layers else run.dataset
    best = run.history.best
    if best is not None:
        title += f", validation {run.metric} {number_text(float(run.history.val[best]))}"
    parts = [
        tiles(_results(run)),
        *([tag("div", [note(text) for text in run.remarks])] if run.remarks else []),
        _verdicts(run, verdicts),
        curves_section(run),
        _layers_section(run),
        *_answers(run),
        settings_section(run),
    ]
    return page(title, _under(run), parts)


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
    own = outcome_verdicts(run, baseline_of(run))
    said = [*others, *((verdict, "") for verdict in own if verdict.name not in known)]
    if run.watch is None:
        return verdicts_section(said, None if others else _HOW_TO_ASK)
    for notice in run.watch.notices:
        where = f"step {notice.step:,}" + (f", {notice.layer}" if notice.layer else "")
        said.append((notice.verdict, where))
    looks = f"Watched by {count_text(len(run.watch.steps), 'look')} at all layers, the last at "
    looks += f"step {run.watch.steps[-1]:,}"
    nothing = "" if run.watch.notices else ", which found nothing to warn of"
    return verdicts_section(said, f"{looks}{nothing}.")


def _under(run: RunRecord) -> Child:
    """Return the line below the title."""
    chosen = run.chosen
    net = [str(chosen.get("activation", "relu"))]
    net += [str(v) for v in [chosen.get("normalization", "none")] if v != "none"]
    kept = chosen.get("dropout_keep_ratio", 1.0)
    net += [] if kept == 1 else [f"dropout keeping {number_text(kept)}"]
    loss = {"softmax": "softmax loss", "svm": "SVM loss", "squared": "squared loss"}
    rule = f"{chosen['update_rule']} at {number_text(chosen['learning_rate'])}"
    return " · ".join(
        [
            *net,
            loss.get(chosen.get("loss", ""), ""),
            rule,
            f"batches of {chosen['batch_size']}",
            f"reg {number_text(chosen['reg'])}",
        ]
    )


def _layers(run: RunRecord) -> str:
    return "" if run.net is None else "-".join(map(str, run.net.layer_sizes))


def _results(run: RunRecord) -> list[tuple[str, str, str]]:
    """Return the numbers above everything: name, value, and what to know of it."""
    history, best, summary = run.history, run.history.best, run.summary
    found = []
    if best is None:
        found.append((f"validation {run.metric}", "none", "nothing was learnt"))
    else:
        said = f"the best, at epoch {number_text(float(history.check_epochs[best]))}"
        found.append((f"validation {run.metric}", f"{history.val[best]:.4f}", said))
    test = summary.get("test_accuracy")
    if isinstance(test, float) and math.isfinite(test):
        found.append((f"test {run.metric}", f"{test:.4f}", "of the same net, taken once"))
    if len(history.loss):
        found.append(
            (
                "loss",
                number_text(float(history.loss[-1])),
                f"at the last step, {number_text(float(history.loss[0]))} at the first",
            )
        )
    taken = len(history.steps)
    epochs = number_text(float(history.epochs[-1])) if taken else "0"
    seconds = summary.get("seconds_training")
    time = "" if seconds is None else f", {seconds:.2f} s"
    found.append(("trained", count_text(taken, "step"), f"epoch {epochs}{time}"))
    found.append(("ended", *_end(run)))
    return found


def _end(run: RunRecord) -> tuple[str, str]:
    summary = run.summary
    if not summary:
        return "not yet", "or it was killed"
    if summary.get("diverged_at") is not None:
        return "diverged", f"at step {summary['diverged_at']:,}"
    if summary.get("stopped_at") is not None:
        return "early", f"no better validation in {count_text(summary['patience'], 'epoch')}"
    if summary.get("interrupted"):
        return "stopped", f"by hand or a signal, of {run.chosen['num_epochs']} epochs"
    return "as planned", count_text(run.chosen["num_epochs"], "epoch")


def _layers_section(run: RunRecord) -> Markup:
    """Return what is inside the net: its activations and gradients, and its first weights."""
    parts: list[Child] = [tag("h2", "Inside the net")]
    if run.watch is not None:
        parts.append(tag("div", watched_figures(run.watch), class_="grid"))
    else:
        parts.append(
            note(
                "Activations, gradients, dead units and update ratios were not recorded: train "
                "with ",
                *(tag("code", "--watch"), " to have them here."),
            )
        )
    if run.net is not None and run.data is not None:
        parts.append(_first_layer(run.net, run.data))
    return tag("section", parts, id="layers")


def _first_layer(net: FullyConnectedNet, data: Dataset) -> Markup | None:
    """Return the first layer's weights as pictures, where the inputs are such."""
    found = weights_uri(net, data)
    if found is None:
        return None
    uri, width, height = found
    units = net.layer_sizes[1]
    shown = f"the first 100 of {units:,}" if units > 100 else f"all {units:,}"
    image = tag(
        "img",
        src=uri,
        width=width,
        height=height,
        class_="weights",
        alt=f"The weights of {shown} hidden units as pictures",
    )
    caption = f"A picture for each hidden unit, {shown}, each stretched from its lowest weight, "
    caption += "black, to its highest. Structure is something learnt; noise that stays is too "
    caption += "little training, or too little regularisation."
    return figure("first-layer", image, caption=caption, wide=True)


def _answers(run: RunRecord) -> list[Markup]:
    """Return what the best net says of the validation part, and of the test part."""
    if run.net is None or run.data is None:
        return []
    parts: list[Child] = [tag("h2", "What the best net says")]
    try:
        val = score(run.net, run.data, "val")
        test = None
        if run.data.X_test is not None and run.summary.get("test_accuracy") is not None:
            test = score(run.net, run.data, "test")
        parts.append(tag("div", _figures(run, run.data, val, test), class_="grid"))
        parts.append(mistakes_figure(val, run.data))
    except InputError as error:
        parts.append(note(f"It could not be asked: {error}."))
    return [tag("section", parts, id="answers")]


def _figures(run: RunRecord, data: Dataset, val: Scored, test: Scored | None) -> list[Markup]:
    if run.is_regression:
        return regression_figures(val)
    names = data.class_names
    return [confusion_figure(scored, names) for scored in (val, test) if scored is not None]
