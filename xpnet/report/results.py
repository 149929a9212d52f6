"""What stands above everything else of a run: its net in a line, and the numbers that matter."""

import math

from xpnet.report.markup import Child
from xpnet.report.numbers import count_text, number_text
from xpnet.report.run_record import RunRecord

__all__ = ["results", "subtitle", "title_of"]


def title_of(run: RunRecord) -> str:
    """Return data, net and result."""
    sizes = "" if run.net is None else "-".join(map(str, run.net.layer_sizes))
    layers = run.summary.get("layers") or sizes
    title = f"{run.dataset}: {layers}" if layers else run.dataset
    best = run.history.best
    if best is not None:
        title += f", validation {run.metric} {number_text(float(run.history.val[best]))}"
    return title


def subtitle(run: RunRecord) -> Child:
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


def results(run: RunRecord) -> list[tuple[str, str, str]]:
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
    epochs = max(run.chosen["num_epochs"], round(run.history.epochs.max(initial=0)))  # made longer
    return "as planned", count_text(epochs, "epoch")
