import math

import numpy as np
import pytest

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.losses import squared_loss

# Outputs and targets: shared by the members or their own, with and without an axis for one output.
SHAPES = [
    ((4, 3), (4, 3)),
    ((4, 1), (4, 1)),
    ((4, 1), (4,)),
    ((1, 1), (1,)),
    ((2, 4, 3), (4, 3)),
    ((2, 4, 3), (2, 4, 3)),
    ((4, 4, 4), (4, 4)),
    ((4, 4, 1), (4,)),
    ((4, 4, 1), (4, 1)),
    ((4, 4, 1), (4, 4)),
    ((2, 3, 4, 1), (2, 3, 4)),
    ((2, 3, 4, 2), (4, 2)),
]


def draw(rng, x_shape, y_shape):
    return rng.standard_normal(x_shape), rng.standard_normal(y_shape)


def full(x, y):
    """Return the targets in the shape of the outputs."""
    with_outputs = y if y.shape in (x.shape, x.shape[-2:]) else y[..., None]
    return np.broadcast_to(with_outputs, x.shape)


def looped(x, y):
    """The definition, in Python's floats, for outputs and targets (N, C)."""
    return math.fsum((a - b) ** 2 for a, b in zip(x.flat, y.flat, strict=True)) / len(x)


def test_by_hand(backend, also_jitted):
    x = backend.asarray(np.float32([[1.0, 2.0], [0.0, -1.0]]))
    y = backend.asarray(np.float32([[0.0, 4.0], [0.5, -1.0]]))
    for function in also_jitted(squared_loss):
        loss, dx = function(x, y)
        assert loss.shape == ()
        assert float(loss) == 2.625  # (1 + 4 + 0.25) / 2
        assert backend.to_numpy(dx).tolist() == [[1.0, -2.0], [-0.5, 0.0]]


@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
def test_value_and_gradient(backend64, rng, numeric_gradient, x_shape, y_shape, jitted):
    x, y = draw(rng, x_shape, y_shape)
    targets, members = full(x, y), x_shape[:-2]
    known = np.asarray([looped(x[k], targets[k]) for k in np.ndindex(members)])
    numeric = numeric_gradient(
        lambda a: sum(looped(a[k], targets[k]) for k in np.ndindex(members)), x
    )
    loss, dx = jitted(squared_loss)(backend64.asarray(x), backend64.asarray(y))
    assert tuple(loss.shape) == members
    np.testing.assert_allclose(backend64.to_numpy(loss), known.reshape(members), rtol=1e-14)
    np.testing.assert_allclose(backend64.to_numpy(dx), numeric, rtol=1e-7, atol=1e-9)


def test_agrees_with_torch(backend64, rng, jitted):
    torch = pytest.importorskip("torch")
    x, y = draw(rng, (20, 7), (20, 7))
    outputs = torch.tensor(x, requires_grad=True)
    known = torch.nn.functional.mse_loss(outputs, torch.tensor(y), reduction="sum") / 20
    known.backward()
    loss, dx = jitted(squared_loss)(backend64.asarray(x), backend64.asarray(y))
    np.testing.assert_allclose(backend64.to_numpy(loss), known.item(), rtol=1e-14)
    np.testing.assert_allclose(backend64.to_numpy(dx), outputs.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("targets", ["float32", "float64"])
def test_keeps_the_outputs_dtype_and_leaves_its_inputs(backend64, rng, dtype, targets):
    host, host_y = draw(rng, (2, 4, 3), (4, 3))
    host, host_y = host.astype(dtype), host_y.astype(targets)
    x, y = backend64.asarray(host), backend64.asarray(host_y)
    for result in squared_loss(x, y):
        assert result.dtype == backend64.dtype(dtype)
        assert backend64.name == "numpy" or device(result) == device(x)
    np.testing.assert_array_equal(backend64.to_numpy(x), host)
    np.testing.assert_array_equal(backend64.to_numpy(y), host_y)


@pytest.mark.parametrize("shared", [True, False])
def test_a_stack_is_its_members(backend, rng, shared, jitted):
    x, y = draw(rng, (5, 300, 5), (300, 5) if shared else (5, 300, 5))
    x, y = x.astype(np.float32), y.astype(np.float32)
    loss = jitted(squared_loss)
    value, dx = map(backend.to_numpy, loss(backend.asarray(x), backend.asarray(y)))
    for k in range(5):
        own = backend.asarray(y if shared else y[k])
        solo, solo_dx = map(backend.to_numpy, loss(backend.asarray(x[k]), own))
        np.testing.assert_allclose(value[k], solo, rtol=1e-5)
        np.testing.assert_allclose(dx[k], solo_dx, rtol=1e-5, atol=1e-9)
        if backend.name == "numpy":
            assert value[k] == solo
            np.testing.assert_array_equal(dx[k], solo_dx)


@pytest.mark.parametrize("spoilt", ["x", "y"])
def test_nan_stays_visible(backend, spoilt, jitted):
    arrays = {"x": np.ones((3, 2), np.float32), "y": np.zeros((3, 2), np.float32)}
    arrays[spoilt][1, 0] = np.nan
    loss, dx = jitted(squared_loss)(*(backend.asarray(a) for a in arrays.values()))
    assert math.isnan(loss)
    assert np.argwhere(np.isnan(backend.to_numpy(dx))).tolist() == [[1, 0]]


@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
def test_runs_without_data(x_shape, y_shape):
    torch = pytest.importorskip("torch")
    x, y = torch.empty(x_shape, device="meta"), torch.empty(y_shape, device="meta")
    loss, dx = squared_loss(x, y)
    assert (tuple(loss.shape), loss.device.type) == (x_shape[:-2], "meta")
    assert (dx.shape, dx.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize(
    ("x_shape", "y_shape"),
    [
        ((4, 3), (4,)),
        ((4, 3), (3, 4)),
        ((4, 3), (2, 4, 3)),
        ((4, 1), ()),
        ((4, 1), (1,)),
        ((3,), (3,)),
        ((2, 4, 3), (2, 4)),
        ((2, 4, 1), (2,)),
        ((2, 4, 1), (3, 4)),
    ],
)
def test_refuses_shapes_that_do_not_fit(backend, x_shape, y_shape):
    x, y = (backend.asarray(np.zeros(shape, np.float32)) for shape in (x_shape, y_shape))
    with pytest.raises(InputError) as caught:
        squared_loss(x, y)
    assert f"outputs {x_shape} and targets {y_shape}" in str(caught.value)


def test_refuses_integers_and_no_samples(backend):
    floats = backend.asarray(np.zeros((2, 1), np.float32))
    whole = backend.asarray(np.zeros((2, 1), np.int32))
    with pytest.raises(InputError, match="targets must be real floating; got dtype .*int32: cast"):
        squared_loss(floats, whole)
    with pytest.raises(InputError, match="outputs must be real floating; got dtype .*int32"):
        squared_loss(whole, floats)
    none = backend.asarray(np.zeros((0, 1), np.float32))
    with pytest.raises(InputError, match=r"there is none in outputs \(0, 1\)"):
        squared_loss(none, none)


def test_refuses_two_libraries():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"torch\.Tensor, numpy\.ndarray"):
        squared_loss(torch.zeros((1, 2)), np.zeros((1, 2)))
