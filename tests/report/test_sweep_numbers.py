"""The numbers of a sweep's page against its tables."""

import csv
import json
import math
import re
import shutil

import numpy as np
import pytest

import xpnet
from xpnet.report.command import main
from xpnet.report.sweep_charts import below_axis, drawn_of, score_chart, scores_axis
from xpnet.sweep.result import SweepResult
from xpnet.versions import versions


def table(folder, name):
    with (folder / name).open() as file:
        return list(csv.DictReader(file))


def test_made_anew_from_the_folder_it_is_the_same(sweep_run):
    before = (sweep_run / "report.html").read_bytes()
    assert main([str(sweep_run)]) == 0
    assert (sweep_run / "report.html").read_bytes() == before


def test_the_best_ten_in_their_order(sweep_run, tree_of):
    rows = table(sweep_run, "results.csv")
    scores = np.array([float(row["val_accuracy"]) for row in rows])
    order = np.argsort(-np.where(np.isfinite(scores), scores, -np.inf), kind="stable")
    shown = tree_of(sweep_run).one(id="top").one("tbody").all("tr")
    assert len(shown) == len(rows) == 9
    for tr, i in zip(shown, order, strict=True):
        score, dims, rate = (td.text for td in tr.all("td")[:3])
        assert dims.replace(", ", ",") == rows[i]["hidden_dims"]
        assert float(rate) == float(rows[i]["learning_rate"])
        assert float(score) == pytest.approx(scores[i], rel=1e-3, nan_ok=True)


def test_a_point_for_each_that_has_a_score_and_the_best_in_front(sweep_run, tree_of):
    rows = table(sweep_run, "results.csv")
    scores = [float(row["val_accuracy"]) for row in rows]
    finite = np.isfinite(scores).sum()
    charts = tree_of(sweep_run).one(id="hyperparameters").all("svg")
    assert len(charts) == 2
    for svg in charts:
        circles = svg.all("circle")
        assert len(circles) == finite
        assert circles[-1]["class"] == "dot top s1"
        best = circles[-1].one("title").text
        assert best.startswith(f"{np.nanmax(scores):.4g}")


def test_names_stand_beside_what_is_no_number_and_rates_on_a_log_axis(sweep_run, tree_of):
    dims, rates = tree_of(sweep_run).one(id="hyperparameters").all("svg")
    names = [t.text for t in dims.all("text", text_anchor="middle")]
    assert [n for n in names if n] == ["5", "20", "20, 10"]
    assert "learning rate, log axis" in [t.text for t in rates.all("text", class_="label")]


def test_a_curve_for_each_configuration(sweep_run, tree_of):
    svg = tree_of(sweep_run).one(id="curves").one("svg", class_="chart")
    numbers = {row["number"] for row in table(sweep_run, "curves.csv")}
    behind = svg.all("path", class_="line s0 behind")
    assert len(behind) >= len(numbers) - 4  # those that diverged at once have no finite point
    assert len(svg.all("path", class_="line s1 thick")) == 1


def test_the_large_numbers(sweep_run, tree_of):
    told = json.loads((sweep_run / "summary.json").read_text())
    found = {
        div.one("dt").text: div.one("b").text
        for div in tree_of(sweep_run).one(id="results").all("div")
    }
    assert float(found["validation accuracy"]) == pytest.approx(
        told["best"]["val_accuracy"], abs=5e-5
    )
    assert float(found["test accuracy"]) == pytest.approx(told["test_accuracy"], abs=5e-5)
    lost = sum(row["diverged_at"] != "" for row in table(sweep_run, "results.csv"))
    assert found["diverged"] == str(lost)
    assert lost > 0


def test_the_machine_and_the_versions(sweep_run, tree_of):
    told = json.loads((sweep_run / "summary.json").read_text())
    assert told["device"] == "cpu"
    assert told["backend"] == xpnet.get_backend("cpu").description
    assert told["versions"] == versions(xpnet.get_backend("cpu"))
    page = tree_of(sweep_run)
    shown = {tr.one("th").text: tr.one("td").text for tr in page.one(id="versions").all("tr")}
    assert shown == told["versions"]
    assert told["backend"] in page.one(id="machine").text


def test_a_sweep_of_before_has_no_machine(sweep_run, tmp_path, tree_of):
    shutil.copytree(sweep_run, tmp_path / "run")
    path = tmp_path / "run" / "summary.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in told.items() if k not in ("backend", "versions")}))
    assert main([str(tmp_path / "run")]) == 0
    page = tree_of(tmp_path / "run")
    assert page.all(id="versions") == []
    assert "backend" not in page.one(id="machine").text


def result_of(scores, **columns):
    """A sweep of these scores, and its curves of one check each."""
    count = len(scores)
    rows = [
        {"number": i, "val_accuracy": score, "train_accuracy": score, "epoch": 1.0}
        | {"diverged_at": None, **{name: values[i] for name, values in columns.items()}}
        for i, score in enumerate(scores)
    ]
    assert all(len(values) == count for values in columns.values())
    return SweepResult(list(columns), "accuracy", rows, [], seconds=1.0)


def test_the_better_half_of_the_nets_has_a_third_of_the_axis_or_more():
    scores = [*np.linspace(0.1, 0.9, 50), *np.linspace(0.9, 0.98, 51)]
    axis = scores_axis(result_of(scores))
    median, best = axis.places(np.array([0.9, 0.98]))
    assert 0.3 < best - median < 0.4
    assert best < 1
    low = float(axis.places(np.array([0.1]))[0])
    assert low < 0
    said = below_axis(result_of(scores))
    number = sum(score < axis.low for score in scores)
    assert said == f"{number} nets below {axis.low:.4g} stand at the lower edge."


@pytest.mark.parametrize(
    "scores", [[0.5], [0.5, 0.5, 0.5], [0.1, 0.5, 0.9], [math.nan, 0.3], [-1000.0, 0.5, 0.6]]
)
def test_an_axis_for_any_scores(scores):
    result = result_of(scores)
    axis = scores_axis(result)
    assert axis.low < np.nanmax(scores) < axis.high
    beyond = sum(score < axis.low for score in scores)
    assert bool(below_axis(result)) == (beyond > 0)
    if len(scores) == 3 and min(scores) > 0:
        assert beyond == 0


def texts_below(chart):
    """The texts below the axis of a chart."""
    return re.findall(r'text-anchor="middle">([^<]*)<', chart)


def test_ticks_stand_at_the_levels_of_a_grid():
    result = result_of([0.1, 0.5, 0.9, 0.8], rate=[1e-4, 3e-4, 1e-3, 3e-3], hidden=[5, 10, 20, 5])
    assert texts_below(str(score_chart(result, "rate"))) == ["1e-4", "3e-4", "1e-3", "3e-3"]
    assert texts_below(str(score_chart(result, "hidden"))) == ["5", "10", "20"]


def test_ticks_are_round_where_the_levels_would_overlap():
    result = result_of([0.1, 0.5, 0.9], rate=[0.5, 0.51, 1.0])
    assert texts_below(str(score_chart(result, "rate"))) == ["0.5", "0.6", "0.7", "0.8", "0.9", "1"]


def test_of_many_names_some_stand_below_the_axis():
    dims = [[size, size // 2, 10] for size in range(100, 220, 10)]
    result = result_of(list(np.linspace(0.1, 0.9, 12)), hidden=dims)
    shown = texts_below(str(score_chart(result, "hidden")))
    assert shown[0] == "100, 50, 10"
    assert 2 <= len(shown) <= 4


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (300, ""),
        (301, "Of the 301 nets about 300 curves are drawn, evenly chosen."),
        (3001, "Of the 3,001 nets about 300 curves and 1,500 points are drawn, evenly chosen."),
    ],
)
def test_where_not_all_are_drawn_it_is_said(count, said):
    result = result_of(list(np.linspace(0.1, 0.9, count)), rate=list(np.linspace(1, 2, count)))
    assert drawn_of(result) == said
    circles = str(score_chart(result, "rate")).count("<circle")
    assert circles == count if count < 1500 else 1000 <= circles <= 1502
