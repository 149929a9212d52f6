"""The worst mistakes: the samples on which the net was most sure of something else."""

import numpy as np

from xpnet.data import Dataset
from xpnet.report.figures import figure, note, scroll
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.numbers import number_text, share_text
from xpnet.report.pixels import sample_uri
from xpnet.report.scored import Scored

__all__ = ["mistakes_figure"]

_SHOWN = 24
_PARTS = {"val": "validation", "test": "test"}


def mistakes_figure(scored: Scored, data: Dataset) -> Markup:
    """Return the samples with the highest loss among those that are wrong; worst first.

    Where the net has no probabilities, as with the SVM loss, by how much the wrong score is ahead.
    For a regression, those with the largest residuals.
    """
    if data.is_regression:
        order, lines = _residuals(scored)
        said = "The samples with the largest residuals"
    else:
        order, lines = _wrong(scored, data.class_names)
        said = "The wrong answers with the highest loss"
    if not order:
        return figure(
            "mistakes", note(f"None: all {len(scored.y):,} samples are right."), wide=True
        )
    said += f", of the {_PARTS[scored.part]} part, the worst first. Row numbers count from 0."
    rows = [int(scored.rows[i]) for i in order]
    uris = [sample_uri(data, data[f"X_{scored.part}"][row]) for row in rows]
    if uris[0] is None:
        content = _table(rows, lines)
    else:
        shape = data.picture_shape or (1, 1, 1)
        pictures = [
            _picture(uri, row, line, shape)
            for uri, row, line in zip(uris, rows, lines, strict=True)
        ]
        content = tag("div", pictures, class_="pictures")
    return figure("mistakes", content, caption=said, wide=True)


def _wrong(scored: Scored, names: tuple[str, ...]) -> tuple[list[int], list[list[str]]]:
    """Return the worst of the wrong samples, and for each what is true, what was said, how sure."""
    every = np.arange(len(scored.y))
    predicted = scored.predicted
    own = scored.scores[every, scored.y]
    ahead = scored.scores[every, predicted] - own
    worth = ahead
    if scored.probabilities is not None:
        exps = np.exp(scored.scores - scored.scores.max(axis=1, keepdims=True))
        worth = np.log(exps.sum(axis=1)) + scored.scores.max(axis=1) - own  # the loss
    wrong = np.flatnonzero(predicted != scored.y)
    order = wrong[np.argsort(-worth[wrong], kind="stable")][:_SHOWN].tolist()
    lines = []
    for i in order:
        true, said = names[scored.y[i]], names[predicted[i]]
        if scored.probabilities is None:
            sure = [f"ahead by {number_text(float(ahead[i]))}"]
        else:
            share = scored.probabilities[i]
            sure = [share_text(float(share[k])) for k in (predicted[i], scored.y[i])]
        lines.append([true, said, *sure])
    return order, lines


def _residuals(scored: Scored) -> tuple[list[int], list[list[str]]]:
    """Return the samples with the largest residuals, and for each what is true and what was said.

    Outputs of several targets are compared in units of the target's standard deviation.
    """
    residuals = scored.scores - scored.y
    spread = scored.y.std(axis=0)
    size = np.abs(residuals) / np.where(spread > 0, spread, 1)
    order = np.argsort(-size.max(axis=1), kind="stable")[:_SHOWN].tolist()
    texts = [
        [", ".join(number_text(float(v)) for v in row[i]) for row in (scored.y, scored.scores)]
        for i in order
    ]
    return order, [
        [*text, number_text(float(residuals[i][size[i].argmax()]))]
        for text, i in zip(texts, order, strict=True)
    ]


def _picture(uri: str | None, row: int, line: list[str], shape: tuple[int, int, int]) -> Markup:
    true, said, sure, *own = line
    says = f"said {said}, {sure}; true {true}" + (f", {own[0]}" if own else "")
    caption: list[Child] = [
        tag("span", tag("b", said), f" {sure}", class_="said"),
        tag("span", "true ", tag("b", true), f" {own[0]}" if own else "", class_="true"),
        tag("span", f"row {row}", class_="quiet"),
    ]
    image = tag("img", src=uri, alt=f"row {row}: {says}", width=shape[2], height=shape[1])
    return tag("div", image, caption, class_="picture")


def _table(rows: list[int], lines: list[list[str]]) -> Markup:
    """Return the samples as a table, where they are no pictures."""
    heads = {
        4: ["row", "true", "said", "probability of that", "of the true class"],
        3: ["row", "true", "said", "off"],
    }[len(lines[0])]
    kinds = ["text", "text", None, None] if len(heads) == 5 else [None] * len(lines[0])
    body = [
        tag(
            "tr",
            tag("th", row, scope="row"),
            [tag("td", text, class_=kind) for text, kind in zip(line, kinds, strict=True)],
        )
        for row, line in zip(rows, lines, strict=True)
    ]
    head = tag(
        "thead",
        tag(
            "tr",
            [
                tag("th", text, scope="col", class_=kind)
                for text, kind in zip(heads, [None, *kinds], strict=True)
            ],
        ),
    )
    table = tag("table", head, tag("tbody", body), class_="numbers")
    return scroll(table, "the worst mistakes")
