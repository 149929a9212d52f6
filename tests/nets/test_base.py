import numpy as np
import pytest

from xpnet.backends import get_backend
from xpnet.errors import InputError
from xpnet.nets import Net, TwoLayerNet, is_own_net


def make(backend, *args, **kwargs):
    """Return a net on the backend of a fixture: on NumPy its parameters may be read-only."""
    net = TwoLayerNet(*args, device=backend.text, **kwargs)
    if backend.name == "numpy":
        net.params = {name: backend.asarray(x) for name, x in net.params.items()}
    return net


@pytest.fixture
def net(backend):
    return make(backend, 12, 5, 3, 1.0)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "int32", "int64", "float32", "float64"]
)
def test_takes_host_inputs_of_every_number_type(backend, net, rng, dtype):
    X = rng.integers(0, 2 if dtype == "bool" else 100, (6, 12)).astype(dtype)
    y = rng.integers(0, 3, 6)
    known = net.loss(backend.asarray(X.astype(np.float32)))
    before = X.copy()
    scores, (loss, grads) = net.loss(X), net.loss(X, y)
    for result in (scores, loss, *grads.values()):
        assert result.dtype == backend.dtype("float32")
    np.testing.assert_array_equal(backend.to_numpy(scores), backend.to_numpy(known))
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_takes_device_inputs_and_labels(backend, net, rng, dtype):
    X, y = rng.integers(0, 100, (6, 12)).astype(dtype), rng.integers(0, 3, 6)
    loss, grads = net.loss(backend.asarray(X), backend.asarray(y))
    known, known_grads = net.loss(X, y)
    assert float(loss) == float(known)
    for name, grad in grads.items():
        np.testing.assert_array_equal(backend.to_numpy(grad), backend.to_numpy(known_grads[name]))


def test_takes_lists(backend, net):
    X, y = [[0.5] * 12, [1] * 12] * 3, [2, 0, 1] * 2
    assert float(net.loss(X, y)[0]) == float(net.loss(np.asarray(X), np.asarray(y))[0])


@pytest.mark.parametrize("shape", [(6, 3, 2, 2), (6, 12, 1), (6, 1, 12), (6, 4, 3)])
@pytest.mark.parametrize("members", [None, 2])
def test_flattens_samples(backend, rng, shape, members):
    net = make(backend, 12, 5, 3, 1.0, members=members)
    X = rng.standard_normal(shape).astype(np.float32)
    known = backend.to_numpy(net.loss(X.reshape(6, 12)))
    np.testing.assert_array_equal(backend.to_numpy(net.loss(X)), known)
    np.testing.assert_array_equal(backend.to_numpy(net.loss(backend.asarray(X))), known)


def test_takes_pictures(backend, rng):
    net = make(backend, hidden_dim=5, weight_scale=0.01)
    X = rng.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    W1, b1, W2, b2 = (backend.to_numpy(x).astype(np.float64) for x in net.params.values())
    known = np.maximum(X.reshape(4, 3072) @ W1 + b1, 0.0) @ W2 + b2
    np.testing.assert_allclose(backend.to_numpy(net.loss(X)), known, rtol=1e-4, atol=1e-5)


def test_writes_into_nothing(backend, net, rng):
    net.reg = 0.5
    X, y = rng.standard_normal((6, 12)).astype(np.float32), rng.integers(0, 3, 6)
    device_X, device_y = backend.asarray(X), backend.asarray(y)
    before = {name: np.array(backend.to_numpy(x)) for name, x in net.params.items()}
    arrays = dict(net.params)
    net.loss(device_X, device_y)
    np.testing.assert_array_equal(backend.to_numpy(device_X), X)
    np.testing.assert_array_equal(backend.to_numpy(device_y), y)
    for name, x in net.params.items():
        assert x is arrays[name]
        np.testing.assert_array_equal(backend.to_numpy(x), before[name])


def test_follows_the_arrays_that_the_caller_assigns(backend64, rng):
    # Made on NumPy in float32, then given arrays of another library, device and dtype.
    net = TwoLayerNet(12, 5, 3, reg=[0.1, 0.2], members=2)
    host = {name: rng.standard_normal(x.shape) for name, x in net.params.items()}
    X, y = rng.standard_normal((6, 12)), rng.integers(0, 3, 6)
    net.params = host
    known = net.loss(X, y)[0]
    net.params = {name: backend64.asarray(x) for name, x in host.items()}
    assert net.backend.name == backend64.name
    assert net.dtype == backend64.dtype("float64")
    loss, grads = net.loss(X, y)
    for result in (loss, *grads.values()):
        assert result.dtype == backend64.dtype("float64")
        assert backend64.name == "numpy" or result.device == net.params["W1"].device
    np.testing.assert_allclose(backend64.to_numpy(loss), known, rtol=1e-12)


def test_sizes_follow_the_arrays_too():
    net = TwoLayerNet(4, 5, 3)
    net.params = TwoLayerNet(7, 2, 6).params
    assert (net.input_dim, net.num_classes) == (7, 6)
    assert net.loss(np.ones((2, 7))).shape == (2, 6)


def test_constants(backend):
    net = make(backend, 4, 5, 3, reg=0.5)
    assert net.constants() == {"reg": 0.5}
    net.reg = 2
    assert type(net.constants()["reg"]) is float
    stack = make(backend, 4, 5, 3, reg=[0.25, 0.5], members=2)
    assert stack.constants()["reg"].dtype == backend.dtype("float32")
    assert backend.to_numpy(stack.constants()["reg"]).tolist() == [0.25, 0.5]
    stack.reg = [1.0, 2.0]  # assigned later, and a list
    assert backend.to_numpy(stack.constants()["reg"]).tolist() == [1.0, 2.0]
    stack.reg = [1.0, 2.0, 3.0]
    with pytest.raises(InputError, match="reg must be one number or 2 of them"):
        stack.constants()


@pytest.mark.parametrize("shape", [(6, 11), (6, 3, 2, 3), (12,), (), (6,), (2, 6, 12)])
def test_refuses_inputs_of_another_shape(backend, net, shape):
    for X in (np.ones(shape, np.float32), backend.asarray(np.ones(shape, np.float32))):
        with pytest.raises(InputError) as caught:
            net.loss(X)
        assert f"12 features a sample, as W1 has rows; got shape {shape}" in str(caught.value)


@pytest.mark.parametrize("shape", [(3, 6, 12), (2, 6, 11), (2, 6, 3, 4)])
def test_refuses_inputs_of_another_number_of_members(backend, shape):
    net = make(backend, 12, 5, 3, members=2)
    with pytest.raises(InputError, match="12 features a sample"):
        net.loss(np.ones(shape, np.float32))


@pytest.mark.parametrize(
    "X", [np.full((2, 12), "1"), np.ones((2, 12), complex), np.full((2, 12), None)]
)
def test_refuses_inputs_that_are_no_numbers(net, X):
    with pytest.raises(InputError, match="X must hold numbers; got dtype") as caught:
        net.loss(X)
    assert str(X.dtype) in str(caught.value)


@pytest.mark.parametrize("shape", [(5,), (6, 1), (), (2, 6), (1, 6)])
def test_refuses_labels_of_another_shape(backend, net, shape):
    X = np.ones((6, 12), np.float32)
    for y in (np.zeros(shape, np.int64), backend.asarray(np.zeros(shape, np.int64))):
        with pytest.raises(InputError) as caught:
            net.loss(X, y)
        assert f"shape (6,); got {shape}" in str(caught.value)


def test_refuses_labels_of_another_number_of_members(backend):
    net = make(backend, 12, 5, 3, members=2)
    with pytest.raises(InputError, match=r"shape \(6,\) or \(2, 6\); got \(3, 6\)"):
        net.loss(np.ones((6, 12)), np.zeros((3, 6), np.int64))


@pytest.mark.parametrize("label", [-1, 3, 255])
def test_refuses_host_labels_out_of_range(net, label):
    with pytest.raises(InputError, match=f"from 0 to 2, .* 3 classes; got {label} at row 1"):
        net.loss(np.ones((3, 12)), np.asarray([0, label, -5]))


@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_refuses_labels_that_are_not_integers(backend, net, dtype):
    y = np.asarray([0, 1]).astype(dtype)
    for labels in (y, backend.asarray(y)):
        with pytest.raises(InputError, match=f"integer labels; got dtype .*{dtype}"):
            net.loss(np.ones((2, 12)), labels)


def test_refuses_arrays_of_another_library(backend, net):
    # Only arrays of the host are moved to the net's device.
    third = "torch" if backend.name != "torch" else "jax"
    pytest.importorskip(third)
    other = get_backend(third)
    X, y = np.ones((2, 12), np.float32), np.asarray([0, 1])
    with pytest.raises(InputError, match=third):
        net.loss(other.asarray(X))
    with pytest.raises(InputError, match=third):
        net.loss(backend.asarray(X), other.asarray(y))


def test_refuses_the_loss_of_no_samples(net):
    assert tuple(net.loss(np.ones((0, 12))).shape) == (0, 3)
    with pytest.raises(InputError, match="sample"):
        net.loss(np.ones((0, 12)), np.zeros(0, np.int64))


def test_own_nets():
    class Renamed(TwoLayerNet):
        pass

    class Louder(TwoLayerNet):
        def loss(self, X, y=None):
            return super().loss(X, y)

    class Foreign:
        def __init__(self):
            self.params = {}

        def loss(self, X, y=None):
            return X

    assert is_own_net(TwoLayerNet(4, 5, 3))
    assert is_own_net(Renamed(4, 5, 3))
    assert not is_own_net(Louder(4, 5, 3))
    assert not is_own_net(Foreign())
    patched = TwoLayerNet(4, 5, 3)
    patched.loss = lambda X, y=None: 0.0
    assert not is_own_net(patched)


def test_a_net_must_give_its_pure_functions():
    with pytest.raises(TypeError, match="abstract"):
        Net()
