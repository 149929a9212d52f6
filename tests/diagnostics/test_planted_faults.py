"""Faults that were planted are named, and healthy runs are left alone."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

CI = Path(__file__).parent.parent.parent / "ci"
sys.path.insert(0, str(CI))

import planted_faults  # noqa: E402
from planted import faults, healthy  # noqa: E402
from planted.data import blobs  # noqa: E402
from planted.models import FAULTS, OwnNet  # noqa: E402
from planted.run import Case  # noqa: E402
from planted.score import score, table, totals  # noqa: E402
from planted.unusual import UNUSUAL  # noqa: E402

KEPT = CI / "planted_faults.json"
QUICK = (
    "no mean subtraction",
    "one feature in other units",
    "30% of the labels shuffled",
    "y_train slips by a row",
    "a quarter of validation is training",
    "standardised by all rows",
    "zero weights",
    "sure of one class",
    "tanh saturated",
    "dead ReLUs by their biases",
    "BatchNorm on batches of 1",
    "reg 1",
    "own net: no_reg_gradient",
    "own net: samples_axis",
)


def planted(name):
    return next(case for case in faults.FAULTS if case.planted == name)


@pytest.mark.parametrize("name", QUICK)
def test_a_fault_is_named(name):
    [row] = score([planted(name)])
    assert row["right"], row["said"]


@pytest.mark.parametrize("index", [5, 10, 19])
def test_a_healthy_run_is_left_alone(index):
    [row] = score([Case(healthy.HEALTHY[index])])
    assert row["said"] == []


@pytest.mark.slow
def test_the_whole_suite():
    cases = planted_faults.cases(os.environ.get("XPNET_DATA_DIR"))
    rows = score(cases)
    found = totals(rows)
    assert found["faults"] >= 40
    assert found["healthy"] >= 20
    assert found["named"] >= 0.95 * found["faults"], table(rows)
    assert found["healthy_without_a_word"] == found["healthy"], table(rows)


def test_the_result_that_is_kept_is_of_these_cases():
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    named = [(row["planted"], row["run"]) for row in kept["cases"]]
    here = [("", one.name) for one in healthy.HEALTHY]
    here += [(case.planted, case.run.name) for case in faults.FAULTS]
    assert named[: len(here)] == here
    assert totals(kept["cases"]) == {name: kept[name] for name in totals([])}
    assert kept["named"] >= 0.95 * kept["faults"]
    assert kept["healthy_without_a_word"] == kept["healthy"]


def test_the_command_prints_what_is_kept(capsys):
    assert planted_faults.main(["--from", str(KEPT)]) == 0
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert f"{kept['named']} of {kept['faults']} planted faults named" in capsys.readouterr().out


def test_the_command_scores_and_writes(tmp_path, capsys):
    out = tmp_path / "scored.json"
    assert planted_faults.main(["--only", "labels 1 to 10", "--out", str(out)]) == 0
    assert "1 of 1 planted faults named, 1 of them first" in capsys.readouterr().out
    assert json.loads(out.read_text())["cases"][0]["said"] == ["labels"]


class TestTheScore:
    """That it can be lost."""

    def test_a_fault_that_is_not_there_is_not_named(self):
        case = planted("sure of one class")
        other = Case(case.run, case.planted, ("leak",))
        [row] = score([other])
        assert not row["right"]
        assert totals([row])["named"] == 0
        assert totals([row])["other_verdicts"] == len(row["said"]) > 0

    def test_a_word_on_a_healthy_run_counts(self):
        [row] = score([Case(planted("zero weights").run)])
        assert not row["right"]
        assert totals([row]) == {
            "faults": 0,
            "named": 0,
            "named_first": 0,
            "other_verdicts": 0,
            "healthy": 1,
            "healthy_without_a_word": 0,
        }


def test_the_model_that_faults_are_planted_in_is_right_without_one():
    data = blobs(3, 40, 4, 3)
    X, y = data["X_train"][:9], data["y_train"][:9]
    net, h = OwnNet(4, 5, 3, reg=0.1, seed=1), 1e-6
    _, grads = net.loss(X, y)
    for name, w in net.params.items():
        numeric = np.zeros_like(w)
        for at in np.ndindex(w.shape):
            losses = []
            for step in (h, -h):
                w[at] += step
                losses.append(net.loss(X, y)[0])
                w[at] -= step
            numeric[at] = (losses[0] - losses[1]) / (2 * h)
        np.testing.assert_allclose(grads[name], numeric, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_changes_something(fault):
    data = blobs(4, 40, 4, 3)
    results = []
    for which in ("", fault):
        net = OwnNet(4, 5, 3, reg=0.1, fault=which, seed=2)
        X = data["X_train"][:12] * (1e3 if fault == "plain_exp" else 1.0)
        with np.errstate(all="ignore"):
            loss, grads = net.loss(X, data["y_train"][:12])
        results.append([loss, X.sum(), *(grads[name].ravel()[:20].tolist() for name in net.params)])
    assert str(results[0]) != str(results[1])


QUICK_UNUSUAL = [case for case in UNUSUAL if "sorted" not in case.run.name]


@pytest.mark.parametrize("case", QUICK_UNUSUAL, ids=lambda case: case.run.name)
def test_a_healthy_run_on_unusual_data_is_left_alone(case):
    [row] = score([case])
    assert row["said"] == []
