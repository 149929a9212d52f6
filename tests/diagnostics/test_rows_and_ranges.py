"""Rows that slipped or repeat, parts too small, and models that see less than they are given."""

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import diagnose
from xpnet.diagnostics.checks.held_down import check_held_down
from xpnet.diagnostics.checks.initial_loss import check_initial_loss
from xpnet.diagnostics.checks.inputs_used import check_inputs_used
from xpnet.diagnostics.checks.label_agreement import check_label_agreement
from xpnet.diagnostics.checks.output_range import check_output_range
from xpnet.diagnostics.checks.parts_alike import check_parts_alike
from xpnet.diagnostics.checks.repeated_rows import check_repeated_rows
from xpnet.diagnostics.checks.target_scale import check_target_scale
from xpnet.diagnostics.checks.validation_part import check_validation_part


class TestTargetsOfOtherRows:
    @pytest.mark.parametrize(
        ("moved", "said"),
        [
            (lambda y: np.roll(y, 1), "those of the row before"),
            (lambda y: np.roll(y, -1), "those of the next row"),
            (lambda y: np.roll(y, 2), "those of two rows before"),
            (lambda y: y[::-1].copy(), "those of the rows in reverse order"),
        ],
    )
    def test_they_are_told(self, data, moved, said, evidence_of):
        verdict = check_label_agreement(evidence_of({**data, "y_train": moved(data["y_train"])}))
        assert verdict.status == "fault"
        assert said in verdict.found

    def test_real_ones_too(self, targets, evidence_of):
        X = np.repeat(targets["X_train"][:, :1], 8, axis=1)
        y = np.roll(X[:, 0], -1)
        verdict = check_label_agreement(evidence_of({**targets, "X_train": X, "y_train": y}))
        assert "those of the next row" in verdict.found

    def test_shuffled_ones_are_no_other_rows(self, data, evidence_of):
        y = np.random.default_rng(0).permutation(data["y_train"])
        assert "as by chance" in check_label_agreement(evidence_of({**data, "y_train": y})).found

    def test_rows_in_an_order_of_time_have_their_own(self, evidence_of):
        t = np.arange(700)
        y = (t // 70) % 4
        X = np.sin(t[:, None] / 35.0 + np.arange(8)) + 0.1 * np.eye(4)[y] @ np.ones((4, 8))
        own = {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}
        assert "those of" not in check_label_agreement(evidence_of(own)).found


class TestRepeatedRows:
    def test_copies_are_counted(self, data, evidence_of):
        rows = np.arange(600) % 30
        copies = {**data, "X_train": data["X_train"][rows], "y_train": data["y_train"][rows]}
        verdict = check_repeated_rows(evidence_of(copies))
        assert verdict.status == "fault"
        assert verdict.found.startswith("30 of 600 training rows differ")

    def test_categories_repeat_and_are_no_copies(self, evidence_of):
        rng = np.random.default_rng(1)
        X = np.repeat(rng.integers(0, 2, (700, 4)).astype(float), 2, axis=1)
        y = rng.integers(0, 2, 700)
        own = {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}
        assert check_repeated_rows(evidence_of(own)).status == "fine"

    def test_a_class_doubled_is_no_fault(self, data, evidence_of):
        rows = np.concatenate([np.arange(600), np.flatnonzero(data["y_train"] == 1)])
        doubled = {**data, "X_train": data["X_train"][rows], "y_train": data["y_train"][rows]}
        assert check_repeated_rows(evidence_of(doubled)).status == "fine"

    def test_equal_rows_of_two_labels_are_counted(self, data, evidence_of):
        X = np.concatenate([data["X_train"], data["X_train"][:100]])
        y = np.concatenate([data["y_train"], (data["y_train"][:100] + 1) % 4])
        verdict = check_repeated_rows(evidence_of({**data, "X_train": X, "y_train": y}))
        assert verdict.status == "warning"
        assert verdict.found.startswith("200 of 700 training rows have an equal row with another")


@pytest.mark.parametrize("by", ["copies", "leaving out"])
def test_a_training_part_that_was_balanced_is_like_its_validation(by, evidence_of):
    rng = np.random.default_rng(21)
    y = (rng.random(1000) < 0.15).astype(int)
    X = 2.0 * y[:, None] + rng.standard_normal((1000, 8))
    many, few = (np.flatnonzero(y[:800] == c) for c in (0, 1))
    rows = np.concatenate([many, np.resize(few, len(many))])
    if by == "leaving out":
        rows = np.concatenate([many[: len(few)], few])
    rows = rng.permutation(rows)
    own = {"X_train": X[rows], "y_train": y[rows], "X_val": X[800:], "y_val": y[800:]}
    assert check_parts_alike(evidence_of(own)).status == "fine"
    own = {"X_train": X[:800], "y_train": y[:800], "X_val": X[rows], "y_val": y[rows]}
    assert check_parts_alike(evidence_of(own)).is_bad


class TestTheValidationPart:
    def test_one_class_is_told(self, data, evidence_of):
        rows = np.flatnonzero(data["y_val"] == 2)[:8]
        few = {**data, "X_val": data["X_val"][rows], "y_val": data["y_val"][rows]}
        verdict = check_validation_part(evidence_of(few))
        assert verdict.status == "fault"
        assert "all 8 validation samples have the label 2" in verdict.found

    def test_all_of_a_class_that_nearly_all_have_is_chance(self, evidence_of):
        rng = np.random.default_rng(2)
        y = (np.arange(60) % 20 == 0).astype(int)
        y[40:] = 0
        X = rng.standard_normal((60, 8))
        own = {"X_train": X[:40], "y_train": y[:40], "X_val": X[40:], "y_val": y[40:]}
        assert check_validation_part(evidence_of(own, batch_size=20)).status == "fine"


class TestTargetScale:
    def test_it_is_named_where_the_training_fails(self, targets, options):
        wide = {k: 1e5 * v if k[0] == "y" else v for k, v in targets.items()}
        found = diagnose(xpnet.FullyConnectedNet([20], 8, 1, loss="squared"), wide, **options)
        assert found.faults[0].name == "target scale"
        assert "deviation of 1.2" in found.faults[0].found

    def test_and_not_where_it_ends_well(self, targets, evidence_of):
        wide = {k: 200.0 * v if k[0] == "y" else v for k, v in targets.items()}
        evidence = evidence_of(wide, optim_config={"learning_rate": 0.5}, num_epochs=40)
        assert check_target_scale(evidence).status == "fine"


def test_a_decay_that_forgets_is_told_with_what_was_tried(data, evidence_of):
    evidence = evidence_of(
        data, update_rule="adamw", optim_config={"learning_rate": 5e-3, "weight_decay": 6.0}
    )
    verdict = check_held_down(evidence)
    assert verdict.status == "warning"
    assert "weight_decay 6 takes 0.03 of every weight at each step" in verdict.found
    assert "half of it is gone in 23" in verdict.found  # log(1/2) / log(0.97) is 22.8
    assert "Set weight_decay to 0.02: train/val acc" in verdict.remedy


class Linear:
    """An affine layer in NumPy; what a test changes are its inputs, its loss and its scores."""

    def __init__(self, outputs, of_inputs=None, weight=None, of_scores=None, penalty=0.0):
        self.params = {"W": 0.1 * np.random.default_rng(0).standard_normal((8, outputs))}
        self.of_inputs = of_inputs or (lambda X: X)
        self.weight = weight or (lambda y: np.ones(len(y)))
        self.of_scores = of_scores or (lambda z: z)
        self.penalty = penalty

    def loss(self, X, y=None):
        X, W = self.of_inputs(X), self.params["W"]
        z = X @ W
        if y is None:
            return self.of_scores(z)
        if y.dtype.kind == "f":
            difference = self.of_scores(z) - y.reshape(len(y), -1)
            return np.mean(difference**2), {"W": 2 * X.T @ difference / len(y)}
        shares = np.exp(z - z.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        rows, weight = np.arange(len(y)), self.weight(y) / len(y)
        loss = -np.sum(weight * np.log(shares[rows, y])) - self.penalty * np.sum(W * W)
        shares[rows, y] -= 1
        return loss, {"W": X.T @ (shares * weight[:, None]) - 2 * self.penalty * W}


class Keeps(Linear):
    """It keeps the first inputs that it is given."""

    def loss(self, X, y=None):
        if y is not None:
            self.kept = getattr(self, "kept", X)
            X = self.kept if len(self.kept) == len(X) else X
        return super().loss(X, y)


def only_three(X):
    X = X.copy()
    X[:, 3:] = 0.0
    return X


class TestInputsUsed:
    def test_a_model_that_looks_at_all_is_fine(self, data, evidence_of):
        assert check_inputs_used(evidence_of(data, Linear(4))).status == "fine"

    def test_features_without_effect_are_counted(self, data, evidence_of):
        verdict = check_inputs_used(evidence_of(data, Linear(4, only_three)))
        assert verdict.status == "warning"
        assert verdict.found.startswith("5 of 8 features that were moved do not change the scores")
        assert "such as feature 3" in verdict.found

    def test_inputs_without_effect_are_a_fault(self, data, evidence_of):
        verdict = check_inputs_used(evidence_of(data, Linear(4, np.zeros_like)))
        assert verdict.status == "fault"

    def test_a_class_without_effect_is_named(self, data, evidence_of):
        model = Linear(4, weight=lambda y: (y != 2).astype(float))
        verdict = check_inputs_used(evidence_of(data, model))
        assert verdict.status == "fault"
        assert "the loss of samples of class 2 is 0 whatever their inputs" in verdict.found

    def test_a_batch_that_was_kept_is_told(self, data, evidence_of):
        verdict = check_inputs_used(evidence_of(data, Keeps(4)))
        assert verdict.status == "fault"
        assert "for other inputs after the first: the model kept these" in verdict.found

    @pytest.mark.parametrize("kind", ["softmax", "hinge"])
    def test_a_loss_on_its_flat_side_is_not_accused(self, data, evidence_of, kind):
        far = {k: 128.0 + 5.0 * v if k[0] == "X" else v for k, v in data.items()}
        for seed in range(3):
            verdict = check_inputs_used(evidence_of(far, Saturated(seed, kind)))
            assert verdict.status == "fine", verdict

    def test_numbers_that_are_indices_stay_among_them(self, evidence_of):
        rng = np.random.default_rng(22)
        X = rng.integers(0, 9, (700, 8)).astype(np.float32)
        y = rng.integers(0, 4, 700)
        own = {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}
        table = rng.standard_normal((9, 8))
        model = Linear(4, lambda X: table[X.astype(int)].sum(axis=1))
        assert check_inputs_used(evidence_of(own, model)).status == "fine"


class Saturated:
    """A softmax, or hinge, of one layer in NumPy, stable and without a penalty."""

    def __init__(self, seed, kind):
        self.params = {"W": 0.5 * np.random.default_rng(seed).standard_normal((8, 4))}
        self.kind = kind

    def loss(self, X, y=None):
        z = X @ self.params["W"]
        if y is None:
            return z
        rows = np.arange(len(y))
        own = z[rows, y][:, None]
        if self.kind == "hinge":
            margins = np.maximum(0.0, z - own + 1.0)
            loss, dz = margins.sum(axis=1).mean() - 1.0, (margins > 0).astype(float)
            dz[rows, y] -= dz.sum(axis=1)
        else:
            highest = z.max(axis=1, keepdims=True)
            powers = np.exp(z - highest)
            total = powers.sum(axis=1, keepdims=True)
            loss, dz = np.mean(highest + np.log(total) - own), powers / total
            dz[rows, y] -= 1.0
        return loss, {"W": X.T @ dz / len(y)}


class TestOutputRange:
    def test_outputs_that_end_at_zero_are_told(self, targets, evidence_of):
        model = Linear(1, of_scores=lambda z: np.maximum(z, 0.0))
        verdict = check_output_range(evidence_of(targets, model))
        assert verdict.status == "fault"
        assert "scores lie from 0 to" in verdict.found

    def test_and_those_that_end_at_one(self, targets, evidence_of):
        model = Linear(1, of_scores=np.tanh)
        verdict = check_output_range(evidence_of(targets, model))
        assert "scores lie from -1 to 1 whatever the weights are" in verdict.found

    def test_targets_within_them_are_fine(self, targets, evidence_of):
        above = {k: np.abs(v) if k[0] == "y" else v for k, v in targets.items()}
        model = Linear(1, of_scores=lambda z: np.maximum(z, 0.0))
        assert check_output_range(evidence_of(above, model)).status == "fine"

    def test_and_a_last_layer_without_an_end(self, targets, evidence_of):
        assert check_output_range(evidence_of(targets, Linear(1))).status == "fine"

    def test_one_output_of_several_is_told(self, targets, evidence_of):
        two = {k: np.stack([v, v], axis=1) if k[0] == "y" else v for k, v in targets.items()}
        model = Linear(2, of_scores=lambda z: np.stack([z[:, 0], np.tanh(z[:, 1])], axis=1))
        assert "scores lie from -1 to 1" in check_output_range(evidence_of(two, model)).found

    def test_a_model_that_refuses_large_weights_is_not_accused(self, targets, evidence_of):
        def of_scores(z):
            if np.abs(z).max() > 100.0:
                raise ValueError("too large")
            return z

        verdict = check_output_range(evidence_of(targets, Linear(1, of_scores=of_scores)))
        assert verdict.status == "not looked at"


def test_a_loss_below_zero_is_told(data, evidence_of):
    verdict = check_initial_loss(evidence_of(data, Linear(4, penalty=10.0)))
    assert verdict.status == "warning"
    assert "signs" in verdict.remedy
