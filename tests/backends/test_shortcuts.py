"""The shortest calls against NumPy's own functions, to the bit."""

import operator

import numpy as np
import pytest

from xpnet.backends.shortcuts import shortest_calls, shortest_reduction

F = np.float32
SHAPES = [
    ((6, 5), (6, 5)),
    ((6, 5), (5,)),
    ((6, 5), (1, 5)),
    ((6, 5), (6, 1)),
    ((6, 5), ()),
    ((1, 5), (6, 1)),
    ((3, 6, 5), (6, 1)),
    ((60, 50), (50,)),
    ((400, 200), (400, 1)),  # too large for a copy of a number of its own
]


def taken(calls):
    for call in calls:
        call()


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.divide, np.maximum, np.less])
@pytest.mark.parametrize("shapes", SHAPES)
def test_they_give_the_bits_of_the_function(rng, ufunc, shapes, order):
    x, y = (np.asarray(rng.standard_normal(shape), dtype=F, order=order) for shape in shapes)
    for a, b in ((x, y), (y, x)):
        out = np.empty_like(ufunc(a, b), order=order)
        calls = shortest_calls(ufunc, (a, b), (False, False), out)
        for _ in range(2):  # the second time with other numbers in the same arrays
            taken(calls)
            assert np.array_equal(out, ufunc(a, b))
            x *= 1.5
            y -= 0.5


@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.minimum])
@pytest.mark.parametrize("constant", [F(0.0), np.arange(5, dtype=F), np.ones((6, 1), F)])
def test_of_constants_too(rng, ufunc, constant):
    x = rng.standard_normal((6, 5)).astype(F)
    out = np.empty_like(x)
    calls = shortest_calls(ufunc, (x, np.asarray(constant)), (False, True), out)
    assert len(calls) == 1
    for _ in range(2):
        taken(calls)
        assert np.array_equal(out, ufunc(x, constant))
        x[...] = -x


def test_the_result_may_go_where_an_operand_was(rng):
    x, y = rng.standard_normal((6, 5)).astype(F), rng.standard_normal((1, 5)).astype(F)
    expected = x - y
    taken(shortest_calls(np.subtract, (x, y), (False, False), x))
    assert np.array_equal(x, expected)


@pytest.mark.parametrize(
    "dims", [(4, 3, 5), (1, 3, 5), (4, 1, 5), (4, 3, 1), (1, 7, 1), (64, 9, 50)]
)
@pytest.mark.parametrize("transposed", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_are_matmuls(rng, dims, transposed, dtype):
    m, k, n = dims
    x, w = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    x, w = (np.asfortranarray(a) if t else a for a, t in zip((x, w), transposed, strict=True))
    out = np.empty((m, n), dtype)
    taken(shortest_calls(np.matmul, (x, w), (False, False), out))
    assert np.array_equal(out, x @ w)


@pytest.mark.parametrize(
    "inputs",
    [
        (np.ones((3, 4, 5), F), np.ones((5, 2), F)),
        (np.ones((4, 10), F)[:, ::2], np.ones((5, 2), F)),
        (np.ones((4, 5), F), np.ones((5, 2), np.float64)),
        (np.ones((4, 5), np.int64), np.ones((5, 2), np.int64)),
        (np.ones((0, 5), F), np.ones((5, 2), F)),
    ],
    ids=["members", "gaps", "mixed", "integers", "empty"],
)
def test_so_are_unusual_ones(inputs):
    expected = operator.matmul(*inputs)
    out = np.empty_like(expected)
    taken(shortest_calls(np.matmul, inputs, (False, False), out))
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("shape", [(1000, 5), (100, 50), (8192, 1), (3, 1500), (9, 4), (20, 30, 8)])
@pytest.mark.parametrize("axis", [0, -2, 1, -1])
def test_sums_are_reductions(rng, shape, axis, order, dtype):
    x = np.asarray(100.0 * rng.standard_normal(shape), dtype=dtype, order=order)
    for keepdims in (False, True):
        expected = np.add.reduce(x, axis, keepdims=keepdims)
        out = np.empty_like(expected)
        shortest_reduction(np.add, x, axis, out, keepdims=keepdims)()
        np.testing.assert_array_equal(out, expected, strict=True)


def test_other_reductions_are_themselves(rng):
    x = rng.standard_normal((1000, 5)).astype(F)
    out = np.empty(5, F)
    shortest_reduction(np.maximum, x, 0, out, keepdims=False)()
    np.testing.assert_array_equal(out, x.max(axis=0))
