"""Nets of different hidden sizes share stacks where that is faster, and stay what they are."""

import numpy as np
import pytest

from xpnet.sweep import sweep
from xpnet.sweep.fill import filled_up

FIXED = {"num_epochs": 8, "batch_size": 10, "preprocess": "mean", "update_rule": "adam"}


def fill(sizes, features=10, **fixed):
    runs = {k: {"hidden_dims": size} for k, size in enumerate(sizes)}
    return filled_up(runs, fixed, features, 2, is_gpu=False)


def test_small_nets_are_filled_up_to_the_next_multiple_of_eight():
    assert fill([[3], [5], [8], [9], [16], [15, 7], [14, 7]]) == {
        **{0: [8], 1: [8], 2: [8], 3: [16], 4: [16]},
        **{5: [16, 8], 6: [16, 8]},
    }


@pytest.mark.parametrize(
    "sizes_and_options",
    [
        ([[20], [50], [100]], {}),  # no two go up to the same size
        ([[50], [51], [52]], {"features": 3072}),  # wide inputs: the work would grow by a tenth
        ([[3], [5]], {"activation": "sigmoid"}),
        ([[3], [5]], {"dropout_keep_ratio": 0.5}),
        ([[size] for size in (3, 5) for _ in range(2000)], {}),  # stacks of their own are full
    ],
)
def test_others_are_left_as_they_are(sizes_and_options):
    sizes, options = sizes_and_options
    assert fill(sizes, **options) == {}


def test_each_is_what_it_would_be_alone_to_rounding(data, alone):
    space = {"hidden_dims": [[3], [5], [7]], "learning_rate": [1e-3, 1e-2], "seed": [1, 2]}
    found = sweep(data, space, **FIXED)
    for row in found.rows:
        solo = alone(data, row)
        losses = [c["val_loss"] for c in found.curves if c["number"] == row["number"]]
        np.testing.assert_allclose(losses, solo.val_loss_history, rtol=1e-4)
    best = alone(data, found.best)
    assert found.best_model.layer_sizes == best.model.layer_sizes
    for name, w in best.model.params.items():
        np.testing.assert_allclose(found.best_model.params[name], w, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("stack_size", [1, 2, 5])
def test_it_does_not_depend_on_the_stacks(data, tmp_path, stack_size):
    """Nor on where the sweep was stopped: so it may be gone on with."""
    space = {"hidden_dims": [[3], [5], [7]], "learning_rate": [1e-3, 1e-2]}
    known = sweep(data, space, **FIXED)

    def stop(result):
        raise KeyboardInterrupt

    state = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        sweep(data, space, stack_size=stack_size, state=state, callback=stop, **FIXED)
    found = sweep(data, space, state=state, **FIXED)
    assert found.rows == known.rows
    assert found.curves == known.curves


def test_the_luckiest_seed_of_the_best_comes_again_to_the_same_bits(data):
    """Its net is trained anew where another configuration had a better single training."""
    space = {"hidden_dims": [[3], [5], [7], [8]]}
    found = sweep(data, space, seeds=3, learning_rate=1e-2, **{**FIXED, "num_epochs": 3})
    numbers = found.numbers_of(found.best)
    best = max(found.rows[n]["val_accuracy"] for n in numbers)
    predicted = found.best_model.predict(data["X_val"])
    assert (predicted == data["y_val"]).mean() == best


def test_apart_it_is_the_same_to_the_bit(data, alone):
    space = {"hidden_dims": [[3], [5], [7]]}
    found = sweep(data, space, fill_up=False, learning_rate=1e-2, **FIXED)
    for row in found.rows:
        solo = alone(data, {**row, "learning_rate": 1e-2})
        losses = [c["val_loss"] for c in found.curves if c["number"] == row["number"]]
        assert losses == solo.val_loss_history
