"""What every preprocessor does: the table has one text a kind, and chains of them."""

import copy
import io
import tracemalloc

import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.preprocessing import get_preprocessor, principal_axes, rows

SHAPE = (3, 2, 4)  # pictures of three channels
D = 24
TEXTS = [
    "mean",
    "channel-mean",
    "channel-mean:3",
    "channel-mean:last",
    "standard",
    "pca",
    "pca:5",
    "pca:0.9",
    "whiten",
    "whiten:4",
    "whiten:0.8,epsilon=0.1",
    "mean+standard",
    "standard+pca:0.9",
    "channel-mean+whiten:3+standard",
]


@pytest.fixture(name="X")
def inputs(rng):
    """Pictures with two pixels that never change."""
    X = rng.integers(0, 256, (40, *SHAPE), dtype=np.uint8)
    X[:, 0, 0, 0], X[:, 1, 1, 3] = 7, 0
    return X


@pytest.fixture(params=TEXTS)
def text(request):
    return request.param


@pytest.fixture
def fitted(text, X):
    return get_preprocessor(text).fit(X)


def put(backend, numbers, dtype="float32"):
    return {name: backend.asarray(x, backend.dtype(dtype)) for name, x in numbers.items()}


def close(found, known, rtol=1e-5):
    np.testing.assert_allclose(found, known, rtol=rtol, atol=rtol * np.abs(known).max())


def test_transform_is_numpys_in_float64_on_every_backend(backend, fitted, X):
    known = fitted.transform(X.astype(np.float64))
    assert known.dtype == np.float64
    assert known.shape == (X.shape if fitted.keeps_shape else (40, fitted.output_dim(D)))
    given = backend.asarray(X)
    found = fitted.transform(given)
    assert found.dtype == backend.dtype("float32")
    assert backend.name == "numpy" or found.device == given.device
    close(backend.to_numpy(found), known)
    np.testing.assert_array_equal(backend.to_numpy(given), X)


@pytest.mark.parametrize("dtype", ["int16", "int64", "float32", "float64"])
def test_floats_keep_their_dtype(backend64, fitted, X, dtype):
    found = fitted.transform(backend64.asarray(X.astype(dtype)))
    assert found.dtype == backend64.dtype(dtype if dtype[0] == "f" else "float32")
    known = fitted.transform(X.astype(np.float64))
    close(backend64.to_numpy(found), known, 1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("dtype", [">f4", ">i2", "float16", "bool"])
def test_host_arrays_of_other_dtypes(fitted, X, dtype):
    given = (X % 2).astype(dtype)
    found = fitted.transform(given)
    assert found.dtype == {">f4": "float32", "float16": "float16"}.get(dtype, "float32")
    assert found.dtype.isnative
    tolerance = 1e-2 if dtype == "float16" else 1e-5
    close(found.astype(float), fitted.transform((X % 2).astype(float)), tolerance)


@pytest.mark.parametrize("members", [(), (3,), (2, 3)])
def test_apply_is_transform_for_every_member(backend, fitted, X, also_jitted, members):
    known = fitted.transform(X.astype(np.float32)).reshape(40, -1)
    numbers = put(backend, fitted.numbers())
    batch = X.reshape(40, D).astype(np.float32)
    stack = np.stack([np.roll(batch, k, axis=0) for k in range(int(np.prod(members)))])
    for apply in also_jitted(lambda x, numbers: fitted.apply(x, numbers, backend.xp)):
        x = backend.copy(backend.asarray(stack.reshape(*members, 40, D)))
        found = backend.to_numpy(apply(x, numbers))
        assert found.shape == (*members, 40, fitted.output_dim(D))
        for k, one in enumerate(found.reshape(-1, *found.shape[-2:])):
            close(one, np.roll(known, k, axis=0))


def test_transform_writes_into_no_argument(fitted, X):
    for given in (X, X.astype(np.float32), X.astype(np.float64)):
        before = given.copy()
        given.flags.writeable = False
        numbers = {name: x.copy() for name, x in fitted.numbers().items()}
        fitted.transform(given)
        np.testing.assert_array_equal(given, before)
        for name, x in fitted.numbers().items():
            np.testing.assert_array_equal(x, numbers[name])


def test_fit_reads_and_does_not_write(text, X):
    for given in (X, X.astype(np.float32), X.astype(np.float64)):
        given.flags.writeable = False
        before = given.copy()
        preprocessor = get_preprocessor(text)
        assert preprocessor.fit(given) is preprocessor
        np.testing.assert_array_equal(given, before)


def test_bytes_and_floats_give_the_same_bits(text, X, fitted):
    for dtype in (np.int64, np.float32, np.float64):
        again = get_preprocessor(text).fit(X.astype(dtype))
        for name, x in fitted.numbers().items():
            np.testing.assert_array_equal(again.numbers()[name], x)


def test_fit_takes_arrays_of_every_library(backend, text, X, fitted):
    numbers = get_preprocessor(text).fit(backend.asarray(X)).numbers()
    for name, x in fitted.numbers().items():
        np.testing.assert_array_equal(numbers[name], x)


def test_small_batches_find_the_same(text, X, fitted, monkeypatch):
    for module in (rows, principal_axes):
        monkeypatch.setattr(module, "_BATCH", 7 * D)
    again = get_preprocessor(text).fit(X)
    close(again.transform(X.astype(float)), fitted.transform(X.astype(float)), 1e-10)


def test_fit_holds_one_batch_of_floats_alone(text, rng, monkeypatch):
    for module in (rows, principal_axes):
        monkeypatch.setattr(module, "_BATCH", 2**14)
    X = rng.integers(0, 256, (20_000, *SHAPE), dtype=np.uint8)
    preprocessor = get_preprocessor(text)
    tracemalloc.start()
    preprocessor.fit(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.size * 8 / 4, "a quarter of the inputs as float64"


def test_other_parts_change_nothing(fitted, X):
    known, shape = fitted.transform(X), fitted.sample_shape
    fitted.transform(np.full_like(X, 255))
    np.testing.assert_array_equal(fitted.transform(X), known)
    assert fitted.sample_shape == shape == SHAPE


def test_rows_are_transformed_each_by_itself(fitted, X):
    changed = X.copy()
    changed[1:] = 0
    known = fitted.transform(X.astype(float))
    close(fitted.transform(changed.astype(float))[0], known[0], 1e-12)
    close(fitted.transform(X[:1].astype(float)), known[:1], 1e-12)


def test_numbers_and_text_make_it_again_to_the_bit(text, fitted, X):
    file = io.BytesIO()
    np.savez(file, W1=np.ones(3), preprocess=np.asarray(fitted.text), **fitted.numbers())
    file.seek(0)
    with np.load(file, allow_pickle=False) as saved:
        fresh = get_preprocessor(str(saved["preprocess"]))
        again = fresh.with_numbers(saved)
    assert not fresh.fitted
    assert (again.text, str(again)) == (text, text)
    assert again.fitted
    assert "numbers given" in repr(again)
    assert again.output_dim(D) == fitted.output_dim(D)
    np.testing.assert_array_equal(again.transform(X), fitted.transform(X))
    for name, x in fitted.numbers().items():
        assert again.numbers()[name].dtype == np.float64
        np.testing.assert_array_equal(again.numbers()[name], x)
    rows = X.reshape(40, D)
    np.testing.assert_array_equal(
        again.transform(rows).reshape(40, -1), fitted.transform(X).reshape(40, -1)
    )


def test_loaded_numbers_are_a_copy(fitted, X):
    numbers = fitted.numbers()
    again = fitted.with_numbers(numbers)
    known = again.transform(X)
    assert again is not fitted
    for x in numbers.values():
        np.add(x, 1, out=x)
    np.testing.assert_array_equal(again.transform(X), known)


def test_a_copy_is_fitted_by_itself(text, X):
    original = get_preprocessor(text)
    first = copy.copy(original).fit(X)
    assert not original.fitted
    known = first.transform(X)
    second = copy.copy(first).fit(255 - X[:30])
    np.testing.assert_array_equal(first.transform(X), known)
    assert not np.array_equal(second.transform(X), known)
    assert repr(second) != repr(original)


def test_fitted_again_it_forgets(text, X, fitted):
    again = get_preprocessor(text).fit(255 - X[:30]).fit(X)
    np.testing.assert_array_equal(again.transform(X), fitted.transform(X))
    assert repr(again) == repr(fitted)


def test_refuses_to_work_before_fit(text, X):
    preprocessor = get_preprocessor(text)
    assert not preprocessor.fitted
    assert "not fitted" in repr(preprocessor)
    assert preprocessor.note == ""
    for use in (preprocessor.numbers, lambda: preprocessor.transform(X)):
        with pytest.raises(InputError, match=r"mean yet: call fit\(X_train\) first"):
            use()


@pytest.mark.parametrize("shape", [(5, 23), (5, 25), (5, 2, 2, 4), (5, 4, 2, 3), (5,), (5, D, 1)])
def test_refuses_samples_of_another_shape(backend, fitted, shape):
    with pytest.raises(InputError) as caught:
        fitted.transform(backend.asarray(np.ones(shape, np.float32)))
    assert f"{SHAPE}; got {shape[1:]}" in str(caught.value)
    assert str(SHAPE) in repr(fitted)


@pytest.mark.parametrize("shape", [(5, 25), (5,), (5, 5, 2, 3)])
def test_loaded_it_refuses_another_number_of_features(fitted, shape):
    with pytest.raises(InputError, match=r"got|shape"):
        fitted.with_numbers(fitted.numbers()).transform(np.ones(shape, np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_fit_refuses_what_is_not_finite(text, X, value):
    X = X.astype(np.float32)
    X[33, 0, 1, 2] = value
    preprocessor = get_preprocessor(text)
    with pytest.raises(InputError, match="feature 6 of the training inputs holds NaN, an infinity"):
        preprocessor.fit(X)
    assert not preprocessor.fitted


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones((0, *SHAPE)), r"got shape \(0, 3, 2, 4\)"),
        (np.ones(7), r"got shape \(7,\)"),
        (np.full((4, *SHAPE), "a"), "got dtype <U1"),
        (np.full((4, *SHAPE), 1j), "got dtype complex128"),
    ],
)
def test_fit_refuses_what_is_no_sample(text, given, message):
    with pytest.raises(InputError, match=message):
        get_preprocessor(text).fit(given)


def test_a_missing_number_is_named(fitted):
    for name in fitted.numbers():
        rest = {key: x for key, x in fitted.numbers().items() if key != name}
        with pytest.raises(InputError, match=f"there is no '{name}'"):
            fitted.with_numbers(rest)


def test_numbers_that_do_not_fit_together_are_refused(fitted):
    for name, x in fitted.numbers().items():
        with pytest.raises(InputError, match="shape"):
            fitted.with_numbers({**fitted.numbers(), name: np.stack([x, x])})
        part = name.rpartition(".")[0]
        if sum(other.rpartition(".")[0] == part for other in fitted.numbers()) > 1:
            with pytest.raises(InputError, match="shape"):
                fitted.with_numbers({**fitted.numbers(), name: x[..., :-1]})
