"""Models whose scores in testing are not those that they train, and models that only look so."""

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import diagnose
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.evaluation import check_evaluation
from xpnet.diagnostics.checks.gradients import check_gradients
from xpnet.diagnostics.checks.loss_over_samples import check_loss_over_samples
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.replay import Replay
from xpnet.diagnostics.trained_scores import is_softmax, is_squared, trained_scores

OPTIONS = {
    "update_rule": "adam",
    "optim_config": {"learning_rate": 1e-2},
    "num_epochs": 8,
    "batch_size": 40,
}
MODULE_RNG = np.random.default_rng(5)


@pytest.fixture
def data():
    """Return three classes that a net tells apart."""
    rng = np.random.default_rng(11)
    centres = 1.5 * rng.standard_normal((3, 6))
    y = rng.integers(0, 3, 500)
    X = centres[y] + rng.standard_normal((500, 6))
    return {"X_train": X[:400], "y_train": y[:400], "X_val": X[400:], "y_val": y[400:]}


def softmax(s):
    powers = np.exp(s - s.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class TwoLayers:
    """Affine, `between`, ReLU, affine, softmax; `between(self, a, is_training)` is what differs."""

    def __init__(self, between=lambda self, a, is_training: a, relu_in_testing=True):
        rng = np.random.default_rng(1)
        self.params = {"W1": 0.5 * rng.standard_normal((6, 24)), "b1": np.zeros(24)}
        self.params |= {"W2": 0.3 * rng.standard_normal((24, 3)), "b2": np.zeros(3)}
        self.rng, self.between = np.random.default_rng(2), between
        self.relu_in_testing, self.mean, self.var = relu_in_testing, np.zeros(24), np.ones(24)

    def loss(self, X, y=None):
        p = self.params
        a = self.between(self, X @ p["W1"] + p["b1"], y is not None)
        h = np.maximum(a, 0) if y is not None or self.relu_in_testing else a
        s = h @ p["W2"] + p["b2"]
        if y is None:
            return s
        rows, shares = np.arange(len(y)), softmax(s)
        loss = -np.log(shares[rows, y] + 1e-12).mean()
        shares[rows, y] -= 1
        shares /= len(y)
        da = (shares @ p["W2"].T) * (a > 0)
        return loss, {"W2": h.T @ shares, "b2": shares.sum(0), "W1": X.T @ da, "b1": da.sum(0)}


def dropout(keep, *, is_scaled=True, in_testing=False, rng=None):
    def between(model, a, is_training):
        source = np.random if rng == "numpy" else rng or model.rng
        draws = source.random(a.shape)
        mask = (draws < keep) / (keep if is_scaled else 1.0)
        return a * mask if is_training or in_testing else a

    return between


def batchnorm(rate=0.9, *, of_batch=False, power=0.5):
    def between(model, a, is_training):
        mean, var = model.mean, model.var
        if is_training or of_batch:
            mean, var = a.mean(axis=0), a.var(axis=0)
        if is_training:
            model.mean = rate * model.mean + (1 - rate) * mean
            model.var = rate * model.var + (1 - rate) * var
        return (a - mean) / (var + 1e-5) ** (0.5 if is_training else power)

    return between


def verdict_on(data, model, **options):
    return check_evaluation(Evidence(Case(model, data, {**OPTIONS, **options})))


HEALTHY = {
    "plain": TwoLayers,
    "dropout": lambda: TwoLayers(dropout(0.6)),
    "dropout by the module's generator": lambda: TwoLayers(dropout(0.6, rng=MODULE_RNG)),
    "dropout by NumPy's own numbers": lambda: TwoLayers(dropout(0.6, rng="numpy")),
    "batch normalization": lambda: TwoLayers(batchnorm()),
}


@pytest.mark.parametrize("make", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_model_is_left_alone(data, make):
    verdict = verdict_on(data, make())
    assert verdict.status == "fine", verdict


@pytest.mark.parametrize("make", HEALTHY.values(), ids=HEALTHY)
def test_nor_is_anything_said_of_the_loss_over_samples(data, make):
    verdict = check_loss_over_samples(Evidence(Case(make(), data, OPTIONS)))
    assert verdict.status in ("fine", "not looked at"), verdict


class Ours(xpnet.FullyConnectedNet):
    """A net that is no longer xpnet's own, as its loss was written anew."""

    def loss(self, X, y=None, **options):
        return super().loss(X, y, **options)


@pytest.mark.parametrize("keep", [0.5, 1.0])
@pytest.mark.parametrize("normalization", [None, "batchnorm", "layernorm"])
def test_dropout_and_normalization_of_ours_are_right(data, keep, normalization):
    net = Ours([20, 20], 6, 3, dropout_keep_ratio=keep, normalization=normalization)
    verdict = verdict_on(data, net)
    assert verdict.status == "fine", verdict
    assert not verdict.found.endswith("own")


FAULTS = {
    "dropout in testing": (dropout(0.5, in_testing=True), "model.loss(X) twice", "dropout"),
    "dropout that is not divided": (dropout(0.3, is_scaled=False), "times as large", "/ keep"),
    "the batch's mean in testing": (batchnorm(of_batch=True), "with others beside", "running"),
    "running means that stand still": (batchnorm(1.0), "model.loss(X)", "running"),
    "variance in place of its root": (
        lambda model, a, t: batchnorm(power=1.0)(model, 6.0 * a, t),
        "model.loss(X)",
        "sqrt",
    ),
    "rows sorted in testing": (
        lambda model, a, t: a if t else np.sort(a, axis=0),
        "with others beside",
        "order",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(data, name):
    between, found, remedy = FAULTS[name]
    verdict = verdict_on(data, TwoLayers(between))
    assert verdict.status in ("fault", "warning"), verdict
    assert found in verdict.found
    assert remedy in verdict.remedy


def test_another_way_in_testing_is_a_fault(data):
    verdict = verdict_on(data, TwoLayers(relu_in_testing=False))
    assert verdict.status == "fault"
    assert "differ from those of the loss by" in verdict.found
    assert "Take the same way" in verdict.remedy


class Shifted(TwoLayers):
    """Counts its classes from 1 on."""

    def loss(self, X, y=None):
        return super().loss(X) if y is None else super().loss(X, (y + 1) % 3)


def test_labels_that_are_off_by_one_are_a_fault(data):
    verdict = verdict_on(data, Shifted())
    assert verdict.status == "fault"
    assert verdict.found == "the loss takes the score of class 1 for label 0"
    assert "scores[arange(N), y]" in verdict.remedy


class Twice(TwoLayers):
    """Takes the softmax of probabilities."""

    def loss(self, X, y=None):
        scores = super().loss(X)
        if y is None:
            return scores
        loss = -np.log(softmax(softmax(scores))[np.arange(len(y)), y]).mean()
        return loss, {name: np.zeros_like(w) for name, w in self.params.items()}


def test_the_softmax_of_a_softmax_is_a_fault(data):
    verdict = verdict_on(data, Twice())
    assert verdict.status == "fault"
    assert "are the softmax of those of model.loss(X)" in verdict.found


class Probabilities(TwoLayers):
    """Tells probabilities, of which the largest is that of the largest score."""

    def loss(self, X, y=None):
        return softmax(super().loss(X)) if y is None else super().loss(X, y)


class Cooler(TwoLayers):
    """Tells scores that were divided by a temperature."""

    def loss(self, X, y=None):
        return super().loss(X) / 3.0 if y is None else super().loss(X, y)


@pytest.mark.parametrize("model", [Probabilities, Cooler])
def test_scores_that_tell_the_same_class_are_fine(data, model):
    assert verdict_on(data, model()).status == "fine"


class Margins(TwoLayers):
    """Has a loss of its own."""

    def loss(self, X, y=None):
        scores = super().loss(X)
        if y is None:
            return scores
        own = scores[np.arange(len(y)), y][:, None]
        loss = np.maximum(scores - own + 1.0, 0.0).sum(axis=1).mean() - 1.0
        return loss, {name: np.zeros_like(w) for name, w in self.params.items()}


def test_of_another_loss_nothing_is_said(data):
    assert verdict_on(data, Margins()).status == "not looked at"


class Regressor:
    """A line with half the squared distance; `flat` forgets that the scores are (N, 1)."""

    def __init__(self, flat=False, offset=0.0):
        self.params = {"W": 0.3 * np.random.default_rng(0).standard_normal((6, 1))}
        self.flat, self.offset = flat, offset

    def loss(self, X, y=None):
        scores = X @ self.params["W"]
        if y is None:
            return scores + self.offset
        errors = scores - (y if self.flat else y[:, None])
        return 0.5 * (errors**2).mean(), {"W": X.T @ errors.mean(axis=1, keepdims=True) / len(y)}


class TestTargets:
    @pytest.fixture
    def data(self, data):
        targets = {f"y_{part}": data[f"X_{part}"][:, 0] + 0.5 for part in ("train", "val")}
        return {**data, **targets}

    def test_a_healthy_model_is_left_alone(self, data):
        assert verdict_on(data, Regressor()).status == "fine"

    def test_all_scores_against_all_targets_is_a_fault(self, data):
        verdict = verdict_on(data, Regressor(flat=True))
        assert verdict.status == "fault"
        assert "(N, 1) less (N,)" in verdict.remedy

    def test_a_score_that_is_always_the_same_is_no_mean(self, data):
        dead = Regressor(flat=False)
        dead.loss = lambda X, y=None: (
            np.ones((len(X), 1))
            if y is None
            else (0.5 * ((1.0 - y) ** 2).mean(), {"W": np.zeros((6, 1))})
        )
        assert verdict_on(data, dead).status == "fine"

    def test_another_offset_in_testing_is_a_fault(self, data):
        assert verdict_on(data, Regressor(offset=2.0)).status == "fault"


class TestScoresFoundFromTheLoss:
    def test_are_those_of_the_net(self, data):
        X, y = data["X_train"][:10], data["y_train"][:10]
        model = TwoLayers()
        replay = Replay(model)
        assert is_softmax(replay, [(X[:5], y[:5]), (X[5:], y[5:])], 3)
        scores = model.loss(X)[:4]
        expected = scores - scores[np.arange(4), y[:4]][:, None]
        assert np.allclose(trained_scores(replay, X, y, 4), expected, atol=1e-6)

    def test_are_predictions_of_targets(self, data):
        X, y = data["X_train"][:10], data["X_train"][:10, 1]
        replay = Replay(Regressor())
        assert is_squared(replay, X, y)
        expected = Regressor().loss(X)[:4]
        assert np.allclose(trained_scores(replay, X, y, 4), expected, atol=1e-6)

    def test_a_margin_is_no_softmax(self, data):
        X, y = data["X_train"][:10], data["y_train"][:10]
        assert not is_softmax(Replay(Margins()), [(X[:5], y[:5]), (X[5:], y[5:])], 3)


def test_a_replay_leaves_everybodys_random_numbers_alone(data):
    model = TwoLayers(dropout(0.5, rng=MODULE_RNG))
    of_numpy = np.random.get_state
    before = MODULE_RNG.bit_generator.state, of_numpy()[1].tolist()
    verdict_on(data, model)
    assert MODULE_RNG.bit_generator.state != before[0]  # a training draws
    replay, X, y = Replay(model), data["X_train"][:8], data["y_train"][:8]
    state = MODULE_RNG.bit_generator.state
    assert replay.draws(X, y)
    assert replay.loss(X, y)[0] == replay.loss(X, y)[0]
    assert MODULE_RNG.bit_generator.state == state
    assert of_numpy()[1].tolist() == before[1]


def test_the_diagnosis_names_it_as_the_cause(data):
    found = diagnose(TwoLayers(batchnorm(of_batch=True)), data, **OPTIONS)
    assert found["evaluation"].status == "fault"
    assert found["evaluation"] in found.faults


class Spoilt(TwoLayers):
    """Has gradients that `spoil(self, grads)` changes."""

    def __init__(self, spoil, between=lambda self, a, is_training: a):
        super().__init__(between)
        self.spoil, self.last = spoil, None

    def loss(self, X, y=None):
        if y is None:
            return super().loss(X)
        loss, grads = super().loss(X, y)
        return loss, self.spoil(self, grads)


def of_the_batch_before(model, grads):
    model.last, before = grads, model.last
    return before or grads


def pile_up(model, grads):
    if model.last is not None:
        grads = {name: dw + model.last[name] for name, dw in grads.items()}
    model.last = grads
    return grads


class Masked(TwoLayers):
    """Multiplies the hidden units by dropout's mask, backward too; `sign` is that of W2's."""

    def __init__(self, between):
        super().__init__()
        self.mask, self.sign = between, 1.0

    def loss(self, X, y=None):
        mask = self.mask(self, np.ones((len(X), 24)), y is not None)
        self.between = lambda _, a, is_training: a * mask
        if y is None:
            return super().loss(X)
        loss, grads = super().loss(X, y)
        h = np.maximum(X @ self.params["W1"] + self.params["b1"], 0) * mask
        shares = softmax(h @ self.params["W2"] + self.params["b2"])
        shares[np.arange(len(y)), y] -= 1
        da = (shares / len(y) @ self.params["W2"].T) * mask * (h > 0)
        return loss, grads | {"W1": X.T @ da, "b1": da.sum(0), "W2": self.sign * grads["W2"]}


def right(_, grads):
    return grads


class TestGradients:
    @pytest.mark.parametrize(
        ("spoil", "words"), [(of_the_batch_before, "is that of the first"), (pile_up, "the sum of")]
    )
    def test_of_an_earlier_batch_are_a_fault(self, data, spoil, words):
        verdict = check_gradients(Evidence(Case(Spoilt(spoil), data, OPTIONS)))
        assert verdict.status == "fault"
        assert words in verdict.found
        assert "Keep nothing of a call" in verdict.remedy

    @pytest.mark.parametrize("rng", [None, MODULE_RNG, "numpy"])
    def test_with_dropout_are_checked_on_the_same_draws(self, data, rng):
        mask = Masked(dropout(0.6, rng=rng))
        assert check_gradients(Evidence(Case(mask, data, OPTIONS))).status == "fine"
        mask.sign = -1.0
        verdict = check_gradients(Evidence(Case(mask, data, OPTIONS)))
        assert verdict.status == "fault"
        assert "Turn the sign of grads['W2']" in verdict.remedy

    def test_of_each_batch_are_fine(self, data):
        assert check_gradients(Evidence(Case(Spoilt(right), data, OPTIONS))).status == "fine"
