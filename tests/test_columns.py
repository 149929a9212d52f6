import numpy as np
import pytest

from xpnet.columns import compared_by_columns, product_by_columns


@pytest.mark.parametrize("stack", [(), (3,), (2, 3)])
@pytest.mark.parametrize("columns", [1, 10, 32, 33])
def test_the_product_and_its_layout(backend, rng, stack, columns):
    x, w = rng.standard_normal((*stack, 40, 5)), rng.standard_normal((*stack, 5, columns))
    given = (backend.asarray(array.astype(np.float32)) for array in (x, w))
    product = backend.to_numpy(product_by_columns(*given, backend.xp))
    np.testing.assert_allclose(product, np.einsum("...nd,...dm->...nm", x, w), rtol=1e-4, atol=1e-5)
    if backend.name == "numpy":
        assert (product.strides[-2] == product.itemsize) == (columns <= 32)


@pytest.mark.parametrize("classes", [3, 40])
@pytest.mark.parametrize("shape", [(6,), (2, 6)])
def test_the_comparison(backend, rng, classes, shape):
    labels = rng.integers(0, classes, size=shape)
    given = (backend.asarray(array) for array in (labels, np.arange(classes)))
    mask = backend.to_numpy(compared_by_columns(*given, backend.xp))
    assert mask.shape == (*shape, classes)
    np.testing.assert_array_equal(mask.argmax(axis=-1), labels)
    assert (mask.sum(axis=-1) == 1).all()
