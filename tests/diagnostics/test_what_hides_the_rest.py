"""Numbers far from all others, weights and labels that leave little to learn, and turned signs."""

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import diagnose
from xpnet.diagnostics.checks.centring import check_centring
from xpnet.diagnostics.checks.class_balance import check_class_balance
from xpnet.diagnostics.checks.gradients import check_gradients
from xpnet.diagnostics.checks.labels import check_labels_used
from xpnet.diagnostics.checks.leak import check_leak
from xpnet.diagnostics.checks.loss_and_accuracy import check_loss_and_accuracy
from xpnet.diagnostics.checks.loss_over_samples import check_loss_over_samples
from xpnet.diagnostics.checks.near_copies import near_copies
from xpnet.diagnostics.checks.outliers import check_outliers
from xpnet.diagnostics.checks.regularisation import check_regularisation
from xpnet.diagnostics.checks.schedule import check_schedule
from xpnet.diagnostics.checks.training_length import check_training_length


def test_numbers_in_other_units_are_told_before_what_they_spoil(targets, options):
    X = targets["X_train"].copy()
    X[:2, :3] *= 1e5
    odd = {**targets, "X_train": X}
    net = xpnet.FullyConnectedNet([20], 8, 1, loss="squared")
    found = diagnose(net, odd, **options, preprocess="standard")
    assert found.faults[0].name == "outliers"
    assert "and 2 other features: 2 of 600 numbers" in found.faults[0].found


def test_heavy_tails_are_no_outliers(evidence_of):
    rng = np.random.default_rng(7)
    X = np.exp(2.0 * rng.standard_normal((700, 8)))
    y = rng.integers(0, 2, 700)
    own = {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}
    assert check_outliers(evidence_of(own)).status == "fine"


class TestLabelsThatAreNumbers:
    def test_a_class_for_nearly_every_sample_is_told(self, evidence_of):
        rng = np.random.default_rng(8)
        X = rng.standard_normal((200, 8))
        y = np.argsort(np.argsort(X[:, 0])).astype(np.int64)
        own = {"X_train": X[:150], "y_train": y[:150], "X_val": X[150:], "y_val": y[150:]}
        verdict = check_labels_used(evidence_of(own, xpnet.TwoLayerNet(8, 20, 200)))
        assert verdict.status == "warning"
        assert "150 training samples have 150 classes" in verdict.found
        assert "cast it to float" in verdict.remedy

    def test_many_classes_of_some_samples_each_are_fine(self, evidence_of):
        y = np.arange(700) % 60
        X = np.random.default_rng(9).standard_normal((700, 8))
        own = {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}
        assert check_labels_used(evidence_of(own)).status == "fine"


def test_weights_that_leave_few_samples_are_told(data, evidence_of):
    weights = np.zeros(600)
    weights[:12] = 1.0
    verdict = check_class_balance(evidence_of(data, sample_weights=weights))
    assert verdict.status == "warning"
    assert "98% of the samples nothing, and the rest count as 12 of 600" in verdict.found


class Own:
    """A linear softmax in NumPy, whose gradients and sign a test changes."""

    reg = 0.0

    def __init__(self, sign=1.0, change=lambda grads, params, count: grads, reads_reg=True):
        self.params = {"W": 0.1 * np.random.default_rng(0).standard_normal((8, 4))}
        self.params["b"] = np.zeros(4)
        self.sign, self.change, self.reads_reg = sign, change, reads_reg

    def loss(self, X, y=None):
        W, b = self.params["W"], self.params["b"]
        scores = X @ W + b
        if y is None:
            return scores
        z = self.sign * scores
        shares = np.exp(z - z.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        rows, reg = np.arange(len(y)), self.reg if self.reads_reg else 0.0
        loss = -np.mean(np.log(shares[rows, y])) + 0.5 * reg * np.sum(W * W)
        shares[rows, y] -= 1.0
        shares *= self.sign / len(y)
        grads = {"W": X.T @ shares + reg * W, "b": shares.sum(axis=0)}
        return loss, self.change(grads, self.params, len(y))


class TestOwnLosses:
    def test_a_turned_sign_lowers_the_accuracy_below_a_guess(self, data, evidence_of):
        verdict = check_loss_and_accuracy(evidence_of(data, Own(sign=-1.0), num_epochs=20))
        assert verdict.status == "fault"
        assert "less than a guess has (0.250)" in verdict.found

    def test_a_right_one_does_not(self, data, evidence_of):
        assert check_loss_and_accuracy(evidence_of(data, Own())).status == "fine"

    def test_a_gradient_that_is_zero_but_for_rounding_is_no_fault(self, data, evidence_of):
        def rounding(grads, _params, count):
            return {**grads, "b": np.full(4, 1e-17 * count)}

        verdict = check_loss_over_samples(evidence_of(data, Own(change=rounding)))
        assert verdict.status == "fine"

    @pytest.mark.parametrize(
        ("power", "said"), [(1.0, "by the number of samples, as"), (-1.0, "once, not twice")]
    )
    def test_a_gradient_of_the_sum_and_one_divided_twice(self, data, evidence_of, power, said):
        def other(grads, _params, count):
            return {**grads, "W": grads["W"] * float(count) ** power}

        verdict = check_loss_over_samples(evidence_of(data, Own(change=other)))
        assert verdict.status == "fault"
        assert said in verdict.remedy

    def test_a_reg_of_zero_that_the_loss_does_not_read_does_no_harm(self, data, evidence_of):
        model = Own(reads_reg=False)
        assert check_regularisation(evidence_of(data, model)).status == "not looked at"
        model.reg = 0.1
        assert check_regularisation(evidence_of(data, model)).status == "fault"

    def test_a_penalty_with_the_other_sign_is_named(self, data, evidence_of):
        model = Own()
        model.reg = 0.1
        model.change = lambda grads, params, _: {
            **grads,
            "W": grads["W"] - 2.0 * max(model.reg, 0.1) * params["W"],
        }
        verdict = check_gradients(evidence_of(data, model))
        assert verdict.status == "fault"
        assert "Turn the sign of the regularisation's gradient in grads['W']" in verdict.remedy


class TestTooFewSteps:
    def test_it_says_what_more_of_them_come_to(self, data, evidence_of):
        verdict = check_training_length(evidence_of(data, num_epochs=2, batch_size=600))
        assert verdict.is_bad
        assert "2 steps, of batches of 600" in verdict.found
        assert verdict.remedy.startswith("Set batch_size to 20 and num_epochs to 16: val acc 0.9")

    def test_few_that_are_enough_are_fine(self, data, evidence_of):
        options = {"num_epochs": 3, "optim_config": {"learning_rate": 3e-2}}
        assert check_training_length(evidence_of(data, **options)).status == "fine"


def test_a_warmup_beyond_the_end_is_told_by_the_rate_that_is_left(data, evidence_of):
    verdict = check_schedule(evidence_of(data, lr_schedule="warmup:100000"))
    assert verdict.status == "fault"
    assert "of the one that is given in the mean" in verdict.found
    assert "0.15 or more" in verdict.expected


def test_the_preprocessing_that_is_named_did_better(data, evidence_of):
    far = {k: 1e4 * v + 3e5 if k[0] == "X" else v for k, v in data.items()}
    wide = evidence_of(far, update_rule="sgd", optim_config={"learning_rate": 0.1})
    assert "preprocess='standard', val acc 0.9" in check_centring(wide).remedy
    near = {k: v + 30.0 if k[0] == "X" else v for k, v in data.items()}
    assert "preprocess='mean', val acc 0.9" in check_centring(evidence_of(near)).remedy


class TestLeaks:
    def test_a_label_with_noise_among_the_features_is_told(self, data, evidence_of):
        rng = np.random.default_rng(10)
        inside = dict(data)
        for part in ("train", "val"):
            y = data[f"y_{part}"]
            inside[f"X_{part}"] = data[f"X_{part}"].copy()
            inside[f"X_{part}"][:, 5] = 3.0 * y + 0.2 * rng.standard_normal(len(y))
        net = xpnet.TwoLayerNet(8, 20, 4)
        assert "feature 5 alone tells" in check_leak(evidence_of(inside, net)).found

    def test_classes_that_lie_apart_are_no_leak(self, evidence_of):
        rng = np.random.default_rng(11)
        y = rng.integers(0, 2, 700)
        X = 20.0 * rng.standard_normal((2, 8))[y] + rng.standard_normal((700, 8))
        own = {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}
        assert check_leak(evidence_of(own)).status == "fine"

    def test_copies_with_noise_in_both_parts_are_told(self, evidence_of):
        rng = np.random.default_rng(12)
        y = np.repeat(rng.integers(0, 2, 120), 6)
        X = np.repeat(rng.standard_normal((120, 8)), 6, axis=0)
        X += 0.1 * rng.standard_normal(X.shape)
        rows = rng.permutation(720)
        X, y = X[rows], y[rows]
        own = {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}
        verdict = check_leak(evidence_of(own))
        assert verdict.status == "fault"
        assert "far nearer than the others lie, as copies with noise have" in verdict.found
        assert "augment the training part alone" in verdict.remedy

    @pytest.mark.parametrize("dimensions", [1, 2, 3, 8])
    def test_as_many_independent_rows_are_near_as_a_poisson_process_has(self, dimensions):
        rng = np.random.default_rng(13)
        axes, _ = np.linalg.qr(rng.standard_normal((12, dimensions)))
        rows = rng.uniform(size=(4000, dimensions)) @ axes.T
        expected = 1.0 - np.exp(-(0.5**dimensions))  # of half the distance at which one is expected
        error = np.sqrt(expected * (1.0 - expected) / 1000)
        assert near_copies(rows[:1000], rows[1000:]) == pytest.approx(expected, abs=4.0 * error)
