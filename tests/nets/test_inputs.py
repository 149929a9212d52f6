"""Real targets; the inputs and labels that every net takes are in test_base.py."""

import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.nets import FullyConnectedNet
from xpnet.nets.inputs import net_input, net_targets


def make(backend, outputs, members=None):
    return FullyConnectedNet(
        [4], 3, outputs, loss="squared", members=members, device=backend.text, seed=1
    )


@pytest.mark.parametrize(
    ("outputs", "members", "shape"),
    [
        (2, None, (5, 2)),
        (1, None, (5, 1)),
        (1, None, (5,)),
        (2, 3, (5, 2)),
        (2, 3, (3, 5, 2)),
        (1, 3, (5,)),
        (1, 3, (5, 1)),
        (1, 3, (3, 5)),
        (1, 3, (3, 5, 1)),
    ],
)
def test_targets_of_every_shape(backend, outputs, members, shape, rng):
    net = make(backend, outputs, members)
    host = rng.standard_normal(shape).astype(np.float32)
    x = net_input(net, rng.standard_normal((5, 3)))
    for y in (host, host.astype(np.float64), host.tolist(), backend.asarray(host)):
        found = net_targets(net, y, x)
        assert found.dtype == backend.dtype("float32")
        np.testing.assert_array_equal(backend.to_numpy(found), host)
    if backend.name != "jax":  # which compiles every shape anew
        scores = backend.to_numpy(net.loss(x))
        full = host if outputs > 1 or shape[-1:] == (1,) else host[..., None]
        known = ((scores - full) ** 2).sum(axis=-1).mean(axis=-1)
        np.testing.assert_allclose(backend.to_numpy(net.loss(x, host)[0]), known, rtol=1e-5)


def test_targets_may_be_whole_numbers(backend):
    net, X = make(backend, 2), np.ones((3, 3))
    y = np.asarray([[1, 2], [3, 4], [5, 6]])
    found = net_targets(net, y, net_input(net, X))
    assert found.dtype == backend.dtype("float32")
    assert backend.to_numpy(found).tolist() == y.tolist()


@pytest.mark.parametrize(
    ("outputs", "members", "shape", "named"),
    [
        (2, None, (5,), r"shape \(5, 2\); got \(5,\)"),
        (2, None, (4, 2), r"shape \(5, 2\); got \(4, 2\)"),
        (2, None, (2, 5), r"shape \(5, 2\); got \(2, 5\)"),
        (1, None, (1, 5), r"shape \(5,\) or \(5, 1\); got \(1, 5\)"),
        (2, 3, (3, 5), r"shape \(5, 2\) or \(3, 5, 2\); got \(3, 5\)"),
        (1, 3, (5, 3), r"shape \(5,\) or \(5, 1\) or \(3, 5\) or \(3, 5, 1\); got \(5, 3\)"),
    ],
)
def test_targets_of_another_shape_are_refused(backend, outputs, members, shape, named):
    net = make(backend, outputs, members)
    for y in (np.ones(shape), backend.asarray(np.ones(shape, np.float32))):
        with pytest.raises(InputError, match=f"y must have one target a sample, {named}"):
            net_targets(net, y, net_input(net, np.ones((5, 3))))


@pytest.mark.parametrize("y", [np.full((5, 2), "1"), np.ones((5, 2), complex)])
def test_targets_that_are_no_real_numbers_are_refused(y):
    with pytest.raises(InputError, match="y must hold numbers; got dtype"):
        FullyConnectedNet([4], 3, 2, loss="squared").loss(np.ones((5, 3)), y)


def test_no_targets_are_refused():
    with pytest.raises(InputError, match="the loss is a mean over samples, and X holds no sample"):
        FullyConnectedNet([], 3, 2, loss="squared").loss(np.ones((0, 3)), np.ones((0, 2)))


def test_complex_numbers_of_a_device_are_refused():
    torch = pytest.importorskip("torch")
    net = FullyConnectedNet([], 3, 2, loss="squared", device="torch:cpu")
    X, y = torch.ones((5, 3)), torch.ones((5, 2), dtype=torch.complex64)
    with pytest.raises(InputError, match="y must hold real numbers; got dtype torch.complex64"):
        net.loss(X, y)
    with pytest.raises(InputError, match="X must hold real numbers; got dtype torch.complex64"):
        net.loss(X + 1j)
