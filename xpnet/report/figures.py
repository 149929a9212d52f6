"""The figures of a page, by their ids, and what frames each."""

from xpnet.report.markup import Child, Markup, tag

__all__ = ["RUN_FIGURES", "SWEEP_FIGURES", "figure", "note", "scroll"]

# Which of them a page has depends on the run: pictures, classes or real targets, and a watch.
RUN_FIGURES = {
    "loss": "Loss",
    "metric": "Training and validation",
    "learning-rate": "Learning rate",
    "checks": "The checks in numbers",
    "activations": "Activations by layer",
    "gradients": "Gradients by layer",
    "activation-spread": "Spread of the activations by layer",
    "gradient-norms": "Size of the gradients by layer",
    "update-ratios": "Update size over weight size",
    "dead-units": "Dead units",
    "saturation": "Saturated outputs",
    "first-layer": "First-layer weights",
    "confusion-val": "Confusion matrix, validation part",
    "confusion-test": "Confusion matrix, test part",
    "mistakes": "Worst mistakes",
    "predicted": "Predicted against true",
    "residuals": "Residuals",
}

SWEEP_FIGURES = {
    "hyperparameters": "Score against each hyperparameter",
    "curves": "All validation curves",
    "top": "The best configurations",
}


def figure(
    name: str, content: Child, *, title: str = "", caption: Child = None, wide: bool = False
) -> Markup:
    """Return a figure.

    Args:
        name: Its id, of `RUN_FIGURES` or `SWEEP_FIGURES`.
        content: What it shows.
        title: In place of the table's.
        caption: What to make of it, below.
        wide: Whether it takes the whole width of the page.

    """
    head = tag("h3", title or {**RUN_FIGURES, **SWEEP_FIGURES}[name], id=f"{name}-title")
    below = tag("figcaption", caption) if caption else None
    return tag(
        "figure",
        *(head, content, below),
        id=name,
        class_="wide" if wide else None,
        aria_labelledby=f"{name}-title",
    )


def note(*content: Child) -> Markup:
    """Return a sentence on what is not there, and how to get it."""
    return tag("p", *content, class_="note")


def scroll(content: Child, label: str) -> Markup:
    """Return what may be wider than the page, in a window that keyboards can move too."""
    return tag("div", content, class_="scroll", tabindex="0", role="region", aria_label=label)
