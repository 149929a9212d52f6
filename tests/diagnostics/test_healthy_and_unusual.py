"""Healthy trainings on small, sorted or unequal data, and with losses of one's own, left alone."""

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import diagnose
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.initial_loss import check_initial_loss
from xpnet.diagnostics.checks.label_agreement import check_label_agreement
from xpnet.diagnostics.checks.loss_over_samples import check_loss_over_samples
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
