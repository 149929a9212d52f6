"""CIFAR-10 as the CS231n notebooks ask for it."""

import numpy as np
import pytest

from xpnet.cs231n import get_CIFAR10_data
from xpnet.data import load_cifar10
from xpnet.errors import InputError


@pytest.fixture
def contents(write_cifar10, tmp_path, monkeypatch):
    """The pictures and labels of a data set of 1250 training and 250 test pictures."""
    _, contents = write_cifar10(tmp_path, rows=250)
    monkeypatch.setenv("XPNET_DATA_DIR", str(tmp_path))
    pictures = np.concatenate([contents[f"data_batch_{k}"][0] for k in range(1, 6)])
    labels = np.concatenate([contents[f"data_batch_{k}"][1] for k in range(1, 6)])
    return pictures.reshape(-1, 3, 32, 32), labels, *contents["test_batch"]


@pytest.mark.parametrize("subtract_mean", [True, False])
def test_parts_and_mean(contents, subtract_mean):
    X, y, X_test, y_test = contents
    data = get_CIFAR10_data(1100, 90, 50, subtract_mean=subtract_mean)
    assert list(data) == [f"{a}_{part}" for part in ("train", "val", "test") for a in "Xy"]
    mean = X[:1100].astype(np.float64).mean(axis=0) if subtract_mean else 0.0
    for part, pictures in (("train", X[:1100]), ("val", X[1100:1190]), ("test", X_test[:50])):
        expected = pictures.reshape(-1, 3, 32, 32) - mean
        assert data[f"X_{part}"].dtype == np.float64
        np.testing.assert_allclose(data[f"X_{part}"], expected, rtol=1e-12, atol=1e-12)
    for part, labels in (("train", y[:1100]), ("val", y[1100:1190]), ("test", y_test[:50])):
        np.testing.assert_array_equal(data[f"y_{part}"], labels)
        assert data[f"y_{part}"].dtype == np.int64


def test_by_name_and_the_whole_of_it(contents):
    data = get_CIFAR10_data(num_training=1240, num_validation=10, num_test=250)
    assert [data[f"X_{part}"].shape for part in ("train", "val", "test")] == [
        (n, 3, 32, 32) for n in (1240, 10, 250)
    ]
    assert len(load_cifar10().X_train) == 250


@pytest.mark.parametrize(
    "numbers", [(1250, 1, 1), (0, 10, 1), (100, -1, 1), (100, 10, 251), (100, 10, -1)]
)
def test_refuses_more_than_there_are(contents, numbers):
    what = f"cannot take {numbers[0]} training and {numbers[1]} validation pictures of 1250, and "
    with pytest.raises(InputError, match=f"{what}{numbers[2]} test pictures of 250: ask for fewer"):
        get_CIFAR10_data(*numbers)


def test_says_where_the_files_were_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("XPNET_DATA_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("XPNET_CACHE_DIR", str(tmp_path))
    with pytest.raises(InputError, match=r"CIFAR-10 was not found: .*empty.*XPNET_DATA_DIR"):
        get_CIFAR10_data()
