"""Marks of missing values, classes as targets, and a class of which a part is called otherwise."""

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import diagnose
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.half_mixed import half_mixed
from xpnet.diagnostics.checks.label_agreement import check_label_agreement
from xpnet.diagnostics.checks.labels import check_labels_used
from xpnet.diagnostics.checks.leak import check_leak
from xpnet.diagnostics.checks.missing_values import check_missing_values
from xpnet.diagnostics.evidence import Evidence

OPTIONS = {
    "update_rule": "adam",
    "optim_config": {"learning_rate": 5e-3},
    "num_epochs": 8,
    "batch_size": 50,
}


def parts(X, y, cut):
    return {"X_train": X[:cut], "y_train": y[:cut], "X_val": X[cut:], "y_val": y[cut:]}


def evidence_of(data, **options):
    is_regression = data["y_train"].dtype.kind == "f"
    outputs = 1 if is_regression else int(data["y_train"].max()) + 1
    loss = "squared" if is_regression else "softmax"
    net = xpnet.FullyConnectedNet([20], data["X_train"].shape[1], outputs, loss=loss)
    return Evidence(Case(net, data, {**OPTIONS, **options}))


@pytest.fixture
def data():
    """Return six classes that a net tells apart."""
    rng = np.random.default_rng(41)
    y = rng.integers(0, 6, 1200)
    X = 1.6 * rng.standard_normal((6, 8))[y] + rng.standard_normal((1200, 8))
    return parts(X, y, 950)


def with_marks(X, share, value=-999.0, seed=0):
    X = X.copy()
    X[np.random.default_rng(seed).random(X.shape) < share] = value
    return X


class TestMissingValues:
    @pytest.mark.parametrize("share", [0.01, 0.08, 0.4])
    def test_a_mark_is_named(self, data, share):
        data["X_train"] = with_marks(data["X_train"], share)
        verdict = check_missing_values(evidence_of(data))
        assert verdict.status == "warning"
        assert verdict.found.startswith("-999 stands in ")
        said = float(verdict.found.split()[3].rstrip("%")) / 100
        assert said == pytest.approx(share, rel=0.2)
        assert "in 8 of 8 features, far from all other values" in verdict.found
        assert "median" in verdict.remedy

    def test_after_standardising_too(self, data):
        X = with_marks(data["X_train"], 0.05)
        data["X_train"] = (X - X.mean(axis=0)) / X.std(axis=0)
        verdict = check_missing_values(evidence_of(data))
        assert verdict.status == "warning"
        assert "of feature " in verdict.found

    def test_among_targets(self):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((600, 4))
        y = with_marks(X[:, 0], 0.06, 1e6)
        verdict = check_missing_values(evidence_of(parts(X, y, 500)))
        assert verdict.status == "fault"
        assert verdict.found.startswith("1e+06 stands in ")
        assert "of the targets" in verdict.found

    @pytest.mark.parametrize(
        "make",
        [
            lambda rng: rng.standard_normal((800, 3)),
            lambda rng: rng.standard_t(1.5, (800, 3)),
            lambda rng: rng.poisson(0.3, (800, 3)).astype(float),
            lambda rng: rng.poisson(2000, (800, 3)) * (rng.random((800, 3)) < 0.3) * 1.0,
            lambda rng: np.eye(4)[rng.integers(0, 4, 800)],
            lambda rng: np.clip(rng.standard_normal((800, 3)), -1.0, 1.0),
            lambda rng: np.exp(3.0 * rng.standard_normal((800, 3))),
            lambda rng: np.round(np.exp(2.0 * rng.standard_normal((800, 3)))),
            lambda rng: rng.integers(0, 256, (800, 3), dtype=np.uint8),
        ],
        ids=[
            *("normal", "heavy tails", "counts", "amounts that are often 0", "one-hot"),
            *("cut off", "lognormal", "whole lognormal", "bytes"),
        ],
    )
    def test_usual_features_have_none(self, make):
        X = make(np.random.default_rng(3))
        found = check_missing_values(evidence_of(parts(X, np.arange(800) % 2, 600)))
        assert found.status == "fine", found

    def test_a_diagnosis_has_it_as_the_cause(self, data):
        for part in ("train", "val"):
            data[f"X_{part}"] = with_marks(data[f"X_{part}"], 0.05)
        net = xpnet.FullyConnectedNet([20], 8, 6)
        found = diagnose(net, data, **OPTIONS, preprocess="standard")
        first = (*found.faults, *found.warnings)[0]
        assert first.name == "missing values", str(found)


class TestClassesAsTargets:
    def test_are_named(self, data):
        for part in ("train", "val"):
            data[f"y_{part}"] = data[f"y_{part}"].astype(np.float64)
        verdict = check_labels_used(evidence_of(data))
        assert verdict.status == "warning"
        assert "the targets are the 6 whole numbers from 0 to 5" in verdict.found
        assert "num_classes=6" in verdict.remedy

    @pytest.mark.parametrize("noise", [0.0, 0.3])
    def test_marks_in_an_order_are_not(self, noise):
        rng = np.random.default_rng(1)
        X = rng.standard_normal((1500, 3))
        X[:, 0] *= 5.0
        y = np.clip(np.round(0.5 * X[:, 0] + noise * rng.standard_normal(1500)) + 3.0, 0.0, 6.0)
        assert check_labels_used(evidence_of(parts(X, y, 1200))).status == "fine"

    def test_counts_are_not(self):
        rng = np.random.default_rng(1)
        X = rng.standard_normal((1500, 3))
        y = rng.poisson(np.exp(0.7 * X[:, 0])).clip(0, 5).astype(np.float64)
        assert check_labels_used(evidence_of(parts(X, y, 1200))).status == "fine"

    def test_real_targets_are_not(self, data):
        for part in ("train", "val"):
            data[f"y_{part}"] = data[f"X_{part}"][:, 0]
        assert check_labels_used(evidence_of(data)).status == "fine"


class TestAClassOfWhichAPartIsCalledOtherwise:
    @pytest.mark.parametrize("share", [0.35, 0.5])
    def test_is_named(self, data, share):
        rng = np.random.default_rng(2)
        y = data["y_train"]
        y[(y == 2) & (rng.random(len(y)) < share)] = 5
        verdict = check_label_agreement(evidence_of(data))
        assert verdict.status in ("warning", "fault")
        assert "class 2" in verdict.found
        assert "the classes 2 and 5" in verdict.remedy

    @pytest.mark.parametrize("distance", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    def test_classes_that_overlap_are_none(self, distance):
        rng = np.random.default_rng(4)
        y = rng.integers(0, 4, 1600)
        centres = 8.0 * np.eye(6)[:4]
        centres[1] = centres[0] + distance * np.eye(6)[5]
        X = centres[y] + rng.standard_normal((1600, 6))
        assert half_mixed(evidence_of(parts(X, y, 1300)).case) is None

    def test_clean_classes_are_none(self, data):
        assert half_mixed(evidence_of(data).case) is None
        digits = xpnet.data.load("digits")
        flat = parts(digits.X_train.reshape(len(digits.X_train), -1), digits.y_train, 1200)
        assert half_mixed(evidence_of(flat).case) is None


class TestRowsThatAreNearByAFewLargeNumbers:
    def test_are_no_leak(self):
        rng = np.random.default_rng(5)
        X = rng.standard_normal((1000, 20))
        y = (X[:, 0] > 0).astype(int)
        X[:, 0] += 1.0
        marked = with_marks(X, 0.04, -99999.0)
        verdict = check_leak(evidence_of(parts(marked, y, 800)))
        assert verdict.status == "fine"
        assert verdict.found.startswith("0.0% of the validation samples")
        assert "(0.0%)" in verdict.expected
        marked[900:920] = marked[:20]  # which rows near by a large number would hide
        verdict = check_leak(evidence_of(parts(marked, y, 800)))
        assert verdict.found.startswith("10.0% of the validation samples")
        assert verdict.status == "warning"

    def test_noise_on_features_that_are_nearly_always_0_hides_no_row(self):
        rng = np.random.default_rng(6)
        X = np.where(rng.random((1000, 30)) < 0.3, 8.0 * rng.random((1000, 30)), 0.0)
        X[:, 15:] = 0.0
        y = (X[:, 0] > 0).astype(int)
        X[820:860] = X[:40]
        X[:40] += 0.005 * rng.standard_normal((40, 30))
        assert check_leak(evidence_of(parts(X, y, 800))).found.startswith("20.0%")

    @pytest.mark.parametrize("noise", [0.0, 0.003])
    def test_rows_that_are_the_same_still_are(self, noise):
        rng = np.random.default_rng(5)
        X = rng.standard_normal((1000, 20))
        y = (X[:, 0] > 0).astype(int)
        X[820:860] = X[:40] + noise * rng.standard_normal((40, 20))
        verdict = check_leak(evidence_of(parts(X, y, 800)))
        assert verdict.status == "fault"
        assert verdict.found.startswith("20.0% of the validation samples")
