import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.layers import (
    AffineCache,
    affine_backward,
    affine_forward,
    affine_parameter_gradients,
)

# x, w: single with each rank of sample, then stacks with x shared or one per member. (3, 5, 4) has
# as many members as samples, so that an axis that is taken for another does not show in the shape.
SHAPES = [
    ((3, 4), (4, 5)),
    ((3, 2, 3), (6, 2)),
    ((2, 2, 1, 3), (6, 2)),
    ((1, 1), (1, 1)),
    ((3, 4), (3, 4, 2)),
    ((3, 3, 4), (3, 4, 2)),
    ((2, 3), (2, 3, 3, 2)),
    ((2, 3, 2, 3), (2, 3, 3, 2)),
]


def draw(rng, x_shape, w_shape):
    """Return x, w, b and dout on the host."""
    b_shape = (*w_shape[:-2], w_shape[-1])
    samples = x_shape[0] if len(w_shape) == 2 else x_shape[-2]
    out_shape = (*w_shape[:-2], samples, w_shape[-1])
    return [rng.standard_normal(shape) for shape in (x_shape, w_shape, b_shape, out_shape)]


def looped(x, w, b):
    """The definition, sample by sample and member by member."""
    members = w.shape[:-2]
    rows = x.reshape(len(x), -1) if w.ndim == 2 else x
    samples = rows.shape[-2]
    out = np.empty((*members, samples, w.shape[-1]))
    for k in np.ndindex(members):
        for n in range(samples):
            row = rows[n] if rows.ndim == 2 else rows[*k, n]
            for m in range(w.shape[-1]):
                products = (row[d] * w[*k, d, m] for d in range(w.shape[-2]))
                out[*k, n, m] = sum(products) + b[*k, m]
    return out


def test_values_by_hand(backend):
    x = backend.asarray([[1.0, 2.0], [3.0, -1.0]])
    w = backend.asarray([[1.0, 0.0, 2.0], [-1.0, 4.0, 0.5]])
    b = backend.asarray([0.5, 0.0, -1.0])
    dout = backend.asarray([[1.0, 0.0, 2.0], [0.0, -1.0, 4.0]])
    out, cache = affine_forward(x, w, b)
    assert backend.to_numpy(out).tolist() == [[-0.5, 8.0, 2.0], [4.5, -4.0, 4.5]]
    dx, dw, db = affine_backward(dout, cache)
    assert backend.to_numpy(dx).tolist() == [[5.0, 0.0], [8.0, -2.0]]
    assert backend.to_numpy(dw).tolist() == [[1.0, -3.0, 14.0], [2.0, 1.0, 0.0]]
    assert backend.to_numpy(db).tolist() == [1.0, -1.0, 6.0]


def test_values_of_the_notes(backend64, also_jitted):
    # The check values of CS231n, assignment 2.
    x = backend64.asarray(np.linspace(-0.1, 0.5, 240).reshape(2, 4, 5, 6))
    w = backend64.asarray(np.linspace(-0.2, 0.3, 360).reshape(120, 3))
    b = backend64.asarray(np.linspace(-0.3, 0.1, 3))
    known = [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
    for forward in also_jitted(affine_forward):
        np.testing.assert_allclose(backend64.to_numpy(forward(x, w, b)[0]), known, atol=5e-9)


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_forward_is_the_definition(backend64, rng, x_shape, w_shape, jitted):
    x, w, b, _ = draw(rng, x_shape, w_shape)
    known = looped(x, w, b)
    out, cache = jitted(affine_forward)(*map(backend64.asarray, (x, w, b)))
    assert isinstance(cache, AffineCache)
    assert out.shape == known.shape
    np.testing.assert_allclose(backend64.to_numpy(out), known, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_backward_is_the_numeric_gradient(
    backend64, rng, numeric_gradient, x_shape, w_shape, jitted
):
    *host, host_dout = draw(rng, x_shape, w_shape)

    def objective(i, changed):
        return np.sum(affine_forward(*host[:i], changed, *host[i + 1 :])[0] * host_dout)

    known = [
        numeric_gradient(lambda a, i=i: objective(i, a), array) for i, array in enumerate(host)
    ]
    on_device = [backend64.asarray(a) for a in host]
    _, cache = jitted(affine_forward)(*on_device)
    dout = backend64.asarray(host_dout)
    grads = jitted(affine_backward)(dout, cache)
    assert [tuple(g.shape) for g in grads] == [a.shape for a in host]
    for grad, numeric in zip(grads, known, strict=True):
        np.testing.assert_allclose(backend64.to_numpy(grad), numeric, rtol=1e-7, atol=1e-9)
    alone = jitted(affine_parameter_gradients)(dout, cache)
    for grad, numeric in zip(alone, known[1:], strict=True):
        np.testing.assert_allclose(backend64.to_numpy(grad), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("sizes", [(3, 3, 3, 3), (4, 50, 70, 33)])
def test_a_stack_is_its_members(backend, rng, sizes, shared, jitted):
    members, samples, features, units = sizes
    x_shape = (samples, features) if shared else (members, samples, features)
    x, w, b, dout = (a.astype(np.float32) for a in draw(rng, x_shape, (members, features, units)))
    forward, backward = jitted(affine_forward), jitted(affine_backward)
    stack_out, cache = forward(*map(backend.asarray, (x, w, b)))
    dx, *rest = map(backend.to_numpy, backward(backend.asarray(dout), cache))
    stack = [backend.to_numpy(stack_out), *rest]
    sum_dx = 0.0
    for k in range(members):
        x_k = x if shared else x[k]
        out, cache = forward(*map(backend.asarray, (x_k, w[k], b[k])))
        solo_dx, *rest = map(backend.to_numpy, backward(backend.asarray(dout[k]), cache))
        pairs = list(zip(stack, [backend.to_numpy(out), *rest], strict=True))
        if shared:
            sum_dx = sum_dx + solo_dx
        else:
            pairs.append((dx, solo_dx))
        for stacked, alone in pairs:
            np.testing.assert_allclose(stacked[k], alone, rtol=1e-4, atol=1e-5)
            if backend.name == "numpy":
                np.testing.assert_array_equal(stacked[k], alone)
    if shared:
        np.testing.assert_allclose(dx, sum_dx, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES[1::4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_dtype_and_device_and_leaves_its_inputs(backend64, rng, x_shape, w_shape, dtype):
    host = [a.astype(dtype) for a in draw(rng, x_shape, w_shape)]
    x, w, b, dout = (backend64.asarray(a) for a in host)
    out, cache = affine_forward(x, w, b)
    for result in (out, *affine_backward(dout, cache)):
        assert result.dtype == backend64.dtype(dtype)
        assert device(result) == device(x)
    for array, before in zip((x, w, b, dout), host, strict=True):
        np.testing.assert_array_equal(backend64.to_numpy(array), before)


def test_a_batch_of_none_gives_zero_gradients(backend):
    w, b = backend.asarray(np.ones((4, 2), np.float32)), backend.asarray(np.ones(2, np.float32))
    out, cache = affine_forward(backend.asarray(np.ones((0, 4), np.float32)), w, b)
    assert out.shape == (0, 2)
    dx, dw, db = affine_backward(out, cache)
    assert dx.shape == (0, 4)
    assert not backend.to_numpy(dw).any()
    assert not backend.to_numpy(db).any()


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
def test_runs_without_data(x_shape, w_shape):
    # PyTorch's meta device has shapes alone: a float(x) or a host copy would fail.
    torch = pytest.importorskip("torch")
    x, w, b, dout = (
        torch.empty(a.shape, device="meta")
        for a in draw(np.random.default_rng(0), x_shape, w_shape)
    )
    out, cache = affine_forward(x, w, b)
    assert (out.shape, out.device.type) == (dout.shape, "meta")
    assert [g.shape for g in affine_backward(dout, cache)] == [x.shape, w.shape, b.shape]


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "b_shape"),
    [
        ((3, 4), (5, 2), (2,)),
        ((3, 2, 2), (5, 2), (2,)),
        ((4,), (4, 2), (2,)),
        ((4,), (1, 2), (2,)),
        ((3, 4), (4, 2), (3,)),
        ((3, 4), (4, 2), (1, 2)),
        ((3, 4), (4,), ()),
        ((3, 4), (7, 4, 2), (2,)),
        ((3, 4), (7, 4, 2), (6, 2)),
        ((6, 3, 4), (7, 4, 2), (7, 2)),
        ((1, 3, 4), (7, 4, 2), (7, 2)),
        ((7, 1, 3, 4), (7, 4, 2), (7, 2)),
        ((3, 2, 2), (7, 4, 2), (7, 2)),
        ((4,), (7, 4, 2), (7, 2)),
    ],
)
def test_refuses_shapes_that_do_not_fit(backend, x_shape, w_shape, b_shape):
    arrays = [backend.asarray(np.ones(shape, np.float32)) for shape in (x_shape, w_shape, b_shape)]
    with pytest.raises(InputError) as caught:
        affine_forward(*arrays)
    for shape in (x_shape, w_shape, b_shape):
        assert str(shape) in str(caught.value)


@pytest.mark.parametrize("backward", [affine_backward, affine_parameter_gradients])
@pytest.mark.parametrize("w_shape", [(4, 2), (5, 4, 2)])
def test_refuses_a_dout_of_another_shape(backend, backward, w_shape):
    x, w, b, dout = (
        backend.asarray(a.astype(np.float32))
        for a in draw(np.random.default_rng(0), (3, 4), w_shape)
    )
    _, cache = affine_forward(x, w, b)
    with pytest.raises(InputError, match=r"dout must have the output's shape .*3, 2\); got .*2, 2"):
        backward(dout[..., :2, :], cache)


def test_refuses_arrays_of_two_libraries():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"torch\.Tensor"):
        affine_forward(torch.ones((2, 3)), np.ones((3, 4)), np.ones(4))


@pytest.mark.parametrize("backend64", ["numpy-readonly", "array-api-strict"], indirect=True)
@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    members=st.lists(st.integers(1, 3), max_size=2).map(tuple),
    sizes=st.tuples(*[st.integers(1, 5)] * 3),
    shared=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_shape_gives_what_einsum_gives(backend64, members, sizes, shared, dtype, seed):
    samples, features, units = sizes
    x_shape = (samples, features) if shared else (*members, samples, features)
    host = draw(np.random.default_rng(seed), x_shape, (*members, features, units))
    x, w, b, dout = (a.astype(dtype) for a in host)
    out, cache = affine_forward(*map(backend64.asarray, (x, w, b)))
    dx, dw, db = affine_backward(backend64.asarray(dout), cache)
    full_dx = np.einsum("...nm,...dm->...nd", dout, w)
    known = [
        np.einsum("...nd,...dm->...nm", x, w) + b[..., None, :],
        full_dx.sum(axis=tuple(range(len(members)))) if shared else full_dx,
        np.einsum("...nd,...nm->...dm", x, dout),
        np.einsum("...nm->...m", dout),
    ]
    rtol = 1e-4 if dtype == "float32" else 1e-12
    for result, expected in zip((out, dx, dw, db), known, strict=True):
        found = backend64.to_numpy(result)
        assert (found.dtype, found.shape) == (np.dtype(dtype), expected.shape)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", ["x", "w", "b"])
def test_refuses_integers(backend, name):
    arrays = {"x": np.ones((2, 3)), "w": np.ones((3, 4)), "b": np.ones(4)}
    given = {
        key: backend.asarray(a.astype(np.int32 if key == name else np.float32))
        for key, a in arrays.items()
    }
    with pytest.raises(InputError, match=f"{name} must be real floating; got dtype .*int32"):
        affine_forward(**given)
