"""What is noted of NumPy's operations, held against NumPy itself on other numbers."""

import operator

import numpy as np
import pytest

from xpnet.backends.recording import Recorded, RecordingError, RecordingNamespace, Tape

xp = RecordingNamespace()
F = np.float32


def running_total(x, y):
    total = x * 2.0
    total += y
    total -= 1.0
    total *= x
    total /= 3.0
    return total


def scalar_kept_by_another_name(x, y):
    total = xp.sum(x, axis=(-2, -1))
    before = total
    total += 1.0  # a scalar of NumPy's is made anew
    return total * before


OPERATIONS = {
    "arithmetic": lambda x, y: (1.0 - x) * y / (2.0 + x) - -y,
    "numbers of integers": lambda x, y: x * 3 + (x > 0) * y,
    "comparisons": lambda x, y: (x < y) | (x >= 1.0) & ~(x == y) ^ (x != 0.5),
    "from the right": lambda x, y: np.ones((6, 5), F) + x - np.float32(2) * y,
    "in place": running_total,
    "scalar": scalar_kept_by_another_name,
    "product": lambda x, y: x @ xp.matrix_transpose(y),
    "row": lambda x, y: x + y[0, :],
    "column": lambda x, y: x * y[..., 1:2] + y[:, None, 0],
    "integers of an array": lambda x, y: xp.sum(xp.astype(x > 0, np.int64), axis=0) + 1,
    "sum": lambda x, y: xp.sum(x, axis=-2) + xp.sum(y),
    "sum of two axes": lambda x, y: xp.sum(x, axis=(-2, -1), keepdims=True) * y,
    "max": lambda x, y: xp.max(x, axis=-1, keepdims=True) - xp.max(y),
    "mean": lambda x, y: xp.mean(x, axis=-2) + xp.mean(y, axis=(0, 1)),
    "mean of all": lambda x, y: x - xp.mean(y),
    "functions": lambda x, y: xp.exp(x) + xp.log(y * y + 1.0) + xp.sqrt(xp.abs(x)) + xp.tanh(y),
    "maximum": lambda x, y: xp.maximum(x, 0.0) + xp.minimum(y, x),
    "where": lambda x, y: xp.where(x > y, x, 0.0),
    "reshape": lambda x, y: xp.reshape(x, (30,)) * xp.reshape(xp.matrix_transpose(y), (30,)),
    "take": lambda x, y: xp.take(x, xp.argmax(y, axis=0), axis=0),
    "astype": lambda x, y: xp.astype(x, np.float64) + xp.astype(y, F, copy=False),
    "new arrays": lambda x, y: xp.zeros_like(x) + xp.ones((6, 1), dtype=F) * xp.arange(5) + y,
    "lists": lambda x, y: xp.concat([x, y], axis=0) + xp.stack([x, y])[0, :1, :],
    "copies": lambda x, y: xp.asarray(x, copy=True) + xp.squeeze(y[None, ...], axis=0),
    "broadcast": lambda x, y: xp.broadcast_to(x[:1, :], (6, 5)) * y,
    "tall maximum": lambda x, y: xp.max(
        xp.reshape(xp.concat([x] * 8, axis=0), (48, 5)), axis=-1, keepdims=True
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_replay_gives_numpys_bits(name, rng):
    operation = OPERATIONS[name]
    first, others = rng.standard_normal((2, 2, 6, 5)).astype(F)
    tape = Tape()
    inputs = [Recorded(x.copy(), tape) for x in first]
    result = operation(*inputs)
    np.testing.assert_array_equal(result.value, operation(*first), strict=True)
    for recorded, x in zip(inputs, others, strict=True):
        recorded.value[...] = x
    tape.replay()
    np.testing.assert_array_equal(result.value, operation(*others), strict=True)


def test_it_is_the_namespace_of_numpy_for_numpys_arrays(rng):
    x, y = rng.standard_normal((2, 6, 5)).astype(F)
    for name, operation in OPERATIONS.items():
        assert not isinstance(operation(x, y), Recorded), name
    assert xp.float32 is np.float32
    assert xp.isdtype(x.dtype, "real floating")


@pytest.mark.parametrize(
    "look",
    [
        bool,
        float,
        int,
        len,
        np.asarray,
        lambda x: x.__setitem__(0, 1.0),
        lambda x: xp.astype(x, F)[0] if x > 0 else x,
        xp.unique_counts,
    ],
)
def test_what_a_replay_cannot_repeat_is_refused(look):
    with pytest.raises(RecordingError, match="looks at a value|no array"):
        look(Recorded(np.ones(3, F), Tape()))


def test_it_is_not_walked_through():
    with pytest.raises(TypeError):
        iter(Recorded(np.ones(3, F), Tape()))


def test_what_a_step_only_takes_rows_of_stays_where_it_is():
    held = [np.arange(12.0).reshape(4, 3), np.ones((4, 3))]
    rows = np.asarray([0, 2])
    tape = Tape()
    carried = [Recorded(np.zeros((4, 3)), tape) for _ in range(2)]
    taken = [xp.take(x, Recorded(rows, tape), axis=0) for x in held]
    for x, data in zip(carried, held, strict=True):
        operator.iadd(x, data)
    moved = tape.join([x.value for x in carried])
    for x in carried:
        moved(x.value)[...] = 0.0
    for x in held:
        x[...] = 10.0 * x
    tape.replay()
    for x, data, some in zip(carried, held, taken, strict=True):
        np.testing.assert_array_equal(moved(x.value), data)
        np.testing.assert_array_equal(moved(some.value), data[rows])
