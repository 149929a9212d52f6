import os
from pathlib import Path

import numpy as np
import pytest

from xpnet.data import cifar10
from xpnet.data.cifar10 import default_cache_dir, load_cifar10
from xpnet.errors import InputError

REAL = os.environ.get("XPNET_DATA_DIR")


@pytest.fixture(autouse=True)
def _no_folders(monkeypatch, tmp_path):
    monkeypatch.delenv("XPNET_DATA_DIR", raising=False)
    monkeypatch.setenv("XPNET_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def small(tmp_path, write_cifar10):
    return write_cifar10(tmp_path / "data")


def test_splits_as_the_notes_do(small):
    folder, contents = small
    data = load_cifar10(folder, num_val=3)
    pictures = np.concatenate([contents[f"data_batch_{k}"][0] for k in range(1, 6)])
    labels = np.concatenate([contents[f"data_batch_{k}"][1] for k in range(1, 6)])
    np.testing.assert_array_equal(data.X_train, pictures[:17])
    np.testing.assert_array_equal(data.y_train, labels[:17])
    np.testing.assert_array_equal(data.X_val, pictures[17:])
    np.testing.assert_array_equal(data.y_val, labels[17:])
    np.testing.assert_array_equal(data.X_test, contents["test_batch"][0])
    np.testing.assert_array_equal(data.y_test, contents["test_batch"][1])
    assert data.class_names[::9] == ("airplane", "truck")
    assert data.picture_shape == (3, 32, 32)


def test_a_smaller_training_part_keeps_the_validation_part(small):
    folder, _ = small
    data, less = load_cifar10(folder, num_val=3), load_cifar10(folder, num_train=5, num_val=3)
    np.testing.assert_array_equal(less.X_train, data.X_train[:5])
    np.testing.assert_array_equal(less.X_val, data.X_val)


@pytest.mark.parametrize(
    "asked", [{"num_val": 0}, {"num_val": 20}, {"num_train": 0}, {"num_train": 18, "num_val": 3}]
)
def test_refuses_more_rows_than_there_are(small, asked):
    with pytest.raises(InputError, match=r"of the 20 pictures in .* together at most 20"):
        load_cifar10(small[0], **asked)


def test_finds_the_folder_in_every_place(small, monkeypatch, tmp_path):
    folder, _ = small
    assert load_cifar10(folder.parent, num_val=3).name == "cifar10"
    monkeypatch.setenv("XPNET_DATA_DIR", str(folder.parent))
    assert load_cifar10(num_val=3).name == "cifar10"
    monkeypatch.setenv("XPNET_DATA_DIR", str(tmp_path / "elsewhere"))
    folder.parent.rename(tmp_path / "cache")
    assert load_cifar10(num_val=3).name == "cifar10"


def test_says_where_it_looked(monkeypatch, tmp_path):
    monkeypatch.setenv("XPNET_DATA_DIR", str(tmp_path / "named"))
    with pytest.raises(InputError) as caught:
        load_cifar10()
    for part in (str(tmp_path / "named"), str(tmp_path / "cache"), "--download", cifar10.URL):
        assert part in str(caught.value)


def test_says_which_files_are_missing(small):
    folder, _ = small
    (folder / "data_batch_3").unlink()
    (folder / "batches.meta").unlink()
    with pytest.raises(InputError, match=r"lacks data_batch_3, batches.meta.*--data-dir"):
        load_cifar10(folder)


def test_downloads_only_what_is_not_there(small, monkeypatch, tmp_path):
    folder, _ = small
    asked = []
    monkeypatch.setattr(cifar10, "download_cifar10", lambda place: asked.append(place) or folder)
    load_cifar10(folder, num_val=3, download=True)
    assert asked == []
    load_cifar10(tmp_path / "new", num_val=3, download=True)
    load_cifar10(tmp_path / "other" / folder.name, num_val=3, download=True)
    load_cifar10(num_val=3, download=True)
    assert asked == [tmp_path / "new", tmp_path / "other", tmp_path / "cache"]


def test_cache_folder(monkeypatch):
    monkeypatch.setenv("XPNET_CACHE_DIR", "own")
    assert default_cache_dir() == Path("own")
    monkeypatch.setenv("XPNET_CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "all")
    assert default_cache_dir() == Path("all/xpnet")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "me")
    assert default_cache_dir() == Path("me/.cache/xpnet")


ROWS = np.zeros((2, 3072), dtype=np.uint8)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ({}, "data of shape None"),
        ({b"data": ROWS}, "no labels for 2 pictures"),
        ({b"data": ROWS[:, :5], b"labels": [1, 2]}, r"data of shape \(2, 5\)"),
        ({b"data": [1], b"labels": [1]}, "data of shape None"),
        ({b"data": ROWS, b"labels": [1]}, "1 labels for 2 pictures"),
        ({b"data": ROWS, b"labels": [1, 10]}, "label 10 in row 1"),
        ({b"data": ROWS, b"labels": [-1, 1]}, "label -1 in row 0"),
        ({b"data": ROWS, b"labels": [1, b"cat"]}, "label bytes in row 1"),
    ],
)
def test_refuses_a_batch_with_other_content(small, write_pickle, content, what):
    folder, _ = small
    write_pickle(content, folder / "data_batch_2")
    with pytest.raises(InputError, match=f"data_batch_2 has {what}.*download it anew"):
        load_cifar10(folder)


@pytest.mark.parametrize("names", [None, [b"cat"], list(range(10)), {}])
def test_refuses_other_class_names(small, write_pickle, names):
    folder, _ = small
    write_pickle({} if names is None else {b"label_names": names}, folder / "batches.meta")
    with pytest.raises(InputError, match=r"batches.meta has no 10 label_names.*download it anew"):
        load_cifar10(folder)


def test_files_may_differ_in_their_rows(small, write_pickle):
    folder, _ = small
    write_pickle({b"data": ROWS, b"labels": [1, 2]}, folder / "data_batch_2")
    assert load_cifar10(folder, num_val=3).X_train.shape == (15, 3072)


@pytest.mark.skipif(not REAL, reason="XPNET_DATA_DIR names no folder with CIFAR-10")
def test_the_real_files():
    data = load_cifar10(REAL)
    assert data.X_train.shape == (49_000, 3072)
    assert data.X_val.shape == (1000, 3072)
    assert data.X_test.shape == (10_000, 3072)
    assert data.X_train.dtype == np.uint8
    counts = np.bincount(np.concatenate([data.y_train, data.y_val]))
    assert counts.tolist() == [5000] * 10
    assert np.bincount(data.y_test).tolist() == [1000] * 10
    assert data.X_train.base is data.X_val.base is not None
    # Means of the red, green and blue planes that are widely published for the training part.
    planes = data.X_train.reshape(-1, 3, 1024).mean(axis=(0, 2)) / 255
    np.testing.assert_allclose(planes, [0.4914, 0.4822, 0.4465], atol=0.005)
