"""Cross-validation: folds that are a partition, and fits that never see what they validate on."""

import numpy as np
import pytest

import xpnet
from xpnet import InputError
from xpnet.data import Dataset
from xpnet.sweep import sweep
from xpnet.sweep.folds import fold_of

FIXED = {"num_epochs": 8, "batch_size": 10, "preprocess": "mean", "update_rule": "adam"}


@pytest.mark.parametrize("folds", [2, 3, 7])
def test_each_sample_validates_once_and_classes_are_dealt_out_evenly(data, folds):
    parts = [fold_of(data, k, folds, seed=4) for k in range(folds)]
    rows = [tuple(row) for row in data["X_train"].tolist()]
    validated = [tuple(row) for part in parts for row in part["X_val"].tolist()]
    assert sorted(validated) == sorted(rows)
    for part in parts:
        both = part["X_train"].tolist() + part["X_val"].tolist()
        assert sorted(map(tuple, both)) == sorted(rows)
        kept = {tuple(row) for row in part["X_train"].tolist()}
        assert [row for row in rows if row in kept] == [tuple(r) for r in part["X_train"].tolist()]
    counts = np.array([np.bincount(part["y_val"], minlength=3) for part in parts])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    targets = dict(zip(rows, data["y_train"].tolist(), strict=True))
    for part in parts:
        for x, y in zip(part["X_val"].tolist(), part["y_val"].tolist(), strict=True):
            assert targets[tuple(x)] == y


def test_a_data_set_stays_one():
    digits = xpnet.data.load("digits")
    part = fold_of(digits, 1, 5, 0)
    assert isinstance(part, Dataset)
    assert len(part.X_val) == pytest.approx(len(digits.X_train) / 5, abs=1)
    assert part.picture_shape == digits.picture_shape
    assert part.X_test is digits.X_test
    again, other = fold_of(digits, 1, 5, 0), fold_of(digits, 1, 5, 1)
    np.testing.assert_array_equal(part.X_val, again.X_val)
    assert not np.array_equal(part.y_val, other.y_val)


def test_each_fold_is_a_training_of_its_own(data, alone):
    """With the mean of its own training rows: that of all would tell of the validation part."""
    space = {"learning_rate": [1e-3, 1e-2], "hidden_dims": [[5], [6, 4]]}
    found = sweep(data, space, folds=3, **FIXED)
    assert [(row["number"], row["fold"]) for row in found.rows] == [(n, n % 3) for n in range(12)]
    for row in found.rows:
        solo = alone(fold_of(data, row["fold"], 3, 0), row)
        assert row["val_accuracy"] == solo.best_val_acc
        curve = [c for c in found.curves if c["number"] == row["number"]]
        assert [c["val_loss"] for c in curve] == solo.val_loss_history
    means = [
        np.mean([row["val_accuracy"] for row in found.rows[i : i + 3]]) for i in range(0, 12, 3)
    ]
    assert [row["val_accuracy"] for row in found.configurations] == pytest.approx(means)
    assert found.best["number"] == 3 * int(np.argmax(means))
    assert found.best["runs"] == 3
    deviations = [
        np.std([row["val_accuracy"] for row in found.rows[i : i + 3]], ddof=1)
        for i in range(0, 12, 3)
    ]
    assert [row["val_std"] for row in found.configurations] == pytest.approx(deviations)
    whole = alone(data, found.best)
    assert found.refit_accuracy == whole.best_val_acc
    for name, w in whole.model.params.items():
        np.testing.assert_array_equal(found.best_model.params[name], w)
    text = str(found)
    assert "mean and deviation" in text
    assert f"whole training part: validation accuracy {whole.best_val_acc:.4f}" in text


def test_with_seeds(data):
    found = sweep(data, {"reg": [0.0, 0.1]}, folds=2, seeds=2, **{**FIXED, "num_epochs": 1})
    assert [(row["reg"], row["seed"], row["fold"]) for row in found.rows] == [
        (reg, seed, fold) for reg in (0.0, 0.1) for seed in (0, 1) for fold in (0, 1)
    ]
    assert [row["runs"] for row in found.configurations] == [4, 4]
    header = found.configurations_to_csv().splitlines()[0]
    assert header == "number,reg,val_accuracy,val_std,train_accuracy,runs,diverged"


def test_of_seeds_the_best_mean_wins_and_its_best_net_is_kept(data, alone):
    """Not the luckiest single training."""
    space = {"learning_rate": [1e-3, 1e-2, 3e-2]}
    options = {**FIXED, "hidden_dims": [5], "num_epochs": 3}
    found = sweep(data, space, seeds=4, **options)
    table = np.array([row["val_accuracy"] for row in found.rows]).reshape(3, 4)
    place = int(np.argmax(table.mean(axis=1)))
    assert found.best["learning_rate"] == space["learning_rate"][place]
    solo = alone(
        data, {**found.best, "hidden_dims": [5], "seed": int(table[place].argmax())}, num_epochs=3
    )
    assert solo.best_val_acc == table[place].max()
    for name, w in solo.model.params.items():
        np.testing.assert_array_equal(found.best_model.params[name], w)


def test_a_regression_is_cut_too(data):
    targets = {f"y_{part}": data[f"X_{part}"] @ np.arange(6.0) for part in ("train", "val", "test")}
    given = {**data, **{name: y.astype(np.float32) for name, y in targets.items()}}
    found = sweep(given, {"learning_rate": [1e-2, 3e-2]}, folds=4, **FIXED)
    assert found.metric == "R squared"
    assert [row["runs"] for row in found.configurations] == [4, 4]


@pytest.mark.parametrize("folds", [1, 81])
def test_too_few_or_too_many(data, folds):
    with pytest.raises(InputError, match=f"from 2 to 80, as .* has 80 samples; got {folds}"):
        sweep(data, {"reg": [0.0]}, folds=folds, **FIXED)


def test_memory_mapped_inputs_are_refused(data, tmp_path):
    np.save(tmp_path / "X.npy", data["X_train"])
    mapped = {**data, "X_train": np.load(tmp_path / "X.npy", mmap_mode="r")}
    with pytest.raises(InputError, match="X_train is memory-mapped: read"):
        sweep(mapped, {"reg": [0.0]}, folds=2, **FIXED)
