"""The numbers of a run's page against its files and its net."""

import base64
import csv
import io
import json
import re
import shutil
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

import xpnet
import xpnet.train
from xpnet.diagnostics import BINS, WATCH, WatchRecord, read_watch
from xpnet.report.command import main
from xpnet.report.frame import Frame
from xpnet.report.histograms import histograms_figure
from xpnet.report.layers import layers_section
from xpnet.report.scales import Linear


def history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def tiles(page):
    """Return the large numbers by their names."""
    found = {}
    for div in page.one(id="results").all("div"):
        found[div.one("dt").text] = div.one("b").text
    return found


def test_the_large_numbers(digits_run, tree_of):
    told, rows = summary(digits_run), history(digits_run)
    shown = tiles(tree_of(digits_run))
    assert float(shown["validation accuracy"]) == pytest.approx(told["best_val_accuracy"], abs=5e-5)
    assert float(shown["test accuracy"]) == pytest.approx(told["test_accuracy"], abs=5e-5)
    assert float(shown["loss"]) == pytest.approx(float(rows[-1]["loss"]), rel=1e-3)
    assert shown["trained"] == f"{len(rows)} steps"
    assert shown["ended"] == "as planned"


def test_the_table_of_checks(digits_run, tree_of):
    checks = [row for row in history(digits_run) if row["val_acc"]]
    rows = tree_of(digits_run).one(id="checks").one("tbody").all("tr")
    assert len(rows) == len(checks) == 3
    for row, check in zip(rows, checks, strict=True):
        cells = [float(cell.text) for cell in row.children]
        names = "step", "epoch", "train_acc", "val_acc", "val_loss"
        assert cells == pytest.approx([float(check[name]) for name in names], rel=1e-3)
    best = [row.get("class") == "best" for row in rows]
    accuracies = [float(check["val_acc"]) for check in checks]
    assert best.index(True) == int(np.argmax(accuracies))
    assert sum(best) == 1


def drawn(svg, style):
    """Return the points of the one line of a style."""
    d = svg.one("path", class_=style)["d"]
    return np.array([[float(v) for v in pair.split()] for pair in re.findall(r"[\d.]+ [\d.]+", d)])


def test_the_loss_is_drawn_where_it_was(digits_run, tree_of):
    """On the linear axis from 0, by the ticks beside it."""
    svg = tree_of(digits_run).one("div", class_="panel linear").one("svg")
    rules = [float(re.search(r" ([\d.]+)H", p["d"])[1]) for p in svg.all("path", class_="rule")]
    texts = [t.text for t in svg.all("text") if t.get("text-anchor") == "end"][: len(rules)]
    ticks = dict(zip(map(float, texts), rules, strict=True))
    (low, y_low), (high, y_high) = min(ticks.items()), max(ticks.items())
    points = drawn(svg, "line s0")
    found = low + (points[:, 1] - y_low) / (y_high - y_low) * (high - low)
    losses = [float(row["loss"]) for row in history(digits_run)]
    np.testing.assert_allclose(found, losses, atol=0.01 * max(losses))


def test_the_lines_of_chance_and_best(digits_run, tree_of):
    page = tree_of(digits_run)
    best = summary(digits_run)["best_val_accuracy"]
    names = [li.text for li in page.one(id="metric").one("ul", class_="legend").all("li")]
    assert names == ["training", "validation", "chance, 1/10 = 0.1", f"best validation, {best:.4g}"]
    svg = page.one(id="metric").one("svg", class_="chart")
    frame = Frame(Linear(0, 1), Linear(0.0, 1.03), "step", "accuracy")
    for style, value in (("chance", 0.1), ("best", best)):
        d = svg.one("path", class_=f"reference {style}")["d"]
        y = float(re.match(r"M[\d.]+ ([\d.]+)h", d)[1])
        assert y == pytest.approx(float(frame.down(np.array([value]))[0]), abs=0.1)


def test_a_large_class_is_the_line_to_beat(tmp_path, tree_of):
    rng = np.random.default_rng(0)
    y = (rng.random(300) < 0.1).astype(np.int64)
    X = rng.normal(size=(300, 2)).astype(np.float32)
    np.savez(tmp_path / "rare.npz", X=X, y=np.array(["often", "rare"])[y])
    options = ["--dataset", str(tmp_path / "rare.npz"), "--out", str(tmp_path / "run")]
    assert xpnet.train.main([*options, "--num-epochs", "1", "--quiet"]) == 0
    share = np.mean(xpnet.data.load(tmp_path / "rare.npz").y_val == 0)
    text = tree_of(tmp_path / "run").one(id="metric").one("ul", class_="legend").text
    assert f"always often, {share:.4g}" in text


@pytest.mark.parametrize("part", ["val", "test"])
def test_the_confusion_matrix_against_the_net(digits_run, tree_of, part):
    data = xpnet.data.load("digits")
    predicted = xpnet.load(digits_run).predict(data[f"X_{part}"])
    counts = Counter(zip(data[f"y_{part}"].tolist(), predicted.tolist(), strict=True))
    rows = tree_of(digits_run).one(id=f"confusion-{part}").one("tbody").all("tr")
    for true, row in enumerate(rows):
        assert row.one("th").text == str(true)
        cells = row.all("td")
        total = sum(counts[true, k] for k in range(10))
        for said, cell in enumerate(cells):
            count = counts[true, said]
            assert cell.text == (str(count) if count else "·")
            if count:
                assert cell["style"] == f"--s:{count / total:.2f}"
                assert cell["class"] == ("right" if true == said else "wrong")


def test_the_worst_mistakes_against_the_net(digits_run, tree_of):
    data = xpnet.data.load("digits")
    shares = xpnet.load(digits_run).predict_proba(data.X_val)
    own = shares[np.arange(len(data.y_val)), data.y_val]
    wrong = np.flatnonzero(shares.argmax(axis=1) != data.y_val)
    worst = wrong[np.argsort(own[wrong], kind="stable")][:24]
    pictures = tree_of(digits_run).one(id="mistakes").all("div", class_="picture")
    rows = [int(p.one("span", class_="quiet").text.removeprefix("row ")) for p in pictures]
    assert rows == worst.tolist()
    for picture, row in zip(pictures, rows, strict=True):
        assert picture.one("span", class_="said").one("b").text == str(shares[row].argmax())
        assert picture.one("span", class_="true").one("b").text == str(data.y_val[row])


def test_a_mistake_is_shown_as_it_is(digits_run, tree_of):
    image_module = pytest.importorskip("PIL.Image")
    data = xpnet.data.load("digits")
    picture = tree_of(digits_run).one(id="mistakes").all("div", class_="picture")[0]
    row = int(picture.one("span", class_="quiet").text.removeprefix("row "))
    content = base64.b64decode(picture.one("img")["src"].partition(",")[2])
    pixels = np.asarray(image_module.open(io.BytesIO(content))).astype(float)
    np.testing.assert_allclose(pixels, data.X_val[row].reshape(8, 8) * (255 / 16), atol=1)


def test_the_verdicts_worst_first(digits_run, tree_of):
    section = tree_of(digits_run).one(id="verdicts")
    cards = section.all("article")
    assert [card["class"] for card in cards] == ["verdict fault", "verdict warning"]
    assert cards[0].one("h3").text == "✖ fault dead units, step 21, hidden 1 (64-20, relu)"
    assert cards[0].one("p").text == "Lower the learning rate."
    assert [dd.text for dd in cards[1].all("dd")] == ["0.02", "0.001 <about>"]
    fine = [li.text for li in section.all("li")]
    assert fine[0].startswith("✔ fine initial loss, step 1: 2.31 (expected: 2.30")
    assert section.one("p", class_="counted").text == "1 fault, 1 warning, 2 fine"


def test_saturation_as_it_was_recorded(sigmoid_run, tree_of):
    record = read_watch(sigmoid_run / WATCH)
    shares = record.statistics["saturated_share"][:, 0]
    svg = tree_of(sigmoid_run).one(id="saturation").one("svg", class_="chart")
    titles = [title.text for title in svg.all("title")]
    assert [text.rpartition(" at ")[2].split(": ")[0] for text in titles] == ["0", "11", "21", "28"]
    told = [float(text.rpartition(": ")[2]) for text in titles]
    np.testing.assert_allclose(told, shares, atol=5e-4)
    assert min(told) > 0.5
    rules = [float(re.search(r" ([\d.]+)H", p["d"])[1]) for p in svg.all("path", class_="rule")]
    texts = [t.text for t in svg.all("text") if t.get("text-anchor") == "end"][: len(rules)]
    (low, y_low), *_, (high, y_high) = sorted(zip(map(float, texts), rules, strict=True))
    found = low + (drawn(svg, "line s0")[:, 1] - y_low) / (y_high - y_low) * (high - low)
    np.testing.assert_allclose(found, shares, atol=0.01)


@pytest.mark.parametrize(
    ("name", "bin_", "broken", "said"),
    [
        ("gradients", 0, 0.0, "75\N{NO-BREAK SPACE}% are 0 or below 3e-10."),
        ("gradients", 15, 0.0, "75\N{NO-BREAK SPACE}% lie between 0.0001 and 0.0003."),
        ("gradients", BINS - 1, 0.0, "75\N{NO-BREAK SPACE}% lie above 4e+01."),
        ("activations", 0, 0.0, "75\N{NO-BREAK SPACE}% lie below -2.8."),
        ("activations", BINS - 1, 0.0, "75\N{NO-BREAK SPACE}% lie above +2.8."),
        ("activations", BINS - 1, 0.2, "20\N{NO-BREAK SPACE}% of its outputs are NaN or"),
    ],
)
def test_where_most_values_are(name, bin_, broken, said):
    """The first and the last bin have all beyond them; there zeros are, and what is not finite."""
    record, shares = WatchRecord(["output (2-2)"], ["W1"]), np.full(BINS, 0.25 / (BINS - 1))
    shares[bin_] = 0.75
    record.add(3, {name: shares, "nonfinite_share": np.array(broken)})
    assert f"At step 3, {said}" in str(histograms_figure(record, name))


def test_each_look_is_shown_where_it_is_the_nearest(digits_run, tree_of):
    """Four looks, at steps 1, 11, 21 and 28: columns of the picture change half way between."""
    image_module = pytest.importorskip("PIL.Image")
    image = tree_of(digits_run).one(id="gradients").all("image")[0]
    content = base64.b64decode(image["href"].partition(",")[2])
    columns = np.asarray(image_module.open(io.BytesIO(content))).T
    assert len(columns) == 28
    changes = 1 + np.flatnonzero((columns[1:] != columns[:-1]).any(axis=1))
    assert changes.tolist() == [6, 16, 25]


@pytest.mark.parametrize(
    ("hidden", "said"), [([], "each output, all 10"), ([20], "each hidden unit, all 20")]
)
def test_what_the_first_layers_pictures_are_of(hidden, said):
    data, net = xpnet.data.load("digits"), xpnet.FullyConnectedNet(hidden, 64, 10)
    shown = str(layers_section(SimpleNamespace(watch=None, net=net, data=data)).content)
    assert f"A picture for {said}, " in shown


def test_without_a_watch_it_says_how_to_get_one(hostile_run, tree_of):
    page = tree_of(hostile_run)
    assert "--watch" in page.one(id="verdicts").text
    assert "--watch" in page.one(id="layers").text


def test_a_divergence_is_the_first_thing_said(diverged_run, tree_of):
    page, step = tree_of(diverged_run), summary(diverged_run)["diverged_at"]
    card = page.one(id="verdicts").all("article")[0]
    assert card["class"] == "verdict fault"
    assert f"at step {step}" in card.text
    assert "--learning-rate 100" in card.one("p").text
    assert tiles(page)["ended"] == "diverged"
    assert f"diverged, step {step}" in page.one(id="loss").text
    log = page.one("input", id="loss-log")
    assert "checked" in log.attributes  # as a linear axis would show the last point alone


def test_a_divergence_explains_what_was_warned_of_before(tmp_path, tree_of):
    rate = ["--update-rule", "sgd", "--learning-rate", "3", "--num-epochs", "2"]
    xpnet.train.main([*rate, "--watch", "--quiet", "--out", str(tmp_path / "run")])
    first, *others = tree_of(tmp_path / "run").one(id="verdicts").all("article")
    assert "a learning rate of" in first.one("p").text
    assert {card.one("p").text for card in others} == {"It follows from: divergence."}


def test_the_linear_axis_is_shown_first(digits_run, tree_of):
    page = tree_of(digits_run)
    assert "checked" in page.one("input", id="loss-linear").attributes
    assert "checked" not in page.one("input", id="loss-log").attributes


def test_regression_against_the_net(regression_run, tree_of):
    page = tree_of(regression_run)
    data = xpnet.data.load(regression_run.parent / "line.npz")
    residuals = xpnet.load(regression_run).predict(data.X_val) - data.y_val
    said = page.one(id="predicted").one("figcaption").text
    for k in range(2):
        error = float(np.sqrt(np.mean(residuals[:, k].astype(np.float64) ** 2)))
        assert f"Target {k}: root mean square residual {error:.3g}"[:-1] in said
    charts = page.one(id="predicted").all("svg")
    assert [len(svg.all("circle")) for svg in charts] == [len(data.X_val)] * 2
    bars = page.one(id="residuals").all("svg")[1].all("rect")
    counts = [int(bar.one("title").text.rpartition(": ")[2]) for bar in bars]
    assert counts == np.histogram(residuals[:, 0].astype(np.float64), bins=30)[0].tolist()


def test_hyperparameters_and_versions(digits_run, tree_of):
    page, told = tree_of(digits_run), summary(digits_run)
    shown = {}
    for name in ("hyperparameters", "versions", "machine"):
        rows = page.one("table", id=name).all("tr")
        shown |= {row.one("th").text: row.one("td").text for row in rows}
    for name, value in told["hyperparameters"].items():
        text = shown[name.replace("_", " ")]
        if isinstance(value, float):
            assert float(text) == value
        else:
            assert text == (
                ", ".join(map(str, value))
                if isinstance(value, list)
                else "none"
                if value is None
                else str(value)
            )
    assert {k: shown[k] for k in told["versions"]} == told["versions"]
    assert f"{told['seconds_training']:.2f} s" in shown["training"]


def test_the_learning_rate_by_the_solvers_own_rule(tmp_path, tree_of):
    """Each epoch's rate is the first times lr_decay once more."""
    options = ["--num-epochs", "3", "--lr-decay", "0.5", "--learning-rate", "0.01", "--quiet"]
    assert xpnet.train.main([*options, "--out", str(tmp_path)]) == 0
    svg = tree_of(tmp_path).one(id="learning-rate").one("svg")
    heights = drawn(svg, "line s2 thick")[:, 1]
    levels = sorted({float(y) for y in heights})
    bottom = 300 - 48
    assert len(levels) == 3
    np.testing.assert_allclose(
        (bottom - np.array(levels)) / (bottom - levels[0]), [1, 0.5, 0.25], atol=2e-3
    )


def test_a_long_run_is_a_small_file_that_keeps_its_spikes(digits_run, tmp_path, tree_of):
    """100,000 steps: under 2 MB, with the highest loss where it was."""
    for name in ("config.toml", "summary.json", "best.safetensors"):
        shutil.copy(digits_run / name, tmp_path)
    rng = np.random.default_rng(0)
    losses = 2 + 0.1 * rng.random(100_000)
    losses[61_234] = 9.0
    rows = [
        f"{i + 1},{(i + 1) / 14:.4f},{loss:.6f}," + ("0.5,0.4,2.1" if (i + 1) % 14 == 0 else ",,")
        for i, loss in enumerate(losses)
    ]
    head = "step,epoch,loss,train_acc,val_acc,val_loss"
    (tmp_path / "history.csv").write_text("\n".join([head, *rows]) + "\n")
    assert main([str(tmp_path)]) == 0
    assert (tmp_path / "report.html").stat().st_size < 1_000_000
    points = drawn(tree_of(tmp_path).one("div", class_="panel linear").one("svg"), "line s0 thin")
    highest = points[points[:, 1].argmin()]
    frame = Frame(Linear(0.0, 103_000.0), Linear(0.0, 1.04 * 9), "step", "loss")
    assert highest[0] == pytest.approx(float(frame.across(np.array([61_235]))[0]), abs=0.1)
    assert highest[1] == pytest.approx(float(frame.down(np.array([9.0]))[0]), abs=0.1)
