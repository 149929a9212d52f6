import io
import tracemalloc
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from xpnet.data.npz import load_npz
from xpnet.errors import InputError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 5)), np.arange(40) % 4


def parts(test=True, **changed):
    arrays = {"X_train": X[:20], "y_train": Y[:20], "X_val": X[20:30], "y_val": Y[20:30]}
    if test:
        arrays |= {"X_test": X[30:], "y_test": Y[30:]}
    return arrays | changed


@pytest.fixture
def save(tmp_path):
    def write(**arrays):
        path = tmp_path / "mine.npz"
        np.savez(path, **arrays)
        return path

    return write


def test_reads_parts(save):
    path = save(**parts())
    data = load_npz(path)
    for key, array in parts().items():
        np.testing.assert_array_equal(data[key], array)
    assert (data.name, data.source, data.class_names) == ("mine", str(path), ("0", "1", "2", "3"))
    assert load_npz(save(**parts(test=False))).X_test is None


def test_splits_by_the_seed(save):
    path = save(X=X, y=Y.astype(str))
    data, again, other = load_npz(path), load_npz(str(path)), load_npz(path, seed=1)
    assert [len(data[k]) for k in ("X_train", "X_val", "X_test")] == [32, 4, 4]
    np.testing.assert_array_equal(data.X_val, again.X_val)
    assert data.X_val.tolist() != other.X_val.tolist()
    together = np.concatenate([data.X_train, data.X_val, data.X_test])
    assert sorted(together.tolist()) == sorted(X.tolist())
    where = [X.tolist().index(row) for row in data.X_train.tolist()]
    assert data.y_train.tolist() == Y[where].tolist()


def test_splits_without_test_part(save):
    data = load_npz(save(X=X, y=Y), val_fraction=0.25, test_fraction=0)
    assert (len(data.X_train), len(data.X_val), data.X_test) == (30, 10, None)


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ((6,), None),
        ((3, 2), (1, 3, 2)),
        ((3, 4, 2), (3, 4, 2)),
        ((1, 4, 2), (1, 4, 2)),
        ((4, 2, 3), None),
    ],
)
def test_pictures(save, row, shape):
    assert load_npz(save(X=np.zeros((40, *row), np.uint8), y=Y)).picture_shape == shape


@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 3)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_real_targets(save, shape, dtype):
    y = RNG.normal(size=shape).astype(dtype)
    data = load_npz(save(X=X, y=y))
    assert (data.is_regression, data.class_names) == (True, ())
    assert data.num_classes == (shape[1] if len(shape) == 2 else 1)
    assert data.y_train.dtype == dtype
    together = np.concatenate([data.y_train, data.y_val, data.y_test])
    assert sorted(together.reshape(-1).tolist()) == sorted(y.reshape(-1).tolist())
    where = [X.tolist().index(row) for row in data.X_train.tolist()]
    np.testing.assert_array_equal(data.y_train, y[where])
    cut = {"y_train": y[:20], "y_val": y[20:30], "y_test": y[30:]}
    data = load_npz(save(**parts(**cut)))
    np.testing.assert_array_equal(data.y_val, y[20:30])


def test_whole_floats_are_targets_in_a_column_or_beside_others(save):
    column = (Y * 1.0)[:, None]
    data = load_npz(save(X=X, y=column))
    assert data.is_regression
    assert data.y_train.shape == (32, 1)
    some = np.where(np.arange(40) == 17, 0.5, Y)
    assert load_npz(save(X=X, y=some)).is_regression
    two = np.stack([Y, Y + 1.0], axis=1)
    assert load_npz(save(X=X, y=two)).num_classes == 2
    cut = parts(test=False, y_train=some[:20], y_val=Y[20:30] * 1.0)
    assert load_npz(save(**cut)).is_regression, "a part may be whole by chance"


def test_truth_values_become_uint8(save):
    assert load_npz(save(X=X > 0, y=Y)).X_train.dtype == np.uint8
    assert load_npz(save(X=X.astype(np.float16), y=Y)).X_train.dtype == np.float16


def refusal(path, what, **options):
    with pytest.raises(InputError, match=what) as caught:
        load_npz(path, **options)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "what"),
    [
        ({"images": X}, "the file has images; save X_train, y_train.*or X and y"),
        ({}, "the file has no arrays; save"),
        (parts(test=False, X_test=X), "X_test; save"),
        ({"X": X, **parts()} | {"y_train": Y[:5]}, "y_train has shape"),
        ({"X": X, "y": Y, "X_val": X}, "the file has X, y, X_val; save"),
        ({"X": X, "y": Y[:9]}, "X has 40 rows but y has 9; give one label per row"),
        ({"X": X[:4], "y": Y[:4]}, "4 rows are too few.*bring more"),
        ({"X": X.astype(complex), "y": Y}, "X has dtype complex128"),
        ({"X": X.astype(str), "y": Y}, "X has dtype <U.*give integers or floats"),
        ({"X": X.astype(object), "y": Y}, "array X is damaged or holds Python objects; save it as"),
        ({"X": X, "y": Y.astype(object)}, "array y is damaged or holds Python objects; save it as"),
        ({"X": np.where(X[7, 2] == X, np.nan, X), "y": Y}, "X holds nan in row 7; drop"),
        ({"X": X, "y": Y - 1}, "y holds label -1 in row 0"),
        ({"X": X, "y": Y * 1.0}, r"y has dtype float64 but.*y.astype\(numpy.int64\).*a column"),
        (parts(y_train=Y[:20] * 1.0), "floats and others do not: y_train float64, y_val int64"),
        (
            parts(**{k: y * 1.0 for k, y in parts().items() if k[0] == "y"}),
            r"y_train has dtype float64 but holds whole numbers.*y.reshape\(-1, 1\)",
        ),
        ({"X": X, "y": np.eye(4)[Y]}, r"y holds one-hot rows; .*y.argmax\(axis=1\)"),
        ({"X": X, "y": np.where(np.arange(40) == 9, np.nan, Y)}, "y holds nan in row 9"),
        ({"X": X, "y": np.where(np.arange(40) == 9, np.inf, Y)}, "y holds inf in row 9"),
        ({"X": X, "y": X[:9, 0]}, r"y has shape \(9,\) but its X has 40 rows"),
        ({"X": X, "y": X[:, :, None]}, r"y has shape \(40, 5, 1\).*\(40,\) or \(40, C\)"),
        ({"X": X, "y": np.float64(1.5)}, r"y has shape \(\)"),
        (parts(y_val=X[20:30, :2], y_train=X[:20, 0], y_test=X[30:, 0]), r"y_val has shape \(2,\)"),
        (parts(y_val=Y[20:30].astype(str)), "y_val strings.*use one way"),
        (parts(X_val=X[20:30, :3]), r"X_val has shape \(3,\)"),
    ],
)
def test_refuses_arrays_that_do_not_fit(save, arrays, what):
    refusal(save(**arrays), what)


@pytest.mark.parametrize("fractions", [(0, 0.1), (0.5, 0.5), (0.1, -0.1), (float("nan"), 0.1)])
def test_refuses_fractions(save, fractions):
    val, test = fractions
    refusal(
        save(X=X, y=Y),
        f"val_fraction={val} and test_fraction={test} .*less than 1",
        val_fraction=val,
        test_fraction=test,
    )


def test_refuses_a_bad_seed(save):
    refusal(save(X=X, y=Y), "seed must be an integer.*-1", seed=-1)


def test_refuses_what_is_no_npz(tmp_path):
    refusal(tmp_path / "none.npz", "cannot open it.*check the path")
    refusal(tmp_path, "cannot open it.*check the path")
    path = tmp_path / "other.npz"
    for content in (b"", b"X,y\n1,2\n", b"\x93NUMPY\x01\x00", b"\x80\x04K\x01."):
        path.write_bytes(content)
        refusal(path, r"no .npz file; write one with numpy.savez")


def test_refuses_every_truncation_and_damage(save):
    path = save(X=X[:, :2], y=Y)
    whole = path.read_bytes()
    for length in range(2, len(whole), 41):
        path.write_bytes(whole[:length])
        refusal(path, "damaged or truncated.*write it anew")
    for place in range(2, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        with suppress(InputError):  # a flipped bit may also hit what nobody reads
            load_npz(path)


def test_refuses_a_lying_header(tmp_path):
    path = tmp_path / "huge.npz"
    header = (
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000, 9), }".ljust(117)
        + b"\n"
    )
    with zipfile.ZipFile(path, "w") as archive:
        for key in "Xy":
            archive.writestr(
                f"{key}.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
            )
    refusal(path, "damaged")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X", b"no array")
        archive.writestr("y", b"no array")
    refusal(path, "X is no array; write the file with numpy.savez")


def test_a_header_that_promises_more_than_the_file_has_allocates_nothing(tmp_path):
    """200 bytes that say to be 8 GB: refused before NumPy makes room for them."""
    head = io.BytesIO()
    form = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 1)}
    np.lib.format.write_array_header_1_0(head, form)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        archive.writestr("X.npy", head.getvalue())
        archive.writestr("y.npy", head.getvalue())
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"promises 8,000,000,000 bytes, and the file has 0"):
            load_npz(tmp_path / "bomb.npz")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
