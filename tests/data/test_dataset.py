import numpy as np
import pytest

from xpnet.data.dataset import Dataset, split_rows
from xpnet.errors import InputError


def make(**changed):
    rng = np.random.default_rng(0)
    arrays = {"name": "mine", "class_names": ("a", "b"), "picture_shape": None, "source": "here"}
    for part, rows in (("train", 6), ("val", 3), ("test", 2)):
        arrays[f"X_{part}"] = rng.normal(size=(rows, 4)).astype(np.float32)
        arrays[f"y_{part}"] = rng.integers(0, 2, rows).astype(np.uint8)
    return Dataset(**(arrays | changed))


def test_keeps_inputs_and_makes_labels_int64():
    X = np.arange(24, dtype=np.uint8).reshape(6, 4)
    data = make(X_train=X)
    assert data.X_train is X
    assert {data[f"y_{part}"].dtype for part in ("train", "val", "test")} == {np.dtype(np.int64)}
    assert (data.num_classes, data.input_dim) == (2, 4)


def test_many_feature_axes():
    X = {f"X_{part}": np.zeros((n, 3, 2, 2)) for part, n in (("train", 6), ("val", 3), ("test", 2))}
    assert make(**X, picture_shape=(3, 2, 2)).input_dim == 12


def test_is_the_dictionary_of_the_notes():
    data = make()
    assert data["X_train"] is data.X_train
    assert set(dict(data)) == {f"{letter}_{p}" for letter in "Xy" for p in ("train", "val", "test")}
    untested = make(X_test=None, y_test=None)
    assert "X_test" not in untested
    assert untested.get("X_test") is None
    assert untested.get("y_val") is untested.y_val
    for key in ("X_test", "name", 0):
        with pytest.raises(
            InputError, match=f"no array {key!r}; it has X_train, y_train, X_val, y_val"
        ):
            untested[key]


def real(**changed):
    rng = np.random.default_rng(1)
    rows = {"train": 6, "val": 3, "test": 2}
    shape = changed.pop("shape", ())
    targets = {f"y_{part}": rng.normal(size=(n, *shape)) for part, n in rows.items()}
    return make(**{"class_names": (), **targets, **changed})


@pytest.mark.parametrize(("shape", "outputs"), [((), 1), ((1,), 1), ((4,), 4)])
def test_floats_and_no_class_names_are_a_regression(shape, outputs):
    y = np.float32([[0.5] * outputs] * 6).reshape(6, *shape)
    data = real(shape=shape, y_train=y)
    assert data.is_regression
    assert data.y_train is y
    assert (data.num_classes, data.class_names) == (outputs, ())
    assert not make().is_regression
    untested = real(shape=shape, X_test=None, y_test=None)
    assert untested.keys() == ("X_train", "y_train", "X_val", "y_val")


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"y_val": np.zeros(3, int)}, r"y_val is int64, .*y.astype\(numpy.float32\), or name"),
        ({"y_val": [0.5] * 3}, "y_val is list, not a float"),
        ({"y_val": None}, "y_val is NoneType"),
        ({"y_val": np.zeros(4)}, r"y_val has shape \(4,\) but its X has 3 rows"),
        ({"y_val": np.zeros((3, 0))}, r"y_val has shape \(3, 0\)"),
        ({"y_val": np.zeros((3, 2, 2))}, r"y_val has shape \(3, 2, 2\).*\(3,\) or \(3, C\)"),
        ({"y_val": np.zeros((3, 2))}, r"row of y_val has shape \(2,\) but one of y_train has \(\)"),
        ({"y_val": np.array([0.0, np.nan, 1.0])}, "y_val holds nan in row 1"),
        ({"y_train": np.full(6, np.inf)}, "y_train holds inf in row 0"),
        ({"class_names": ("a", "b")}, r"y_train is float64, not an integer.*y.astype"),
    ],
)
def test_refuses_targets_that_do_not_fit(changed, what):
    with pytest.raises(InputError, match=f"data set 'mine': .*{what}"):
        real(**changed)


def test_repr_is_short():
    assert "array" not in repr(make())


BAD = np.zeros((70_000, 40), dtype=np.float32)
BAD[69_999, 39] = np.nan


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"X_val": np.zeros((0, 4))}, r"X_val has shape \(0, 4\); give \(rows, features\)"),
        ({"X_val": np.zeros(3)}, r"X_val has shape \(3,\); give"),
        ({"X_train": np.zeros((6, 0))}, r"X_train has shape \(6, 0\)"),
        ({"X_val": [[1.0]]}, r"X_val is a list, .*numpy.asarray"),
        ({"X_test": None}, "X_test is a NoneType.*may both be None"),
        ({"y_test": None}, "y_test is NoneType"),
        ({"X_val": np.zeros((3, 4), dtype=complex)}, r"X_val has dtype complex128; .*astype"),
        ({"X_val": np.zeros((3, 4), dtype=bool)}, r"X_val has dtype bool; .*astype"),
        (
            {"X_val": np.zeros((3, 5))},
            r"X_val has shape \(5,\) but one of X_train has \(4,\); give",
        ),
        (
            {"X_val": np.array([[0, 0, 0, 0], [0, np.inf, 0, 0], [0] * 4])},
            "X_val holds inf in row 1; drop",
        ),
        (
            {"X_train": BAD, "y_train": np.zeros(70_000, int)},
            "X_train holds nan in row 69999; drop",
        ),
        ({"y_val": np.zeros(4, int)}, r"y_val has shape \(4,\) but its X has 3 rows; give one"),
        ({"y_val": np.zeros((3, 1), int)}, r"y_val has shape \(3, 1\)"),
        ({"y_val": np.zeros(3)}, r"y_val is float64, .*y.astype\(numpy.int64\)"),
        ({"y_val": [0, 1, 0]}, "y_val is list"),
        (
            {"y_val": np.array([0, 2, 5])},
            "y_val holds label 2 in row 1 but there are 2 class names",
        ),
        ({"y_val": np.array([0, 1, -1])}, "y_val holds label -1 in row 2.* 0 to 1"),
        ({"picture_shape": (1, 2, 3)}, r"picture_shape \(1, 2, 3\) has 6 numbers .* has 4; give"),
    ],
)
def test_refuses_what_does_not_fit(changed, what):
    with pytest.raises(InputError, match=f"data set 'mine': .*{what}"):
        make(**changed)


def test_split_deals_every_row_once():
    parts = split_rows(100, 20, 30, seed=3)
    assert [len(part) for part in parts] == [50, 20, 30]
    assert sorted(np.concatenate(parts).tolist()) == list(range(100))
    assert all((np.diff(part) > 0).all() for part in parts)
    for part, again in zip(parts, split_rows(100, 20, 30, seed=3), strict=True):
        np.testing.assert_array_equal(part, again)
    assert parts[1].tolist() != split_rows(100, 20, 30, seed=4)[1].tolist()


@pytest.mark.parametrize("numbers", [(10, 5, 5), (10, -1, 3), (10, 3, -1), (0, 0, 0)])
def test_split_refuses_what_it_cannot_deal(numbers):
    rows, val, test = numbers
    with pytest.raises(
        InputError, match=f"{val} validation and {test} test rows out of {rows}.*fewer"
    ):
        split_rows(*numbers, seed=0)
