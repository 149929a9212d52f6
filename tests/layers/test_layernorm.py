from functools import partial

import numpy as np
import pytest

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.layers import LayerNormCache, layernorm_backward, layernorm_forward

# As many members as samples or features too, so that no axis hides behind another; and one sample.
SHAPES = [(5, 4), (3, 2), (1, 4), (3, 5, 4), (3, 3, 3), (2, 3, 4, 3)]


def draw(rng, shape):
    """Return x, gamma, beta and dout on the host, in float64."""
    small = shape[:-2] + shape[-1:]
    x, dout = 2 * rng.standard_normal(shape) + 1, rng.standard_normal(shape)
    return x, rng.standard_normal(small), rng.standard_normal(small), dout


def on(backend, given, dtype=np.float64):
    """Return arrays on a backend."""
    return [backend.asarray(np.asarray(a).astype(dtype)) for a in given]


def test_values_by_hand(backend):
    x, gamma, beta, dout = on(backend, ([[1, 3]], [2, 4], [1, 0], [[1, 3]]), np.float32)
    # The sample has mean 2 and variance 1, so that with eps = 3 the deviation is 2.
    out, cache = layernorm_forward(x, gamma, beta, eps=3.0)
    assert isinstance(cache, LayerNormCache)
    assert backend.to_numpy(out).tolist() == [[0.0, 2.0]]
    dx, dgamma, dbeta = (backend.to_numpy(g).tolist() for g in layernorm_backward(dout, cache))
    # g = gamma dout = (2, 12) has mean 7, and x^ = (-1/2, 1/2) goes along it by 2.5.
    assert dx == [[(2 - 7 + 1.25) / 2, (12 - 7 - 1.25) / 2]]
    assert (dgamma, dbeta) == ([-0.5, 1.5], [1.0, 3.0])


@pytest.mark.parametrize("shape", SHAPES)
def test_each_sample_gets_mean_0_and_deviation_1(backend64, rng, shape, jitted):
    x, *_ = on(backend64, draw(rng, shape))
    small = shape[:-2] + shape[-1:]
    one, zero = on(backend64, (np.ones(small), np.zeros(small)))
    found = backend64.to_numpy(jitted(partial(layernorm_forward, eps=1e-300))(x, one, zero)[0])
    np.testing.assert_allclose(found.mean(axis=-1), 0.0, atol=1e-13)
    np.testing.assert_allclose(found.std(axis=-1), 1.0, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_backward_is_the_numeric_gradient(backend64, rng, numeric_gradient, shape, jitted):
    *host, host_dout = draw(rng, shape)

    def objective(i, changed):
        arrays = [*host[:i], changed, *host[i + 1 :]]
        return np.sum(layernorm_forward(*arrays, eps=1e-2)[0] * host_dout)

    known = [
        numeric_gradient(lambda a, i=i: objective(i, a), array) for i, array in enumerate(host)
    ]
    *given, dout = on(backend64, (*host, host_dout))
    _, cache = jitted(partial(layernorm_forward, eps=1e-2))(*given)
    grads = jitted(layernorm_backward)(dout, cache)
    assert [tuple(g.shape) for g in grads] == [a.shape for a in host]
    for grad, numeric in zip(grads, known, strict=True):
        np.testing.assert_allclose(backend64.to_numpy(grad), numeric, rtol=2e-7, atol=1e-8)


@pytest.mark.parametrize("shape", [(6, 4), (1, 4), (7, 30)])
@pytest.mark.parametrize("eps", [1e-5, 0.1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_agrees_with_torch(rng, shape, eps, dtype):
    torch = pytest.importorskip("torch")
    *host, dout = (a.astype(dtype) for a in draw(rng, shape))
    x, gamma, beta = (torch.tensor(a, requires_grad=True) for a in host)
    expected = torch.nn.functional.layer_norm(x, shape[-1:], gamma, beta, eps)
    expected.backward(torch.tensor(dout))
    out, cache = layernorm_forward(*host, eps=eps)
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-12}
    tolerance = {"atol": 1e-12} | tolerance
    np.testing.assert_allclose(out, expected.detach().numpy(), **tolerance)
    found = layernorm_backward(dout, cache)
    for grad, known in zip(found, (x.grad, gamma.grad, beta.grad), strict=True):
        np.testing.assert_allclose(grad, known.numpy(), **tolerance)


@pytest.mark.parametrize("shape", [(5, 4), (3, 5, 4), (2, 3, 4, 3)])
def test_a_step_along_its_gradient_keeps_mean_and_scale(backend64, rng, shape):
    # A shift or a scaling of all features changes no output, so dx has no part along either.
    *given, dout = on(backend64, draw(rng, shape))
    _, cache = layernorm_forward(*given, eps=1e-300)
    dx = backend64.to_numpy(layernorm_backward(dout, cache)[0])
    np.testing.assert_allclose(dx.sum(axis=-1), 0.0, atol=1e-12)
    along = (dx * backend64.to_numpy(cache.normalised)).sum(axis=-1)
    np.testing.assert_allclose(along, 0.0, atol=1e-12)


def test_no_sample_sees_another(backend64, rng):
    *given, dout = on(backend64, draw(rng, (5, 4)))
    x, gamma, beta = given
    out, cache = layernorm_forward(*given)
    dx = layernorm_backward(dout, cache)[0]
    for n in range(5):
        own, cache = layernorm_forward(x[n : n + 1, :], gamma, beta)
        own_dx = layernorm_backward(dout[n : n + 1, :], cache)[0]
        for found, known in ((own, out), (own_dx, dx)):
            np.testing.assert_allclose(
                backend64.to_numpy(found)[0], backend64.to_numpy(known)[n], rtol=1e-12, atol=1e-13
            )


def test_a_stack_is_its_members(backend, rng, jitted):
    *given, dout = on(backend, draw(rng, (4, 20, 4)), np.float32)
    forward = jitted(layernorm_forward)
    out, cache = forward(*given)
    stack = [out, *jitted(layernorm_backward)(dout, cache)]
    x, gamma, beta = given
    for k in range(4):
        out, cache = forward(x[k, :, :], gamma[k, :], beta[k, :])
        solo = [out, *layernorm_backward(dout[k, :, :], cache)]
        for stacked, alone in zip(stack, solo, strict=True):
            np.testing.assert_allclose(
                backend.to_numpy(stacked)[k], backend.to_numpy(alone), rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("offset", [1e4, -3e5])
def test_samples_far_from_zero_keep_their_digits(backend, rng, offset, jitted):
    host = (rng.standard_normal((3, 200)) + offset).astype(np.float32)
    exact = host.astype(np.float64)
    mean, var = exact.mean(axis=-1, keepdims=True), exact.var(axis=-1, keepdims=True)
    x, one, zero = on(backend, (host, np.ones(200), np.zeros(200)), np.float32)
    out, _ = jitted(layernorm_forward)(x, one, zero)
    np.testing.assert_allclose(
        backend.to_numpy(out), (exact - mean) / np.sqrt(var + 1e-5), atol=1e-5
    )


def test_a_sample_of_equal_features_gives_beta(backend, also_jitted):
    host = np.full((2, 50), 1e4 + 0.1)
    beta = np.arange(50.0)
    x, gamma, on_device, dout = on(backend, (host, beta + 1, beta, host), np.float32)
    for forward, backward in zip(
        also_jitted(layernorm_forward), also_jitted(layernorm_backward), strict=True
    ):
        out, cache = forward(x, gamma, on_device)
        assert (backend.to_numpy(out) == beta).all()
        dx, dgamma, _ = map(backend.to_numpy, backward(dout, cache))
        assert np.isfinite(dx).all()
        assert not dgamma.any()


def test_one_feature_gives_beta_and_no_gradient(backend):
    x, gamma, beta, dout = on(backend, ([[3], [-4]], [5], [6], [[7], [8]]), np.float32)
    out, cache = layernorm_forward(x, gamma, beta)
    assert backend.to_numpy(out).tolist() == [[6.0], [6.0]]
    dx, dgamma, dbeta = (backend.to_numpy(g).tolist() for g in layernorm_backward(dout, cache))
    assert (dx, dgamma, dbeta) == ([[0.0], [0.0]], [0.0], [15.0])


def test_keeps_nan_to_its_sample(backend, also_jitted):
    x, one = on(backend, ([[1, np.nan, 2], [3, 4, 5]], np.ones(3)), np.float32)
    for forward in also_jitted(layernorm_forward):
        nan = np.isnan(backend.to_numpy(forward(x, one, one)[0]))
        assert nan[0].all()
        assert not nan[1].any()


@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_dtype_and_device_and_leaves_its_inputs(backend64, rng, shape, dtype):
    host = draw(rng, shape)
    *given, dout = on(backend64, host, dtype)
    # A loop gives the namespace, and gets the same.
    for also in ({}, {"xp": backend64.xp}):
        out, cache = layernorm_forward(*given, **also)
        for result in (out, *layernorm_backward(dout, cache, **also)):
            assert result.dtype == backend64.dtype(dtype)
            assert device(result) == device(dout)
    for array, original in zip((*given, dout), host, strict=True):
        np.testing.assert_array_equal(backend64.to_numpy(array), original.astype(dtype))


@pytest.mark.parametrize("shape", SHAPES)
def test_runs_without_data(shape):
    torch = pytest.importorskip("torch")
    x, gamma = (torch.empty(s, device="meta") for s in (shape, shape[:-2] + shape[-1:]))
    out, cache = layernorm_forward(x, gamma, gamma)
    assert (out.shape, out.device.type) == (x.shape, "meta")
    grads = layernorm_backward(out, cache)
    assert [g.shape for g in grads] == [x.shape, gamma.shape, gamma.shape]


@pytest.mark.parametrize(
    ("x", "gamma", "beta"),
    [
        ((3,), (3,), (3,)),
        ((5, 3), (4,), (3,)),
        ((5, 3), (3,), (1,)),
        ((5, 3), (5, 3), (3,)),
        ((2, 5, 3), (3,), (3,)),
        ((5, 3), (2, 3), (2, 3)),
    ],
)
def test_refuses_shapes_that_do_not_fit(backend, x, gamma, beta):
    given = on(backend, (np.ones(x), np.ones(gamma), np.ones(beta)), np.float32)
    with pytest.raises(InputError, match=r"x must be \(\.\.\., N, D\)") as caught:
        layernorm_forward(*given)
    for name, shape in {"x": x, "gamma": gamma, "beta": beta}.items():
        assert f"{name} {shape}" in str(caught.value)


@pytest.mark.parametrize("eps", [0.0, -1e-5, float("inf"), float("nan")])
def test_refuses_an_eps_that_is_out_of_range(eps):
    with pytest.raises(InputError, match=f"eps must be positive and finite; got {eps}"):
        layernorm_forward(np.ones((5, 3)), np.ones(3), np.ones(3), eps=eps)


def test_refuses_a_dout_of_another_shape(backend, rng):
    *given, dout = on(backend, draw(rng, (3, 5, 4)), np.float32)
    _, cache = layernorm_forward(*given)
    with pytest.raises(InputError, match=r"dout must have .* shape \(3, 5, 4\); got \(3, 2, 4\)"):
        layernorm_backward(dout[:, :2, :], cache)


@pytest.mark.parametrize("wrong", ["x", "gamma", "beta"])
def test_refuses_integers(backend, wrong):
    shapes = {"x": (5, 3), "gamma": (3,), "beta": (3,)}
    given = (
        backend.asarray(np.ones(shape, np.int32 if name == wrong else np.float32))
        for name, shape in shapes.items()
    )
    with pytest.raises(InputError, match=f"{wrong} must be real floating; got dtype .*int32"):
        layernorm_forward(*given)


def test_refuses_arrays_of_two_libraries(rng):
    torch = pytest.importorskip("torch")
    x, gamma, beta, dout = draw(rng, (5, 4))
    with pytest.raises(InputError, match=r"torch\.Tensor"):
        layernorm_forward(torch.tensor(x), gamma, beta)
    _, cache = layernorm_forward(x, gamma, beta)
    with pytest.raises(InputError, match=r"torch\.Tensor"):
        layernorm_backward(torch.tensor(dout), cache)
