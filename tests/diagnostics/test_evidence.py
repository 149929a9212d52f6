"""What the checks rest on: chance, neighbours, the plain net, trials and copies."""

import copy

import numpy as np
import pytest

import xpnet
from xpnet import losses
from xpnet.diagnostics import chance, neighbours
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.centring import check_centring
from xpnet.diagnostics.checks.feature_scale import check_feature_scale
from xpnet.diagnostics.checks.input_values import check_input_values
from xpnet.diagnostics.checks.leak import check_leak
from xpnet.diagnostics.checks.preprocessing_fit import check_preprocessing_fit
from xpnet.diagnostics.checks.schedule import check_schedule
from xpnet.diagnostics.checks.symmetry import check_symmetry
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.reference import make_reference
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.steps import update_ratios
from xpnet.diagnostics.trial import run_trials
from xpnet.errors import InputError

ADAM = {"update_rule": "adam", "optim_config": {"learning_rate": 1e-2}, "num_epochs": 3}


@pytest.fixture
def data(rng):
    """Return two classes a little apart."""
    y = rng.integers(0, 2, 300)
    X = rng.standard_normal((300, 4)) + 1.5 * y[:, None]
    X -= X[:240].mean(axis=0)
    return {"X_train": X[:240], "y_train": y[:240], "X_val": X[240:], "y_val": y[240:]}


def make_net(**options):
    return xpnet.FullyConnectedNet([6], 4, 2, **options)


def evidence_of(data, net=None, **options):
    return Evidence(Case(make_net() if net is None else net, data, {"batch_size": 24, **options}))


class TestChance:
    def test_losses_of_scores_are_those_of_the_library(self, rng):
        scores, y = rng.standard_normal((20, 5)), rng.integers(0, 5, 20)
        found = chance.losses_of_scores(scores, y)
        assert found["softmax"] == pytest.approx(float(losses.softmax_loss(scores, y)[0]))
        assert found["svm"] == pytest.approx(float(losses.svm_loss(scores, y)[0]))
        targets = rng.standard_normal((20, 5))
        [squared] = chance.losses_of_scores(scores, targets).values()
        assert squared == pytest.approx(float(losses.squared_loss(scores, targets)[0]))

    @pytest.mark.parametrize("kind", ["softmax", "svm"])
    def test_the_expected_loss_is_that_of_equal_scores(self, rng, kind):
        y = rng.integers(0, 7, 50)
        loss = getattr(losses, f"{kind}_loss")(np.zeros((50, 7)), y)[0]
        assert chance.expected_loss(kind, y, 7) == pytest.approx(float(loss))

    def test_of_targets_it_is_that_of_their_mean(self, rng):
        y = rng.standard_normal((50, 2)) * [1.0, 3.0] + 5.0
        loss, _ = losses.squared_loss(np.broadcast_to(y.mean(axis=0), y.shape), y)
        assert chance.expected_loss("squared", y, 2) == pytest.approx(float(loss))

    def test_a_loss_that_there_is_not(self):
        with pytest.raises(InputError, match="choose softmax, svm or squared"):
            chance.expected_loss("hinge", np.zeros(3), 2)

    def test_the_accuracy_of_shares(self):
        y = np.repeat([0, 1, 2], [8, 4, 4])
        assert chance.chance_accuracy(y) == 0.5
        assert chance.chance_accuracy(np.asarray([0.5, 1.5])) == 0.0

    def test_the_standard_error_of_shares(self, rng):
        drawn = rng.binomial(40, 0.3, 20_000) / 40 - rng.binomial(90, 0.3, 20_000) / 90
        assert chance.standard_error(0.3, 40, 90) == pytest.approx(drawn.std(), rel=0.05)


class TestNeighbours:
    def test_are_those_of_all_distances(self, rng):
        X, of = rng.standard_normal((300, 3)), rng.standard_normal((50, 3))
        distances = np.linalg.norm(X[:, None] - of, axis=2)
        at, far = neighbours.nearest(X, of)
        np.testing.assert_array_equal(at, distances.argmin(axis=1))
        np.testing.assert_allclose(far, distances.min(axis=1))

    def test_nobody_is_his_own(self, rng):
        X = rng.standard_normal((300, 3))
        at, far = neighbours.nearest(X, X, own=True)
        assert not np.any(at == np.arange(300))
        assert far.min() > 0

    def test_equal_rows_are_at_distance_0(self, rng):
        X = 1e3 + rng.standard_normal((20, 5))
        assert neighbours.nearest(X, X[::-1].copy())[1].max() == 0


class TestThePlainNet:
    def test_predicts_what_it_has_not_seen(self, data):
        found = make_reference(Case(make_net(), data, {"batch_size": 24}))
        assert len(found.scores) == len(found.y) == 240
        assert found.scores_val.shape == (2, 60, 2)
        assert 0.8 < found.accuracy < 1.0
        assert 0.8 < found.recall < 1.0
        np.testing.assert_allclose(found.scores.sum(axis=1), 1.0)

    def test_learns_nothing_of_labels_by_the_dice(self, data, rng):
        dice = {**data, "y_train": rng.integers(0, 2, 240)}
        found = make_reference(Case(make_net(), dice, {"batch_size": 24}))
        assert abs(found.accuracy - 0.5) < 0.15


class TestTrials:
    def test_each_is_the_training_that_it_stands_for(self, data):
        net = make_net(reg=0.5, seed=4)
        case = Case(net, data, {"batch_size": 24, **ADAM})
        own, other = run_trials(case, [Change(), Change(0.1, reg_factor=0.0)], 30)
        for trial, rate, reg in ((own, 1e-2, 0.5), (other, 1e-3, 0.0)):
            alone = make_net(reg=reg, seed=4)
            options = {**ADAM, "optim_config": {"learning_rate": rate}}
            solver = xpnet.Solver(alone, data, batch_size=24, verbose=False, **options)
            solver.train()
            np.testing.assert_array_equal(trial.losses, solver.loss_history)
            assert trial.val_acc[-1] == solver.val_acc_history[-1]

    def test_a_shorter_one_is_the_beginning_of_the_schedule(self, data):
        options = {**ADAM, "lr_schedule": "cosine", "num_epochs": 10}
        [short] = run_trials(Case(make_net(), data, {"batch_size": 24, **options}), [Change()], 20)
        solver = xpnet.Solver(make_net(), data, batch_size=24, verbose=False, **options)
        solver.train()
        np.testing.assert_array_equal(short.losses, solver.loss_history[:20])

    def test_update_ratios_are_those_of_the_steps(self, data):
        case = Case(make_net(), data, {"batch_size": 240, "num_epochs": 8})
        net = make_net(dtype="float64")
        ratios = []
        for _ in range(8):
            _, grads = net.loss(data["X_train"], data["y_train"])
            change = 1e-2 * grads["W1"]
            ratios.append(np.linalg.norm(change) / np.linalg.norm(net.params["W1"]))
            net.params = {n: w - 1e-2 * grads[n] for n, w in net.params.items()}
        found = update_ratios(case)
        assert found["W1"] == pytest.approx(np.median(ratios[4:]), rel=0.02)
        assert sorted(found) == ["W1", "W2"]


class TestChecksOfInputs:
    def test_the_mean_is_held_against_the_widest_spread(self, data, rng):
        X = rng.standard_normal((4000, 3)) * [1.0, 2.0, 0.5] + [3.0, 0.0, 0.0]
        moved = {**data, "X_train": X[:240], "X_val": X[240:300]}
        net = xpnet.FullyConnectedNet([6], 3, 2)
        found = check_centring(evidence_of(moved, net))
        said = float(found.found.split()[4])
        centred = X[:240] - X[:240].mean(axis=0)
        widest = np.linalg.eigvalsh(centred.T @ centred / 240)[-1]
        assert said == pytest.approx(np.linalg.norm(X[:240].mean(axis=0)) / widest**0.5, rel=0.05)

    @pytest.mark.parametrize(
        ("factor", "status"), [(10.0, "fine"), (100.0, "warning"), (1e4, "fault")]
    )
    def test_unlike_ranges(self, data, factor, status):
        scale = np.asarray([1.0, 1.0, factor, 1.0])
        scaled = {n: x * scale if n[0] == "X" else x for n, x in data.items()}
        assert check_feature_scale(evidence_of(scaled)).status == status

    @pytest.mark.parametrize("values", [[0, 255], [0, 253, 254]])
    def test_black_and_white_is_no_wrapping(self, data, rng, values):
        X = rng.choice(np.asarray(values, dtype=np.uint8), size=(300, 4))
        assert check_input_values(evidence_of({**data, "X_train": X[:240]})).status == "fine"

    def test_categories_that_come_twice_are_no_leak(self, data, rng):
        X = rng.integers(0, 2, size=(300, 4)).astype(float)
        rows = {**data, "X_train": X[:240], "X_val": X[240:]}
        assert check_leak(evidence_of(rows)).status == "fine"

    def test_a_leak_into_the_test_part(self, data, rng):
        X = rng.standard_normal((300, 4))
        parts = {**data, "X_train": X[:240], "X_val": X[240:], "X_test": X[:50]}
        found = check_leak(evidence_of(parts))
        assert found.status == "fault"
        assert "100.0% of the test samples" in found.found

    def test_pixels_that_reach_both_ends_in_validation_alone_are_no_fit(self, data, rng):
        X = np.round(rng.random((300, 4)) * 3) / 3
        X[:240, 1] = np.minimum(X[:240, 1], 2 / 3)
        rows = {**data, "X_train": X[:240], "X_val": X[240:]}
        assert check_preprocessing_fit(evidence_of(rows)).status == "fine"


class TestChecksOfTheNet:
    @pytest.mark.parametrize(("name", "status"), [("W1", "fault"), ("W2", "fine")])
    def test_the_last_layer_may_start_at_zero(self, data, name, status):
        net = make_net()
        net.params[name] = np.zeros_like(net.params[name])
        if name == "W1":
            net.params["W2"] = np.ones_like(net.params["W2"])
        assert check_symmetry(evidence_of(data, net)).status == status

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            ({"lr_schedule": "cosine"}, "fine"),
            ({"lr_schedule": "step:20:0.1"}, "fine"),
            ({"lr_decay": 0.95}, "fine"),
            ({"lr_decay": 0.5}, "fault"),
            ({"lr_schedule": "step:3:0.1"}, "fault"),
            ({"lr_decay": 1.1}, "warning"),
        ],
    )
    def test_schedules(self, data, options, status):
        assert check_schedule(evidence_of(data, num_epochs=60, **options)).status == status


def test_a_case_has_arrays_of_its_own(data):
    before = copy.deepcopy(data)
    case = Case(make_net(), data, {"batch_size": 24})
    case.train[0][:] = 0.0
    assert all(np.array_equal(before[name], data[name]) for name in data)
