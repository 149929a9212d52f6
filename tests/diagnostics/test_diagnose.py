"""The diagnosis as a whole: what it says of a training, and what it leaves alone."""

import copy
import json
import math

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import Diagnosis, Verdict, diagnose
from xpnet.diagnostics.examination import CHECKS
from xpnet.errors import InputError

OPTIONS = {
    "update_rule": "adam",
    "optim_config": {"learning_rate": 1e-2},
    "num_epochs": 12,
    "batch_size": 40,
}


@pytest.fixture
def data():
    """Return three classes that a net tells apart."""
    rng = np.random.default_rng(11)
    centres = 1.5 * rng.standard_normal((3, 6))
    y = rng.integers(0, 3, 500)
    X = centres[y] + rng.standard_normal((500, 6))
    return {"X_train": X[:400], "y_train": y[:400], "X_val": X[400:], "y_val": y[400:]}


def make_net(**options):
    return xpnet.FullyConnectedNet([20], 6, 3, **options)


class Classifier:
    """A linear classifier in NumPy; `spoil` changes its gradients, or its inputs."""

    def __init__(self, spoil=lambda X, grads: None):
        self.params = {"W": np.zeros((6, 3)), "b": np.zeros(3)}
        self.spoil = spoil

    def loss(self, X, y=None):
        scores = X @ self.params["W"] + self.params["b"]
        if y is None:
            return scores
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        loss = -np.log(shares[rows, y]).mean()
        shares[rows, y] -= 1
        grads = {"W": X.T @ shares / len(y), "b": shares.mean(axis=0)}
        self.spoil(X, grads)
        return loss, grads


class TestAHealthyTraining:
    def test_is_said_to_be_one(self, data):
        found = diagnose(make_net(), data, **OPTIONS)
        assert found.healthy, str(found)
        assert found.faults == found.warnings == ()
        assert found.remedy == ""
        assert str(found).endswith("healthy: no fault and no warning")

    def test_of_a_model_that_knows_nothing_of_xpnet(self, data):
        found = diagnose(Classifier(), data, **OPTIONS)
        assert found.healthy, str(found)
        assert found["gradient check"].status == "fine"
        assert found["loss over samples"].status == "fine"

    def test_on_another_device(self, data):
        pytest.importorskip("array_api_strict")
        options = {**OPTIONS, "num_epochs": 4}
        found = diagnose(make_net(device="array-api-strict:device1"), data, **options)
        here = diagnose(make_net(), data, **options)
        assert [(v.name, v.status) for v in found.verdicts] == [
            (v.name, v.status) for v in here.verdicts
        ]

    def test_from_a_file_in_parts(self, data, tmp_path):
        np.save(tmp_path / "X.npy", data["X_train"])
        mapped = {**data, "X_train": np.load(tmp_path / "X.npy", mmap_mode="r")}
        found = diagnose(make_net(), mapped, **OPTIONS)
        assert found.healthy, str(found)
        assert found["preprocessing"].status == "not looked at"

    def test_says_how_much_it_looked_at(self, data, monkeypatch):
        monkeypatch.setattr("xpnet.diagnostics.thresholds.NUMBERS_TRAINED_ON", 6 * 200)
        monkeypatch.setattr("xpnet.diagnostics.thresholds.TRIAL_STEPS", 60)
        monkeypatch.setattr("xpnet.diagnostics.thresholds.TRIAL_STEPS_LEAST", 20)
        found = diagnose(make_net(), data, **OPTIONS)
        assert "200 of 400 training samples, and trained 60 of 120 steps" in found.looked_at

    def test_is_the_same_each_time(self, data):
        assert diagnose(make_net(), data, **OPTIONS) == diagnose(make_net(), data, **OPTIONS)


class TestTheCallersOwn:
    def test_net_and_data_stay_as_they_are(self, data):
        net = make_net(normalization="batchnorm", dropout_keep_ratio=0.8, reg=0.1)
        before = copy.deepcopy((net.params, net.state, data, net.num_draws, net.preprocess))
        params = {name: id(w) for name, w in net.params.items()}
        options = {**OPTIONS, "preprocess": "standard"}
        given = copy.deepcopy(options)
        diagnose(net, data, **options)
        after = net.params, net.state, data, net.num_draws, net.preprocess
        for old, new in zip(before[:3], after[:3], strict=True):
            assert old.keys() == new.keys()
            assert all(np.array_equal(old[name], new[name]) for name in old)
        assert before[3:] == after[3:]
        assert {name: id(w) for name, w in net.params.items()} == params
        assert options == given
        assert float(net.reg) == 0.1

    def test_even_if_a_model_writes_into_its_inputs(self, data):
        def write(X, _):
            X -= 1.0

        model = Classifier(write)
        before = copy.deepcopy(data)
        found = diagnose(model, data, **OPTIONS)
        assert found["loss over samples"].status == "fault"
        assert "writes into X" in found["loss over samples"].found
        assert all(np.array_equal(before[name], data[name]) for name in data)
        assert not model.params["W"].any()

    def test_a_preprocessor_is_not_fitted(self, data):
        preprocess = xpnet.preprocessing.get_preprocessor("standard")
        diagnose(make_net(), data, **OPTIONS, preprocess=preprocess)
        assert not preprocess.fitted


class TestAFault:
    def test_is_a_sentence_with_number_expectation_and_remedy(self, data):
        options = {**OPTIONS, "optim_config": {"learning_rate": 1e-5}}
        found = diagnose(make_net(), data, **options)
        verdict = found["learning rate"]
        assert verdict in found.faults
        assert "1e-05 is too low: the loss goes from" in verdict.found
        suggested = float(verdict.remedy.removeprefix("Set learning_rate to ").rstrip("."))
        assert 1e-3 < suggested < 0.5
        assert found.remedy == verdict.remedy
        better = diagnose(
            make_net(), data, **{**OPTIONS, "optim_config": {"learning_rate": suggested}}
        )
        assert better["learning rate"].status == "fine"

    def test_a_gradient_that_is_twice_the_slope_is_told_with_its_ratio(self, data):
        def double(_, grads):
            grads["W"] *= 2

        verdict = diagnose(Classifier(double), data, **OPTIONS)["gradient check"]
        assert verdict.status == "fault"
        assert "by W" in verdict.found
        assert "2 times throughout" in verdict.found

    def test_of_a_model_that_raises(self, data):
        def stop(*_):
            raise KeyError("no such thing")

        found = diagnose(Classifier(stop), data, **OPTIONS)
        assert [v.name for v in found.faults] == ["own code"]
        assert "KeyError: 'no such thing'" in found["own code"].found

    def test_comes_with_its_step_when_it_diverges(self, data):
        options = {**OPTIONS, "update_rule": "sgd", "optim_config": {"learning_rate": 1e5}}
        with np.errstate(all="ignore"):
            found = diagnose(make_net(), data, **options)["learning rate"]
            solver = xpnet.Solver(make_net(), data, verbose=False, **options)
            with pytest.warns(xpnet.errors.DivergenceWarning):
                solver.train()
        assert found.status == "fault"
        step = int(np.argmin(np.isfinite(solver.loss_history))) + 1
        assert f"NaN or infinity at step {step}" in found.found

    def test_labels_beyond_the_classes(self, data):
        [verdict] = diagnose(make_net(), {**data, "y_train": data["y_train"] + 1}).verdicts
        assert (verdict.name, verdict.status) == ("labels", "fault")
        assert "from 1 to 3" in verdict.found
        assert "0 to 2" in verdict.expected

    def test_numbers_that_are_none(self, data):
        X = data["X_val"].copy()
        X[3, 2] = np.nan
        X[4, 2] = math.inf
        [verdict] = diagnose(make_net(), {**data, "X_val": X}).faults
        assert verdict.name == "input values"
        assert "X_val holds 2 numbers" in verdict.found

    def test_causes_come_before_effects(self, data):
        net = make_net(initializer="zeros")
        found = diagnose(net, data, **OPTIONS)
        assert found.faults[0].name == "symmetry"
        assert len(found.faults) > 1
        lines = str(found).splitlines()
        assert lines[0].startswith("fault         symmetry: ")
        assert "symmetry" in lines[0]
        end = " ".join(" ".join(lines[-2:]).split())  # the last sentence may be on two lines
        assert f"1 fault ({len(found.faults) + len(found.warnings) - 1} more follow" in end
        assert {v.follows for v in (*found.faults, *found.warnings)} == {"", "symmetry"}
        assert f"First: symmetry: {found.faults[0].remedy}" in end


class TestRandomNumbersOfAModel:
    def test_are_no_wrong_gradient(self, data):
        rng = np.random.default_rng(0)

        class Noisy(Classifier):
            def loss(self, X, y=None):
                return super().loss(X if y is None else X + 0.1 * rng.standard_normal(X.shape), y)

        found = diagnose(Noisy(), data, **OPTIONS)
        assert found["gradient check"].status == "not looked at"
        assert found["loss over samples"].status == "not looked at"
        assert found.healthy, str(found)


class TestRefused:
    def test_a_stack(self, data):
        with pytest.raises(InputError, match=r"a stack of 3: give one of them, net.member\(k\)"):
            diagnose(make_net(members=3), data)

    def test_what_cannot_be_copied(self, data):
        model = Classifier()
        model.spoil = iter([])  # a generator's kind, which deepcopy refuses
        model.handle = (x for x in ())
        with pytest.raises(InputError, match="Classifier cannot be copied"):
            diagnose(model, data)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"lerning_rate": 1}, "no argument 'lerning_rate'"),
            ({"batch_size": 401}, "larger than the training set"),
            ({"optim_config": {"learning_rate": -1.0}}, "learning_rate must be a positive number"),
        ],
    )
    def test_what_the_solver_refuses(self, data, options, said):
        with pytest.raises(InputError, match=said):
            diagnose(make_net(), data, **options)

    @pytest.mark.parametrize("given", [5, {"X_train": np.ones((2, 2))}])
    def test_what_is_no_data(self, given):
        with pytest.raises(InputError, match="X_train, y_train, X_val and y_val"):
            diagnose(make_net(), given)


class TestTheTable:
    VERDICTS = (
        Verdict("a", "fine", "found 1", "expected 1"),
        Verdict("b", "warning", "found 2", "1", "Do b."),
        Verdict("c", "not looked at", "there is none", ""),
        Verdict("d", "fault", "found 3", "1", "Do d."),
    )

    def test_faults_first_and_one_remedy(self):
        lines = str(Diagnosis(self.VERDICTS, "looked at all")).splitlines()
        assert lines == [
            "fault         d: found 3; expected 1. Do d.",
            "warning       b: found 2; expected 1. Do b.",
            "1 fine, 1 not looked at",
            "looked at all",
            "1 fault and 1 warning. First: d: Do d.",
        ]

    def test_what_is_fine_where_it_is_asked_for(self):
        lines = Diagnosis(self.VERDICTS, "looked at all").text(is_whole=True).splitlines()
        assert lines[2:5] == [
            "fine          a: found 1; expected expected 1",
            "not looked at c: there is none",
            "looked at all",
        ]

    def test_what_follows_stands_under_its_cause_without_a_remedy(self):
        effect = Verdict("e", "fault", "found 4", "1", "Do e.", follows="b")
        found = Diagnosis((effect, *self.VERDICTS), "looked at all")
        assert [v.name for v in found.faults] == ["d", "e"]
        assert found.remedy == "Do d."
        assert str(found).splitlines() == [
            "fault         d: found 3; expected 1. Do d.",
            "warning       b: found 2; expected 1. Do b.",
            "  so also     e: found 4",
            "1 fine, 1 not looked at",
            "looked at all",
            "1 fault and 1 warning (1 more follows from them). First: d: Do d.",
        ]

    def test_as_json_and_by_name(self):
        found = Diagnosis(self.VERDICTS, "looked at all")
        read = json.loads(json.dumps(found.as_dict()))
        assert (read["faults"], read["warnings"], read["healthy"]) == (1, 1, False)
        assert read["remedy"] == "Do d."
        assert read["verdicts"][3]["name"] == "d"
        assert found["b"].remedy == "Do b."
        with pytest.raises(KeyError):
            found["z"]

    def test_progress_is_told(self, data):
        told = []
        diagnose(make_net(), data, **OPTIONS, progress=lambda *args: told.append(args[:2]))
        assert told == [(k, len(CHECKS)) for k in range(1, len(CHECKS) + 1)]
