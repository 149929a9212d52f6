"""Accuracy and R squared, against scikit-learn."""

import numpy as np
import pytest

from xpnet.metrics import Accuracy, RSquared


def taken(metric, backend, scores, y, batch=None):
    """Return the metric from sums over batches on the device."""
    xp, batch = backend.xp, batch or len(y)
    total = 0.0
    for start in range(0, len(y), batch):
        part = slice(start, start + batch)
        on_device = backend.asarray(scores[..., part, :]), backend.asarray(y[part])
        total = total + metric.sums(*on_device, xp)
    return metric.value(backend.to_numpy(total).astype(np.float64), y)


@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize("noise", [0.1, 1.0, 30.0])
def test_r_squared_is_scikit_learns(backend64, rng, outputs, noise):
    r2_score = pytest.importorskip("sklearn.metrics").r2_score
    y = rng.standard_normal((50, outputs)) + 5.0
    scores = y + noise * rng.standard_normal((50, outputs))
    expected = r2_score(y, scores)
    assert taken(RSquared(), backend64, scores, y) == pytest.approx(expected, rel=1e-12)
    if outputs == 1:
        flat = taken(RSquared(), backend64, scores, y[:, 0])
        assert flat == pytest.approx(expected, rel=1e-12)
        assert flat == pytest.approx(r2_score(y[:, 0], scores[:, 0]), rel=1e-12)


@pytest.mark.parametrize("batch", [1, 7, 50])
def test_batches_add_up(backend64, rng, batch):
    y = rng.standard_normal((50, 3))
    scores = y + rng.standard_normal((50, 3))
    labels = rng.integers(0, 3, 50)
    for metric, targets in ((RSquared(), y), (Accuracy(), labels)):
        whole = taken(metric, backend64, scores, targets)
        assert taken(metric, backend64, scores, targets, batch) == pytest.approx(whole, rel=1e-12)


def test_a_stack_has_a_value_a_member(backend64, rng):
    y = rng.standard_normal((20, 2))
    scores = y + rng.standard_normal((3, 20, 2))
    found = taken(RSquared(), backend64, scores, y, 6)
    assert found.shape == (3,)
    for k in range(3):
        assert found[k] == pytest.approx(float(taken(RSquared(), backend64, scores[k], y)))


@pytest.mark.parametrize("constant", [0.0, 2.0, 0.1, 1e6 / 3])
@pytest.mark.parametrize("met", [True, False])
def test_a_constant_target_counts_one_if_met_and_zero_if_not(backend64, rng, constant, met):
    """As in scikit-learn; 0.1 seven times has a mean that is not 0.1."""
    r2_score = pytest.importorskip("sklearn.metrics").r2_score
    y = np.stack([np.full(7, constant), rng.standard_normal(7)], axis=1)
    scores = y + 0.3 * rng.standard_normal((7, 2))
    if met:
        scores[:, 0] = constant
    found = taken(RSquared(), backend64, scores, y)
    other = r2_score(y[:, 1], scores[:, 1])
    assert found == pytest.approx((met + other) / 2, rel=1e-12)
    if constant in (0.0, 2.0):
        assert found == pytest.approx(r2_score(y, scores), rel=1e-12)


def test_one_sample_is_a_constant_target(backend64):
    y = np.asarray([3.0])
    assert taken(RSquared(), backend64, np.asarray([[3.0]]), y) == 1.0
    assert taken(RSquared(), backend64, np.asarray([[3.1]]), y) == 0.0


def test_nan_scores_are_no_value(backend64, rng):
    y = np.stack([np.full(5, 2.0), rng.standard_normal(5)], axis=1)
    for column in (0, 1):
        scores = y.copy()
        scores[3, column] = np.nan
        assert np.isnan(taken(RSquared(), backend64, scores, y))


def test_the_mean_of_the_targets_is_zero_and_the_targets_are_one(backend64, rng):
    y = rng.standard_normal((9, 2))
    assert taken(RSquared(), backend64, y, y) == 1.0
    mean = np.broadcast_to(y.mean(axis=0), y.shape).copy()
    assert taken(RSquared(), backend64, mean, y) == pytest.approx(0.0, abs=1e-15)


def test_accuracy_is_scikit_learns(backend, rng):
    accuracy_score = pytest.importorskip("sklearn.metrics").accuracy_score
    labels = rng.integers(0, 4, 50)
    scores = rng.standard_normal((2, 50, 4)).astype(np.float32)
    found = taken(Accuracy(), backend, scores, labels, 8)
    for k in range(2):
        assert found[k] == accuracy_score(labels, scores[k].argmax(axis=1))


@pytest.mark.parametrize("metric", [Accuracy(), RSquared()])
def test_names_can_be_printed_everywhere(metric):
    """An output of ASCII alone would end a run after its training, before anything is written."""
    assert metric.name.isascii()
    assert metric.short.isascii()
