import os
import pickle
import random
import struct
from contextlib import suppress

import numpy as np
import pytest

from xpnet.data.unpickle import LARGEST_FILE, load_batch
from xpnet.errors import InputError

PICTURES = np.arange(12, dtype=np.uint8).reshape(3, 4)


def refusal(path):
    with pytest.raises(InputError) as caught:
        load_batch(path)
    message = str(caught.value)
    assert str(path) in message
    assert "download it anew (--download)" in message
    return message


def test_reads_dictionaries_lists_numbers_strings_and_pictures(write_pickle):
    value = {b"data": PICTURES, b"labels": [0, 9, 300, -1], b"long": b"x" * 400, b"d": {b"e": []}}
    path = write_pickle(value)
    found = load_batch(path)
    np.testing.assert_array_equal(found.pop(b"data"), PICTURES)
    assert found == {k: v for k, v in value.items() if k != b"data"}


def test_agrees_with_pythons_unpickler(write_pickle):
    path = write_pickle({b"data": PICTURES, b"labels": [1, 70000]})
    with path.open("rb") as file:
        theirs = pickle.load(file, encoding="bytes")
    ours = load_batch(path)
    assert ours[b"labels"] == theirs[b"labels"]
    assert ours[b"data"].dtype == theirs[b"data"].dtype
    np.testing.assert_array_equal(ours[b"data"], theirs[b"data"])


def test_reads_what_pythons_own_pickler_writes(tmp_path):
    # Protocol 2 with memo, short tuples and booleans; numbers and lists need no text.
    path = tmp_path / "batch"
    shared = [1, 2]
    path.write_bytes(
        b"\x80\x02}(U\x01a" + pickle.dumps((shared, shared, True, None, 2**40), 2)[2:-1] + b"u."
    )
    found = load_batch(path)[b"a"]
    assert found == ([1, 2], [1, 2], True, None, 2**40)
    assert found[0] is found[1]


def test_reads_fortran_order(write_pickle, array_code):
    code = array_code((3, 4), PICTURES.tobytes(order="F"), fortran=True)
    found = load_batch(write_pickle(b"}U\x04data" + code + b"s"))
    np.testing.assert_array_equal(found[b"data"], PICTURES)


def test_runs_no_command(tmp_path, write_pickle):
    trace = tmp_path / "it-ran"

    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {trace}",)

    path = tmp_path / "attack"
    path.write_bytes(pickle.dumps({"data": Attack()}, protocol=0))
    refusal(path)
    command = f"touch {trace}".encode()
    path = write_pickle(b"cposix\nsystem\n(U" + bytes([len(command)]) + command + b"tR")
    assert "wants to run posix.system" in refusal(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["builtins.eval", "numpy.load", "numpy.ndarray.dump", "numpy.core.multiarray.array"]
)
def test_names_the_function_that_a_file_wants(write_pickle, name):
    module, _, function = name.rpartition(".")
    assert f"wants to run {name}" in refusal(write_pickle(f"c{module}\n{function}\n".encode()))


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (b"\x82\x01", "unknown pickle instruction"),  # extension registry
        (b"U\x01aQ", "unknown pickle instruction"),  # persistent id
        (b"\x8c\x01a", "unknown pickle instruction"),  # Python 3 text
        (b"iposix\nsystem\n", "unknown pickle instruction"),
        (b"K\x05", "holds a int, not a dictionary"),
        (b"", "lacks a value"),
        (b"}(K\x01", "lacks a value|not a dictionary"),
        (b"t", "no beginning"),
        (b"h\x07", "value 7"),
        (b"}K\x01a", "appends to a dict"),
        (b"]U\x01aK\x01s", "sets items of a list"),
        (b"}(U\x01au", "sets items of a dict"),
        (b"}" + b")" + b"\x85" * 100_000 + b"K\x01s", "key in it is no byte string"),
        (b"cnumpy\ndtype\n" * 2 + b"R", "calls something"),
        (b"cnumpy\ndtype\n(U\x02O8K\x00K\x01tR", "dtype b'O8', not uint8"),
        (b"cnumpy\ndtype\n(U\x02i8K\x00K\x01tR", "dtype b'i8', not uint8"),
        (b"}}b", "sets the state of dict"),
        (b"c" + b"a" * 500, "no end"),
        (b"T\xff\xff\xff\x7f", "truncated or damaged"),
        (b"T\xff\xff\xff\xff", "truncated or damaged"),
        (b"0" * 3, "unknown pickle instruction"),
    ],
)
def test_refuses_other_pickles(write_pickle, code, what):
    with pytest.raises(InputError, match=what):
        load_batch(write_pickle(code))
    refusal(write_pickle(code))


@pytest.mark.parametrize("shape", [(2**31 - 1, 2**31 - 1), (3, 5), (0, 12), (-3, -4), (3, 4, 1)])
def test_refuses_a_lying_shape(write_pickle, array_code, shape):
    assert "shape" in refusal(write_pickle(b"}U\x04data" + array_code(shape, bytes(12)) + b"s"))


@pytest.mark.parametrize("dtype", [b"O8", b"f8", b"V1", b"S1", b"u1,u1"])
def test_refuses_other_dtypes(write_pickle, array_code, dtype):
    code = array_code((3, 4), bytes(12), dtype=dtype)
    assert repr(dtype) in refusal(write_pickle(b"}U\x04data" + code + b"s"))


def test_a_huge_memo_index_reserves_nothing(write_pickle):
    found = load_batch(write_pickle(b"}r" + struct.pack("<I", 2**32 - 1)))
    assert found == {}


def test_refuses_endless_instructions(write_pickle):
    assert "goes on after 1000000" in refusal(write_pickle(b"}" * 1_000_001))


def test_refuses_every_truncation(write_pickle):
    path = write_pickle({b"data": PICTURES, b"labels": [0, 1, 300], b"name": b"y" * 300})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert "truncated" in refusal(path)


def test_survives_damage(write_pickle):
    path = write_pickle({b"data": PICTURES, b"labels": [0, 1, 300], b"name": b"y" * 30})
    whole = path.read_bytes()
    draw = random.Random(0)
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            damaged[draw.randrange(len(whole))] = draw.randrange(256)
        path.write_bytes(damaged)
        with suppress(InputError):  # damage to a pixel is not seen
            assert isinstance(load_batch(path), dict)


def test_refuses_a_large_file_unread(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    assert f"{LARGEST_FILE + 1} bytes" in refusal(path)


def test_refuses_what_is_no_file(tmp_path):
    refusal(tmp_path)
    refusal(tmp_path / "nothing")
    page = tmp_path / "page"
    page.write_text("<html>not found</html>")
    assert "instruction b'<' at byte 0" in refusal(page)
