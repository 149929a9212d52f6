import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.layers import AffineReluCache, affine_relu_backward, affine_relu_forward

SHAPES = [
    ((3, 4), (4, 5)),
    ((3, 2, 3), (6, 2)),
    ((3, 4), (3, 4, 2)),
    ((3, 3, 4), (3, 4, 2)),
    ((2, 3, 2, 3), (2, 3, 3, 2)),
]


def draw(rng, x_shape, w_shape):
    """Return x, w, b and dout on the host, with no unit near its kink."""
    b_shape = (*w_shape[:-2], w_shape[-1])
    samples = x_shape[0] if len(w_shape) == 2 else x_shape[-2]
    out_shape = (*w_shape[:-2], samples, w_shape[-1])
    while True:
        x, w, b, dout = (rng.standard_normal(s) for s in (x_shape, w_shape, b_shape, out_shape))
        rows = x.reshape(len(x), -1) if w.ndim == 2 else x
        scores = rows @ w + b[..., None, :]
        if np.abs(scores).min() > 1e-3:
            return x, w, b, dout


def test_values_by_hand(backend):
    x = backend.asarray([[1.0, 2.0], [3.0, -1.0]])
    w = backend.asarray([[1.0, 0.0, 2.0], [-1.0, 4.0, 0.5]])
    b = backend.asarray([0.5, 0.0, -1.0])
    dout = backend.asarray([[1.0, 0.0, 2.0], [0.0, -1.0, 4.0]])
    out, cache = affine_relu_forward(x, w, b)
    assert isinstance(cache, AffineReluCache)
    assert backend.to_numpy(out).tolist() == [[0.0, 8.0, 2.0], [4.5, 0.0, 4.5]]
    dx, dw, db = affine_relu_backward(dout, cache)
    # What reaches the affine layer is [[0, 0, 2], [0, 0, 4]].
    assert backend.to_numpy(dx).tolist() == [[4.0, 1.0], [8.0, 2.0]]
    assert backend.to_numpy(dw).tolist() == [[0.0, 0.0, 14.0], [0.0, 0.0, 0.0]]
    assert backend.to_numpy(db).tolist() == [0.0, 0.0, 6.0]


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_backward_is_the_numeric_gradient(
    backend64, rng, numeric_gradient, x_shape, w_shape, jitted
):
    *host, dout = draw(rng, x_shape, w_shape)

    def objective(i, changed):
        return np.sum(affine_relu_forward(*host[:i], changed, *host[i + 1 :])[0] * dout)

    known = [
        numeric_gradient(lambda a, i=i: objective(i, a), array) for i, array in enumerate(host)
    ]
    on_device = [backend64.asarray(a) for a in host]
    _, cache = jitted(affine_relu_forward)(*on_device)
    grads = jitted(affine_relu_backward)(backend64.asarray(dout), cache)
    for grad, numeric in zip(grads, known, strict=True):
        np.testing.assert_allclose(backend64.to_numpy(grad), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("shared", [True, False])
def test_a_stack_is_its_members(backend, rng, shared, jitted):
    x_shape = (50, 70) if shared else (4, 50, 70)
    x, w, b, dout = (
        rng.standard_normal(s).astype(np.float32)
        for s in (x_shape, (4, 70, 33), (4, 33), (4, 50, 33))
    )
    forward = jitted(affine_relu_forward)
    backward = jitted(affine_relu_backward)
    out, cache = forward(*map(backend.asarray, (x, w, b)))
    stack = [backend.to_numpy(a) for a in (out, *backward(backend.asarray(dout), cache))]
    for k in range(4):
        x_k = x if shared else x[k]
        out, cache = forward(*map(backend.asarray, (x_k, w[k], b[k])))
        grads = backward(backend.asarray(dout[k]), cache)
        for i, (stacked, alone) in enumerate(zip(stack, (out, *grads), strict=True)):
            if i == 1 and shared:
                continue  # dx is the sum over the members
            np.testing.assert_allclose(stacked[k], backend.to_numpy(alone), rtol=1e-4, atol=1e-4)
            if backend.name == "numpy":
                np.testing.assert_array_equal(stacked[k], alone)


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES[1::2])
def test_keeps_dtype_and_leaves_its_inputs(backend, rng, x_shape, w_shape):
    host = [a.astype(np.float32) for a in draw(rng, x_shape, w_shape)]
    x, w, b, dout = (backend.asarray(a) for a in host)
    out, cache = affine_relu_forward(x, w, b)
    for result in (out, *affine_relu_backward(dout, cache)):
        assert result.dtype == backend.dtype("float32")
    for array, before in zip((x, w, b, dout), host, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(array), before)


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_runs_without_data(x_shape, w_shape):
    torch = pytest.importorskip("torch")
    x, w, b, dout = (
        torch.empty(a.shape, device="meta")
        for a in draw(np.random.default_rng(0), x_shape, w_shape)
    )
    out, cache = affine_relu_forward(x, w, b)
    assert (out.shape, out.device.type) == (dout.shape, "meta")
    assert [g.shape for g in affine_relu_backward(dout, cache)] == [x.shape, w.shape, b.shape]


def test_refuses_shapes_that_do_not_fit(backend):
    x, w, b = (backend.asarray(np.ones(s, np.float32)) for s in ((3, 4), (4, 2), (2,)))
    with pytest.raises(InputError, match=r"x \(3, 4\), w \(4, 2\) and b \(3,\)"):
        affine_relu_forward(x, w, backend.asarray(np.ones(3, np.float32)))
    _, cache = affine_relu_forward(x, w, b)
    with pytest.raises(InputError, match=r"dout must have .*\(3, 2\); got \(1, 2\)"):
        affine_relu_backward(backend.asarray(np.ones((1, 2), np.float32)), cache)
