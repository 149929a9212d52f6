"""That the cause is named, with a remedy that was tried, and not what follows from it."""

import re

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import Verdict, diagnose
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.capacity import check_capacity
from xpnet.diagnostics.checks.held_down import check_dropout, check_held_down
from xpnet.diagnostics.checks.learning_rate import check_learning_rate
from xpnet.diagnostics.checks.overfit_few import check_overfit_few
from xpnet.diagnostics.checks.update_ratio import check_update_ratio
from xpnet.diagnostics.consequences import with_consequences
from xpnet.diagnostics.evidence import Evidence


@pytest.fixture(scope="module")
def data():
    """Return four classes that a net tells apart."""
    rng = np.random.default_rng(31)
    centres = 1.5 * rng.standard_normal((4, 8))
    y = rng.integers(0, 4, 900)
    X = centres[y] + rng.standard_normal((900, 8))
    return {"X_train": X[:700], "y_train": y[:700], "X_val": X[700:], "y_val": y[700:]}


def options_of(rate=5e-3, rule="adam", **options):
    config = {"learning_rate": rate, **options.pop("config", {})}
    shape = {"num_epochs": 15, "batch_size": 50}
    return {"update_rule": rule, "optim_config": config, **shape, **options}


def make_net(hidden=(24,), **options):
    return xpnet.FullyConnectedNet(list(hidden), 8, 4, **options)


def evidence_of(net, data, **options):
    return Evidence(Case(net, data, options_of(**options)))


def accuracy(net, data, **options):
    solver = xpnet.Solver(net, data, verbose=False, **options_of(**options))
    solver.train()
    return solver.val_acc_history[-1]


class TestRegularisation:
    def test_the_remedy_was_tried_and_is_the_strongest_that_works(self, data):
        verdict = check_held_down(evidence_of(make_net(reg=100.0), data))
        assert verdict.status == "fault"
        reg = float(re.search(r"Set reg to (\S+):", verdict.remedy).group(1))
        plain = accuracy(make_net(), data)
        assert accuracy(make_net(reg=reg), data) > 0.9 * plain
        assert accuracy(make_net(reg=10 * reg), data) < 0.9 * plain

    def test_is_not_blamed_for_the_learning_rate(self, data):
        evidence = evidence_of(make_net(reg=0.1), data, rate=30.0)
        assert check_held_down(evidence).status == "fine"
        assert check_learning_rate(evidence).status == "fault"

    def test_of_an_update_rule_is_named_as_weight_decay(self, data):
        config = {"weight_decay": 100.0}
        verdict = check_held_down(evidence_of(make_net(), data, rule="adamw", config=config))
        assert verdict.status == "fault"
        assert verdict.remedy.startswith("Set weight_decay to ")

    def test_far_too_strong_at_a_rate_that_is_far_too_high(self, data):
        verdict = check_held_down(evidence_of(make_net(reg=100.0), data, rule="sgd", rate=1e3))
        assert verdict.status == "fault"
        assert re.search(
            r"Set reg to \S+ and learning_rate to \S+: train/val acc 0\.[89]", str(verdict)
        )

    def test_dropout_names_a_share_that_was_tried(self, data):
        verdict = check_dropout(evidence_of(make_net(dropout_keep_ratio=0.04), data))
        assert verdict.status in ("fault", "warning")
        assert re.match(r"Set dropout_keep_ratio to (0\.5|0\.8|1): train/val acc ", verdict.remedy)


class TestTheLearningRate:
    def test_names_one_of_the_rates_that_it_says_learn_best(self, data):
        for rate in (3e-7, 3e-5, 5.0, 5e3):
            verdict = check_learning_rate(evidence_of(make_net(), data, rate=rate))
            assert verdict.status == "fault", str(verdict)
            remedy = float(verdict.remedy.removeprefix("Set learning_rate to ").rstrip("."))
            best = verdict.expected.split("rates tried ")[1].split(" learn")[0]
            assert remedy in [float(word) for word in re.split(", | and ", best)]
            assert accuracy(make_net(), data, rate=remedy) > 0.8

    def test_is_no_fault_where_the_result_is_the_best(self, data):
        verdict = check_learning_rate(evidence_of(make_net(), data, rate=0.3))
        assert accuracy(make_net(), data, rate=0.3) > 0.8
        assert verdict.status in ("fine", "warning"), str(verdict)

    @pytest.mark.parametrize(
        ("options", "remedy"),
        [
            ({"clip_norm": 1e-6, "rule": "sgd", "rate": 0.1}, "Leave clip_norm out"),
            ({"config": {"epsilon": 1e4}}, "Set epsilon to 1e-08"),
        ],
    )
    def test_an_option_that_takes_the_steps_away_is_named(self, data, options, remedy):
        verdict = check_learning_rate(evidence_of(make_net(), data, **options))
        assert verdict.status == "fault"
        assert verdict.remedy.startswith(remedy)
        assert "at the same rate" in verdict.found

    def test_says_nothing_fine_of_a_net_at_chance(self, data):
        dice = {**data, "y_train": np.random.default_rng(0).permutation(data["y_train"])}
        evidence = evidence_of(make_net((2,)), dice, rate=1e-3)
        verdict = check_learning_rate(evidence)
        assert verdict.status != "fine", str(verdict)

    def test_the_size_of_updates_names_a_rate_that_was_tried(self, data):
        evidence = evidence_of(make_net(), data, rule="sgd", rate=30.0)
        verdict = check_update_ratio(evidence)
        assert verdict.status == "warning"
        remedy = float(verdict.remedy.removeprefix("Set learning_rate to ").rstrip("."))
        assert accuracy(make_net(), data, rule="sgd", rate=remedy) > 0.8


def test_capacity_names_units_that_were_tried():
    rng = np.random.default_rng(4)
    X = rng.standard_normal((1200, 4))
    y = (np.linalg.norm(X, axis=1) > 1.8).astype(int)
    rings = {"X_train": X[:900], "y_train": y[:900], "X_val": X[900:], "y_val": y[900:]}
    net = xpnet.FullyConnectedNet([1], 4, 2)
    verdict = check_capacity(Evidence(Case(net, rings, options_of(num_epochs=40))))
    assert verdict.status == "warning"
    assert verdict.remedy == "Set hidden_dims to 64, which was tried."


def test_layers_without_an_activation_are_told(data):
    net = make_net((24, 24), activation="identity")
    assert "linear" in check_capacity(evidence_of(net, data)).found


def test_twenty_samples_of_nearly_one_class_are_not_learnt_by_saying_that(data):
    rare = {**data, "y_train": np.where(np.arange(700) % 40 == 1, data["y_train"], 0)}
    verdict = check_overfit_few(evidence_of(make_net(), rare))
    needed = float(verdict.expected.split()[0])
    assert needed >= 0.9


class TestConsequences:
    def bad(self, name, status="fault"):
        return Verdict(name, status, "found", "expected", "Do.")

    def test_follow_from_the_first_cause(self):
        names = ("symmetry", "initial loss", "learning rate", "training result", "leak")
        found = with_consequences([self.bad(name) for name in names])
        assert [v.follows for v in found] == ["", "symmetry", "symmetry", "symmetry", ""]

    def test_make_their_cause_as_severe(self):
        found = with_consequences([self.bad("input centring", "warning"), self.bad("initial loss")])
        assert [v.status for v in found] == ["fault", "fault"]
        assert found[1].follows == "input centring"

    def test_dead_units_at_the_start_do_not_follow_from_the_training(self):
        found = with_consequences([self.bad("dead units"), self.bad("learning rate")])
        assert [v.follows for v in found] == ["", "dead units"]
        found = with_consequences([self.bad("dead units", "warning"), self.bad("learning rate")])
        assert [v.follows for v in found] == ["learning rate", ""]

    def test_what_is_fine_is_left_alone(self):
        fine = [Verdict("symmetry", "fine", "", ""), self.bad("learning rate")]
        assert with_consequences(fine) == tuple(fine)

    def test_of_regularisation_stand_under_it(self, data):
        found = diagnose(make_net(reg=100.0), data, **options_of())
        bad = [*found.faults, *found.warnings]
        assert bad[0].name == "regularisation strength"
        assert {v.follows for v in bad[1:]} <= {"regularisation strength"}

    def test_what_is_unusual_and_does_no_harm_is_a_warning(self, data):
        spoilt = make_net(activation="tanh")
        spoilt.params["W1"] = spoilt.params["W1"] * np.float32(20.0)
        found = diagnose(spoilt, data, **options_of(rate=2e-2, num_epochs=30))
        assert found["saturation"].status in ("warning", "fault")
        good = found["training result"].status == "fine" and found["learning rate"].status == "fine"
        assert (found["saturation"].status == "warning") == good, str(found)
