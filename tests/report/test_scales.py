"""Axes: where numbers stand, and which ticks stand beside them."""

import numpy as np
import pytest

from xpnet.report.scales import Linear, Log, tick_text


def test_places_on_a_linear_axis():
    places = Linear(10.0, 20.0).places(np.array([10, 15, 20, 25, np.nan, np.inf]))
    np.testing.assert_allclose(places, [0, 0.5, 1, 1.5, np.nan, np.nan])


def test_an_axis_may_run_downward():
    axis = Linear(9.5, -0.5)
    np.testing.assert_allclose(axis.places(np.array([9.5, -0.5])), [0, 1])
    assert axis.ticks() == [0, 2, 4, 6, 8]


def test_places_on_a_log_axis():
    places = Log(1e-2, 1e2).places(np.array([1e-2, 1, 1e2, 0, -1, np.nan]))
    np.testing.assert_allclose(places, [0, 0.5, 1, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1.03, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 14.9, [0, 5, 10]),
        (-0.3, 0.31, [-0.2, 0, 0.2]),
        (0, 865, [0, 200, 400, 600, 800]),
        (99.99, 100.01, [99.99, 99.995, 100, 100.005, 100.01]),
    ],
)
def test_linear_ticks_are_round(low, high, ticks):
    assert Linear(low, high).ticks() == pytest.approx(ticks)


@pytest.mark.parametrize("decades", [0.2, 0.5, 1, 2, 5, 12, 60])
@pytest.mark.parametrize("low", [1e-9, 0.3, 7e5])
def test_log_ticks_are_some_but_not_many(low, decades):
    axis = Log(low, low * 10**decades)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 6
    assert ticks == sorted(set(ticks))
    assert all(-1e-2 <= place <= 1.01 for place in axis.places(np.array(ticks)))


@pytest.mark.parametrize(
    "values", [[], [3.0], [0.0, 0.0], [np.nan], [1e300, -1e300], [1e308, -1e308], [5.0, np.inf]]
)
@pytest.mark.parametrize("scale", [Linear, Log])
def test_there_is_an_axis_for_any_values(scale, values):
    axis = scale.over(np.array(values))
    assert axis.low < axis.high
    assert axis.ticks()
    finite = np.array([v for v in values if np.isfinite(v) and (scale is Linear or v > 0)])
    places = axis.places(np.clip(finite, -1e300, 1e300))
    assert np.all((places >= 0) & (places <= 1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (20_000, "20,000"),
        (1e-3, "1e-3"),
        (2.5e-7, "2.5e-7"),
        (3e6, "3e6"),
        (-5, "-5"),
        (0.07, "0.07"),
    ],
)
def test_ticks_as_text(value, text):
    assert tick_text(value) == text
