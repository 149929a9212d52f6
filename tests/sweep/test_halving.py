"""Successive halving: who goes on, and that each who does is what it would be alone."""

import math

import numpy as np
import pytest

from xpnet import InputError
from xpnet.sweep import sweep
from xpnet.sweep.halving import planned_epochs, rungs, score_until, survivors

FIXED = {"num_epochs": 8, "batch_size": 10, "preprocess": "mean", "update_rule": "adam"}
SPACE = {
    "learning_rate": [1e-3, 1e-2],
    "hidden_dims": [[5], [6, 4]],
    "reg": [0.0, 0.1],
    "activation": ["relu", "tanh"],
}


@pytest.mark.parametrize(
    ("epochs", "number", "expected"),
    [
        (64, 144, [8, 16, 32, 64]),
        (50, 144, [7, 13, 25, 50]),
        (64, 4, [16, 32, 64]),
        (64, 3, [32, 64]),
        (3, 100, [1, 2, 3]),
        (2, 2, [1, 2]),
    ],
)
def test_rungs(epochs, number, expected):
    assert rungs(epochs, number) == expected
    left, total, before = number, 0, 0
    for until in expected:
        total += left * (until - before)
        left, before = math.ceil(left / 2), until
    assert planned_epochs(epochs, number) == total


@pytest.mark.parametrize(("epochs", "number"), [(1, 8), (8, 1)])
def test_nothing_to_halve(epochs, number):
    with pytest.raises(InputError, match="two epochs and two configurations"):
        rungs(epochs, number)


def test_the_better_half_goes_on():
    assert survivors({0: 0.5, 1: 0.7, 2: 0.5, 3: -math.inf, 4: 0.9}) == [0, 1, 4]
    curve = [{"epoch": e, "val_accuracy": a} for e, a in ((0.1, 0.2), (1, 0.6), (2, 0.5), (3, 0.9))]
    assert [score_until(curve, e) for e in (0, 1, 2, 3)] == [-math.inf, 0.6, 0.6, 0.9]


@pytest.fixture(scope="module")
def halved(data):
    return sweep(data, SPACE, halving=True, stack_size=3, **FIXED)


def test_each_is_what_it_would_be_alone_as_far_as_it_went(data, halved, alone):
    """The ranks are taken again from trainings that knew nothing of each other."""
    solos = [alone(data, row) for row in halved.rows]
    going, ends = range(16), {}
    for until in (1, 2, 4):
        scores = {
            n: max(
                accuracy
                for step, accuracy in zip(
                    solos[n].check_steps, solos[n].val_acc_history, strict=True
                )
                if step <= until * solos[n].steps_per_epoch
            )
            for n in going
        }
        kept = sorted(going, key=lambda n: (-scores[n], n))[: math.ceil(len(scores) / 2)]
        ends |= dict.fromkeys(set(going) - set(kept), until)
        going = sorted(kept)
    ends |= dict.fromkeys(going, 8)
    assert len(going) == 2
    for row, solo in zip(halved.rows, solos, strict=True):
        assert row["epochs"] == ends[row["number"]]
        curve = [c for c in halved.curves if c["number"] == row["number"]]
        checks = len(curve)
        assert checks == 1 + row["epochs"]
        for name, history in (
            ("val_accuracy", solo.val_acc_history),
            ("val_loss", solo.val_loss_history),
            ("train_accuracy", solo.train_acc_history),
        ):
            assert [c[name] for c in curve] == history[:checks]
        assert row["val_accuracy"] == max(solo.val_acc_history[:checks])
    assert halved.best["epochs"] == 8
    best = solos[halved.best["number"]]
    for name, w in best.model.params.items():
        np.testing.assert_array_equal(halved.best_model.params[name], w)


def test_in_several_processes_and_other_stacks_it_is_the_same(data, halved):
    found = sweep(data, SPACE, halving=True, stack_size=2, processes=2, **FIXED)
    assert found.rows == halved.rows
    assert found.curves == halved.curves


class StopError(Exception):
    """Raised by a callback."""


@pytest.mark.parametrize("stacks", [1, 5, 8, 10])
def test_stopped_it_goes_on_to_the_same(data, halved, tmp_path, stacks):
    """Also within a later rung, whose members' states are gone: they train from the start."""
    seen = []

    def callback(result):
        seen.append(len(result.rows))
        if len(seen) == stacks:
            raise StopError

    options = {"halving": True, "state": tmp_path / "state", "stack_size": 3, **FIXED}
    with pytest.raises(StopError):
        sweep(data, SPACE, callback=callback, **options)
    found = sweep(data, SPACE, **options)
    assert found.rows == halved.rows
    assert found.curves == halved.curves
    assert found.test_accuracy == halved.test_accuracy


def test_seeds_of_a_configuration_stay_together(data):
    space = {"learning_rate": [1e-4, 1e-3, 1e-2, 1e-1]}
    found = sweep(data, space, halving=True, seeds=3, **{**FIXED, "hidden_dims": [5]})
    ends = [{row["epochs"] for row in found.rows[i : i + 3]} for i in range(0, 12, 3)]
    assert all(len(end) == 1 for end in ends)
    assert sorted(end.pop() for end in ends) == [2, 2, 4, 8]


def test_those_that_diverged_need_no_more_training(data):
    options = {**FIXED, "update_rule": "sgd", "hidden_dims": [5]}
    found = sweep(data, {"learning_rate": [1e30, 1e-2, 1e31, 1e32]}, halving=True, **options)
    assert [row["diverged_at"] is None for row in found.rows] == [False, True, False, False]
    assert found.rows[1]["epochs"] == 8


def test_on_every_backend(backend, data):
    space = {"learning_rate": [1e-4, 1e-3, 1e-2]}
    options = {**FIXED, "hidden_dims": [5], "halving": True, "num_epochs": 2}
    found, known = (sweep(data, space, device=d, **options) for d in (backend.text, "cpu"))
    assert sorted(row["epochs"] for row in found.rows) == [1, 2, 2]
    for row, other in zip(found.rows, known.rows, strict=True):
        if row["epochs"] == other["epochs"]:  # a tie may fall to either side
            assert abs(row["val_accuracy"] - other["val_accuracy"]) <= 1 / 20
