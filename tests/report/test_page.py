"""What every page is: whole, alone, and to be read by those who cannot see it."""

import re
from itertools import pairwise

import pytest

from xpnet.report.figures import RUN_FIGURES, SWEEP_FIGURES

RUNS = ["digits_run", "sigmoid_run", "regression_run", "hostile_run", "diverged_run", "sweep_run"]

OF_EVERY_RUN = {"loss", "metric", "learning-rate", "checks"}
OF_CLASSES = {"confusion-val", "confusion-test", "mistakes"}
OF_A_WATCH = {
    *("activations", "gradients", "activation-spread", "gradient-norms"),
    *("update-ratios", "dead-units"),
}
FIGURES = {
    "digits_run": OF_EVERY_RUN | OF_CLASSES | OF_A_WATCH | {"first-layer"},
    "sigmoid_run": OF_EVERY_RUN | OF_CLASSES | OF_A_WATCH | {"first-layer", "saturation"},
    "regression_run": OF_EVERY_RUN | {"predicted", "residuals", "mistakes"},
    "hostile_run": OF_EVERY_RUN | OF_CLASSES,
    "diverged_run": OF_EVERY_RUN | OF_CLASSES | {"first-layer"},
    "sweep_run": set(SWEEP_FIGURES),
}


@pytest.fixture(params=RUNS)
def run(request):
    """The name of a run and its folder."""
    return request.param, request.getfixturevalue(request.param)


@pytest.fixture
def page(run, tree_of):
    return tree_of(run[1])


def test_every_figure_is_there(run, page):
    assert {figure["id"] for figure in page.all("figure")} == FIGURES[run[0]]


def test_every_figure_of_the_table_is_in_some_page():
    assert set().union(*FIGURES.values()) == {*RUN_FIGURES, *SWEEP_FIGURES}


def test_ids_are_unique_and_those_that_are_named_are_there(page):
    ids = [element["id"] for element in page.all() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    named = [e[name] for e in page.all() for name in ("aria-labelledby", "for") if e.get(name)]
    named += [re.fullmatch(r"url\(#(.+)\)", e["mask"])[1] for e in page.all() if e.get("mask")]
    named += [a["href"].removeprefix("#") for a in page.all("a")]
    assert set(named) <= set(ids)
    assert named


def test_nothing_comes_from_elsewhere(page):
    for element in page.all():
        for name, value in element.attributes.items():
            if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
                inside = element.tag == "a" and value.startswith("#")
                assert inside or value.startswith("data:"), f"{element.tag} {name}={value[:60]}"
    style = page.one("style").text
    assert "@import" not in style
    assert "url(" not in style
    assert {e.tag for e in page.all()}.isdisjoint(
        {"script", "iframe", "object", "embed", "base", "form"}
    )


def test_the_browser_is_told_to_refuse_all_else(page):
    policies = [
        meta["content"]
        for meta in page.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert not [name for e in page.all() for name in e.attributes if name.startswith("on")]


def test_it_is_a_page_for_phones_in_a_language_with_a_title(page):
    assert page.one("html")["lang"] == "en"
    assert page.one("meta", name="viewport")["content"].startswith("width=device-width")
    assert page.one("head").one("title").text == page.one("h1").text
    assert "prefers-color-scheme: dark" in page.one("style").text
    assert "@media print" in page.one("style").text


def test_every_picture_and_chart_says_what_it_shows(page):
    charts = page.all("svg", class_="chart")
    assert charts
    for svg in charts:
        assert svg["role"] == "img"
        assert len(svg["aria-label"]) > 10
    for image in page.all("img"):
        assert len(image["alt"]) > 5
    for figure in page.all("figure"):
        assert page.one(id=figure["aria-labelledby"]).text
        assert figure.all("svg") or figure.all("img") or figure.all("table") or figure.all("p")


def test_every_axis_has_a_label(page):
    for svg in page.all("svg", class_="chart"):
        labels = [text.text for text in svg.all("text", class_="label")]
        assert len(labels) == 2
        assert all(labels)


def test_charts_draw_within_their_frame(page):
    """No coordinate is NaN, and none lies outside the drawing."""
    for svg in page.all("svg", class_="chart"):
        width, height = map(float, svg["viewbox"].split()[2:])
        for path in svg.all("path"):
            assert "nan" not in path["d"]
            for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path["d"]):
                assert -1 <= float(x) <= width + 1
                assert -1 <= float(y) <= height + 1
        for circle in svg.all("circle"):
            assert 0 <= float(circle["cx"]) <= width
            assert 0 <= float(circle["cy"]) <= height


def test_headings_come_in_their_order(page):
    levels = [int(e.tag[1]) for e in page.all() if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_verdicts_come_before_curves(digits_run, tree_of):
    page = tree_of(digits_run)
    heads = [h2.text for h2 in page.all("h2")]
    assert heads == [
        *("Verdicts", "Curves", "Inside the net", "What the best net says", "How it was made"),
    ]


def test_names_that_are_markup_are_text(hostile_run, hostile_names, tree_of):
    page = tree_of(hostile_run)
    rows = page.one(id="confusion-val").one("tbody").all("th", scope="row")
    assert {th.text for th in rows} == set(hostile_names)
    assert {th["title"] for th in rows} == set(hostile_names)
    assert page.one("h1").text.startswith("<b>names: 3-")
    assert b"<script" not in (hostile_run / "report.html").read_bytes()
