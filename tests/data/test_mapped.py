import numpy as np
import pytest

from xpnet.data.mapped import MappedRows, common_dtype, is_mapped

VALUES = np.arange(60, dtype=np.float32).reshape(10, 3, 2)


@pytest.fixture
def mapped(tmp_path):
    """`mapped(x)` is `x` in a file, memory-mapped."""

    def write(x):
        np.save(tmp_path / "x.npy", x)
        return np.load(tmp_path / "x.npy", mmap_mode="r")

    return write


def test_views_of_a_map_are_mapped_and_what_is_computed_is_not(mapped):
    x = mapped(VALUES)
    for view in (x, x[2:], x[::-2], np.asarray(x), np.asarray(x)[1:].reshape(9, 6), x.T):
        assert is_mapped(view)
    for other in (VALUES, x + 1, x.copy(), np.array(x), x[[1, 2]], x.astype(np.float64), [1], None):
        assert not is_mapped(other)


@pytest.mark.parametrize(
    ("x", "dtype"),
    [
        (np.zeros(2, np.uint8), "uint8"),
        (np.zeros(2, np.float16), "float32"),
        (np.zeros(2, ">f4"), "float32"),
        (np.zeros(2, ">i2"), "int16"),
        (np.zeros(2, np.longdouble), "float64"),
        (np.array([2**31 - 1]), "int64"),
        (np.array([1 - 2**31]), "int64"),
        (np.array([2**31]), "float64"),
        (np.array([-(2**63)]), "float64"),
        (np.array([2**63], np.uint64), "float64"),
    ],
)
def test_common_dtype(x, dtype):
    assert common_dtype(x) == np.dtype(dtype)
    assert common_dtype(x).isnative


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f2", "u1", ">i8"])
@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[::-2], lambda x: x[1:, :, ::-1]])
def test_rows_are_those_of_the_array_in_a_common_dtype(mapped, dtype, view):
    x = view(VALUES)
    rows = MappedRows(view(mapped(VALUES.astype(dtype))))
    assert (len(rows), rows.shape) == (len(x), x.shape)
    numbers = np.array([[3, 0], [3, 4]])
    for key in (slice(1, 4), numbers, numbers[0]):
        assert rows[key].dtype == rows.dtype == common_dtype(np.zeros(1, dtype))
        np.testing.assert_array_equal(rows[key], x[key])
    some = rows.subset(np.array([4, 1, 2])).subset(np.array([2, 0]))
    assert (len(some), some.shape) == (2, (2, *x.shape[1:]))
    np.testing.assert_array_equal(some[:5], x[[2, 4]])
    np.testing.assert_array_equal(some[np.array([1])], x[[4]])


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[::2]])
def test_a_batch_allocates_no_more_than_itself(mapped, view):
    """numpy.take would first copy all of the second one."""
    import tracemalloc

    x = view(mapped(np.zeros((20_000, 100), np.uint8)))
    rows = MappedRows(x)
    tracemalloc.start()
    batch = rows[np.arange(50)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert batch.nbytes == 5_000
    assert peak < 50_000
