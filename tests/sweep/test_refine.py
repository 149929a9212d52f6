"""Coarse first, then finer around the best."""

import math

import pytest

from xpnet import InputError
from xpnet.sweep import Choice, LogUniform, Uniform, sweep
from xpnet.sweep.refine import at_the_edge, refined

FIXED = {"batch_size": 10, "preprocess": "mean", "update_rule": "adam"}


def test_ranges_become_a_third_as_wide_around_the_best():
    space = {"learning_rate": LogUniform(1e-4, 1e-1), "label_smoothing": Uniform(0.0, 0.3)}
    finer = refined(space, [{"learning_rate": 1e-3, "label_smoothing": 0.2}] * 3)
    rate, smoothing = finer["learning_rate"], finer["label_smoothing"]
    assert rate.high / rate.low == pytest.approx(10)  # of three decades one
    assert math.sqrt(rate.low * rate.high) == pytest.approx(1e-3)
    assert (smoothing.low, smoothing.high) == pytest.approx((0.15, 0.25))


def test_at_the_edge_of_a_range_that_is_open_it_goes_beyond():
    space = {"learning_rate": LogUniform(1e-4, 1e-1), "dropout_keep_ratio": Uniform(0.4, 1.0)}
    finer = refined(space, [{"learning_rate": 1e-1, "dropout_keep_ratio": 1.0}])
    assert finer["learning_rate"].high == pytest.approx(1e-1 * math.sqrt(10))
    assert (finer["dropout_keep_ratio"].low, finer["dropout_keep_ratio"].high) == pytest.approx(
        (0.9, 1.0)
    )


def test_lists_keep_the_values_of_the_best_quarter():
    space = {"activation": ["relu", "tanh", "elu"], "hidden_dims": Choice(([5], [6], [7]))}
    kinds = ["elu", "relu", *["tanh"] * 6]
    ranked = [{"activation": kind, "hidden_dims": [6]} for kind in kinds]
    finer = refined(space, ranked)
    assert finer["activation"].values == ("relu", "elu")
    assert finer["hidden_dims"].values == ([6],)


def test_a_sweep_of_two_stages(data):
    space = {"learning_rate": LogUniform(1e-5, 1e-1), "hidden_dims": [[4], [5], [6]]}
    options = {"num_samples": 12, "refine": 8, "coarse_epochs": 2, "num_epochs": 5, **FIXED}
    found = sweep(data, space, **options)
    coarse, fine = found.rows[:12], found.rows[12:]
    assert {row["num_epochs"] for row in coarse} == {2}
    assert {row["num_epochs"] for row in fine} == {5}
    assert [row["epochs"] for row in found.rows] == [2] * 12 + [5] * 8
    best = max(coarse, key=lambda row: (row["val_accuracy"], -row["number"]))
    root = (1e-1 / 1e-5) ** (1 / 6)
    for row in fine:
        assert best["learning_rate"] / root <= row["learning_rate"]
        assert row["learning_rate"] <= best["learning_rate"] * root
    assert sweep(data, space, **options).rows == found.rows
    only = sweep(data, space, num_samples=12, num_epochs=2, **FIXED)
    for row, other in zip(coarse, only.rows, strict=True):
        assert row["val_accuracy"] == other["val_accuracy"]


def test_stopped_in_the_second_stage_it_goes_on(data, tmp_path):
    space = {"learning_rate": LogUniform(1e-5, 1e-1)}
    options = {"num_samples": 6, "refine": 6, "num_epochs": 2, "hidden_dims": [4], **FIXED}
    known = sweep(data, space, **options)

    def callback(result):
        if len(result.rows) >= 8:
            raise KeyboardInterrupt

    options["state"] = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        sweep(data, space, stack_size=2, callback=callback, **options)
    found = sweep(data, space, **options)
    assert found.rows == known.rows


def test_with_halving_and_folds(data):
    space = {"learning_rate": LogUniform(1e-4, 1e-1)}
    options = {"refine": 4, "halving": True, "folds": 2, "num_epochs": 4, "hidden_dims": [4]}
    found = sweep(data, space, num_samples=4, **options, **FIXED)
    assert len(found.configurations) == 8
    assert found.refit_accuracy is not None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"refine": 3}, "say how many"),
        ({"refine": 0, "num_samples": 3}, "refine must be"),
        ({"coarse_epochs": 1, "num_samples": 3}, "give refine too"),
        ({"coarse_epochs": 0, "refine": 2, "num_samples": 3}, "coarse_epochs must be"),
    ],
)
def test_stages_that_are_none(data, options, sentence):
    with pytest.raises(InputError, match=sentence):
        sweep(data, {"reg": [0.0, 0.1]}, **options, **FIXED)


@pytest.mark.parametrize(
    ("space", "best", "expected"),
    [
        ({"learning_rate": LogUniform(1e-4, 1e-1)}, {"learning_rate": 9e-2}, ["learning_rate"]),
        ({"learning_rate": LogUniform(1e-4, 1e-1)}, {"learning_rate": 1e-3}, []),
        ({"learning_rate": [1e-3, 1e-2, 1e-1]}, {"learning_rate": 1e-1}, ["learning_rate"]),
        ({"learning_rate": [1e-3, 1e-2, 1e-1]}, {"learning_rate": 1e-2}, []),
        ({"learning_rate": [1e-3, 1e-2]}, {"learning_rate": 1e-2}, []),  # both are ends
        ({"reg": [0.0, 0.1, 1.0]}, {"reg": 0.0}, []),  # nothing lies beyond it
        ({"activation": ["relu", "tanh", "elu"]}, {"activation": "relu"}, []),
    ],
)
def test_a_best_value_at_an_end_is_said(space, best, expected):
    assert at_the_edge([space], best) == expected


def test_the_result_says_it(data):
    space = {"learning_rate": [1e-7, 1e-5, 1e-2]}
    found = sweep(data, space, num_epochs=3, hidden_dims=[6], **FIXED)
    assert found.at_the_edge == ["learning_rate"]
    assert "at an end of what was tried (learning_rate 0.01): look beyond it" in str(found)
