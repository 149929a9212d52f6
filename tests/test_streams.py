import hashlib
import threading

import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.streams import brief_stream, check_seed, stream

PURPOSES = ["weights", "order", "accuracy", "split", "dropout", "gradient_check"]


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()


def test_numbers_are_those_of_every_earlier_release():
    # A change here changes every run that was ever made.
    normals = stream(0, "weights", 1).standard_normal(1000)
    assert digest(normals) == "43b27c142fb6ef26a9d0caf21ba1524586032f704ab9ffa62f32bd774e6c9c77"
    assert stream(7, "order", 3).permutation(12).tolist() == [6, 0, 2, 7, 1, 9, 11, 3, 4, 10, 5, 8]
    assert stream(2**64 - 1, "dropout", 5).integers(0, 256, 8).tolist() == [
        159,
        113,
        235,
        176,
        206,
        81,
        161,
        100,
    ]


@pytest.mark.parametrize(("seed", "index"), [(0, 0), (7, 3), (2**64 - 1, 2**40)])
def test_a_stream_is_philox_with_its_key_and_counter(seed, index):
    philox = np.random.Philox(key=np.asarray([seed, 2], np.uint64), counter=index << 192)
    found = stream(seed, "order", index)
    assert (
        found.standard_normal(9).tolist() == np.random.Generator(philox).standard_normal(9).tolist()
    )


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_stream_starts_anew_at_each_call(purpose):
    first, second = (stream(3, purpose, 2).random(8) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_streams_of_all_seeds_purposes_and_indices_differ():
    drawn = {
        digest(stream(seed, purpose, index).random(8))
        for seed in (0, 1, 2, 5, 2**63, 2**64 - 1)
        for purpose in PURPOSES
        for index in (0, 1, 2, 5, 10**6)
    }
    assert len(drawn) == 6 * len(PURPOSES) * 5


def test_streams_are_not_correlated():
    drawn = np.asarray(
        [
            stream(seed, purpose, index).standard_normal(4000)
            for seed in (0, 1)
            for purpose in PURPOSES
            for index in (0, 1)
        ]
    )
    correlations = np.corrcoef(drawn) - np.eye(len(drawn))
    assert np.abs(correlations).max() < 5.0 / np.sqrt(4000)


def test_a_stream_does_not_run_into_the_next_index():
    # The index is the counter's high word: 2**192 blocks lie between two of them.
    long = stream(0, "order", 0).integers(0, 2**63, 20_000)
    nxt = stream(0, "order", 1).integers(0, 2**63, 100)
    assert not np.isin(nxt, long).any()


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1, np.int32(5), np.uint64(2**64 - 1)])
def test_takes_integers(seed):
    checked = check_seed(seed)
    assert type(checked) is int
    assert checked == seed
    np.testing.assert_array_equal(
        stream(seed, "order").random(3), stream(int(seed), "order").random(3)
    )


@pytest.mark.parametrize(
    "seed", [-1, 1.5, 1.0, True, False, np.True_, 2**64, "a", "1", None, [1], np.float64(1)]
)
def test_refuses_other_seeds_by_value(seed):
    for function in (check_seed, lambda s: stream(s, "weights")):
        with pytest.raises(InputError, match=r"integer from 0 to 2\*\*64 - 1; got ") as caught:
            function(seed)
        assert repr(seed) in str(caught.value)


@pytest.mark.parametrize("used", [0, 1, 3])
def test_a_brief_stream_begins_as_the_stream_does_whatever_was_drawn_before(used):
    for seed, purpose, index in ((0, "order", 0), (7, "accuracy", 3), (2**64 - 1, "order", 2**40)):
        before = brief_stream(5, "order", 1)
        before.integers(0, 256, used, dtype=np.uint32)  # leaves half a draw behind
        before.standard_normal(used)
        found = brief_stream(seed, purpose, index)
        expected = stream(seed, purpose, index)
        assert found.permutation(50).tolist() == expected.permutation(50).tolist()
        assert found.integers(0, 9, 7).tolist() == expected.integers(0, 9, 7).tolist()


def test_each_thread_has_a_brief_stream_of_its_own():
    found = brief_stream(3, "order", 1)
    others = []
    thread = threading.Thread(target=lambda: others.append(brief_stream(4, "order", 2).random(3)))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(others[0], stream(4, "order", 2).random(3))
    np.testing.assert_array_equal(found.random(3), stream(3, "order", 1).random(3))


def test_a_brief_stream_refuses_what_a_stream_does():
    with pytest.raises(InputError, match="seed must be an integer"):
        brief_stream(-1, "order")
