import numpy as np
import pytest

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.layers import ReluCache, relu_backward, relu_forward

SHAPES = [(4,), (3, 4), (2, 3, 4), (2, 3, 2, 4)]


def away_from_the_kink(rng, shape):
    """Return numbers whose size is at least 0.1."""
    x = rng.standard_normal(shape)
    return x + np.copysign(0.1, x)


def test_values_by_hand(backend, also_jitted):
    x = backend.asarray(np.float32([-2.0, -0.0, 0.0, 1e-30, 3.5]))
    dout = backend.asarray(np.float32([1.0, 2.0, 3.0, 4.0, 5.0]))
    for forward, backward in zip(
        also_jitted(relu_forward), also_jitted(relu_backward), strict=True
    ):
        out, cache = forward(x)
        assert isinstance(cache, ReluCache)
        assert backend.to_numpy(out).tolist() == [0.0, 0.0, 0.0, np.float32(1e-30), 3.5]
        # 0 at the kink, as in the notes.
        assert backend.to_numpy(backward(dout, cache)).tolist() == [0.0, 0.0, 0.0, 4.0, 5.0]


def test_keeps_nan_and_infinity(backend, also_jitted):
    x = backend.asarray(np.float32([np.nan, np.inf, -np.inf, -1.0]))
    for forward, backward in zip(
        also_jitted(relu_forward), also_jitted(relu_backward), strict=True
    ):
        out, cache = forward(x)
        np.testing.assert_array_equal(backend.to_numpy(out), [np.nan, np.inf, 0.0, 0.0])
        dout = backend.asarray(np.float32([1.0, np.nan, 1.0, np.nan]))
        np.testing.assert_array_equal(
            backend.to_numpy(backward(dout, cache)), [0.0, np.nan, 0.0, 0.0]
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_backward_is_the_numeric_gradient(backend64, rng, numeric_gradient, shape, also_jitted):
    host, dout = away_from_the_kink(rng, shape), rng.standard_normal(shape)
    known = numeric_gradient(lambda x: np.sum(relu_forward(x)[0] * dout), host)
    for forward, backward in zip(
        also_jitted(relu_forward), also_jitted(relu_backward), strict=True
    ):
        _, cache = forward(backend64.asarray(host))
        dx = backend64.to_numpy(backward(backend64.asarray(dout), cache))
        np.testing.assert_allclose(dx, known, rtol=1e-7, atol=1e-9)


def test_agrees_with_torch(rng):
    torch = pytest.importorskip("torch")
    x = torch.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    dout = torch.tensor(rng.standard_normal((3, 4)))
    out = torch.nn.functional.relu(x)
    out.backward(dout)
    found, cache = relu_forward(x.detach())
    assert torch.equal(found, out.detach())
    assert torch.equal(relu_backward(dout, cache), x.grad)


def test_a_stack_is_its_members(backend, rng):
    x, dout = (rng.standard_normal((3, 3, 4)).astype(np.float32) for _ in "xd")
    out, cache = relu_forward(backend.asarray(x))
    dx = relu_backward(backend.asarray(dout), cache)
    for k in range(3):
        solo, cache = relu_forward(backend.asarray(x[k]))
        solo_dx = relu_backward(backend.asarray(dout[k]), cache)
        np.testing.assert_array_equal(backend.to_numpy(out)[k], backend.to_numpy(solo))
        np.testing.assert_array_equal(backend.to_numpy(dx)[k], backend.to_numpy(solo_dx))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_dtype_and_device_and_leaves_its_inputs(backend64, rng, dtype):
    host, host_dout = (rng.standard_normal((3, 4)).astype(dtype) for _ in "xd")
    x, dout = backend64.asarray(host), backend64.asarray(host_dout)
    out, cache = relu_forward(x)
    for result in (out, relu_backward(dout, cache)):
        assert result.dtype == backend64.dtype(dtype)
        assert device(result) == device(x)
    np.testing.assert_array_equal(backend64.to_numpy(x), host)
    np.testing.assert_array_equal(backend64.to_numpy(dout), host_dout)


@pytest.mark.parametrize("shape", SHAPES)
def test_runs_without_data(shape):
    torch = pytest.importorskip("torch")
    x = torch.empty(shape, device="meta")
    out, cache = relu_forward(x)
    assert (out.shape, out.device.type) == (x.shape, "meta")
    assert relu_backward(out, cache).shape == x.shape


def test_refuses_a_dout_of_another_shape(backend):
    _, cache = relu_forward(backend.asarray(np.ones((3, 4), np.float32)))
    with pytest.raises(InputError, match=r"input's shape \(3, 4\); got \(4,\)"):
        relu_backward(backend.asarray(np.ones(4, np.float32)), cache)
