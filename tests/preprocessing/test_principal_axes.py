import numpy as np
import pytest

from xpnet.preprocessing.principal_axes import principal_axes, with_signs
from xpnet.preprocessing.rows import Rows


@pytest.mark.parametrize("n", [3, 5, 6, 7, 40])
def test_they_are_the_eigenvectors_of_numpys_covariance(rng, n):
    X = rng.standard_normal((n, 6)) * np.arange(1, 7) + 5
    variances, vectors, total = principal_axes(Rows(X), X.mean(axis=0))
    covariance = np.cov(X.T)
    assert len(variances) == len(vectors) == min(n - 1, 6)
    assert total == pytest.approx(np.trace(covariance), rel=1e-12)
    np.testing.assert_allclose(
        covariance @ vectors.T, vectors.T * variances, atol=1e-12 * variances[0]
    )


def test_one_sample_has_none():
    variances, vectors, total = principal_axes(Rows(np.ones((1, 4))), np.ones(4))
    assert (len(variances), len(vectors), total) == (0, 0, 0.0)


def test_the_sign_of_entries_that_are_equal_but_for_rounding():
    known = [[1, -1, 0.5], [1, -1, 0.5], [0.1, 0, 2]]
    near = np.array([[1, -1 - 1e-12, 0.5], [-1 + 1e-12, 1, -0.5], [-0.1, 0, -2]])
    np.testing.assert_allclose(with_signs(near), known, atol=1e-9)
    np.testing.assert_array_equal(with_signs(-near), with_signs(near))
