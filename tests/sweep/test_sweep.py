"""A sweep finds for each configuration what a training of it alone would."""

import math

import numpy as np
import pytest

import xpnet
from xpnet import CheckpointWarning, InputError
from xpnet.sweep import LogUniform, Uniform, sweep
from xpnet.sweep.plan import groups

N, D, C = 80, 6, 3


FIXED = {"num_epochs": 3, "batch_size": 10, "preprocess": "mean", "update_rule": "adam"}
SPACE = {
    "learning_rate": [1e-3, 1e-2],
    "hidden_dims": [[5], [6, 4]],
    "reg": [0.0, 0.1],
    "activation": ["relu", "tanh"],
}


@pytest.mark.parametrize("stack_size", [1, 3, 16, None])
def test_each_is_what_it_would_be_alone_bit_for_bit(data, alone, stack_size):
    found = sweep(data, SPACE, stack_size=stack_size, **FIXED)
    assert len(found.rows) == 16
    assert [row["number"] for row in found.rows] == list(range(16))
    for row in found.rows:
        solo = alone(data, row, num_epochs=3)
        assert row["val_accuracy"] == solo.best_val_acc
        curve = [c for c in found.curves if c["number"] == row["number"]]
        assert [c["val_accuracy"] for c in curve] == solo.val_acc_history
        assert [c["val_loss"] for c in curve] == solo.val_loss_history
        assert [c["train_accuracy"] for c in curve] == solo.train_acc_history
        at = solo.val_acc_history.index(row["val_accuracy"])
        assert row["train_accuracy"] == solo.train_acc_history[at]
        assert row["epoch"] == solo.check_steps[at] / solo.steps_per_epoch
        assert (row["epochs"], row["diverged_at"], row["stopped_at"]) == (3, None, None)
    solo = alone(data, found.best, num_epochs=3)
    for name, w in solo.model.params.items():
        np.testing.assert_array_equal(found.best_model.params[name], w)


def test_in_several_processes_it_is_the_same(data):
    space = {"hidden_dims": [[4], [5], [6]], "reg": [0.0, 0.1]}
    known = sweep(data, space, **FIXED)
    found = sweep(data, space, processes=2, stack_size=1, **FIXED)
    assert found.rows == known.rows
    assert found.curves == known.curves
    assert found.test_accuracy == known.test_accuracy
    for name, w in known.best_model.params.items():
        np.testing.assert_array_equal(found.best_model.params[name], w)


def test_a_library_that_sets_its_threads_itself_has_processes_too(data):
    pytest.importorskip("jax")
    space = {"hidden_dims": [[4], [5]]}
    known = sweep(data, space, device="jax", processes=1, stack_size=1, **FIXED)
    found = sweep(data, space, device="jax", processes=2, stack_size=1, **FIXED)
    assert found.rows == known.rows
    assert found.curves == known.curves


def test_what_cannot_be_sent_to_a_process_is_said(data):
    space = {"hidden_dims": [[4], [5], [6]]}
    options = {**FIXED, "lr_schedule": lambda moment: 1.0}
    with pytest.raises(InputError, match="cannot be sent to other processes.*leave processes out"):
        sweep(data, space, processes=2, **options)
    assert len(sweep(data, space, **options).rows) == 3


def test_preprocessing_is_fitted_once(data, monkeypatch):
    fits, fit = [], xpnet.preprocessing.BasePreprocessor.fit
    monkeypatch.setattr(
        xpnet.preprocessing.BasePreprocessor, "fit", lambda p, X: fits.append(p.text) or fit(p, X)
    )
    space = {"hidden_dims": [[4], [5], [6]], "preprocess": ["mean", "standard", None]}
    fixed = {name: value for name, value in FIXED.items() if name != "preprocess"}
    assert len(sweep(data, space, stack_size=1, **fixed).rows) == 9
    assert sorted(fits) == ["mean", "standard"]


def test_of_equal_ones_the_first_is_the_best(data):
    """Also where the stacks come in another order than the configurations."""
    space = {"num_epochs": [1], "hidden_dims": [[4], [5], [4]], "learning_rate": [1e-9]}
    found = sweep(data, space, **{k: v for k, v in FIXED.items() if k != "num_epochs"})
    highest = max(row["val_accuracy"] for row in found.rows)
    first = next(row for row in found.rows if row["val_accuracy"] == highest)
    assert found.best == first
    assert list(found.best_model.layer_sizes[1:-1]) == first["hidden_dims"]


def test_the_best_and_its_one_look_at_the_test_part(data):
    found = sweep(data, SPACE, **FIXED)
    highest = max(row["val_accuracy"] for row in found.rows)
    assert found.best["val_accuracy"] == highest
    ordered = [row["val_accuracy"] for row in found.top(16)]
    assert ordered == sorted(ordered, reverse=True)
    predicted = found.best_model.predict(data["X_test"])
    assert found.test_accuracy == (predicted == data["y_test"]).mean()
    text = str(found)
    assert "the best of 16 is a maximum over noise" in text
    assert f"taken once: {found.test_accuracy:.4f}" in text
    columns = found.to_dict()
    assert columns["reg"] == [row["reg"] for row in found.rows]


def test_what_changes_numbers_alone_shares_a_stack():
    configurations = [
        {"learning_rate": rate, "reg": reg, "hidden_dims": dims, "seed": seed}
        for rate in (0.1, 0.2)
        for reg in (0, 1)
        for dims in ([5], [6])
        for seed in (0, 1)
    ]
    found = groups(dict(enumerate(configurations)), {"batch_size": 10})
    assert [len(group.numbers) for group in found] == [8, 8]
    for group in found:
        assert set(group.varied) == {"learning_rate", "reg", "seed"}
        for place, number in enumerate(group.numbers):
            for name, values in group.varied.items():
                assert values[place] == configurations[number][name]


def test_members_that_diverge_are_told_and_disturb_nobody(data):
    rates = [1e-2, 1e30, 2e-2]
    options = {**FIXED, "update_rule": "sgd", "hidden_dims": [5]}
    found = sweep(data, {"learning_rate": rates}, **options)
    calm = sweep(data, {"learning_rate": [1e-2, 2e-2]}, **options)
    assert [row["diverged_at"] is None for row in found.rows] == [True, False, True]
    assert [found.rows[i]["val_accuracy"] for i in (0, 2)] == [
        row["val_accuracy"] for row in calm.rows
    ]
    assert "1 of 3 diverged" in str(found)
    assert all(math.isfinite(c["val_accuracy"]) for c in found.curves)


def test_all_diverge(data):
    options = {**FIXED, "update_rule": "sgd", "num_epochs": 2}
    found = sweep(data, {"learning_rate": [1e30, 1e31]}, **options)
    assert "2 of 2 diverged" in str(found)


def test_seeds_repeat_each_configuration(data):
    found = sweep(data, {"reg": [0.0, 0.1]}, seeds=3, seed=5, **FIXED)
    assert [(row["reg"], row["seed"]) for row in found.rows] == [
        (reg, seed) for reg in (0.0, 0.1) for seed in (5, 6, 7)
    ]
    assert len({row["val_accuracy"] for row in found.rows}) > 1


def test_random_draws_are_those_of_the_seed_and_in_range(data):
    space = {
        "learning_rate": LogUniform(1e-4, 1e-1),
        "dropout_keep_ratio": Uniform(0.5, 1.0),
        "hidden_dims": [[4], [5]],
    }
    once, again, other = (
        sweep(data, space, num_samples=12, seed=seed, **{**FIXED, "num_epochs": 1}).rows
        for seed in (1, 1, 2)
    )
    assert once == again
    assert once != other
    rates = [row["learning_rate"] for row in once]
    assert all(1e-4 <= rate <= 1e-1 for rate in rates)
    assert sum(rate < 1e-2 for rate in rates) > len(rates) / 3
    assert {row["hidden_dims"][0] for row in once} == {4, 5}


def test_loguniform_has_as_many_in_each_decade():
    rng = np.random.default_rng(0)
    drawn = np.log10([LogUniform(1e-4, 1e-1).draw(rng) for _ in range(3000)])
    counts = np.histogram(drawn, bins=[-4, -3, -2, -1])[0]
    assert counts.sum() == 3000
    assert np.abs(counts - 1000).max() < 100


def test_a_regression_is_scored_by_r_squared(data):
    targets = {f"y_{part}": data[f"X_{part}"] @ np.arange(6.0) for part in ("train", "val", "test")}
    given = {**data, **{name: y.astype(np.float32) for name, y in targets.items()}}
    found = sweep(given, {"learning_rate": [1e-2, 5e-2]}, **{**FIXED, "num_epochs": 20})
    assert found.metric == "R squared"
    predicted = found.best_model.predict(given["X_test"]).reshape(-1)
    y = given["y_test"]
    expected = 1 - ((predicted - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert found.test_accuracy == pytest.approx(expected, rel=1e-5)


def test_on_every_backend(backend, data):
    space = {"learning_rate": [1e-2, 2e-2], "reg": [0.0, 0.1]}
    known = sweep(data, space, **FIXED)
    found = sweep(data, space, device=backend.text, **FIXED)
    for row, other in zip(found.rows, known.rows, strict=True):
        assert abs(row["val_accuracy"] - other["val_accuracy"]) <= 1 / 20
    losses = [[c["val_loss"] for c in one.curves] for one in (found, known)]
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.parametrize(
    ("space", "options", "sentence"),
    [
        ({}, {}, "the space of a sweep is empty"),
        ({"reg": []}, {}, "reg has no values: give one or more"),
        ({"reg": 0.1}, {}, r"reg needs a list of values or a distribution; got 0.1: give \[0.1\]"),
        ({"activation": "relu"}, {}, "activation needs a list of values"),
        (
            {"regg": [0]},
            {},
            r"no hyperparameter 'regg' \(did you mean reg\?\): choose",
        ),
        ({"reg": [0]}, {"regg": 1}, "sweep has no hyperparameter 'regg'"),
        ({"reg": [0]}, {"reg": 1}, "reg is both in the space and fixed: leave one out"),
        ({"reg": LogUniform(1e-3, 1)}, {}, "reg is drawn from a distribution: say how often"),
        ({"momentum": [0.5]}, {}, "momentum has no meaning for adam, which has learning_rate"),
        ({"reg": [-1, 0]}, {}, "reg must be 0 or a positive number"),
        ({"seed": [1]}, {"seeds": 2}, "seeds repeats each configuration, and seed is in the space"),
        ({"reg": [0]}, {"seeds": 0}, "seeds must be an integer of at least 1"),
        ({"reg": [0]}, {"num_samples": 0}, "num_samples must be"),
        ({"reg": [0]}, {"stack_size": 0}, "stack_size must be"),
        ({"reg": [0]}, {"processes": 0}, "processes must be"),
    ],
)
def test_bad_spaces_are_refused(data, space, options, sentence):
    with pytest.raises(InputError, match=sentence):
        sweep(data, space, **{**FIXED, **options})


@pytest.mark.parametrize("kind", [LogUniform, Uniform])
@pytest.mark.parametrize("ends", [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_ranges_that_are_none(kind, ends):
    with pytest.raises(InputError, match="needs two numbers.*the smaller first"):
        kind(*ends)


# Stopped, and gone on from


class StopError(Exception):
    """Raised by a callback."""


def stop_after(stacks):
    seen = []

    def callback(result):
        seen.append(len(result.rows))
        if len(seen) == stacks:
            raise StopError

    return callback


@pytest.mark.parametrize("stacks", [1, 2, 5])
def test_a_sweep_goes_on_where_it_was(data, tmp_path, stacks):
    known = sweep(data, SPACE, **FIXED)
    state = tmp_path / "state.safetensors"
    with pytest.raises(StopError):
        sweep(data, SPACE, stack_size=2, state=state, callback=stop_after(stacks), **FIXED)
    trained = []
    found = sweep(
        data,
        SPACE,
        stack_size=3,
        state=state,
        callback=lambda r: trained.append(len(r.rows)),
        **FIXED,
    )
    assert trained[0] > 2 * stacks
    assert found.rows == known.rows
    assert found.curves == known.curves
    assert found.test_accuracy == known.test_accuracy
    for name, w in known.best_model.params.items():
        np.testing.assert_array_equal(found.best_model.params[name], w)
    again = sweep(data, SPACE, state=state, callback=stop_after(1), **FIXED)
    assert again.rows == known.rows


def test_what_diverged_comes_back(data, tmp_path):
    options = {**FIXED, "update_rule": "sgd"}
    space = {"learning_rate": [1e30, 1e-2]}
    once, again = (sweep(data, space, state=tmp_path / "state", **options) for _ in range(2))
    assert str(once.rows) == str(again.rows)  # NaN is not equal to itself
    assert str(once) == str(again)


def test_another_sweep_or_a_damaged_file_is_refused(data, tmp_path):
    state = tmp_path / "state"
    sweep(data, {"reg": [0.0, 0.1]}, state=state, **FIXED)
    other = {**data, "y_train": (data["y_train"] + 1) % C}
    for given, space, options in (
        (data, {"reg": [0.0, 0.2]}, FIXED),
        (data, {"reg": [0.0, 0.1]}, {**FIXED, "num_epochs": 4}),
        (other, {"reg": [0.0, 0.1]}, FIXED),
    ):
        with pytest.raises(InputError, match="of another sweep, or of other data"):
            sweep(given, space, state=state, **options)
    content = state.read_bytes()
    for wrong in (content[:50], content[:-3], b"", content[:-1] + bytes([content[-1] ^ 1])):
        state.write_bytes(wrong)
        with pytest.raises(InputError, match="damaged or truncated"):
            sweep(data, {"reg": [0.0, 0.1]}, state=state, **FIXED)


def test_a_state_that_cannot_be_written_is_said_and_the_sweep_goes_on(data, tmp_path):
    with pytest.warns(CheckpointWarning, match="could not be written .*The sweep goes on"):
        found = sweep(data, {"reg": [0.0, 0.1]}, state=tmp_path / "no" / "state", **FIXED)
    assert len(found.rows) == 2
