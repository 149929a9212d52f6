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
from xpnet.diagnostics.checks.own_rule import check_own_rule
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


def test_a_feature_that_hardly_ever_moves_has_no_outliers(evidence_of):
    rng = np.random.default_rng(23)
    X = rng.standard_normal((700, 8))
    X[:, 0] = np.where(rng.random(700) < 0.8, 1e-5 * X[:, 0], X[:, 0])
    y = rng.integers(0, 2, 700)
    own = {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}
    assert check_outliers(evidence_of(own)).status == "fine"


def test_targets_beyond_what_float32_can_square_are_told(targets, options):
    huge = {k: (1e20 * v).astype(np.float32) if k[0] == "y" else v for k, v in targets.items()}
    found = diagnose(xpnet.FullyConnectedNet([20], 8, 1, loss="squared"), huge, **options)
    assert "target scale" in [verdict.name for verdict in found.faults]


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

    def test_rows_of_one_subject_are_a_warning_where_targets_are_real(self, evidence_of):
        rng = np.random.default_rng(24)
        X = np.repeat(rng.standard_normal((120, 8)), 6, axis=0)
        X += 0.05 * rng.standard_normal(X.shape)
        rows = rng.permutation(720)
        X = X[rows]
        y = np.sin(X[:, 0])
        own = {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}
        verdict = check_leak(evidence_of(own))
        assert verdict.status == "warning"
        assert "rows of one subject" in verdict.found


def uphill(w, dw, config=None):
    return w + config["learning_rate"] * dw, config


def shrinking(w, dw, config=None):
    return 0.9 * w - config["learning_rate"] * dw, config


def still(w, _, config=None):
    return w, config


def momentum(w, dw, config=None):
    config = dict(config)
    config["v"] = 0.9 * config.get("v", np.zeros_like(w)) - config["learning_rate"] * dw
    return w + config["v"], config


def sign(w, dw, config=None):
    return w - config["learning_rate"] * np.sign(dw), config


class TestOwnRules:
    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            (uphill, "weights go along their gradient (cosine 1.00)"),
            (shrinking, "a step without a gradient changes the weights by 0.1 of their size"),
            (still, "weights stay as they are"),
        ],
    )
    def test_what_does_not_go_downhill_is_told_first(self, data, options, rule, said):
        options |= {"update_rule": rule, "optim_config": {"learning_rate": 0.1}}
        found = diagnose(Own(), data, **options)
        first = next(v for v in found.verdicts if v.is_bad and not v.follows)
        assert first.name == "update rule"
        assert said in first.found

    @pytest.mark.parametrize("rule", [momentum, sign])
    def test_what_does_is_fine(self, data, evidence_of, rule):
        config = {"learning_rate": 0.01}
        evidence = evidence_of(data, Own(), update_rule=rule, optim_config=config)
        assert check_own_rule(evidence).status == "fine"

    def test_a_rule_that_wants_more_is_not_accused(self, data, evidence_of):
        def wants(w, dw, config=None):
            return w - config["rates"][w.shape] * dw, config

        config = {"rates": {(8, 4): 0.1, (4,): 0.1}}
        evidence = evidence_of(data, Own(), update_rule=wants, optim_config=config)
        assert check_own_rule(evidence).status == "not looked at"


def test_a_hidden_layer_of_one_unit_is_a_matter_of_capacity():
    data = xpnet.data.load("digits")
    net = xpnet.FullyConnectedNet([50, 1], 64, 10, initializer="kaiming")
    options = {"update_rule": "adam", "optim_config": {"learning_rate": 3e-3}, "num_epochs": 30}
    found = diagnose(net, data, **options, preprocess="mean")
    first = next(v for v in found.verdicts if v.is_bad and not v.follows)
    assert first.name == "capacity"
    assert "Set hidden_dims to 400, 64, which was tried" in first.remedy


class Tokens:
    """Sums the rows of a table that the inputs name, then an affine layer; softmax, in NumPy."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.params = {"E": rng.standard_normal((40, 12)), "W": rng.standard_normal((12, 3))}

    def loss(self, X, y=None):
        E, W = self.params["E"], self.params["W"]
        h = E[X].mean(axis=1)
        z = h @ W
        if y is None:
            return z
        shares = np.exp(z - z.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        loss = -np.mean(np.log(shares[rows, y]))
        shares[rows, y] -= 1.0
        dz = shares / len(y)
        dE = np.zeros_like(E)
        np.add.at(dE, X, np.repeat((dz @ W.T / X.shape[1])[:, None], X.shape[1], axis=1))
        return loss, {"E": dE, "W": h.T @ dz}


def test_token_numbers_are_no_inputs_to_centre_or_to_learn_from_as_numbers():
    rng = np.random.default_rng(2)
    kind = rng.permutation(40) % 3
    X = rng.integers(0, 40, (1500, 9))
    y = np.argmax([(kind[X] == c).sum(axis=1) for c in range(3)], axis=0)
    own = {"X_train": X[:1200], "y_train": y[:1200], "X_val": X[1200:], "y_val": y[1200:]}
    options = {"update_rule": "adam", "optim_config": {"learning_rate": 2e-2}, "num_epochs": 12}
    found = diagnose(Tokens(), own, **options, batch_size=50)
    assert not found.faults, found.faults
    assert not found.warnings, found.warnings
