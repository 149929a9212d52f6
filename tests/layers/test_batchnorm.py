from functools import partial

import numpy as np
import pytest

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.layers import (
    BatchNormCache,
    BatchNormState,
    BatchNormTestCache,
    batchnorm_backward,
    batchnorm_forward,
    initial_state,
)

# As many members as samples or features too, so that no axis hides behind another.
SHAPES = [(5, 4), (2, 3), (3, 5, 4), (3, 3, 3), (2, 3, 4, 3)]
MODES = [True, False]


def draw(rng, shape):
    """Return x, gamma, beta, the state and dout on the host, in float64."""
    small = shape[:-2] + shape[-1:]
    x, dout = 2 * rng.standard_normal(shape) + 1, rng.standard_normal(shape)
    gamma, beta, mean = (rng.standard_normal(small) for _ in range(3))
    return x, gamma, beta, BatchNormState(mean, rng.uniform(0.5, 2, small)), dout


def on(backend, given, dtype=np.float64):
    """Return what `draw` returns, on a backend."""
    x, gamma, beta, state, dout = given
    put = [backend.asarray(a.astype(dtype)) for a in (x, gamma, beta, *state, dout)]
    return *put[:3], BatchNormState(*put[3:5]), put[5]


def test_values_by_hand(backend):
    x, gamma, beta, mean, var, dout = (
        backend.asarray(np.float32(a)) for a in ([[1], [3]], [2], [1], [1], [1], [[1], [3]])
    )
    state = BatchNormState(mean, var)
    # The batch has mean 2 and variance 1, so that with eps = 3 the deviation is 2.
    forward = partial(batchnorm_forward, x, gamma, beta, state, momentum=0.75, eps=3.0)
    out, following, cache = forward(train=True)
    assert isinstance(cache, BatchNormCache)
    assert isinstance(following, BatchNormState)
    assert backend.to_numpy(out).tolist() == [[0.0], [2.0]]
    assert [backend.to_numpy(a).tolist() for a in following] == [[1.25], [1.0]]
    grads = [backend.to_numpy(g).tolist() for g in batchnorm_backward(dout, cache)]
    assert grads == [[[-0.75], [0.75]], [1.0], [4.0]]
    out, following, cache = forward(train=False)
    assert isinstance(cache, BatchNormTestCache)
    assert following is state
    assert backend.to_numpy(out).tolist() == [[1.0], [3.0]]
    grads = [backend.to_numpy(g).tolist() for g in batchnorm_backward(dout, cache)]
    assert grads == [[[1.0], [3.0]], [3.0], [4.0]]


@pytest.mark.parametrize("shape", SHAPES)
def test_training_gives_each_feature_mean_beta_and_deviation_gamma(backend64, rng, shape, jitted):
    host = draw(rng, shape)
    *given, _ = on(backend64, host)
    out, _, _ = jitted(partial(batchnorm_forward, train=True, eps=1e-300))(*given)
    found = backend64.to_numpy(out)
    np.testing.assert_allclose(found.mean(axis=-2), host[2], atol=1e-13)
    np.testing.assert_allclose(found.std(axis=-2), np.abs(host[1]), atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("train", MODES)
def test_backward_is_the_numeric_gradient(backend64, rng, numeric_gradient, shape, train, jitted):
    *host, state, host_dout = draw(rng, shape)

    def objective(i, changed):
        arrays = [*host[:i], changed, *host[i + 1 :]]
        return np.sum(batchnorm_forward(*arrays, state, train=train, eps=1e-2)[0] * host_dout)

    known = [
        numeric_gradient(lambda a, i=i: objective(i, a), array) for i, array in enumerate(host)
    ]
    *given, dout = on(backend64, (*host, state, host_dout))
    _, _, cache = jitted(partial(batchnorm_forward, train=train, eps=1e-2))(*given)
    grads = jitted(batchnorm_backward)(dout, cache)
    assert [tuple(g.shape) for g in grads] == [a.shape for a in host]
    for grad, numeric in zip(grads, known, strict=True):
        np.testing.assert_allclose(backend64.to_numpy(grad), numeric, rtol=2e-7, atol=1e-8)


@pytest.mark.parametrize("train", MODES)
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_agrees_with_torch(rng, train, eps):
    torch = pytest.importorskip("torch")
    n = 6
    *host, state, dout = draw(rng, (n, 4))
    x, gamma, beta = (torch.tensor(a, requires_grad=True) for a in host)
    mean, var = (torch.tensor(a) for a in state)
    expected = torch.nn.functional.batch_norm(
        x, mean, var, gamma, beta, training=train, momentum=0.3, eps=eps
    )
    expected.backward(torch.tensor(dout))
    out, following, cache = batchnorm_forward(*host, state, train=train, momentum=0.7, eps=eps)
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    for grad, known in zip(
        batchnorm_backward(dout, cache), (x.grad, gamma.grad, beta.grad), strict=True
    ):
        np.testing.assert_allclose(grad, known.numpy(), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(following.mean, mean.numpy(), rtol=1e-13)
    # PyTorch's running variance has the batch's unbiased one.
    factor = n / (n - 1) if train else 1.0
    unbiased = 0.7 * state.var + factor * (following.var - 0.7 * state.var)
    np.testing.assert_allclose(unbiased, var.numpy(), rtol=1e-13)


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_a_step_along_its_gradient_keeps_mean_and_scale(backend64, rng, shape):
    # A shift or a scaling of all samples changes no output, so dx has no part along either.
    *given, dout = on(backend64, draw(rng, shape))
    _, _, cache = batchnorm_forward(*given, train=True, eps=1e-300)
    dx = backend64.to_numpy(batchnorm_backward(dout, cache)[0])
    np.testing.assert_allclose(dx.sum(axis=-2), 0.0, atol=1e-12)
    along = (dx * backend64.to_numpy(cache.normalised)).sum(axis=-2)
    np.testing.assert_allclose(along, 0.0, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
def test_running_numbers_approach_those_of_the_batches(backend64, rng, momentum, jitted):
    x, gamma, beta, _, dout = draw(rng, (3, 5, 4))
    x, gamma, beta, _, _ = on(backend64, host := (x, gamma, beta, (gamma, gamma), dout))
    state = initial_state((3, 4), backend64.xp, x.dtype, device(x))
    step = jitted(partial(batchnorm_forward, train=True, momentum=momentum))
    for _ in range(7):
        _, state, _ = step(x, gamma, beta, state)
    left = momentum**7
    known = [(1 - left) * host[0].mean(axis=-2), left + (1 - left) * host[0].var(axis=-2)]
    for found, expected in zip(state, known, strict=True):
        np.testing.assert_allclose(backend64.to_numpy(found), expected, rtol=1e-12)


@pytest.mark.parametrize("train", MODES)
def test_a_stack_is_its_members(backend, rng, train, jitted):
    *given, dout = on(backend, draw(rng, (4, 20, 4)), np.float32)
    forward = jitted(partial(batchnorm_forward, train=train))
    out, state, cache = forward(*given)
    stack = [out, *state, *jitted(batchnorm_backward)(dout, cache)]
    x, gamma, beta, state = given
    for k in range(4):
        own = BatchNormState(state.mean[k, :], state.var[k, :])
        out, own, cache = forward(x[k, :, :], gamma[k, :], beta[k, :], own)
        solo = [out, *own, *batchnorm_backward(dout[k, :, :], cache)]
        for stacked, alone in zip(stack, solo, strict=True):
            np.testing.assert_allclose(
                backend.to_numpy(stacked)[k], backend.to_numpy(alone), rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("offset", [1e4, -3e5])
def test_features_far_from_zero_keep_their_digits(backend, rng, offset, jitted):
    host = (rng.standard_normal((200, 3)) + offset).astype(np.float32)
    exact = host.astype(np.float64)
    known = (exact - exact.mean(axis=0)) / np.sqrt(exact.var(axis=0) + 1e-5)
    ones = backend.asarray(np.ones(3, np.float32))
    zeros = backend.asarray(np.zeros(3, np.float32))
    state = BatchNormState(zeros, ones)
    forward = jitted(partial(batchnorm_forward, train=True, momentum=0.0))
    out, following, _ = forward(backend.asarray(host), ones, zeros, state)
    np.testing.assert_allclose(backend.to_numpy(out), known, atol=1e-5)
    np.testing.assert_allclose(backend.to_numpy(following.var), exact.var(axis=0), rtol=1e-5)
    np.testing.assert_allclose(backend.to_numpy(following.mean), exact.mean(axis=0), rtol=1e-7)


def test_a_feature_that_never_changes_gives_beta(backend, also_jitted):
    x = backend.asarray(np.full((50, 2), 1e4 + 0.1, np.float32))
    gamma, beta = (backend.asarray(np.float32(a)) for a in ([5, 6], [7, 8]))
    state = BatchNormState(beta, gamma)
    dout = backend.asarray(np.float32(np.arange(100).reshape(50, 2)))
    forwards = also_jitted(partial(batchnorm_forward, train=True))
    for forward, backward in zip(forwards, also_jitted(batchnorm_backward), strict=True):
        out, _, cache = forward(x, gamma, beta, state)
        assert (backend.to_numpy(out) == [7.0, 8.0]).all()
        dx, dgamma, _ = map(backend.to_numpy, backward(dout, cache))
        assert np.isfinite(dx).all()
        assert not dgamma.any()


def test_keeps_nan_to_its_feature(backend, also_jitted):
    x = backend.asarray(np.float32([[1, np.nan], [3, 4]]))
    one = backend.asarray(np.ones(2, np.float32))
    for forward in also_jitted(partial(batchnorm_forward, train=True)):
        out, state, _ = forward(x, one, one, BatchNormState(one, one))
        for found in (out, *state):
            nan = np.isnan(backend.to_numpy(found))
            assert nan[..., 1].all()
            assert not nan[..., 0].any()


@pytest.mark.parametrize("train", MODES)
@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_dtype_and_device_and_leaves_its_inputs(backend64, rng, train, shape, dtype):
    host = draw(rng, shape)
    given = on(backend64, host, dtype)
    # A loop gives the namespace, and gets the same.
    for also in ({}, {"xp": backend64.xp}):
        out, state, cache = batchnorm_forward(*given[:4], train=train, **also)
        for result in (out, *state, *batchnorm_backward(given[4], cache, **also)):
            assert result.dtype == backend64.dtype(dtype)
            assert device(result) == device(given[0])
    after, before = (g[:3] + tuple(g[3]) + g[4:] for g in (given, host))
    for array, original in zip(after, before, strict=True):
        np.testing.assert_array_equal(backend64.to_numpy(array), original.astype(dtype))


@pytest.mark.parametrize("train", MODES)
@pytest.mark.parametrize("shape", SHAPES)
def test_runs_without_data(train, shape):
    torch = pytest.importorskip("torch")
    small = shape[:-2] + shape[-1:]
    x, gamma = (torch.empty(s, device="meta") for s in (shape, small))
    out, state, cache = batchnorm_forward(
        x, gamma, gamma, BatchNormState(gamma, gamma), train=train
    )
    assert (out.shape, out.device.type) == (x.shape, "meta")
    assert [a.shape for a in state] == [gamma.shape] * 2
    grads = batchnorm_backward(out, cache)
    assert [g.shape for g in grads] == [x.shape, gamma.shape, gamma.shape]


def test_initial_state(backend):
    like = backend.asarray(np.zeros(1, np.float32))
    state = initial_state((3, 4), backend.xp, like.dtype, device(like))
    assert isinstance(state, BatchNormState)
    for array, value in zip(state, (0.0, 1.0), strict=True):
        assert (array.shape, array.dtype, device(array)) == ((3, 4), like.dtype, device(like))
        assert (backend.to_numpy(array) == value).all()


@pytest.mark.parametrize("shape", [(1, 3), (0, 3), (4, 1, 3)])
def test_a_batch_of_one_is_for_test_mode_alone(backend, shape, also_jitted):
    x = backend.asarray(np.ones(shape, np.float32))
    one = backend.asarray(np.ones(shape[:-2] + shape[-1:], np.float32))
    state = BatchNormState(one, one)
    for xp in (None, backend.xp):
        for forward in also_jitted(partial(batchnorm_forward, train=True, xp=xp)):
            with pytest.raises(InputError, match="two samples or more in training") as caught:
                forward(x, one, one, state)
            assert f"got x {shape}" in str(caught.value)
    out, _, cache = batchnorm_forward(x, one, one, state, train=False)
    assert out.shape == shape
    assert batchnorm_backward(out, cache)[0].shape == shape


@pytest.mark.parametrize(
    ("x", "gamma", "beta", "mean", "var"),
    [
        ((3,), (3,), (3,), (3,), (3,)),
        ((5, 3), (4,), (3,), (3,), (3,)),
        ((5, 3), (3,), (1,), (3,), (3,)),
        ((5, 3), (3,), (3,), (), (3,)),
        ((5, 3), (3,), (3,), (3,), (5, 3)),
        ((2, 5, 3), (3,), (3,), (3,), (3,)),
        ((5, 3), (2, 3), (2, 3), (2, 3), (2, 3)),
    ],
)
def test_refuses_shapes_that_do_not_fit(backend, x, gamma, beta, mean, var):
    a, b, c, d, e = (backend.asarray(np.ones(s, np.float32)) for s in (x, gamma, beta, mean, var))
    with pytest.raises(InputError, match=r"x must be \(\.\.\., N, D\)") as caught:
        batchnorm_forward(a, b, c, BatchNormState(d, e), train=True)
    for name, shape in {"x": x, "gamma": gamma, "beta": beta, "mean": mean, "var": var}.items():
        assert f"{name} {shape}" in str(caught.value)


@pytest.mark.parametrize(
    ("option", "what"),
    [
        ({"momentum": -0.1}, "momentum must be from 0 to 1; got -0.1"),
        ({"momentum": 1.1}, "momentum must be from 0 to 1; got 1.1"),
        ({"momentum": float("nan")}, "momentum must be from 0 to 1; got nan"),
        ({"eps": 0.0}, "eps must be positive and finite; got 0.0"),
        ({"eps": float("inf")}, "eps must be positive and finite; got inf"),
    ],
)
def test_refuses_numbers_out_of_range(option, what):
    one = np.ones(3)
    with pytest.raises(InputError, match=f"batchnorm: {what}"):
        batchnorm_forward(np.ones((5, 3)), one, one, BatchNormState(one, one), train=True, **option)


@pytest.mark.parametrize("train", MODES)
def test_refuses_a_dout_of_another_shape(backend, rng, train):
    *given, dout = on(backend, draw(rng, (3, 5, 4)), np.float32)
    _, _, cache = batchnorm_forward(*given, train=train)
    with pytest.raises(InputError, match=r"dout must have .* shape \(3, 5, 4\); got \(3, 2, 4\)"):
        batchnorm_backward(dout[:, :2, :], cache)


@pytest.mark.parametrize("wrong", ["x", "gamma", "beta", "mean", "var"])
def test_refuses_integers(backend, wrong):
    shapes = {"x": (5, 3), "gamma": (3,), "beta": (3,), "mean": (3,), "var": (3,)}
    x, gamma, beta, mean, var = (
        backend.asarray(np.ones(shape, np.int32 if name == wrong else np.float32))
        for name, shape in shapes.items()
    )
    with pytest.raises(InputError, match=f"{wrong} must be real floating; got dtype .*int32"):
        batchnorm_forward(x, gamma, beta, BatchNormState(mean, var), train=True)


def test_refuses_arrays_of_two_libraries(rng):
    torch = pytest.importorskip("torch")
    x, gamma, beta, state, dout = draw(rng, (5, 4))
    with pytest.raises(InputError, match=r"torch\.Tensor"):
        batchnorm_forward(torch.tensor(x), gamma, beta, state, train=True)
    _, _, cache = batchnorm_forward(x, gamma, beta, state, train=True)
    with pytest.raises(InputError, match=r"torch\.Tensor"):
        batchnorm_backward(torch.tensor(dout), cache)
