import numpy as np

from xpnet.data.digits import load_digits

PARTS = ("train", "val", "test")


def test_the_digits_are_those_of_uci():
    data = load_digits()
    y = np.concatenate([data[f"y_{part}"] for part in PARTS])
    X = np.concatenate([data[f"X_{part}"] for part in PARTS])
    # As published with optdigits.tes.
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert X.shape == (1797, 64)
    assert X.dtype == np.uint8
    assert (X.min(), X.max()) == (0, 16)
    assert len(np.unique(X, axis=0)) == 1797  # no row is in two parts


def test_the_split_is_fixed():
    data, again = load_digits(), load_digits()
    assert [len(data[f"X_{part}"]) for part in PARTS] == [1437, 180, 180]
    for part in PARTS:
        np.testing.assert_array_equal(data[f"X_{part}"], again[f"X_{part}"])
        assert set(data[f"y_{part}"].tolist()) == set(range(10))


def test_a_row_is_a_picture():
    data = load_digits()
    assert data.picture_shape == (1, 8, 8)
    zero = data.X_train[data.y_train == 0].mean(axis=0).reshape(8, 8)
    assert zero[3:5, 3:5].mean() < 2 < 8 < zero[1, 3]  # a ring with a hole
    assert "CC BY 4.0" in data.source
