"""The loss, the accuracies and the learning rate over the steps."""

from dataclasses import replace

import numpy as np

from xpnet.report.baseline import baseline_of
from xpnet.report.checks import checks_figure
from xpnet.report.figures import figure, note
from xpnet.report.frame import Frame
from xpnet.report.line_chart import Line, Reference, legend, line_chart
from xpnet.report.markup import Markup, tag
from xpnet.report.numbers import number_text
from xpnet.report.page import Section
from xpnet.report.rate import rate_figure
from xpnet.report.run_record import RunRecord
from xpnet.report.scales import Linear, Log
from xpnet.thinning import smoothed

__all__ = ["curves_section"]

_SPIKE = 1000  # times the median: from there on a linear axis shows the spike alone
_LOWEST_SCORE = -1.0  # a first R squared of -1000 would make a line of all others
_FEWEST_STRETCHES = 10
_STEPS_OF_A_STRETCH = 10  # at least, whose mean the smoothed line shows


def curves_section(run: RunRecord) -> Section:
    """Return the section."""
    if not len(run.history.steps):
        return Section("course", "Curves", note("No step was taken, so there are no curves."))
    parts = [_loss(run), _metric(run), rate_figure(run, _steps(run)), checks_figure(run)]
    return Section("course", "Curves", tag("div", parts, class_="grid"))


def _loss(run: RunRecord) -> Markup:
    """Return the loss of each step with its mean, on a linear and on a log axis."""
    history = run.history
    good = np.isfinite(history.loss)
    lines = [Line("each step", history.steps, history.loss, "s0")]
    if (parts := int(good.sum()) // _STEPS_OF_A_STRETCH) >= _FEWEST_STRETCHES:
        x, y = smoothed(history.steps[good], history.loss[good], parts)
        lines = [replace(lines[0], style="s0 thin"), Line("smoothed", x, y, "s0 thick")]
    if np.isfinite(history.val_loss).any():
        lines.append(Line("validation", history.check_steps, history.val_loss, "s1", "circle"))
    references = _ends(run)
    everything = np.concatenate([history.loss, history.val_loss])
    label = _loss_said(run)
    x_axis = _steps(run)
    charts = {
        "linear": line_chart(
            Frame(x_axis, Linear.over(everything, zero=True), "step", "loss"),
            *(lines, references, f"{label} Linear axis."),
        ),
        "log": line_chart(
            Frame(x_axis, Log.over(everything), "step", "loss, log axis"),
            *(lines, references, f"{label} Logarithmic axis."),
        ),
    }
    first = "log" if _is_spiked(history.loss[good]) else "linear"
    return figure(
        "loss", [_switch("loss", charts, first), legend(lines, references)], caption=label
    )


def _switch(name: str, charts: dict[str, Markup], first: str) -> Markup:
    """Return charts of which one is seen, by radio buttons that need no script."""
    parts: list[Markup] = []
    for kind in charts:
        own = f"{name}-{kind}"
        parts.append(
            tag(
                "input",
                type="radio",
                name=f"{name}-axis",
                id=own,
                class_=kind,
                checked=kind == first,
            )
        )
        parts.append(tag("label", f"{kind} axis", for_=own))
    panels = [tag("div", chart, class_=f"panel {kind}") for kind, chart in charts.items()]
    label = f"axis of the {name}"
    return tag("div", parts, panels, class_="switch", role="group", aria_label=label)


def _is_spiked(loss: np.ndarray) -> bool:
    """Return whether a linear axis would show nothing but a spike."""
    return bool(loss.size and loss.min() > 0 and loss.max() > _SPIKE * np.median(loss))


def _loss_said(run: RunRecord) -> str:
    history = run.history
    first, last = number_text(history.loss[0]), number_text(history.loss[-1])
    said = f"The loss went from {first} at step {history.steps[0]:,.0f} to {last} at step "
    said += f"{history.steps[-1]:,.0f}."
    if np.isfinite(history.val_loss).any():
        lowest = int(np.nanargmin(history.val_loss))
        said += f" The lowest validation loss is {number_text(history.val_loss[lowest])}, at step "
        said += f"{history.check_steps[lowest]:,.0f}."
    return said


def _metric(run: RunRecord) -> Markup:
    """Return the accuracies, or R squared, between chance and the best that was reached."""
    history, best = run.history, run.history.best
    lines = [
        Line("training", history.check_steps, history.train, "s0", "square"),
        Line("validation", history.check_steps, history.val, "s1", "circle"),
    ]
    baseline = baseline_of(run)
    references = [Reference(baseline.name, baseline.value, "chance")]
    said = f"No check found a finite {run.metric}."
    if best is not None:
        reached = f"best validation, {number_text(history.val[best])}"
        references.append(Reference(reached, float(history.val[best]), "best"))
        said = (
            f"The best check, at step {history.check_steps[best]:,.0f}: validation "
            f"{number_text(history.val[best])}, training {number_text(history.train[best])}."
        )
    references += _ends(run)
    values = np.concatenate([history.train, history.val])
    finite = values[np.isfinite(values)]
    lowest = min([0.0, *finite.tolist()])
    if lowest < 0:
        lowest = max(1.05 * lowest, min(_LOWEST_SCORE, 1.1 * float(finite.max())))
    frame = Frame(_steps(run), Linear(lowest, 1.03), "step", run.metric)
    drawn = [
        line_chart(frame, lines, references, f"{run.metric.capitalize()}. {said}"),
        legend(lines, references),
    ]
    return figure(
        "metric",
        drawn,
        title=f"Training and validation {run.metric}",
        caption=said,
    )


def _steps(run: RunRecord) -> Linear:
    """Return the axis of the steps, which all curves share."""
    return Linear(0.0, max(1.03 * float(run.history.steps[-1]), 1.0))


def _ends(run: RunRecord) -> list[Reference]:
    """Return where the training diverged or ended early."""
    if (step := run.summary.get("diverged_at")) is not None:
        return [Reference(f"diverged, step {step:,}", float(step), "fault", upright=True)]
    if (step := run.summary.get("stopped_at")) is not None:
        return [Reference(f"stopped early, step {step:,}", float(step), "best", upright=True)]
    return []
