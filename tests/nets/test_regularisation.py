import numpy as np
import pytest

from xpnet.nets.regularisation import add_penalty_gradients, is_regularised, penalty

# The weights of a hidden and of the last layer: affine, and maxout with its two pieces. There are
# as many members as features, so that a strength that is taken for a feature's fits in silence.
SHAPES = [((), (3, 5)), ((3,), (3, 3)), ((), (2, 3, 5)), ((3,), (2, 3, 3))]


@pytest.fixture(params=SHAPES, ids=str)
def weights(request, rng):
    members, shape = request.param
    params = {
        "W1": rng.standard_normal((*members, *shape)),
        "b1": rng.standard_normal((*members, shape[-1])),
        "W2": rng.standard_normal((*members, shape[-1], 4)),
    }
    reg = np.asarray([0.0, 0.5, 2.0]) if members else 0.5
    return params, reg


def by_hand(params, reg):
    regs, count = np.atleast_1d(reg), np.size(reg)
    squares = [
        sum((params[name].reshape(count, -1)[k] ** 2).sum() for name in ("W1", "W2"))
        for k in range(count)
    ]
    return np.reshape(0.5 * regs * squares, np.shape(reg))


def test_value_and_gradient(backend64, weights, numeric_gradient):
    host, reg = weights
    params = {name: backend64.asarray(w) for name, w in host.items()}
    given = reg if isinstance(reg, float) else backend64.asarray(reg)
    found = penalty(params, ["W1", "W2"], given, backend64.xp)
    np.testing.assert_allclose(backend64.to_numpy(found), by_hand(host, reg), rtol=1e-13)
    start = {name: np.full_like(w, 0.25) for name, w in host.items()}
    grads = {
        name: backend64.xp.asarray(backend64.asarray(g), copy=True) for name, g in start.items()
    }
    add_penalty_gradients(grads, params, ["W1", "W2"], given, backend64.xp)
    for name, w in host.items():
        known = numeric_gradient(lambda a, n=name: by_hand({**host, n: a}, reg).sum(), w)
        np.testing.assert_allclose(backend64.to_numpy(grads[name]) - 0.25, known, atol=1e-8)
        np.testing.assert_array_equal(backend64.to_numpy(params[name]), w)


def test_a_plain_zero_alone_costs_nothing():
    assert not is_regularised(0.0)
    assert is_regularised(1e-9)
    assert is_regularised(np.zeros(3))  # its values are on the device, where nobody looks
