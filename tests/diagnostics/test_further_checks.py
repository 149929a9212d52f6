"""Answers among the inputs, rows that come again, mixed classes, and models that predict oddly."""

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import diagnose
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.centring import check_centring
from xpnet.diagnostics.checks.class_balance import check_class_balance
from xpnet.diagnostics.checks.input_values import check_input_values
from xpnet.diagnostics.checks.label_agreement import check_label_agreement
from xpnet.diagnostics.checks.leak import check_leak
from xpnet.diagnostics.checks.learning_rate import check_learning_rate
from xpnet.diagnostics.checks.loss_over_samples import check_loss_over_samples
from xpnet.diagnostics.checks.parts_alike import check_parts_alike
from xpnet.diagnostics.checks.preprocessing_fit import check_preprocessing_fit
from xpnet.diagnostics.checks.result import check_result
from xpnet.diagnostics.checks.schedule import check_schedule
from xpnet.diagnostics.checks.units import check_dead_units
from xpnet.diagnostics.evidence import Evidence

OPTIONS = {
    "update_rule": "adam",
    "optim_config": {"learning_rate": 5e-3},
    "num_epochs": 15,
    "batch_size": 50,
}


def parts(X, y, cut):
    return {"X_train": X[:cut], "y_train": y[:cut], "X_val": X[cut:], "y_val": y[cut:]}


@pytest.fixture
def data():
    """Return five classes that a net tells apart."""
    rng = np.random.default_rng(41)
    y = rng.integers(0, 5, 1200)
    X = 1.6 * rng.standard_normal((5, 8))[y] + rng.standard_normal((1200, 8))
    return parts(X, y, 950)


def evidence_of(data, model=None, **options):
    outputs = 1 if data["y_train"].dtype.kind == "f" else int(data["y_train"].max()) + 1
    if model is None:
        loss = "squared" if data["y_train"].dtype.kind == "f" else "softmax"
        model = xpnet.FullyConnectedNet([20], data["X_train"].shape[1], outputs, loss=loss)
    return Evidence(Case(model, data, {**OPTIONS, **options}))


class TestTheAnswerAmongTheInputs:
    @pytest.mark.parametrize("noise", [0.0, 1e-4])
    def test_the_label_is_told(self, data, noise):
        rng = np.random.default_rng(0)
        inside = dict(data)
        for part in ("train", "val"):
            y = data[f"y_{part}"]
            answer = (7.0 - 2.0 * y + noise * rng.standard_normal(len(y)))[:, None]
            inside[f"X_{part}"] = np.concatenate([data[f"X_{part}"], answer], axis=1)
        verdict = check_leak(evidence_of(inside))
        assert verdict.status == "fault"
        assert verdict.found.startswith("feature 8 alone tells the label")

    def test_the_target_is_told(self):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((400, 5))
        y = np.sin(X[:, 0]) + 0.1 * rng.standard_normal(400)
        X[:, 3] = 100.0 - 3.0 * y
        assert "feature 3 alone tells the target" in check_leak(evidence_of(parts(X, y, 300))).found

    def test_a_feature_that_is_nearly_the_target_is_none(self):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((400, 5))
        y = X[:, 3] + 0.1 * rng.standard_normal(400)
        assert check_leak(evidence_of(parts(X, y, 300))).status == "fine"

    def test_a_feature_that_only_one_class_has_is_none(self, data):
        marked = dict(data)
        for part in ("train", "val"):
            marked[f"X_{part}"] = data[f"X_{part}"].copy()
            marked[f"X_{part}"][:, 2] = data[f"y_{part}"] == 1
        assert check_leak(evidence_of(marked)).status == "fine"


class TestRowsThatComeAgain:
    def test_empty_ones_are_told(self, data):
        data["X_train"][::5] = 0.0
        verdict = check_input_values(evidence_of(data))
        assert verdict.status == "warning"
        assert "20% of the rows are one and the same, with all inputs 0" in verdict.found

    def test_categories_do(self):
        rng = np.random.default_rng(1)
        X = np.eye(3)[rng.integers(0, 3, 600)]
        verdict = check_input_values(evidence_of(parts(X, rng.integers(0, 2, 600), 500)))
        assert verdict.status == "fine"


def test_two_classes_with_each_others_labels_are_told(data):
    rng = np.random.default_rng(2)
    for part in ("train", "val"):
        y = data[f"y_{part}"]
        rows = np.flatnonzero(y >= 3)
        y[rows] = rng.permutation(y[rows])
    verdict = check_label_agreement(evidence_of(data))
    assert verdict.status == "warning"
    assert "classes 3 and 4" in verdict.found


def test_large_numbers_in_one_part_are_no_other_scale():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((1000, 10))
    X[810:830, 0] = 60.0 * (-1.0) ** np.arange(20)
    data = parts(X, (X[:, 1] > 0).astype(int), 800)
    assert check_parts_alike(evidence_of(data)).status == "fine"
    data["X_val"] = 3.0 * rng.standard_normal((200, 10))
    assert check_parts_alike(evidence_of(data)).status == "fault"


class Linear:
    """A softmax regression in NumPy; `scores` makes of the outputs what it returns."""

    def __init__(self, scores=lambda z, is_training: z):
        self.params = {"W": np.zeros((8, 5))}
        self.scores = scores

    def loss(self, X, y=None):
        z = self.scores(X @ self.params["W"], y is not None)
        if y is None:
            return z
        shares = np.exp(z - z.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        loss = -np.log(shares[rows, y]).mean()
        shares[rows, y] -= 1
        return loss, {"W": X.T @ shares / len(y)}


def softmax(z, _):
    shares = np.exp(z - z.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def noise(z, is_training):
    return z if is_training else z * (np.random.default_rng().random(z.shape) < 0.5)


class TestScoresOfOnesOwn:
    def test_that_are_probabilities_already(self, data):
        verdict = check_loss_over_samples(evidence_of(data, Linear(softmax)))
        assert verdict.status == "fault"
        assert "softmax of them once more" in verdict.found

    def test_that_change_from_call_to_call(self, data):
        verdict = check_loss_over_samples(evidence_of(data, Linear(noise)))
        assert verdict.status == "warning"
        assert "from call to call" in verdict.found

    def test_that_are_as_they_should_be(self, data):
        assert check_loss_over_samples(evidence_of(data, Linear())).status == "fine"


class TestRemediesThatWereTried:
    def test_of_a_schedule(self, data):
        evidence = evidence_of(data, lr_schedule="warmup:400")
        verdict = check_schedule(evidence)
        assert verdict.status == "fault"
        assert "at a constant rate" in verdict.found
        assert "val acc 0." in verdict.remedy

    def test_of_too_few_epochs(self, data):
        options = {"update_rule": "sgd", "optim_config": {"learning_rate": 2e-3}, "num_epochs": 1}
        model = xpnet.FullyConnectedNet([20], 8, 5)
        evidence = Evidence(Case(model, data, {**OPTIONS, **options, "batch_size": 900}))
        verdict = check_result(evidence)
        assert verdict.status in ("fault", "warning")
        said = verdict.remedy
        assert said.startswith(("Set num_epochs", "Set learning_rate", "Begin from"))
        assert "then." in said

    def test_a_mean_over_more_steps_than_there_are(self, data):
        config = {"learning_rate": 5e-3, "beta1": 0.9999}
        verdict = check_learning_rate(evidence_of(data, optim_config=config))
        assert verdict.status in ("fault", "warning")
        assert verdict.remedy == "Set beta1 to 0.9."


def test_a_net_at_chance_is_nowhere_fine_by_its_accuracy():
    rng = np.random.default_rng(5)
    data = parts(rng.standard_normal((600, 6)), rng.integers(0, 2, 600), 450)
    found = diagnose(xpnet.FullyConnectedNet([4], 6, 2, reg=0.01), data, **OPTIONS)
    for name in ("learning rate", "regularisation strength", "training result", "capacity"):
        assert found[name].status != "fine" or found["train/validation gap"].status != "fine"
    assert found["training result"].status == "not looked at"


@pytest.mark.parametrize("activation", ["mish", "gelu", "relu"])
def test_units_far_below_0_are_dead_whatever_their_activation(data, activation):
    net = xpnet.FullyConnectedNet([20], 8, 5, activation=activation)
    assert check_dead_units(evidence_of(data, net)).status == "fine"
    net.params["b1"] = net.params["b1"] - 80
    assert check_dead_units(evidence_of(data, net)).status == "fault"


def test_inputs_of_which_too_little_is_kept(data):
    evidence = evidence_of(data, xpnet.FullyConnectedNet([20], 1, 5), preprocess="pca:1")
    verdict = check_preprocessing_fit(evidence)
    assert verdict.status == "fault"
    assert "of 8 inputs pca:1 keeps 1" in verdict.found
    evidence = evidence_of(data, xpnet.FullyConnectedNet([20], 7, 5), preprocess="pca:7")
    assert check_preprocessing_fit(evidence).status == "fine"


class Overflows:
    """A softmax without the largest score taken off, at scores that are too large for it."""

    def __init__(self):
        self.params = {"W": np.random.default_rng(0).standard_normal((8, 5))}

    def loss(self, X, y=None):
        scores = 1e4 * (X @ self.params["W"])
        if y is None:
            return scores
        with np.errstate(all="ignore"):
            shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        loss = -np.log(shares[rows, y]).mean()
        shares[rows, y] -= 1.0
        return loss, {"W": 1e4 * X.T @ shares / len(y)}


class TestALossThatIsNaNFromTheStart:
    def test_it_is_said_so_and_of_no_error(self, data):
        found = diagnose(Overflows(), data, optim_config={"learning_rate": 1e-3}, num_epochs=2)
        by_name = {verdict.name: verdict for verdict in found.verdicts}
        assert "own code" not in by_name
        assert by_name["initial loss"].status == "fault"
        assert "NaN" in by_name["initial loss"].found

    def test_nan_is_no_other_order(self, data):
        verdict = check_loss_over_samples(evidence_of(data, Overflows()))
        assert (verdict.status, verdict.found) == ("not looked at", "the loss is NaN or infinite")


def test_a_class_without_weight_is_named_and_not_to_be_balanced(data):
    weights = (data["y_train"] != 3).astype(float)
    verdict = check_class_balance(evidence_of(data, sample_weights=weights))
    assert verdict.status == "warning"
    assert verdict.found == "the samples of class 3 have no weight"
    assert "balanced" not in verdict.remedy


@pytest.mark.parametrize(("shift", "status"), [(0.0, "fine"), (1.5, "fine"), (6.0, "warning")])
def test_a_mean_is_told_from_three_times_the_spread_on(data, shift, status):
    """Of eight features around the shift: its length is sqrt(8) times as long."""
    moved = {name: x + shift if name[0] == "X" else x for name, x in data.items()}
    centred = data["X_train"] - data["X_train"].mean(axis=0)
    spread = np.sqrt(np.linalg.eigvalsh(centred.T @ centred / len(centred))[-1])
    assert (np.linalg.norm(moved["X_train"].mean(axis=0)) > 3 * spread) == (status == "warning")
    assert check_centring(evidence_of(moved)).status == status
