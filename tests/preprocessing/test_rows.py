import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.preprocessing import rows
from xpnet.preprocessing.rows import Rows, check_finite


def test_batches_are_all_rows_in_order_as_new_floats(rng, monkeypatch):
    monkeypatch.setattr(rows, "_BATCH", 24)
    X = rng.integers(0, 256, (10, 2, 3), dtype=np.uint8)
    read = Rows(X)
    assert (read.count, read.sample_shape, read.num_features) == (10, (2, 3), 6)
    for _ in range(2):
        batches = list(read)
        assert [len(x) for x in batches] == [4, 4, 2]
        np.testing.assert_array_equal(np.concatenate(batches), X.reshape(10, 6))
        for x in batches:
            assert x.dtype == np.float64
            x[...] = -1  # a write reaches nobody


def test_float64_inputs_are_copied_too():
    X = np.ones((3, 2))
    for x in Rows(X):
        x[...] = 2
    np.testing.assert_array_equal(X, 1.0)


def test_a_sample_larger_than_a_batch(monkeypatch):
    monkeypatch.setattr(rows, "_BATCH", 4)
    assert [len(x) for x in Rows(np.ones((3, 5)))] == [1, 1, 1]


def test_through_steps(rng):
    X = rng.standard_normal((6, 4))
    steps = Rows(X).through(lambda x: x @ np.ones((4, 2)), (2,)).through(lambda x: x + 1, (2,))
    assert (steps.count, steps.sample_shape, steps.num_features) == (6, (2,), 2)
    np.testing.assert_array_equal(np.concatenate(list(steps)), X @ np.ones((4, 2)) + 1)
    assert Rows(X).num_features == 4


def test_mean_and_centred(rng):
    X = 1e3 + rng.standard_normal((50, 3))
    mean = Rows(X).mean()
    np.testing.assert_allclose(mean, X.mean(axis=0), rtol=1e-14)
    [centred] = Rows(X).centred(mean)
    np.testing.assert_array_equal(centred, X - mean)


def test_the_mean_of_a_constant_is_the_constant(monkeypatch):
    """The sum of so many is rounded, and what is constant must be 0 when it is centred."""
    monkeypatch.setattr(rows, "_BATCH", 300)
    X = np.tile([0.1, 1e9 / 3, 0.1], (1000, 1))
    X[999, 2] = 0.2
    mean = Rows(X).mean()
    assert mean.tolist()[:2] == [0.1, 1e9 / 3]
    assert mean[2] == pytest.approx(0.1001, rel=1e-12)


def test_check_finite_names_the_feature():
    assert check_finite(np.ones((2, 2))).shape == (2, 2)
    with pytest.raises(InputError, match="feature 1 of the training inputs.*scale the inputs"):
        check_finite(np.array([[0.0, np.inf], [np.nan, 0.0]]))
