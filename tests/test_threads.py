"""How many threads a training gives to the matrix products."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import xpnet
from xpnet import train


def threads_now():
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


class Counter:
    """A callback that reads the threads in the middle of a training."""

    def on_epoch(self, solver):
        self.found = threads_now()


def found_in_training(hidden_dim, num_features, **options):
    rng = np.random.default_rng(0)
    data = {
        "X_train": rng.standard_normal((100, num_features)).astype(np.float32),
        "y_train": rng.integers(0, 3, size=100),
        "X_val": rng.standard_normal((10, num_features)).astype(np.float32),
        "y_val": rng.integers(0, 3, size=10),
    }
    counter = Counter()
    net = xpnet.TwoLayerNet(num_features, hidden_dim, 3)
    solver = xpnet.Solver(
        net, data, batch_size=50, num_epochs=1, callbacks=[counter], verbose=False, **options
    )
    solver.train()
    return counter.found


@pytest.fixture
def two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        if threads_now() != 2:
            pytest.skip("this BLAS has one thread")
        yield


def test_small_products_get_one_thread_and_large_ones_all(two_threads):
    assert found_in_training(20, 64) == 1
    assert found_in_training(64, 2000) == 2
    assert threads_now() == 2


def test_a_number_that_was_asked_for_is_taken(two_threads):
    assert found_in_training(20, 64, threads=2) == 2
    assert found_in_training(64, 2000, threads=1) == 1
    with pytest.raises(xpnet.InputError, match="threads must be"):
        found_in_training(20, 64, threads=0)


def test_the_largest_product_counts():
    backend = xpnet.get_backend("cpu")
    assert backend.fitting_threads(2 * 100 * 64 * 50) == 1
    assert backend.fitting_threads(2 * 100 * 3072 * 50) is None
    small = xpnet.TwoLayerNet(64, 50, 10, members=100)
    data = xpnet.data.load("digits")
    assert xpnet.Solver(small, data, verbose=False).threads == 1


def test_the_command_line_says_how_many(capsys, two_threads):
    assert train.main(["--num-epochs", "1"]) == 0
    assert ", 1 BLAS thread\n" in capsys.readouterr().out
    assert train.main(["--num-epochs", "1", "--threads", "2"]) == 0
    assert ", 2 BLAS threads\n" in capsys.readouterr().out
