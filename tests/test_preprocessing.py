import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.preprocessing import PREPROCESSORS, MeanSubtraction, get_preprocessor


@pytest.fixture
def fitted(rng):
    """A mean of three pictures of 2 x 2."""
    return MeanSubtraction().fit(rng.integers(0, 256, (3, 2, 2), dtype=np.uint8))


def test_mean_of_the_training_part():
    X = np.asarray([[[0, 1], [2, 255]], [[1, 3], [2, 255]]], dtype=np.uint8)
    preprocessor = MeanSubtraction()
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


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        ("uint8", "float32"),
        ("int16", "float32"),
        ("int32", "float32"),
        ("int64", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_transform(backend64, rng, fitted, dtype, result):
    host = rng.integers(0, 128, (5, 2, 2)).astype(dtype)
    X = backend64.asarray(host)
    found = fitted.transform(X)
    assert found.dtype == backend64.dtype(result)
    assert backend64.name == "numpy" or found.device == X.device
    np.testing.assert_allclose(
        backend64.to_numpy(found), host.astype(np.float64) - fitted.mean, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_array_equal(backend64.to_numpy(X), host)


def test_the_solvers_half_is_transform(backend, rng, fitted):
    X = rng.integers(0, 256, (5, 2, 2)).astype(np.float32)
    numbers = fitted.numbers()
    assert {name: x.shape for name, x in numbers.items()} == {"mean": (4,)}
    assert numbers["mean"].dtype == np.float64
    on_device = {name: backend.asarray(x, backend.dtype("float32")) for name, x in numbers.items()}
    batch = backend.xp.asarray(backend.asarray(X.reshape(5, 4)), copy=True)
    known = fitted.transform(X).reshape(5, 4)
    found = fitted.apply(batch, on_device, backend.xp)
    np.testing.assert_array_equal(backend.to_numpy(found), known)
    stack = backend.xp.asarray(backend.asarray(X.reshape(1, 5, 4)), copy=True)
    np.testing.assert_array_equal(
        backend.to_numpy(fitted.apply(stack, on_device, backend.xp)), known[None]
    )


def test_apply_consumes_its_input(fitted):
    # A second big temporary costs ten times the subtraction on NumPy.
    x = np.ones((5, 4))
    assert fitted.apply(x, fitted.numbers(), np) is x


def test_apply_under_jit(fitted):
    jax = pytest.importorskip("jax")
    X = np.ones((5, 2, 2), np.float32)
    numbers = {"mean": jax.numpy.asarray(fitted.numbers()["mean"], dtype="float32")}
    jitted = jax.jit(lambda x, n: fitted.apply(x, n, jax.numpy))
    found = jitted(jax.numpy.asarray(X.reshape(5, 4)), numbers)
    np.testing.assert_array_equal(np.asarray(found), fitted.transform(X).reshape(5, 4))


def test_refuses_to_work_before_fit():
    preprocessor = MeanSubtraction()
    assert repr(preprocessor) == "MeanSubtraction(not fitted)"
    for use in (preprocessor.numbers, lambda: preprocessor.transform(np.ones((2, 3)))):
        with pytest.raises(InputError, match=r"no mean yet: call fit\(X_train\) first"):
            use()


@pytest.mark.parametrize("shape", [(5, 4), (5, 2, 3), (5,), (2, 2), (5, 1, 2, 2)])
def test_refuses_samples_of_another_shape(backend, fitted, shape):
    with pytest.raises(InputError) as caught:
        fitted.transform(backend.asarray(np.ones(shape, np.float32)))
    assert f"shape (2, 2); got {shape[1:]}" in str(caught.value)
    assert "(2, 2)" in repr(fitted)


def test_names():
    assert list(PREPROCESSORS) == ["mean"]
    assert get_preprocessor(None) is None
    assert get_preprocessor("none") is None
    first, second = get_preprocessor("mean"), get_preprocessor("mean")
    assert isinstance(first, MeanSubtraction)
    assert first is not second
    assert get_preprocessor(first) is first


def test_refuses_an_unknown_name():
    with pytest.raises(InputError, match="unknown preprocess 'whiten': choose one of none, mean"):
        get_preprocessor("whiten")


def test_refuses_an_object_without_the_methods():
    class Half:
        def fit(self, X):
            return self

        def transform(self, X):
            return X

    with pytest.raises(InputError, match="Half lacks numbers, apply"):
        get_preprocessor(Half())
    with pytest.raises(InputError, match="int lacks fit, transform, numbers, apply"):
        get_preprocessor(3)


def test_fit_refuses_no_samples():
    with pytest.raises(InputError, match=r"got shape \(0, 3\)"):
        MeanSubtraction().fit(np.ones((0, 3)))


def test_fit_takes_arrays_of_every_library(backend, rng):
    X = rng.standard_normal((5, 3)).astype(np.float32)
    mean = MeanSubtraction().fit(backend.asarray(X)).mean
    np.testing.assert_allclose(mean, X.astype(np.float64).mean(axis=0), rtol=1e-12)


def test_the_class_itself_is_no_preprocessor():
    with pytest.raises(InputError, match="the class MeanSubtraction: call it first"):
        get_preprocessor(MeanSubtraction)
