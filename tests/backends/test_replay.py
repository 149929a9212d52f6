"""Stretches that NumPy replays: the same run as step by step, and what is not replayed."""

import numpy as np
import pytest

import xpnet
from xpnet.backends.base import Backend
from xpnet.backends.replay import ReplayedFunction, ReplayedSteps
from xpnet.nets import FullyConnectedNet
from xpnet.optim import RULES


@pytest.fixture
def data(rng):
    return {
        "X_train": rng.integers(0, 256, size=(96, 3, 2), dtype=np.uint8),
        "y_train": rng.integers(0, 4, size=96),
        "X_val": rng.integers(0, 256, size=(24, 3, 2), dtype=np.uint8),
        "y_val": rng.integers(0, 4, size=24),
    }


def train(data, *, net=None, **options):
    """Return the Solver of 3 epochs of 6 steps, in stretches of other lengths."""
    net = FullyConnectedNet(
        **{"hidden_dims": [8, 7], "input_dim": 6, "num_classes": 4} | (net or {})
    )
    options = {"update_rule": "adam", "optim_config": {"learning_rate": 1e-2}} | options
    solver = xpnet.Solver(
        net,
        data,
        batch_size=16,
        num_epochs=3,
        print_every=4,
        verbose=False,
        **({"preprocess": "standard"} | options),
    )
    solver.train()
    return solver


def recording_of(solver):
    """Return what was recorded of the Solver's steps, or None."""
    return getattr(solver._trainer._stretch, "_recording", None)


STACK = {"members": 3, "reg": [0.0, 0.1, 1.0]}
RUNS = {
    **{rule: {"update_rule": rule} for rule in RULES},
    **{name: {"net": {"activation": name}} for name in xpnet.layers.ACTIVATIONS},
    "maxout": {"net": {"activation": "maxout"}},
    "batchnorm": {"net": {"normalization": "batchnorm"}},
    "layernorm": {"net": {"normalization": "layernorm", "activation": "elu"}},
    "dropout": {"net": {"dropout_keep_ratio": 0.7, "reg": 0.01}},
    "linear": {"net": {"hidden_dims": []}},
    "svm": {"net": {"loss": "svm"}},
    "float64": {"net": {"dtype": "float64"}},
    "options": {"clip_norm": 0.5, "label_smoothing": 0.1, "class_weights": "balanced"},
    "weights": {"sample_weights": np.arange(96) % 5, "lr_schedule": "cosine", "lr_decay": 0.9},
    "preprocessing": {"preprocess": "mean+pca:4", "net": {"input_dim": 4}},
    "nothing done to the inputs": {"preprocess": None, "optim_config": {"learning_rate": 1e-5}},
    "stack": {"net": STACK | {"normalization": "batchnorm"}, "seed": [4, 4, 4]},
    "other seeds": {
        "net": STACK | {"seed": [1, 2, 3], "dropout_keep_ratio": [0.5, 0.7, 1.0]},
        "seed": [1, 2, 3],
        "optim_config": {"learning_rate": [1e-3, 1e-2, 1e-1]},
        "clip_norm": [0.1, 1.0, 10.0],
    },
}


@pytest.mark.parametrize("name", RUNS)
def test_a_replayed_run_is_the_run(data, name, monkeypatch):
    replayed = train(data, **RUNS[name])
    assert recording_of(replayed) is not None
    monkeypatch.setattr("xpnet.backends.numpy_backend.ReplayedSteps", lambda step, plain: plain)
    plain = train(data, **RUNS[name])
    assert recording_of(plain) is None
    np.testing.assert_array_equal(replayed.loss_history, plain.loss_history)
    np.testing.assert_array_equal(replayed.val_loss_history, plain.val_loss_history)
    for part in ("params", "state"):
        for key, x in getattr(replayed.model, part).items():
            np.testing.assert_array_equal(x, getattr(plain.model, part)[key], strict=True)


def test_trained_on_it_is_the_same_run(data):
    twice = train(data)
    twice.train()
    assert twice.step == 36
    once = train(data)
    again = train(data)
    again.train()
    np.testing.assert_array_equal(twice.loss_history, again.loss_history)
    np.testing.assert_array_equal(twice.loss_history[:18], once.loss_history)


def test_what_was_kept_is_not_written_into(data):
    solver = train(data)
    kept = {name: w.copy() for name, w in solver.best_params.items()}
    given = {name: w.copy() for name, w in solver.model.params.items()}
    held = dict(solver.model.params)
    solver.train()
    for name, w in held.items():
        np.testing.assert_array_equal(w, given[name])
        np.testing.assert_array_equal(kept[name], given[name])


class OwnNet(FullyConnectedNet):
    """A net of a user's, whose steps are not known to be alike."""


def test_a_class_from_elsewhere_is_not_replayed(data):
    net = OwnNet([8], 6, 4)
    solver = xpnet.Solver(net, data, batch_size=16, num_epochs=1, preprocess="mean", verbose=False)
    solver.train()
    assert not isinstance(solver._trainer._stretch, ReplayedSteps)


def advance_of(step):
    backend = xpnet.get_backend("cpu")
    return ReplayedSteps(step, Backend.stretch(backend, step))


ROWS = {"rows": np.arange(12.0).reshape(4, 3)}


def test_a_step_that_looks_at_its_values_is_taken_step_by_step():
    def step(carry, data, draw):
        if float(draw["rows"].sum() if hasattr(draw["rows"], "sum") else draw["rows"]) > 10:
            carry = (carry[0] + 1.0,)
        return carry, carry[0]

    (x,), losses = advance_of(step)((np.zeros(()),), {}, ROWS)
    assert (x, losses.tolist()) == (3, [0, 1, 2, 3])


def test_a_step_that_fails_says_why_by_itself():
    def step(carry, data, draw):
        raise ZeroDivisionError("as the step has it")

    with pytest.raises(ZeroDivisionError, match="as the step has it"):
        advance_of(step)((np.zeros(()),), {}, ROWS)


def test_what_a_step_makes_anew_reaches_the_next():
    def step(carry, data, draw):
        mean, count = carry
        mean = 0.5 * mean + data["half"] * draw["rows"]
        return (mean, count + 1), mean[0]

    advance = advance_of(step)
    given = np.zeros(3), np.zeros(())
    data = {"half": np.float64([0.5] * 3)}
    (mean, count), losses = advance(given, data, ROWS)
    expected = np.zeros(3)
    for row in ROWS["rows"]:
        expected = 0.5 * expected + 0.5 * row
    np.testing.assert_array_equal(mean, expected)
    assert (count, losses[-1]) == (4, expected[0])
    assert not given[0].any()  # the caller's arrays were copied


def test_steps_that_exchange_their_arrays_are_taken_as_they_are():
    def step(carry, data, draw):
        return (carry[1], carry[0]), draw["rows"][0]

    (x, y), _ = advance_of(step)((np.zeros(3), np.ones(3)), {}, {"rows": ROWS["rows"][:3]})
    assert (x.tolist(), y.tolist()) == ([1, 1, 1], [0, 0, 0])


def test_other_data_and_shapes_are_recorded_anew():
    def step(carry, data, draw):
        return (carry[0] + data["x"],), draw["rows"][0]

    advance = advance_of(step)
    (a,), _ = advance((np.zeros(2),), {"x": np.ones(2)}, ROWS)
    assert a.tolist() == [4, 4]
    (b,), _ = advance((np.zeros(2),), {"x": np.full(2, 3.0)}, ROWS)
    assert b.tolist() == [12, 12]
    (c,), _ = advance((np.zeros((2, 2)),), {"x": np.ones(2)}, ROWS)
    assert c.tolist() == [[4, 4]] * 2
    (d,), losses = advance((np.zeros(2),), {"x": np.ones(2)}, {"rows": np.ones((2, 7))})
    assert (d.tolist(), losses.tolist()) == ([2, 2], [1, 1])


class TestFunction:
    def test_it_reads_in_place_what_is_live(self):
        function = ReplayedFunction(lambda live, given: live["w"] @ given["x"] + given["x"])
        live, rng = {"w": np.eye(3)}, np.random.default_rng(0)
        for _ in range(3):
            x = rng.standard_normal(3)
            np.testing.assert_array_equal(function(live, {"x": x}), live["w"] @ x + x)
            live["w"] *= 2.0
        other = {"w": np.ones((3, 3))}
        np.testing.assert_array_equal(function(other, {"x": np.ones(3)}), [4, 4, 4])

    def test_results_and_inputs_are_the_callers(self):
        function = ReplayedFunction(lambda live, given: given["x"] * 2.0)
        first = function({}, {"x": np.ones(2)})
        given = np.full(2, 5.0)
        second = function({}, {"x": given})
        assert (first.tolist(), second.tolist(), given.tolist()) == ([2, 2], [10, 10], [5, 5])

    def test_other_shapes_have_recordings_of_their_own(self):
        function = ReplayedFunction(lambda live, given: xpnet_sum(given["x"]))
        sizes = [2, 3, 2, 3]
        assert [float(function({}, {"x": np.ones(n)})) for n in sizes] == sizes
        assert len(function._recordings) == 2

    def test_what_cannot_be_replayed_is_called(self):
        function = ReplayedFunction(lambda live, given: np.float64(float(given["x"][0]) + 1))
        assert [function({}, {"x": np.array([k])}) for k in (1.0, 2.0)] == [2, 3]
        assert not function._recordings


def xpnet_sum(x):
    return xpnet.get_backend("cpu").step_xp.sum(x)
