import numpy as np
import pytest

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.layers import (
    MaxoutCache,
    affine_backward,
    affine_forward,
    affine_relu_backward,
    affine_relu_forward,
    maxout_backward,
    maxout_forward,
    maxout_parameter_gradients,
)

# x, w: single with each rank of sample, then stacks with x shared or one per member. Some have as
# many members as pieces or samples, so that an axis taken for another does not hide in the shape.
SHAPES = [
    ((3, 4), (2, 4, 5)),
    ((3, 4), (3, 4, 3)),
    ((3, 4), (1, 4, 5)),
    ((3, 2, 3), (2, 6, 2)),
    ((2, 2, 1, 3), (3, 6, 2)),
    ((3, 4), (3, 3, 4, 2)),
    ((3, 3, 4), (3, 3, 4, 2)),
    ((4, 3, 4), (4, 2, 4, 2)),
    ((2, 3), (2, 3, 4, 3, 2)),
    ((2, 3, 2, 3), (2, 3, 4, 3, 2)),
]


def shapes_of(x_shape, w_shape):
    """Return the shapes of x, w, b and dout."""
    samples = x_shape[0] if len(w_shape) == 3 else x_shape[-2]
    b_shape = (*w_shape[:-2], w_shape[-1])
    return [x_shape, w_shape, b_shape, (*w_shape[:-3], samples, w_shape[-1])]


def pieces_of(x, w, b):
    """Return the outputs of all pieces, (..., k, N, M), by the definition."""
    rows = x.reshape(len(x), -1) if w.ndim == 3 else x
    pieces = np.empty((*w.shape[:-2], rows.shape[-2], w.shape[-1]))
    for index in np.ndindex(w.shape[:-2]):
        own = rows if rows.ndim == 2 else rows[index[:-1]]
        pieces[index] = np.einsum("nd,dm->nm", own, w[index]) + b[index]
    return pieces


def draw(rng, x_shape, w_shape):
    """Return x, w, b and dout on the host, with no output near a change of its largest piece."""
    while True:
        arrays = [rng.standard_normal(shape) for shape in shapes_of(x_shape, w_shape)]
        ordered = np.sort(pieces_of(*arrays[:3]), axis=-3)
        if np.all(np.diff(ordered, axis=-3) > 1e-3):
            return arrays


def on(backend, arrays, dtype=None):
    return [backend.asarray(a if dtype is None else a.astype(dtype)) for a in arrays]


def test_values_by_hand(backend):
    x, w, b, dout = on(
        backend,
        [
            np.asarray([[1.0, 2.0], [3.0, -1.0]]),
            np.asarray([[[1.0, 0.0], [-1.0, 4.0]], [[0.0, 2.0], [1.0, 1.0]]]),
            np.asarray([[0.5, 0.0], [0.0, -1.0]]),
            np.asarray([[1.0, 2.0], [4.0, 8.0]]),
        ],
        np.float32,
    )
    # Piece 0 gives [[-0.5, 8], [4.5, -4]], piece 1 [[2, 3], [-1, 4]].
    out, cache = maxout_forward(x, w, b)
    assert isinstance(cache, MaxoutCache)
    assert backend.to_numpy(out).tolist() == [[2.0, 8.0], [4.5, 4.0]]
    dx, dw, db = maxout_backward(dout, cache)
    assert backend.to_numpy(dx).tolist() == [[0.0, 9.0], [20.0, 4.0]]
    assert backend.to_numpy(dw).tolist() == [[[12.0, 2.0], [-4.0, 4.0]], [[1.0, 24.0], [2.0, -8.0]]]
    assert backend.to_numpy(db).tolist() == [[4.0, 2.0], [1.0, 8.0]]


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_forward_is_the_definition(backend64, rng, x_shape, w_shape, jitted):
    x, w, b, _ = draw(rng, x_shape, w_shape)
    known = pieces_of(x, w, b).max(axis=-3)
    out, cache = jitted(maxout_forward)(*on(backend64, (x, w, b)))
    assert isinstance(cache, MaxoutCache)
    assert out.shape == known.shape
    np.testing.assert_allclose(backend64.to_numpy(out), known, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_backward_is_the_numeric_gradient(
    backend64, rng, numeric_gradient, x_shape, w_shape, jitted
):
    *host, host_dout = draw(rng, x_shape, w_shape)

    def objective(i, changed):
        return np.sum(maxout_forward(*host[:i], changed, *host[i + 1 :])[0] * host_dout)

    known = [
        numeric_gradient(lambda a, i=i: objective(i, a), array) for i, array in enumerate(host)
    ]
    _, cache = jitted(maxout_forward)(*on(backend64, host))
    dout = backend64.asarray(host_dout)
    grads = jitted(maxout_backward)(dout, cache)
    assert [tuple(g.shape) for g in grads] == [a.shape for a in host]
    alone = jitted(maxout_parameter_gradients)(dout, cache)
    for grad, numeric in zip((*grads, *alone), (*known, *known[1:]), strict=True):
        np.testing.assert_allclose(backend64.to_numpy(grad), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_agrees_with_torch(rng, x_shape, w_shape):
    torch = pytest.importorskip("torch")
    *host, dout = draw(rng, x_shape, w_shape)
    x, w, b = (torch.tensor(a, requires_grad=True) for a in host)
    rows = x.reshape(len(x), -1) if w.ndim == 3 else x
    rows = rows if rows.ndim == 2 else rows.unsqueeze(-3)
    expected = (torch.matmul(rows, w) + b.unsqueeze(-2)).max(dim=-3).values
    expected.backward(torch.tensor(dout))
    out, cache = maxout_forward(*host)
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    for grad, known in zip(maxout_backward(dout, cache), (x.grad, w.grad, b.grad), strict=True):
        np.testing.assert_allclose(grad, known.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("x_shape", "w_shape"), [SHAPES[3], SHAPES[6]])
def test_one_piece_is_the_affine_layer(backend, rng, x_shape, w_shape):
    w_shape = (*w_shape[:-3], 1, *w_shape[-2:])
    x, w, b, dout = on(backend, draw(rng, x_shape, w_shape), np.float32)
    out, cache = maxout_forward(x, w, b)
    known, known_cache = affine_forward(x, w[..., 0, :, :], b[..., 0, :])
    pairs = list(zip(maxout_backward(dout, cache), affine_backward(dout, known_cache), strict=True))
    for found, expected in [(out, known), *pairs]:
        a, e = backend.to_numpy(found), backend.to_numpy(expected)
        np.testing.assert_allclose(a.reshape(e.shape), e, rtol=1e-6, atol=1e-6)


def test_a_piece_of_zeros_makes_it_relu(backend, rng):
    x, w, b, dout = (rng.standard_normal(s) for s in ((5, 4), (4, 6), (6,), (5, 6)))
    pieces = np.stack([np.zeros_like(w), w]), np.stack([np.zeros_like(b), b])
    out, cache = maxout_forward(*on(backend, (x, *pieces), np.float32))
    known, known_cache = affine_relu_forward(*on(backend, (x, w, b), np.float32))
    np.testing.assert_allclose(backend.to_numpy(out), backend.to_numpy(known), rtol=1e-6)
    (dout,) = on(backend, [dout], np.float32)
    dx, dw, db = map(backend.to_numpy, maxout_backward(dout, cache))
    expected = map(backend.to_numpy, affine_relu_backward(dout, known_cache))
    for found, known in zip((dx, dw[1], db[1]), expected, strict=True):
        np.testing.assert_allclose(found, known, rtol=1e-5, atol=1e-6)


def test_the_first_of_equal_pieces_gets_the_gradient(backend, also_jitted):
    x, w, b, dout = on(
        backend,
        [
            np.ones((2, 1)),
            np.asarray([[[0.0]], [[1.0]], [[1.0]]]),
            np.zeros((3, 1)),
            np.asarray([[3.0], [4.0]]),
        ],
        np.float32,
    )
    for forward, backward in zip(
        also_jitted(maxout_forward), also_jitted(maxout_backward), strict=True
    ):
        _, cache = forward(x, w, b)
        _, dw, db = backward(dout, cache)
        for grad in (dw, db):
            assert backend.to_numpy(grad).ravel().tolist() == [0.0, 7.0, 0.0]


def test_keeps_nan(backend, also_jitted):
    x = np.asarray([[1.0, np.nan], [1.0, 2.0]])
    w, b = np.stack([np.eye(2), -np.eye(2)]), np.zeros((2, 2))
    for forward in also_jitted(maxout_forward):
        out = backend.to_numpy(forward(*on(backend, (x, w, b), np.float32))[0])
        # 0 times NaN is NaN, so the product has spread it over its row.
        np.testing.assert_array_equal(out, [[np.nan, np.nan], [1.0, 2.0]])


@pytest.mark.parametrize("shared", [True, False])
def test_a_stack_is_its_members(backend, rng, shared, jitted):
    x_shape = (20, 30) if shared else (4, 20, 30)
    x, w, b, dout = (
        a.astype(np.float32)
        for a in (rng.standard_normal(s) for s in shapes_of(x_shape, (4, 3, 30, 13)))
    )
    forward, backward = jitted(maxout_forward), jitted(maxout_backward)
    out, cache = forward(*on(backend, (x, w, b)))
    dx, *stack = map(backend.to_numpy, backward(backend.asarray(dout), cache))
    stack.append(backend.to_numpy(out))
    sum_dx = 0.0
    for k in range(4):
        out, cache = forward(*on(backend, (x if shared else x[k], w[k], b[k])))
        solo_dx, *solo = map(backend.to_numpy, backward(backend.asarray(dout[k]), cache))
        for stacked, alone in zip(stack, (*solo, backend.to_numpy(out)), strict=True):
            np.testing.assert_allclose(stacked[k], alone, rtol=1e-4, atol=1e-5)
        sum_dx = sum_dx + solo_dx
        if not shared:
            np.testing.assert_allclose(dx[k], solo_dx, rtol=1e-4, atol=1e-5)
    if shared:
        np.testing.assert_allclose(dx, sum_dx, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("x_shape", "w_shape"), [SHAPES[3], SHAPES[5], SHAPES[9]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_dtype_and_device_and_leaves_its_inputs(backend64, rng, x_shape, w_shape, dtype):
    host = [a.astype(dtype) for a in draw(rng, x_shape, w_shape)]
    x, w, b, dout = on(backend64, host)
    # A loop gives the namespace, and gets the same.
    for given in ({}, {"xp": backend64.xp}):
        out, cache = maxout_forward(x, w, b, **given)
        for result in (out, *maxout_backward(dout, cache, **given)):
            assert result.dtype == backend64.dtype(dtype)
            assert device(result) == device(x)
    for array, before in zip((x, w, b, dout), host, strict=True):
        np.testing.assert_array_equal(backend64.to_numpy(array), before)


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_runs_without_data(x_shape, w_shape):
    torch = pytest.importorskip("torch")
    x, w, b, dout = (torch.empty(s, device="meta") for s in shapes_of(x_shape, w_shape))
    out, cache = maxout_forward(x, w, b)
    assert (out.shape, out.device.type) == (dout.shape, "meta")
    assert [g.shape for g in maxout_backward(dout, cache)] == [x.shape, w.shape, b.shape]


def test_a_batch_of_none_gives_zero_gradients(backend):
    if "dask" in backend.xp.__name__:
        pytest.skip("Dask computes max over (3, 0, 2) as (1, 0) where it says (0, 2)")
    x, w, b = on(backend, [np.ones((0, 4)), np.ones((3, 4, 2)), np.ones((3, 2))], np.float32)
    out, cache = maxout_forward(x, w, b)
    assert out.shape == (0, 2)
    dx, dw, db = maxout_backward(out, cache)
    assert dx.shape == (0, 4)
    assert backend.to_numpy(dw).tolist() == np.zeros((3, 4, 2)).tolist()
    assert backend.to_numpy(db).tolist() == np.zeros((3, 2)).tolist()


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "b_shape", "what"),
    [
        ((3, 4), (2, 5, 2), (2, 2), "x must have 5 features"),
        ((3, 2, 2), (2, 5, 2), (2, 2), "x must have 5 features"),
        ((4,), (2, 4, 2), (2, 2), "x must have 4 features"),
        ((4,), (2, 1, 2), (2, 2), "x must have 1 features"),
        ((3, 4), (4, 2), (2,), r"w must be \(\.\.\., k, D, M\) and b \(\.\.\., k, M\)"),
        ((3, 4), (3, 4, 2), (2,), "and b"),
        ((3, 4), (3, 4, 2), (2, 2), "and b"),
        ((3, 4), (7, 3, 4, 2), (3, 2), "and b"),
        ((3, 4), (7, 3, 4, 2), (6, 3, 2), "and b"),
        ((6, 3, 4), (7, 3, 4, 2), (7, 3, 2), "no member axes but w's"),
        ((1, 3, 4), (7, 3, 4, 2), (7, 3, 2), "no member axes but w's"),
        ((7, 3, 3, 4), (7, 3, 4, 2), (7, 3, 2), "no member axes but w's"),
        ((3, 2, 2), (7, 3, 4, 2), (7, 3, 2), "x must have 4 features"),
        ((3, 4), (0, 4, 2), (0, 2), "w must have one piece or more"),
    ],
)
def test_refuses_shapes_that_do_not_fit(backend, x_shape, w_shape, b_shape, what):
    arrays = on(backend, [np.ones(s, np.float32) for s in (x_shape, w_shape, b_shape)])
    with pytest.raises(InputError, match=f"maxout layer: .*{what}") as caught:
        maxout_forward(*arrays)
    assert str(w_shape) in str(caught.value)


@pytest.mark.parametrize("backward", [maxout_backward, maxout_parameter_gradients])
@pytest.mark.parametrize("w_shape", [(2, 4, 2), (5, 2, 4, 2)])
def test_refuses_a_dout_of_another_shape(backend, backward, w_shape):
    x, w, b, dout = on(backend, draw(np.random.default_rng(0), (3, 4), w_shape), np.float32)
    _, cache = maxout_forward(x, w, b)
    with pytest.raises(InputError, match=r"dout must have the output's shape .*3, 2\); got .*2, 2"):
        backward(dout[..., :2, :], cache)


@pytest.mark.parametrize("name", ["x", "w", "b"])
def test_refuses_integers(backend, name):
    shapes = {"x": (2, 3), "w": (2, 3, 4), "b": (2, 4)}
    given = {
        key: backend.asarray(np.ones(shape, np.int32 if key == name else np.float32))
        for key, shape in shapes.items()
    }
    with pytest.raises(InputError, match=f"{name} must be real floating; got dtype .*int32"):
        maxout_forward(**given)


def test_refuses_arrays_of_two_libraries():
    torch = pytest.importorskip("torch")
    x, w, b = np.ones((2, 3)), np.ones((2, 3, 4)), np.ones((2, 4))
    _, cache = maxout_forward(x, w, b)
    with pytest.raises(InputError, match=r"torch\.Tensor"):
        maxout_forward(torch.ones((2, 3)), w, b)
    with pytest.raises(InputError, match=r"torch\.Tensor"):
        maxout_backward(torch.ones((2, 4)), cache)
