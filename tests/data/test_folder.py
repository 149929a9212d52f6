import shutil

import numpy as np
import pytest

from xpnet.data import load, load_npz
from xpnet.data.folder import load_folder
from xpnet.data.mapped import is_mapped
from xpnet.errors import InputError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 5)).astype(np.float32), np.arange(40) % 4
PARTS = {"train": slice(0, 20), "val": slice(20, 30), "test": slice(30, 40)}


@pytest.fixture
def folder(tmp_path):
    """`folder(x, y)` is a folder with these rows in three parts, or with changed files."""
    path = tmp_path / "mine"
    path.mkdir()

    def write(x=X, y=Y, **changed):
        arrays = {f"X_{part}": x[rows] for part, rows in PARTS.items()}
        arrays |= {f"y_{part}": y[rows] for part, rows in PARTS.items()}
        for name, array in (arrays | changed).items():
            if array is not None:
                np.save(path / f"{name}.npy", array)
        return path

    return write


@pytest.mark.parametrize("y", [Y, Y.astype(str), RNG.normal(size=(40, 2))], ids=str)
def test_reads_what_an_npz_file_has(folder, tmp_path, y):
    path = folder(y=y)
    arrays = {file.stem: np.load(file) for file in path.iterdir()}
    np.savez(tmp_path / "same.npz", **arrays)
    data, same = load(path), load_npz(tmp_path / "same.npz")
    assert (data.name, data.source) == ("mine", str(path))
    assert data.class_names == same.class_names
    for key in same.keys():  # noqa: SIM118 - a Dataset is no dictionary
        np.testing.assert_array_equal(data[key], same[key])
        assert is_mapped(data[key]) == key.startswith("X")
        assert not (is_mapped(data[key]) and data[key].flags.writeable)


def test_without_a_test_part(folder):
    data = load_folder(folder(X_test=None, y_test=None))
    assert (len(data.X_train), len(data.X_val), data.X_test) == (20, 10, None)


def test_names_and_pictures(folder):
    path = folder(x=np.zeros((40, 3, 4, 2), np.bool_), class_names=["a", "b", "c", "d", "e"])
    data = load_folder(path)
    assert data.class_names == ("a", "b", "c", "d", "e")
    assert data.picture_shape == (3, 4, 2)
    assert data.X_train.dtype == np.uint8
    assert is_mapped(data.X_train)


def test_the_folder_one_is_in_has_a_name(folder, monkeypatch):
    monkeypatch.chdir(folder())
    assert load(".").name == "mine"


@pytest.mark.parametrize("dtype", [">f4", "<f8", "f2", ">i8", "u1"])
def test_every_dtype_of_numbers(folder, dtype):
    data = load_folder(folder(x=(X * 10 + 50).astype(dtype)))
    np.testing.assert_array_equal(data.X_train, (X * 10 + 50).astype(dtype)[:20])
    assert is_mapped(data.X_train)


REFUSED = [
    ({"X_val": None}, "there is no X_val.npy; save X_train.npy, y_train.npy, X_val.npy and y_val"),
    ({"y_train": None}, "there is no y_train.npy"),
    ({"y_test": None}, "there is no y_test.npy"),
    ({"X_test": None}, "there is no X_test.npy"),
    ({"X_train": X.astype(object)}, "X_train.npy holds Python objects"),
    ({"y_val": Y.astype(object)}, "y_val.npy holds Python objects; .* y.astype"),
    ({"X_train": np.asfortranarray(X)}, "X_train is memory-mapped, but .* scattered .*Fortran"),
    ({"X_train": X.astype(complex)}, "X_train has dtype complex128; give integers or floats"),
    ({"X_train": X.astype(str)}, "X_train has dtype <U"),
    ({"X_train": np.full((20, 5), np.nan)}, "X_train holds nan in row 0"),
    ({"X_train": X[:0]}, r"X_train has shape \(0, 5\)"),
    ({"X_train": X[:20, 0]}, r"X_train has shape \(20,\)"),
    ({"X_val": X[20:30, :4]}, r"a row of X_val has shape \(4,\) but one of X_train has \(5,\)"),
    ({"y_train": Y[:19]}, r"y_train has shape \(19,\) but its X has 20 rows"),
    ({"y_train": Y[:20] - 1}, "y_train holds label -1 in row 0"),
    ({"y_train": Y[:20] * 0.5}, "some parts hold floats and others do not"),
    ({"X_train": np.zeros(20, [("a", int)])}, "X_train has dtype"),
    ({"X_train": np.zeros(20, [("ä\u4e00", int)])}, "X_train.npy is damaged.* named fields"),
    ({"class_names": ["a", "b"]}, "y_train holds label 2 in row 2 but there are 2 class names"),
    ({"class_names": [1, 2]}, "class_names.npy holds int64 of shape"),
    ({"class_names": [["a"], ["b"]]}, "class_names.npy holds <U1 of shape"),
]


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
@pytest.mark.parametrize(("changed", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_refuses_in_one_sentence(folder, changed, words):
    path = folder(**changed)
    with pytest.raises(InputError, match=words) as caught:
        load_folder(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.array([f"name {k}" for k in Y]), "for integers, and the labels are names; remove it"),
        (RNG.normal(size=40), "for labels, and the targets are real; remove it"),
    ],
    ids=["names", "real"],
)
def test_refuses_names_for_what_has_none(folder, y, words):
    with pytest.raises(InputError, match=words):
        load_folder(folder(y=y, class_names=["a", "b", "c", "d"]))


@pytest.mark.parametrize("left", [0, 5, 100, -1])
@pytest.mark.parametrize("name", ["X_train.npy", "y_val.npy"])
def test_refuses_a_truncated_file(folder, name, left):
    """A map of it would end the process by a bus error."""
    file = folder() / name
    whole = file.read_bytes()
    file.write_bytes(whole[:left])
    words = f"it has {len(whole) - 1} bytes of {len(whole)}" if left == -1 else "damaged"
    with pytest.raises(InputError, match=f"{name} is .*{words}"):
        load_folder(file.parent)


@pytest.mark.parametrize(
    "header",
    [
        b"x" * 300,
        b"\x93NUMPY\x09\x00" + b" " * 300,
        b"PK" + b" " * 300,
        b"\x93NUMPY\x01\x00\x05\x00{1:(",
    ],
    ids=["no npy", "version 9", "zip", "no literal"],
)
def test_refuses_what_is_no_npy_file(folder, header):
    file = folder() / "X_train.npy"
    file.write_bytes(header)
    with pytest.raises(InputError, match=r"X_train.npy is damaged, or no .npy file .*numpy.save"):
        load_folder(file.parent)


def test_refuses_a_folder_in_the_place_of_a_file(folder):
    file = folder() / "X_train.npy"
    file.unlink()
    file.mkdir()
    with pytest.raises(InputError, match=r"cannot open X_train.npy \(Is a directory\)"):
        load_folder(file.parent)


def test_refuses_a_folder_that_is_not_there(folder):
    path = folder()
    shutil.rmtree(path)
    with pytest.raises(InputError, match="cannot be read .*No such file"):
        load_folder(path)
