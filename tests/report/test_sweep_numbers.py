"""The numbers of a sweep's page against its tables."""

import csv
import json
import shutil

import numpy as np
import pytest

import xpnet
from xpnet.report.command import main
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
        dims, rate, score = (td.text for td in tr.all("td")[:3])
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
