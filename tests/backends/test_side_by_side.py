"""Calls that become one: the same bits in fewer of them, and none that depends on another."""

from functools import partial

import numpy as np
import pytest

from xpnet.backends.side_by_side import joined

F = np.float32
SHAPES = [(6, 5), (5,), (5, 3), (3,)]


@pytest.fixture
def arrays(rng):
    """Return weights, gradients and slots of a small net."""
    return [[rng.standard_normal(shape).astype(F) for shape in SHAPES] for _ in range(3)]


def momentum(weights, grads, slots, rate):
    """Return v = 0.9 v - rate g; w += v as calls that write, parameter after parameter."""
    decay, calls = np.asarray(0.9, F), []
    for w, g, v in zip(weights, grads, slots, strict=True):
        step = np.empty_like(g)
        calls += [partial(np.multiply, v, decay, v), partial(np.multiply, rate, g, step)]
        calls += [partial(np.subtract, v, step, v), partial(np.add, w, v, w)]
    return calls


def made(calls):
    """Return what calls write into, as a tape has made it."""
    return [call.args[-1] for call in calls]


def run(calls):
    for call in calls:
        call()


def test_one_call_for_all_parameters_gives_the_same_bits(arrays):
    weights, grads, slots = arrays
    rate = np.asarray(0.01, F)
    expected = [w.copy() for w in weights], [v.copy() for v in slots]
    run(momentum(expected[0], grads, expected[1], rate) * 3)
    given = momentum(weights, grads, slots, rate)
    calls, moved = joined(given, [*weights, *slots, *grads, *made(given)])
    assert len(calls) == 4
    run(calls * 3)
    for held, right in ((weights, expected[0]), (slots, expected[1])):
        for x, y in zip(held, right, strict=True):
            np.testing.assert_array_equal(moved(x), y, strict=True)


def test_numbers_that_are_written_in_place_are_read_there(arrays):
    weights, grads, slots = arrays
    rate = np.asarray(0.0, F)
    given = momentum(weights, grads, slots, rate)
    calls, moved = joined(given, [*weights, *slots, *grads, *made(given)])
    rate[...] = 0.5
    for g in grads:
        moved(g)[...] = 1.0
    before = [(moved(w).copy(), moved(v).copy()) for w, v in zip(weights, slots, strict=True)]
    run(calls)
    for w, (old, v) in zip(weights, before, strict=True):
        np.testing.assert_array_equal(moved(w), old + (v * F(0.9) - F(0.5)))


def test_views_and_products_go_with_their_arrays(arrays, rng):
    weights, grads, slots = arrays
    x, out = rng.standard_normal((4, 6)).astype(F), np.empty((5, 4), F)
    product = partial(np.dot, weights[0].T, x.T, out)
    given = [*momentum(weights, grads, slots, F(0.1)), product]
    own = [*weights, *slots, *made(given)]
    assert len(joined(given, own)[0]) > 5  # gradients that somebody holds stay where they are
    calls, moved = joined(given, [*own, *grads])
    assert len(calls) == 5
    run(calls)
    np.testing.assert_array_equal(out, np.dot(moved(weights[0]).T, x.T))
    assert moved(weights[0][1:, 2]).base is moved(weights[1]).base
    np.testing.assert_array_equal(moved(weights[0][1:, 2]), moved(weights[0])[1:, 2])


def test_arrays_in_fortran_order_are_laid_out_in_theirs(arrays):
    weights, grads, _ = arrays
    weights, grads = ([np.asfortranarray(x) for x in xs] for xs in (weights, grads))
    expected = [w - g for w, g in zip(weights, grads, strict=True)]
    given = [partial(np.subtract, w, g, w) for w, g in zip(weights, grads, strict=True)]
    calls, moved = joined(given, [*weights, *grads])
    assert len(calls) == 1
    run(calls)
    for w, right in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(moved(w), right)
        assert moved(w).strides == w.strides


def test_a_call_of_some_of_them_stays_with_these(arrays):
    weights, grads, _ = arrays
    two = np.asarray(2.0, F)
    doubled = [partial(np.multiply, grads[k], two, grads[k]) for k in (0, 2)]
    update = [partial(np.subtract, w, g, w) for w, g in zip(weights, grads, strict=True)]
    scales = F(2), F(1), F(2), F(1)
    expected = [w - k * g for w, g, k in zip(weights, grads, scales, strict=True)]
    calls, moved = joined([*doubled, *update], [*weights, *grads])
    assert len(calls) == 3
    run(calls)
    for w, right in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(moved(w), right)


def test_what_another_call_reads_or_writes_in_between_is_not_taken_before_it(rng):
    a, b, c = (rng.standard_normal(4).astype(F) for _ in range(3))
    one = np.asarray(1.0, F)

    def chain(a, b, c):
        add = [partial(np.add, x, one, x) for x in (a, b)]
        return [add[0], partial(np.copyto, b, a), add[1], partial(np.copyto, c, b)]

    expected = [x.copy() for x in (a, b, c)]
    run(chain(*expected))
    calls, moved = joined(chain(a, b, c), [a, b, c])
    assert len(calls) == 4
    run(calls)
    for x, right in zip((a, b, c), expected, strict=True):
        np.testing.assert_array_equal(moved(x), right)


def test_large_arrays_stay_as_they_are(rng):
    large = [rng.standard_normal(20_000).astype(F) for _ in range(2)]
    calls, moved = joined([partial(np.add, x, F(1), x) for x in large], large)
    assert len(calls) == 2
    assert moved(large[0]) is large[0]


def test_numbers_are_no_arrays_that_lie_side_by_side(rng):
    wide = [rng.standard_normal(4).astype(F) for _ in range(2)]
    numbers = [np.asarray(x, F) for x in (3.0, 0.0, 0.0)]

    def program(wide, numbers):
        c, a, b = numbers
        products = [partial(np.multiply, c, c, x) for x in (a, b)]
        return [*products, *(partial(np.add, x, b, x) for x in wide)]

    expected = [x + F(9.0) for x in wide]
    calls, moved = joined(program(wide, numbers), [*wide, *numbers])
    assert len(calls) == 3
    run(calls)
    assert [float(x) for x in numbers] == [3.0, 9.0, 9.0]
    for x, right in zip(wide, expected, strict=True):
        np.testing.assert_array_equal(moved(x), right)


def test_products_of_stacks_are_no_elementwise_calls(rng):
    a, b, c, d, e, f = (rng.standard_normal((2, 4, 4)).astype(F) for _ in range(6))
    given = [partial(np.matmul, a, b, e), partial(np.matmul, c, d, f)]
    expected = [a @ b, c @ d]
    calls, moved = joined(given, [a, b, c, d, e, f])
    run(calls)
    for x, right in zip((e, f), expected, strict=True):
        np.testing.assert_array_equal(moved(x), right)


def test_zeros_of_two_signs_are_two_numbers(rng):
    a, b = rng.standard_normal((2, 4)).astype(F)
    a, b = np.abs(a), np.abs(b)
    given = [partial(np.multiply, a, F(0.0), a), partial(np.multiply, b, F(-0.0), b)]
    calls, moved = joined(given, [a, b])
    run(calls)
    assert not np.signbit(moved(a)).any()
    assert np.signbit(moved(b)).all()
