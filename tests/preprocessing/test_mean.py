import numpy as np

from xpnet.preprocessing import MeanSubtraction


def test_mean_of_the_training_part():
    X = np.asarray([[[0, 1], [2, 255]], [[1, 3], [2, 255]]], dtype=np.uint8)
    preprocessor = MeanSubtraction()
    assert preprocessor.mean is None
    assert preprocessor.fit(X) is preprocessor
    assert preprocessor.mean.dtype == np.float64
    assert preprocessor.mean.tolist() == [[0.5, 2.0], [2.0, 255.0]]
    assert X.tolist() == [[[0, 1], [2, 255]], [[1, 3], [2, 255]]]
    preprocessor.transform(np.zeros((5, 2, 2)))
    assert preprocessor.mean.tolist() == [[0.5, 2.0], [2.0, 255.0]]
    preprocessor.fit(X[:1])
    assert preprocessor.mean.tolist() == X[0].tolist()


def test_a_long_mean_is_exact():
    # In float32 the sum of so many is rounded.
    X = np.full((2**17, 2), 257.0, dtype=np.float32)
    assert MeanSubtraction().fit(X).mean.tolist() == [257.0, 257.0]


def test_transformed_training_inputs_have_mean_zero(rng):
    X = 5.0 + rng.standard_normal((100, 3, 4))
    np.testing.assert_allclose(MeanSubtraction().fit(X).transform(X).mean(axis=0), 0.0, atol=1e-13)


def test_transform_is_the_difference(rng):
    X, new = rng.standard_normal((2, 9, 5))
    np.testing.assert_array_equal(MeanSubtraction().fit(X).transform(new), new - X.mean(axis=0))


def test_numbers_are_the_mean_of_flat_samples(rng):
    fitted = MeanSubtraction().fit(rng.standard_normal((9, 2, 3)))
    numbers = fitted.numbers()
    np.testing.assert_array_equal(numbers["mean"], fitted.mean.reshape(6))
    assert list(numbers) == ["mean"]
    assert fitted.with_numbers(numbers).mean.shape == (6,)
    assert fitted.output_dim(6) == 6


def test_apply_consumes_its_input():
    # A second big temporary costs ten times the subtraction on NumPy.
    x = np.ones((5, 4))
    fitted = MeanSubtraction().fit(np.ones((3, 4)))
    assert fitted.apply(x, fitted.numbers(), np) is x
    np.testing.assert_array_equal(x, 0.0)


def test_one_sample_is_its_own_mean():
    fitted = MeanSubtraction().fit(np.array([[3, 200]], dtype=np.uint8))
    assert fitted.transform(np.array([[3, 200]], dtype=np.uint8)).tolist() == [[0.0, 0.0]]


def test_repr():
    assert repr(MeanSubtraction()) == "MeanSubtraction(not fitted)"
    assert repr(MeanSubtraction().fit(np.ones((3, 2, 2)))) == "MeanSubtraction(fitted on (2, 2))"
