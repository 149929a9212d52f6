import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.preprocessing import Standardization


def test_mean_zero_and_variance_one(rng):
    X = rng.standard_normal((200, 3, 2)) * [1e-3, 1e5] + [5.0, -1e7]
    Z = Standardization().fit(X).transform(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(Z.std(axis=0), 1, rtol=1e-10)


def test_against_scikit_learn(rng):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    X, new = rng.integers(0, 17, (2, 300, 64)).astype(np.float64)
    X[:, [0, 32]] = 3
    known = preprocessing.StandardScaler().fit(X)
    fitted = Standardization().fit(X)
    np.testing.assert_allclose(fitted.mean, known.mean_, rtol=1e-13)
    np.testing.assert_allclose(fitted.scale, known.scale_, rtol=1e-13)
    np.testing.assert_allclose(fitted.transform(new), known.transform(new), rtol=1e-10, atol=1e-12)


def test_by_hand():
    fitted = Standardization().fit(np.array([[0, 5], [4, 5]], dtype=np.uint8))
    assert fitted.mean.tolist() == [2.0, 5.0]
    assert fitted.scale.tolist() == [2.0, 1.0]
    assert fitted.transform(np.array([[6.0, 7.0]])).tolist() == [[2.0, 2.0]]
    assert {name: x.tolist() for name, x in fitted.numbers().items()} == {
        "mean": [2.0, 5.0],
        "scale": [2.0, 1.0],
    }


def test_shape_of_the_samples(rng):
    fitted = Standardization()
    assert fitted.mean is None
    assert fitted.scale is None
    fitted.fit(rng.standard_normal((9, 2, 3)))
    assert fitted.mean.shape == fitted.scale.shape == (2, 3)
    assert fitted.output_dim(6) == 6


def test_constant_features_are_centred_alone_and_counted(rng):
    X = rng.standard_normal((1000, 5))
    X[:, 1], X[:, 3] = 0.1, 1e9 / 3  # the mean of so many differs from them by rounding
    fitted = Standardization().fit(X)
    assert fitted.constant_features == 2
    assert fitted.note == "2 of 5 features are constant: left undivided"
    assert fitted.note in repr(fitted)
    assert fitted.scale[[1, 3]].tolist() == [1.0, 1.0]
    new = np.full((1, 5), 0.1)
    np.testing.assert_allclose(fitted.transform(new)[0, 1], 0.0, atol=1e-12)
    np.testing.assert_allclose(fitted.transform(new + 1)[0, 1], 1.0, rtol=1e-12)


def test_no_constant_feature_is_no_note(rng):
    fitted = Standardization().fit(rng.standard_normal((10, 3)))
    assert (fitted.constant_features, fitted.note) == (0, "")
    assert repr(fitted) == "Standardization(fitted on (3,))"


def test_one_constant_feature_is_singular(rng):
    X = rng.standard_normal((10, 3))
    X[:, 0] = 1
    assert Standardization().fit(X).note == "1 of 3 features is constant: left undivided"


def test_one_sample_has_constant_features_alone():
    fitted = Standardization().fit(np.array([[3.0, 200.0]]))
    assert fitted.constant_features == 2
    assert fitted.transform(np.array([[4.0, 200.0]])).tolist() == [[1.0, 0.0]]


def test_a_value_that_changes_in_the_last_batch_is_no_constant(rng, monkeypatch):
    monkeypatch.setattr("xpnet.preprocessing.rows._BATCH", 6)
    X = np.ones((11, 2))
    X[10, 1] = 2.0
    assert Standardization().fit(X).constant_features == 1


def test_deviations_that_float32_takes_for_zero_count_as_constant():
    """Divided by them, a float32 net would see NaN."""
    X = np.array([[0.0, 1e-300], [1.0, 2e-300]])
    fitted = Standardization().fit(X)
    assert fitted.constant_features == 1
    assert np.isfinite(fitted.transform(X.astype(np.float32))).all()


def test_extreme_values(rng):
    X = rng.standard_normal((50, 3)) * [1e-30, 1e30, 1e150]
    np.testing.assert_allclose(Standardization().fit(X).transform(X).std(axis=0), 1, rtol=1e-10)
    with pytest.raises(InputError, match="feature 2 .*too large to add up or to square"):
        Standardization().fit(X * [1, 1, 1e10])


def test_numbers_alone_do_not_tell_what_was_constant():
    fitted = Standardization().fit(np.ones((3, 2)))
    again = fitted.with_numbers(fitted.numbers())
    assert again.constant_features is None
    assert again.note == ""


def test_apply_consumes_its_input(rng):
    fitted = Standardization().fit(rng.standard_normal((9, 4)))
    x = np.ones((5, 4))
    assert fitted.apply(x, fitted.numbers(), np) is x


def test_takes_no_parameter():
    with pytest.raises(InputError, match="standard takes no parameter; got standard:2"):
        Standardization.parse("2")
