import numpy as np
import pytest

from xpnet.data.labels import encode_labels
from xpnet.errors import InputError


def test_integers_keep_their_numbers():
    codes, names = encode_labels({"y_train": np.uint8([2, 0]), "y_val": np.int16([3])})
    assert codes["y_train"].tolist() == [2, 0]
    assert {y.dtype for y in codes.values()} == {np.dtype(np.int64)}
    assert names == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    "given", [["b", "a", "b"], [b"b", b"a", b"b"], np.array(["b", "a", "b"], dtype=object)]
)
def test_strings_are_numbered_in_order_over_all_parts(given):
    codes, names = encode_labels({"y_train": np.asarray(given), "y_val": np.asarray(["c", "é"])})
    assert names == ("a", "b", "c", "é")
    assert codes["y_train"].tolist() == [1, 0, 1]
    assert codes["y_val"].tolist() == [2, 3]
    assert type(names[0]) is str


@pytest.mark.parametrize(
    ("y", "what"),
    [
        (np.array([0, -7]), r"label -7 in row 1; number the classes from 0 on"),
        (np.array([0, 90210]), r"label 90210 in row 1; .*y.astype\(str\)"),
        (np.array([2**64 - 1], dtype=np.uint64), "label 18446744073709551615 in row 0"),
        (np.array([1.0, 2.0]), r"dtype float64 \(row 0 is .*1.0.*y.astype\(numpy.int64\)"),
        (np.array([True]), r"dtype bool .*y.astype\(numpy.int64\)"),
        (np.array([None, "a"], dtype=object), r"dtype object \(row 0 is None.*y.astype\(str\)"),
        (np.zeros((4, 1), dtype=int), r"shape \(4, 1\).*y.ravel\(\)"),
        (np.zeros(0, dtype=int), r"shape \(0,\)"),
        (np.array([b"\xff"]), "not UTF-8.*decode them"),
    ],
)
def test_refuses_other_labels(y, what):
    with pytest.raises(InputError, match=f"y_val.*{what}"):
        encode_labels({"y_val": y})


def test_refuses_strings_beside_integers():
    with pytest.raises(InputError, match="y_train strings, y_val integers; use one way for all"):
        encode_labels({"y_train": np.array(["a"]), "y_val": np.array([0])})
