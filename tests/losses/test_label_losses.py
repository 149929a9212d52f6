import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.losses import check_labels, softmax_loss, svm_loss

LOSSES = [softmax_loss, svm_loss]
MEMBER_SHAPES = [(), (3,), (2, 3)]


def draw(rng, members, samples=4, classes=3, shared=False):
    """Return scores with no margin near its kink, and labels, on the host."""
    y = rng.integers(0, classes, (samples,) if shared else (*members, samples))
    while True:
        x = 2.0 * rng.standard_normal((*members, samples, classes))
        at_label = np.take_along_axis(x, np.broadcast_to(y, x.shape[:-1])[..., None], axis=-1)
        if np.abs(x - at_label + 1.0).min() > 1e-3:
            return x, y


def looped(loss, x, y, delta=1.0):
    """The definitions, in Python's floats, for scores (N, C)."""
    total = 0.0
    for row, label in zip(x.tolist(), y.tolist(), strict=True):
        if loss is softmax_loss:
            total += math.log(math.fsum(math.exp(s - row[label]) for s in row))
        else:
            others = [s for c, s in enumerate(row) if c != label]
            total += math.fsum(max(0.0, s - row[label] + delta) for s in others)
    return total / len(x)


def test_softmax_by_hand(backend, also_jitted):
    # softmax of log(1, 2, 5) is 1/8, 2/8, 5/8.
    x = backend.asarray(np.log(np.float32([[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]])))
    y = backend.asarray(np.asarray([1, 2]))
    for function in also_jitted(softmax_loss):
        loss, dx = function(x, y)
        assert loss.shape == ()
        np.testing.assert_allclose(backend.to_numpy(loss), 1.0397207708399179, rtol=1e-6)
        known = [[0.0625, -0.375, 0.3125], [0.125, 0.125, -0.25]]
        np.testing.assert_allclose(backend.to_numpy(dx), known, rtol=1e-6)


def test_svm_by_hand(backend, also_jitted):
    # Margins: row 0 has 2 and 0.5 too much; row 1 none; row 2 lies on the kink with both.
    x = backend.asarray(np.float32([[2.0, 1.0, 0.5], [0.0, 0.0, 1.5], [3.0, 4.0, 3.0]]))
    y = backend.asarray(np.asarray([1, 2, 1]))
    for function in also_jitted(svm_loss):
        loss, dx = function(x, y)
        assert loss.shape == ()
        np.testing.assert_allclose(backend.to_numpy(loss), 2.5 / 3.0, rtol=1e-6)
        known = np.asarray([[1.0, -2.0, 1.0], [0.0] * 3, [0.0] * 3]) / 3.0
        np.testing.assert_allclose(backend.to_numpy(dx), known, rtol=1e-6)


def test_svm_with_another_margin(backend):
    x, y = backend.asarray(np.float32([[2.0, 1.0, 0.5]])), backend.asarray(np.asarray([1]))
    assert float(svm_loss(x, y, 0.25)[0]) == 1.25
    assert float(svm_loss(x, y, delta=3.0)[0]) == 6.5


@pytest.mark.parametrize("members", MEMBER_SHAPES)
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
def test_value_and_gradient(backend64, rng, numeric_gradient, loss, shared, members, jitted):
    x, y = draw(rng, members, shared=shared)
    labels = np.broadcast_to(y, x.shape[:-1])
    known = np.asarray([looped(loss, x[k], labels[k]) for k in np.ndindex(members)])
    numeric = numeric_gradient(
        lambda a: sum(looped(loss, a[k], labels[k]) for k in np.ndindex(members)), x
    )
    value, dx = jitted(loss)(backend64.asarray(x), backend64.asarray(y))
    assert tuple(value.shape) == members
    np.testing.assert_allclose(backend64.to_numpy(value), known.reshape(members), rtol=1e-13)
    np.testing.assert_allclose(backend64.to_numpy(dx), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_agrees_with_torch(backend64, rng, loss, jitted):
    torch = pytest.importorskip("torch")
    classes = 7
    x, y = draw(rng, (), samples=20, classes=classes)
    scores, labels = torch.tensor(x, requires_grad=True), torch.tensor(y)
    if loss is softmax_loss:
        known = torch.nn.functional.cross_entropy(scores, labels)
    else:  # PyTorch divides by the classes, the notes do not
        known = classes * torch.nn.functional.multi_margin_loss(scores, labels, p=1, margin=1.0)
    known.backward()
    value, dx = jitted(loss)(backend64.asarray(x), backend64.asarray(y))
    np.testing.assert_allclose(backend64.to_numpy(value), known.item(), rtol=1e-13)
    np.testing.assert_allclose(backend64.to_numpy(dx), scores.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_svm_with_another_margin_agrees_with_torch(rng):
    torch = pytest.importorskip("torch")
    x, y = draw(rng, (), samples=20, classes=7)
    known = 7 * torch.nn.functional.multi_margin_loss(
        torch.tensor(x), torch.tensor(y), p=1, margin=0.3
    )
    np.testing.assert_allclose(svm_loss(x, y, 0.3)[0], known.item(), rtol=1e-13)


def test_softmax_of_extreme_scores_is_finite(backend, also_jitted):
    x = backend.asarray(np.float32([[1e4, -1e4], [1e4, -1e4], [1e4, 1e4], [-1e4, -1e4]]))
    y = backend.asarray(np.asarray([0, 1, 0, 1]))
    for function in also_jitted(softmax_loss):
        loss, dx = function(x, y)
        # 0, 2e4, log 2 and log 2.
        np.testing.assert_allclose(
            backend.to_numpy(loss), (2e4 + 2.0 * math.log(2.0)) / 4.0, rtol=1e-6
        )
        known = [[0.0, 0.0], [0.25, -0.25], [-0.125, 0.125], [0.125, -0.125]]
        np.testing.assert_array_equal(backend.to_numpy(dx), np.float32(known))


@pytest.mark.parametrize("loss", LOSSES)
def test_does_not_see_a_shift_of_a_row(backend64, rng, loss, jitted):
    x, y = draw(rng, (3,))
    loss = jitted(loss)
    value, dx = loss(backend64.asarray(x), backend64.asarray(y))
    shift = 100.0 * rng.standard_normal((3, 4, 1))
    shifted, shifted_dx = loss(backend64.asarray(x + shift), backend64.asarray(y))
    for found, known in ((shifted, value), (shifted_dx, dx)):
        np.testing.assert_allclose(
            backend64.to_numpy(found), backend64.to_numpy(known), rtol=1e-10, atol=1e-12
        )


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_sums_to_zero_over_the_classes(backend64, rng, loss, jitted):
    x, y = draw(rng, (3,))
    dx = backend64.to_numpy(jitted(loss)(backend64.asarray(x), backend64.asarray(y))[1])
    assert np.abs(dx).max() > 0.01
    np.testing.assert_allclose(dx.sum(axis=-1), 0.0, atol=1e-15)


def test_svm_is_zero_where_every_margin_is_kept(backend):
    x = backend.asarray(np.float32([[5.0, 1.0, 3.75], [-3.0, 0.0, -1.5]]))
    loss, dx = svm_loss(x, backend.asarray(np.asarray([0, 1])))
    assert float(loss) == 0.0
    assert not backend.to_numpy(dx).any()


@pytest.mark.parametrize("loss", LOSSES)
def test_nan_scores_give_nan_losses(backend, loss, jitted):
    x = backend.asarray(np.float32([[np.nan, 1.0], [1.0, 2.0]]))
    assert math.isnan(jitted(loss)(x, backend.asarray(np.asarray([1, 0])))[0])


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_stack_is_its_members(backend, rng, loss, shared, jitted):
    # 300 samples: enough for NumPy to add them pairwise. As many members as classes.
    x, y = draw(rng, (5,), samples=300, classes=5, shared=shared)
    x = x.astype(np.float32)
    loss = jitted(loss)
    value, dx = loss(backend.asarray(x), backend.asarray(y))
    value, dx = backend.to_numpy(value), backend.to_numpy(dx)
    for k in range(5):
        labels = y if shared else y[k]
        solo, solo_dx = loss(backend.asarray(x[k]), backend.asarray(labels))
        solo, solo_dx = backend.to_numpy(solo), backend.to_numpy(solo_dx)
        np.testing.assert_allclose(value[k], solo, rtol=1e-5)
        np.testing.assert_allclose(dx[k], solo_dx, rtol=1e-5, atol=1e-9)
        if backend.name == "numpy":
            assert value[k] == solo
            np.testing.assert_array_equal(dx[k], solo_dx)


@pytest.mark.parametrize(("dtype", "labels"), [("float32", "uint8"), ("float64", "int64")])
@pytest.mark.parametrize("loss", LOSSES)
def test_keeps_dtype_and_device_and_leaves_its_inputs(backend64, rng, loss, dtype, labels):
    host, host_y = draw(rng, (2,))
    host, host_y = host.astype(dtype), host_y.astype(labels)
    x, y = backend64.asarray(host), backend64.asarray(host_y)
    for result in loss(x, y):
        assert result.dtype == backend64.dtype(dtype)
        assert backend64.name == "numpy" or device(result) == device(x)
    np.testing.assert_array_equal(backend64.to_numpy(x), host)
    np.testing.assert_array_equal(backend64.to_numpy(y), host_y)


@pytest.mark.parametrize("loss", LOSSES)
def test_short_label_types_with_more_classes_than_they_count(backend, rng, loss, jitted):
    # Class 257 must not be taken for label 1.
    x = backend.asarray(rng.standard_normal((4, 300)).astype(np.float32))
    y = np.asarray([1, 43, 0, 100])
    loss = jitted(loss)
    known, known_dx = loss(x, backend.asarray(y))
    value, dx = loss(x, backend.asarray(y.astype(np.uint8)))
    assert float(value) == float(known)
    np.testing.assert_array_equal(backend.to_numpy(dx), backend.to_numpy(known_dx))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("members", MEMBER_SHAPES)
def test_runs_without_data(loss, members):
    torch = pytest.importorskip("torch")
    x = torch.empty((*members, 4, 3), device="meta")
    for y_shape in {(4,), (*members, 4)}:
        y = torch.empty(y_shape, device="meta", dtype=torch.int64)
        value, dx = loss(x, y)
        assert (tuple(value.shape), value.device.type) == (members, "meta")
        assert (dx.shape, dx.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("label", [-1, 3, 1000])
def test_labels_out_of_range(backend, loss, label, jitted):
    x = backend.asarray(np.zeros((2, 4, 3), np.float32))
    y = backend.asarray(np.asarray([[0, 1, 2, 0], [0, 1, label, 0]]))
    if backend.name == "numpy":
        with pytest.raises(InputError, match=rf"from 0 to 2.*3 classes; got {label} at row 2"):
            loss(x, y)
    else:  # seen without a transfer: the loss of that member is infinite
        values, _ = jitted(loss)(x, y)
        assert np.isinf(backend.to_numpy(values)).tolist() == [False, True]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_refuses_labels_that_are_not_integers(backend, loss, dtype):
    x = backend.asarray(np.zeros((2, 3), np.float32))
    with pytest.raises(InputError, match=f"integer labels; got dtype .*{dtype}"):
        loss(x, backend.asarray(np.asarray([0, 1]).astype(dtype)))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("x_shape", "y_shape"),
    [
        ((4, 3), (3,)),
        ((4, 3), (4, 1)),
        ((4, 3), ()),
        ((3,), ()),
        ((3,), (3,)),
        ((2, 4, 3), (2,)),
        ((2, 4, 3), (3, 4)),
        ((4, 3), (2, 4)),
        ((2, 5, 4, 3), (5, 4)),
    ],
)
def test_refuses_shapes_that_do_not_fit(backend, loss, x_shape, y_shape):
    x = backend.asarray(np.zeros(x_shape, np.float32))
    y = backend.asarray(np.zeros(y_shape, np.int64))
    with pytest.raises(InputError) as caught:
        loss(x, y)
    assert f"scores {x_shape} and labels {y_shape}" in str(caught.value)


@pytest.mark.parametrize("loss", LOSSES)
def test_refuses_lists_and_two_libraries(loss):
    with pytest.raises(InputError, match=r"builtins\.list"):
        loss([[0.0, 1.0]], [0])
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"torch\.Tensor, numpy\.ndarray"):
        loss(torch.zeros((1, 2)), np.zeros(1, np.int64))


def test_check_labels_names_what_it_checks():
    check_labels(np.asarray([0, 5]), 6)
    check_labels(np.asarray([0, 10**6]), None)
    check_labels(np.asarray([], dtype=np.int64), 6)
    with pytest.raises(InputError, match="y_val must hold labels 0 or more; got -2 at row 1"):
        check_labels(np.asarray([0, -2]), None, "y_val")
    with pytest.raises(InputError, match=r"y_val must .*from 0 to 5.*got 6 at row 0"):
        check_labels(np.asarray([6, 9]), 6, "y_val")
    with pytest.raises(InputError, match=r"float64: cast them with y_val.astype\(numpy.int64\)"):
        check_labels(np.asarray([1.0]), 6, "y_val")


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
    samples=st.integers(1, 5),
    classes=st.integers(1, 6),
    scale=st.sampled_from([0.0, 1.0, 100.0, 1e4]),
    dtype=st.sampled_from(["float32", "float64"]),
    shared=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_softmax_of_any_shape(backend64, members, samples, classes, scale, dtype, shared, seed):
    rng = np.random.default_rng(seed)
    x = (scale * rng.standard_normal((*members, samples, classes))).astype(dtype)
    y = rng.integers(0, classes, (samples,) if shared else (*members, samples))
    loss, dx = softmax_loss(backend64.asarray(x), backend64.asarray(y))
    loss, dx = backend64.to_numpy(loss), backend64.to_numpy(dx)
    assert (loss.shape, dx.shape) == (members, x.shape)
    assert loss.dtype == dx.dtype == np.dtype(dtype)
    exact = x.astype(np.float64)
    onehot = np.broadcast_to(y, x.shape[:-1])[..., None] == np.arange(classes)
    total = np.logaddexp.reduce(exact, axis=-1)
    known = np.mean(total - np.sum(np.where(onehot, exact, 0.0), axis=-1), axis=-1)
    rtol = 1e-5 if dtype == "float32" else 1e-12
    atol = rtol * max(1.0, scale)
    np.testing.assert_allclose(loss, known, rtol=rtol, atol=atol)
    known_dx = (np.exp(exact - total[..., None]) - onehot) / samples
    np.testing.assert_allclose(dx, known_dx, rtol=rtol, atol=rtol)
    assert np.isfinite(loss).all()
    assert (loss >= 0).all()
    np.testing.assert_allclose(dx.sum(axis=-1), 0.0, atol=rtol)
    assert np.abs(dx).max() <= 1.0 / samples


@pytest.mark.parametrize("loss", [softmax_loss, svm_loss])
def test_refuses_no_samples_and_integer_scores(backend, loss):
    y = backend.asarray(np.zeros(0, np.int64))
    with pytest.raises(InputError, match=r"there is none in scores \(0, 3\)"):
        loss(backend.asarray(np.ones((0, 3), np.float32)), y)
    with pytest.raises(InputError, match="scores must be real floating; got dtype .*int32"):
        loss(backend.asarray(np.ones((1, 3), np.int32)), backend.asarray(np.zeros(1, np.int64)))
