"""The order of the batches, and the gathering of their rows."""

import hashlib

import numpy as np
import pytest

from xpnet import InputError
from xpnet.data.batches import check_sampling, epoch_rows, gather


def test_a_shuffled_epoch_takes_no_row_twice_and_leaves_out_another_tail_each_time():
    left_out = []
    for epoch in range(20):
        rows = epoch_rows(23, 5, [0], epoch, "shuffle")
        assert rows.shape == (4, 5)
        assert len(set(rows.ravel().tolist())) == 20
        left_out.append(frozenset(range(23)) - set(rows.ravel().tolist()))
    assert len(set(left_out)) > 10


def test_replacement_misses_about_a_third():
    rows = epoch_rows(10_000, 100, [0], 0, "replacement")
    missed = 1 - len(set(rows.ravel().tolist())) / 10_000
    assert missed == pytest.approx(np.exp(-1), abs=0.02)


def test_equal_seeds_share_rows_and_others_have_their_own():
    shared = epoch_rows(30, 4, [3, 3, 3], 1, "shuffle")
    assert shared.shape == (7, 4)
    apart = epoch_rows(30, 4, [3, 8, 3], 1, "shuffle")
    assert apart.shape == (7, 3, 4)
    assert np.array_equal(apart[:, 0], shared)
    assert np.array_equal(apart[:, 2], shared)
    assert np.array_equal(apart[:, 1], epoch_rows(30, 4, [8], 1, "shuffle"))


def test_the_order_is_the_one_it_has_always_been():
    """A digest written out: every run that was ever made depends on it."""
    rows = epoch_rows(1000, 100, [0], 3, "shuffle").astype("<i8")
    digest = hashlib.sha256(rows.tobytes()).hexdigest()
    assert digest == "437bb37fba0fa51002d046daf2fe6db509bdf83f399482bc8d2a683e8a6c30b6"


def test_gather_takes_rows_on_every_backend(backend, rng):
    X = rng.integers(256, size=(9, 4), dtype=np.uint8)
    y = rng.integers(3, size=9)
    for rows in (np.array([8, 0, 3]), np.array([[1, 2], [7, 7], [0, 5]])):
        x, labels = gather(
            backend.asarray(X),
            backend.asarray(y),
            backend.asarray(rows),
            backend.xp.float32,
            backend.xp,
        )
        assert x.dtype == backend.xp.float32
        assert np.array_equal(backend.to_numpy(x), X[rows])
        assert np.array_equal(backend.to_numpy(labels), y[rows])


def test_a_gathered_batch_may_be_written_into(rng):
    X = rng.standard_normal((5, 2))
    before = X.copy()
    x, _ = gather(X, np.zeros(5, dtype=int), np.array([0, 1]), X.dtype, np)
    x -= 1
    assert np.array_equal(X, before)


def test_unknown_sampling_is_refused():
    with pytest.raises(InputError, match="'bootstrap'.*shuffle, replacement"):
        check_sampling("bootstrap")
