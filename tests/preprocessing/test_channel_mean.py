import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.preprocessing import ChannelMeanSubtraction


@pytest.fixture(name="X")
def inputs(rng):
    """Pictures whose channels differ."""
    return rng.integers(0, 100, (20, 3, 4, 5), dtype=np.uint8) + 50 * np.arange(
        3, dtype=np.uint8
    ).reshape(3, 1, 1)


def test_channels_first(X):
    fitted = ChannelMeanSubtraction().fit(X)
    np.testing.assert_allclose(fitted.mean, X.mean(axis=(0, 2, 3)), rtol=1e-14)
    known = X - X.mean(axis=(0, 2, 3))[:, None, None]
    np.testing.assert_allclose(fitted.transform(X.astype(float)), known, atol=1e-12)
    assert fitted.numbers()["mean"].shape == (3,)
    assert fitted.output_dim(60) == 60


def test_channels_last(X):
    pictures = np.moveaxis(X, 1, -1)
    fitted = ChannelMeanSubtraction(last=True).fit(pictures)
    np.testing.assert_allclose(fitted.mean, X.mean(axis=(0, 2, 3)), rtol=1e-14)
    known = ChannelMeanSubtraction().fit(X).transform(X)
    np.testing.assert_allclose(fitted.transform(pictures), np.moveaxis(known, 1, -1), atol=1e-5)


@pytest.mark.parametrize("last", [False, True])
def test_grey_pictures_have_one_channel(X, last):
    fitted = ChannelMeanSubtraction(last=last).fit(X[:, 0])
    np.testing.assert_allclose(fitted.mean, [X[:, 0].mean()], rtol=1e-14)
    np.testing.assert_allclose(
        fitted.transform(X[:, 0].astype(float)), X[:, 0] - X[:, 0].mean(), atol=1e-12
    )


@pytest.mark.parametrize("last", [False, True])
def test_rows_whose_channels_are_told(X, last):
    """As the pictures of CIFAR-10, whose rows hold the red, the green and the blue pixels."""
    pictures = np.moveaxis(X, 1, -1) if last else X
    known = ChannelMeanSubtraction(last=last).fit(pictures)
    rows = np.ascontiguousarray(pictures).reshape(20, 60)
    found = ChannelMeanSubtraction(3, last=last).fit(rows)
    np.testing.assert_array_equal(found.mean, known.mean)
    np.testing.assert_array_equal(found.transform(rows), known.transform(pictures).reshape(20, 60))
    assert found.sample_shape == (60,)


def test_the_batch_is_written_into(X):
    fitted = ChannelMeanSubtraction().fit(X)
    x = X.reshape(20, 60).astype(np.float64)
    assert fitted.apply(x, fitted.numbers(), np) is x


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "channel-mean"),
        ({"channels": 3}, "channel-mean:3"),
        ({"last": True}, "channel-mean:last"),
        ({"channels": np.int64(3), "last": True}, "channel-mean:3,last"),
    ],
)
def test_text(options, text):
    assert ChannelMeanSubtraction(**options).text == text
    again = ChannelMeanSubtraction.parse(text.partition(":")[2])
    assert (again.channels, again.last) == (options.get("channels"), options.get("last", False))


@pytest.mark.parametrize("parameter", ["first", "0", "-1", "3,first", "2.5", "x,last"])
def test_other_parameters_are_refused(parameter):
    with pytest.raises(InputError, match="channel-mean takes a number of channels"):
        ChannelMeanSubtraction.parse(parameter)


@pytest.mark.parametrize("channels", [0, -3, 2.0, True, "3"])
def test_other_channels_are_refused(channels):
    with pytest.raises(InputError, match="number of channels.*got"):
        ChannelMeanSubtraction(channels)


@pytest.mark.parametrize("shape", [(5, 12), (5, 1, 2, 3, 2)])
def test_refuses_what_is_no_picture(shape):
    with pytest.raises(InputError, match=r"as in channel-mean:3; got samples of shape"):
        ChannelMeanSubtraction().fit(np.ones(shape))


@pytest.mark.parametrize("shape", [(5, 10), (5, 4, 2, 2), (5, 6, 6)])
def test_refuses_other_channels_than_told(shape):
    with pytest.raises(InputError, match="takes 3 channels of equal size; got samples of shape"):
        ChannelMeanSubtraction(3).fit(np.ones(shape))


def test_loaded_it_takes_pictures_of_as_many_channels(X):
    fitted = ChannelMeanSubtraction().fit(X)
    again = ChannelMeanSubtraction().with_numbers(fitted.numbers())
    np.testing.assert_array_equal(again.transform(X[..., :2]), fitted.transform(X)[..., :2])
    with pytest.raises(InputError, match="numbers for 3 channels; got samples of shape"):
        again.transform(X[:, :2])
    with pytest.raises(InputError, match="takes pictures"):
        again.transform(np.ones((2, 4)))
