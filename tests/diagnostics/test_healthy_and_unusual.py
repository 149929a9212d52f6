"""Healthy trainings on small, sorted or unequal data, and with losses of one's own, left alone."""

from functools import cached_property

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import diagnose
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.gap import check_gap
from xpnet.diagnostics.checks.initial_loss import check_initial_loss
from xpnet.diagnostics.checks.label_agreement import check_label_agreement
from xpnet.diagnostics.checks.leak import check_leak
from xpnet.diagnostics.checks.learning_rate import check_learning_rate
from xpnet.diagnostics.checks.loss_over_samples import check_loss_over_samples
from xpnet.diagnostics.checks.units import check_dead_units
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.steps import update_ratios
from xpnet.diagnostics.trial import run_trials


def parts(X, y, num_val):
    cut = len(X) - num_val
    return {"X_train": X[:cut], "y_train": y[:cut], "X_val": X[cut:], "y_val": y[cut:]}


def adam(rate=3e-3, num_epochs=20, batch_size=32, **options):
    config = {"learning_rate": rate}
    shape = {"num_epochs": num_epochs, "batch_size": batch_size}
    return {"update_rule": "adam", "optim_config": config, **shape, **options}


def blobs(seed, n, d, classes, apart, shares=None):
    rng = np.random.default_rng(seed)
    centres = apart * rng.normal(size=(classes, d))
    y = rng.choice(classes, n, p=shares)
    y[:classes] = y[-classes:] = np.arange(classes)
    return centres[y] + rng.normal(size=(n, d)), y


def sine(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, 1))
    return x, np.sin(2 * x[:, 0]) + 0.1 * rng.normal(size=n)


def evidence_of(net, data, options):
    return Evidence(Case(net, data, options))


class TestLabelAgreement:
    @pytest.mark.parametrize("n", [16, 24, 40])
    def test_few_samples_are_not_judged(self, n):
        for seed in range(6):
            data = parts(*blobs(seed, n, 4, 2, 1.5), n // 4)
            evidence = evidence_of(xpnet.FullyConnectedNet([8], 4, 2), data, adam(1e-2, 20, 4))
            verdict = check_label_agreement(evidence)
            assert verdict.status in ("fine", "not looked at"), str(verdict)

    @pytest.mark.parametrize("n", [80, 200])
    def test_a_small_regression_of_a_sine(self, n):
        for seed in range(6):
            net = xpnet.FullyConnectedNet([32], 1, 1, loss="squared")
            evidence = evidence_of(net, parts(*sine(seed, n), n // 5), adam(1e-2, 20, 16))
            verdict = check_label_agreement(evidence)
            assert verdict.status == "fine", str(verdict)

    def test_shuffled_targets_are_told_by_the_number_that_failed(self):
        X, y = sine(1, 600)
        y = np.random.default_rng(0).permutation(y)
        net = xpnet.FullyConnectedNet([32], 1, 1, loss="squared")
        verdict = check_label_agreement(evidence_of(net, parts(X, y, 120), adam()))
        assert verdict.status == "fault"
        correlation = float(verdict.found.partition(" by ")[2].partition(",")[0])
        assert (
            correlation
            < float(verdict.expected.split()[2].strip(","))
            == pytest.approx(0.23, abs=0.01)
        )

    def test_labels_changed_as_a_whole_are_of_either_part(self):
        data = parts(*blobs(4, 600, 8, 3, 1.5), 120)
        data["y_train"] = (data["y_train"] + 1) % 3
        net = xpnet.FullyConnectedNet([16], 8, 3)
        verdict = check_label_agreement(evidence_of(net, data, adam()))
        assert verdict.status == "fault"
        assert "y_train and y_val" in verdict.remedy


class TestASortedTrainingPart:
    @pytest.fixture
    def data(self):
        found = parts(*blobs(1, 4000, 20, 5, 0.8), 400)
        order = np.argsort(found["y_train"], kind="stable")
        return {**found, "X_train": found["X_train"][order], "y_train": found["y_train"][order]}

    def test_trials_take_rows_of_all_classes(self, data):
        case = Case(xpnet.FullyConnectedNet([30], 20, 5), data, adam(5e-3, 20, 10))
        [trial] = run_trials(case, [xpnet.diagnostics.stacks.Change()], 60)
        assert trial.val_acc[-1] > 0.6

    def test_so_do_the_first_steps(self, data, monkeypatch):
        seen = []

        def solver(model, arrays, **options):
            seen.append(np.unique(arrays["y_train"]))
            return xpnet.Solver(model, arrays, **options)

        monkeypatch.setattr("xpnet.diagnostics.steps.Solver", solver)
        update_ratios(Case(xpnet.FullyConnectedNet([8], 20, 5), data, adam(5e-3, 20, 4)))
        np.testing.assert_array_equal(seen[0], np.arange(5))


class DropoutNet:
    """A classifier that drops inputs by a generator of its own."""

    def __init__(self):
        self.rng = np.random.default_rng(0)
        self.params = {"W": 0.1 * np.random.default_rng(1).normal(size=(8, 3))}

    def loss(self, X, y=None):
        if y is None:
            return X @ self.params["W"]
        X = X * (self.rng.random(X.shape) < 0.8) / 0.8
        scores = X @ self.params["W"]
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        loss = -np.log(shares[rows, y]).mean()
        shares[rows, y] -= 1.0
        return loss, {"W": X.T @ shares / len(y)}


class LinearRegression:
    """A regression whose loss is the mean over all entries, or half the sum over samples."""

    def __init__(self, targets, factor):
        self.params = {"W": 0.1 * np.random.default_rng(0).normal(size=(6, targets))}
        self.factor = factor

    def loss(self, X, y=None):
        scores = X @ self.params["W"]
        if y is None:
            return scores
        errors = scores - y.reshape(scores.shape)
        scale = self.factor / len(X)
        return scale * float((errors**2).sum()), {"W": 2 * scale * X.T @ errors}


class TestALossOfOnesOwn:
    def test_with_dropout_by_a_generator_on_the_model(self):
        data = parts(*blobs(4, 600, 8, 3, 1.0), 120)
        verdict = check_loss_over_samples(evidence_of(DropoutNet(), data, adam()))
        assert verdict.status == "not looked at"
        found = diagnose(DropoutNet(), data, **adam())
        assert found.faults == (), str(found)

    @pytest.mark.parametrize(("targets", "factor"), [(2, 0.5), (3, 1 / 3), (3, 0.5)])
    def test_that_is_a_mean_over_entries(self, targets, factor):
        rng = np.random.default_rng(3)
        X = rng.normal(size=(800, 6))
        y = X @ rng.normal(size=(6, targets)) + 0.2 * rng.normal(size=(800, targets))
        model = LinearRegression(targets, factor)
        found = diagnose(model, parts(X, y, 160), **adam(1e-2))
        assert found.faults == (), str(found)

    def test_that_is_a_sum_is_still_a_fault(self):
        rng = np.random.default_rng(3)
        X = rng.normal(size=(800, 6))
        model = LinearRegression(2, 256.0)
        evidence = evidence_of(model, parts(X, X[:, :2] + 0.0, 160), adam(1e-4))
        assert check_initial_loss(evidence).status == "fault"


class TestTheInitialLoss:
    @pytest.mark.parametrize("shares", [(0.65, 0.35), (0.8, 0.2), (0.9, 0.1)])
    def test_of_margins_on_unequal_classes(self, shares):
        for seed in range(900, 912):
            data = parts(*blobs(seed, 600, 8, 2, 1.0, shares), 120)
            net = xpnet.FullyConnectedNet([16], 8, 2, loss="svm", seed=seed - 900)
            verdict = check_initial_loss(evidence_of(net, data, adam()))
            assert verdict.status in ("fine", "not looked at"), str(verdict)

    def test_of_one_input_feature(self):
        for seed in range(20):
            net = xpnet.FullyConnectedNet([64], 1, 1, loss="squared", seed=seed)
            verdict = check_initial_loss(evidence_of(net, parts(*sine(seed, 600), 120), adam()))
            assert verdict.status == "fine", str(verdict)


class TestTheLearningRate:
    @pytest.mark.parametrize("seed", [200, 201, 202, 203, 204])
    def test_is_no_fault_by_what_is_noise(self, seed):
        data = parts(*blobs(seed, 1000, 8, 2, 0.5, (0.9, 0.1)), 200)
        net = xpnet.FullyConnectedNet([16], 8, 2, seed=seed - 200)
        found = check_learning_rate(evidence_of(net, data, adam()))
        assert found.status in ("fine", "not looked at"), str(found)

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_that_loses_the_last_percents_is_no_fault(self, seed):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(1500, 10))
        y = 0.3 * X[:, 0] + rng.normal(size=1500)
        net = xpnet.FullyConnectedNet([16], 10, 1, loss="squared", reg=0.01, seed=seed)
        found = check_learning_rate(evidence_of(net, parts(X, y, 300), adam(1e-3)))
        assert found.status != "fault", str(found)


class TestNothingToLearn:
    def test_one_class(self):
        X, y = blobs(4, 600, 8, 3, 1.0)
        found = diagnose(xpnet.FullyConnectedNet([16], 8, 1), parts(X, 0 * y, 120), **adam())
        assert [v.name for v in found.faults] == ["labels"]
        assert "nothing else" in found.looked_at

    def test_one_sample(self):
        X, y = blobs(4, 4, 8, 2, 1.0)
        net = xpnet.FullyConnectedNet([4], 8, 2)
        found = diagnose(net, parts(X[:2], y[:2], 1), **adam(batch_size=1))
        assert [v.found for v in found.faults] == ["there is 1 training sample"]

    def test_one_input_for_all(self):
        X, y = blobs(4, 600, 8, 3, 1.0)
        found = diagnose(xpnet.FullyConnectedNet([16], 8, 3), parts(0 * X, y, 120), **adam())
        assert [v.name for v in found.faults] == ["input values"]


class TestALeak:
    @pytest.mark.parametrize("n", [80, 200, 1000])
    def test_is_not_what_is_near_along_one_feature(self, n):
        for seed in range(10):
            net = xpnet.FullyConnectedNet([8], 1, 1, loss="squared")
            evidence = evidence_of(net, parts(*sine(seed, n), n // 5), adam(batch_size=16))
            assert check_leak(evidence).status == "fine"

    def test_along_one_feature_is_told_by_equal_rows(self):
        data = parts(*sine(1, 200), 40)
        data["X_val"][:8] = data["X_train"][:8]
        net = xpnet.FullyConnectedNet([8], 1, 1, loss="squared")
        verdict = check_leak(evidence_of(net, data, adam(batch_size=16)))
        assert (verdict.status, verdict.found[:5]) == ("fault", "20.0%")


def test_a_net_that_has_learnt_nothing_does_not_overfit():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(1000, 6))
    y = 0.01 * (3 * X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * rng.normal(size=1000))
    net = xpnet.FullyConnectedNet([64], 6, 1, loss="squared")
    verdict = check_gap(evidence_of(net, parts(X, y, 200), adam(3e-3, 40)))
    assert verdict.status == "not looked at"


def test_what_was_looked_at_is_what_was_trained(monkeypatch):
    monkeypatch.setattr("xpnet.diagnostics.thresholds.TRIAL_STEPS", 77)
    monkeypatch.setattr("xpnet.diagnostics.thresholds.TRIAL_STEPS_LEAST", 20)
    taken = []
    trials = Evidence.trials.func

    def spied(evidence):
        found = trials(evidence)
        taken.append(len(next(iter(found.values())).losses))
        return found

    spied_property = cached_property(spied)
    spied_property.__set_name__(Evidence, "trials")
    monkeypatch.setattr(Evidence, "trials", spied_property)
    data = parts(*blobs(4, 400, 8, 3, 1.5), 80)
    found = diagnose(xpnet.FullyConnectedNet([16], 8, 3), data, **adam())
    assert taken == [70]
    assert "trained 70 of 200 steps" in found.looked_at


def test_units_are_not_said_to_be_dead_by_a_few_samples():
    for seed in range(10):
        X, y = blobs(seed, 24, 4, 2, 2.0)
        net = xpnet.FullyConnectedNet([8], 4, 2, seed=seed)
        found = check_dead_units(evidence_of(net, parts(X, y, 6), adam(1e-2, 10, 6)))
        assert found.status == "not looked at"
