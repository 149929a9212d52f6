"""What the best net says of the data: its confusions or residuals, and its worst mistakes."""

from xpnet.data import Dataset
from xpnet.errors import InputError
from xpnet.report.confusion import confusion_figure
from xpnet.report.figures import note
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.mistakes import mistakes_figure
from xpnet.report.page import Section
from xpnet.report.regression import regression_figures
from xpnet.report.run_record import RunRecord
from xpnet.report.scored import Scored, score

__all__ = ["answers_section"]


def answers_section(run: RunRecord) -> Section:
    """Return what the best net says of the validation part, and of the test part."""
    name, title = "answers", "What the best net says"
    if run.net is None or run.data is None:
        return Section(name, title, note("There is no net, or there are no data, to ask."))
    parts: list[Child] = []
    try:
        val = score(run.net, run.data, "val")
        test = None
        if run.data.X_test is not None and run.summary.get("test_accuracy") is not None:
            test = score(run.net, run.data, "test")
        parts.append(tag("div", _figures(run, run.data, val, test), class_="grid"))
        parts.append(mistakes_figure(val, run.data))
    except InputError as error:
        parts.append(note(f"It could not be asked: {error}."))
    return Section(name, title, parts)


def _figures(run: RunRecord, data: Dataset, val: Scored, test: Scored | None) -> list[Markup]:
    if run.is_regression:
        return regression_figures(val)
    names = data.class_names
    return [confusion_figure(scored, names) for scored in (val, test) if scored is not None]
