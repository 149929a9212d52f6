"""The learning rate over the steps."""

import numpy as np

from xpnet.errors import InputError
from xpnet.report.figures import figure, note
from xpnet.report.frame import Frame
from xpnet.report.line_chart import Line, line_chart
from xpnet.report.markup import Markup
from xpnet.report.numbers import number_text
from xpnet.report.run_record import RunRecord
from xpnet.report.scales import Linear, Log, Scale
from xpnet.schedules import RateScales

__all__ = ["rate_figure"]

_MOST_RATES = 400


def rate_figure(run: RunRecord, x: Linear) -> Markup:
    """Return the learning rate as decay and schedule make it."""
    try:
        steps, rates = _rates(run)
    except (InputError, KeyError, TypeError, ValueError) as error:
        return figure("learning-rate", note(f"It cannot be told: {error}."))
    first, last = float(rates[0]), float(rates[-1])
    positive = rates[rates > 0]
    wide = positive.size and positive.max() > 10 * positive.min() and (rates > 0).all()
    y: Scale = Log.over(rates) if wide else Linear.over(rates, zero=True)
    lines = [Line("learning rate", steps, rates, "s2 thick")]
    schedule, decay = run.chosen.get("lr_schedule", "constant"), run.chosen["lr_decay"]
    rule = run.chosen["update_rule"]
    said = f"From {number_text(first)} to {number_text(last)}, by {rule}"
    said = f"{number_text(first)} throughout, by {rule}" if len(set(rates)) == 1 else said
    said += "" if schedule == "constant" else f", schedule {schedule}"
    said += "." if decay == 1 else f", times {number_text(decay)} after each epoch."
    if schedule != "constant" and run.history.epochs[-1] > run.chosen["num_epochs"] + 0.5:
        said += " The run was made longer; this is the schedule of its last length."
    frame = Frame(x, y, "step", "learning rate" + (", log axis" if wide else ""))
    return figure("learning-rate", line_chart(frame, lines, [], said), caption=said)


def _rates(run: RunRecord) -> tuple[np.ndarray, np.ndarray]:
    """Return some steps, both sides of the epochs' ends among them, and their learning rates."""
    history, chosen = run.history, run.chosen
    taken = int(history.steps[-1])
    per_epoch = round(taken / float(history.epochs[-1])) if history.epochs[-1] else taken
    epochs = max(int(chosen["num_epochs"]), int(np.ceil(history.epochs[-1] - 1e-3)))
    at = np.linspace(0, taken - 1, min(taken, _MOST_RATES)).astype(np.int64)
    ends = np.arange(per_epoch, taken, per_epoch)
    if len(ends) <= _MOST_RATES:
        at = np.concatenate([at, ends - 1, ends])
    at = np.unique(at)
    scales = RateScales(
        chosen["lr_decay"], chosen.get("lr_schedule", "constant"), None, per_epoch, epochs
    )
    total = epochs * per_epoch
    found = np.concatenate([scales.at(int(step), 1, total, epochs) for step in at])
    return at + 1.0, float(chosen["learning_rate"]) * found
