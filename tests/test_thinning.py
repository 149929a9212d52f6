"""Fewer points: what a picture must not lose."""

import numpy as np
import pytest

from xpnet.thinning import smoothed, thinned


def test_a_spike_stays_in_its_own_stretch():
    values = np.full(1000, 0.3)
    values[5] = 1e17
    epochs, means = smoothed(np.arange(1000.0), values)
    assert len(epochs) == len(means) == 100
    assert means[0] > 1e15
    np.testing.assert_allclose(means[1:], 0.3)


@pytest.mark.parametrize(("count", "parts", "expected"), [(1, 100, 1), (7, 3, 3), (500, 900, 100)])
def test_smoothed_has_as_many_stretches_as_asked_for(rng, count, parts, expected):
    x, y = np.arange(float(count)), rng.normal(size=count)
    middle, mean = smoothed(x, y, parts)
    assert len(middle) == len(mean) == expected
    if count % expected == 0:
        assert mean.mean() == pytest.approx(y.mean())


def test_each_bucket_keeps_its_lowest_and_highest(rng):
    x, y = np.arange(10_000.0), rng.normal(size=10_000)
    few_x, few_y = thinned(x, y, 50)
    assert len(few_y) <= 102
    assert np.all(np.diff(few_x) > 0)
    np.testing.assert_array_equal(y[few_x.astype(int)], few_y)
    for bucket in np.array_split(np.arange(10_000), 50):
        own = few_y[np.isin(few_x, bucket)]
        assert own.min() == y[bucket].min()
        assert own.max() == y[bucket].max()


def test_the_ends_stay():
    x = np.arange(1000.0)
    y = np.sin(x)
    y[0] = y[-1] = 0.5  # neither the lowest nor the highest of their buckets
    few_x, few_y = thinned(x, y, 10)
    assert (few_x[0], few_x[-1]) == (0, 999)
    assert few_y[0] == few_y[-1] == 0.5


def test_a_gap_stays_a_gap():
    y = np.ones(1000)
    y[300:700] = np.nan
    few_x, few_y = thinned(np.arange(1000.0), y, 10)
    assert np.isnan(few_y[(few_x >= 300) & (few_x < 700)]).all()
    assert np.isnan(few_y).sum() == 4


def test_few_points_are_left_alone(rng):
    x, y = np.arange(20.0), rng.normal(size=20)
    assert thinned(x, y, 10)[1] is y
