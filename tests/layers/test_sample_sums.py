import numpy as np
import pytest

from xpnet.layers.sample_sums import sum_over_samples


@pytest.mark.parametrize("shape", [(7, 3), (1, 3), (4, 7, 3), (2, 4, 7, 1)])
def test_whole_numbers_are_added_up_exactly(backend, rng, shape):
    host = rng.integers(-9, 10, shape).astype(np.float32)
    found = sum_over_samples(backend.asarray(host), backend.xp)
    assert np.array_equal(backend.to_numpy(found), host.sum(axis=-2))


def test_nan_and_infinity_stay_in_their_column(backend):
    host = np.asarray([[1.0, np.nan, np.inf], [2.0, 1.0, 1.0]], dtype=np.float32)
    with backend.context():
        found = sum_over_samples(backend.asarray(host), backend.xp)
    assert np.array_equal(backend.to_numpy(found), [3.0, np.nan, np.inf], equal_nan=True)
