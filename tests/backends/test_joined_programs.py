"""Random programs on a tape whose calls were joined, and on one where they were not, to the bit."""

import operator

import numpy as np
import pytest

from xpnet.backends.recording import Recorded, RecordingNamespace, Tape

xp = RecordingNamespace()
SHAPES = [(6, 5), (5,), (5, 3), (3,), (1, 5), (4, 4), (2, 4, 4)]
FUNCTIONS = ["add", "subtract", "multiply", "maximum", "minimum"]
IN_PLACE = [operator.iadd, operator.isub, operator.imul]


def program(rng, given, numbers):
    """Apply operations that the generator draws; return all results."""
    pool = list(given)
    for _ in range(rng.integers(4, 16)):
        kind, name = rng.integers(8), FUNCTIONS[rng.integers(len(FUNCTIONS))]
        write, number = IN_PLACE[rng.integers(len(IN_PLACE))], numbers[rng.integers(len(numbers))]
        for x in [pool[k] for k in rng.integers(len(pool), size=rng.integers(1, 5))]:
            alike = [y for y in pool if y.shape == x.shape]
            y = alike[rng.integers(len(alike))]
            if kind == 0:
                pool.append(getattr(xp, name)(x, y))
            elif kind == 1 and x.ndim:
                write(x, y)
            elif kind == 2:
                pool.append(getattr(xp, name)(x, number))
            elif kind == 3 and x.ndim:
                write(x, number)
            elif kind == 4 and x.ndim:
                pool.append(xp.sum(x, axis=int(rng.integers(x.ndim))))
            elif kind == 5 and x.ndim > 1:
                pool.append(x @ xp.matrix_transpose(y))
            elif kind == 6 and x.ndim:
                pool.append([x[1:], x[::-1], x[..., :2], x[0]][rng.integers(4)])
            elif kind == 7 and x.ndim:
                pool.append(xp.take(x, np.asarray([0, x.shape[0] - 1]), axis=0))
        numbers.append(xp.multiply(number, number))
        pool = [x for x in pool if 0 < x.size < 500]
    return pool


def recorded(seed, *, join):
    """Return what a program's arrays hold after it ran three times, its carried ones changing."""
    rng = np.random.default_rng(seed)
    order = "CF"[rng.integers(2)]
    shapes = [SHAPES[k] for k in rng.integers(len(SHAPES), size=4)]
    tape = Tape()
    arrays = [np.asarray(rng.standard_normal(s), np.float32, order=order) for s in shapes * 2]
    given = [Recorded(x, tape) for x in arrays]
    numbers = [Recorded(np.asarray(rng.standard_normal(), np.float32), tape) for _ in range(2)]
    results = program(rng, given, list(numbers))
    moved = tape.join(arrays) if join else lambda x: x
    for _ in range(2):
        for number in numbers:
            moved(number.value)[...] = rng.standard_normal()
        tape.replay()
    return len(tape.calls), [np.array(moved(x.value)) for x in [*given, *results]]


@pytest.mark.parametrize("block", range(8))
def test_joined_calls_give_the_same_bits(block):
    fewer = 0
    with np.errstate(all="ignore"):
        for seed in range(50 * block, 50 * block + 50):
            calls, expected = recorded(seed, join=False)
            joined, found = recorded(seed, join=True)
            fewer += joined < calls
            for x, y in zip(found, expected, strict=True):
                np.testing.assert_array_equal(x, y, err_msg=f"seed {seed}", strict=True)
    assert fewer > 5
