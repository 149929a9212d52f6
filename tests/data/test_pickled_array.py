import numpy as np
import pytest

from xpnet.data.pickled_array import BatchError, call, find_global, set_state

DTYPE = "numpy.dtype"


def uint8():
    return set_state(call(find_global(DTYPE), (b"u1", 0, 1)), (3, b"|"))


def empty(module="numpy.core.multiarray"):
    reconstruct = find_global(f"{module}._reconstruct")
    return call(reconstruct, (find_global("numpy.ndarray"), (0,), b"b"))


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_rebuilds_an_array_as_a_view_of_its_bytes(module):
    data = bytes(range(6))
    found = set_state(empty(module), (1, (2, 3), uint8(), False, data))
    np.testing.assert_array_equal(found, [[0, 1, 2], [3, 4, 5]])
    assert found.dtype == np.uint8
    assert not found.flags.owndata


def test_admits_no_other_name():
    with pytest.raises(BatchError, match=r"wants to run os\.system"):
        find_global("os.system")


@pytest.mark.parametrize(
    "state",
    [
        None,
        (),
        (1, (2, 3), None, False, bytes(6)),
        (1, [2, 3], "uint8", False, bytes(6)),
        (1, (2, True), "uint8", False, bytes(2)),
        (1, (2, 3), "uint8", False, bytes(7)),
        (1, (2, 3), "uint8", False, None),
        (1, (10**12, 10**12), "uint8", False, b""),
        (1, (1,) * 70, "uint8", False, b"x"),
    ],
)
def test_refuses_an_unsound_state(state):
    if state:
        state = tuple(uint8() if part == "uint8" else part for part in state)
    with pytest.raises(BatchError, match="array"):
        set_state(empty(), state)


def test_calls_nothing():
    dtype = find_global(DTYPE)
    for function, arguments in [(print, ("x",)), (dtype, None), (dtype, ()), (dtype, (1,))]:
        with pytest.raises(BatchError, match="calls something"):
            call(function, arguments)
    with pytest.raises(BatchError, match="dtype b'O8'"):
        call(dtype, (b"O8", 0, 1))
    with pytest.raises(BatchError, match="state of list"):
        set_state([], ())
