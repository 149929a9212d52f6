"""Class and sample weights, of every loss that takes them: sum(w l) / sum(w)."""

import functools
import math

import numpy as np
import pytest

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.losses import LOSSES, get_loss, softmax_loss, squared_loss, svm_loss

# What is given, and whether each member has its own: the axis is that of classes or of samples.
WEIGHTS = {
    "class": {"class_weights": False},
    "class of each member": {"class_weights": True},
    "sample": {"sample_weights": False},
    "sample of each member": {"sample_weights": True},
    "class and sample": {"class_weights": True, "sample_weights": False},
}
CASES = [
    (loss, kind)
    for loss in LOSSES.values()
    for kind in WEIGHTS
    if loss is not squared_loss or kind.startswith("sample")
]
each_case = pytest.mark.parametrize(
    ("loss", "kind"), CASES, ids=[f"{loss.__name__}-{kind}" for loss, kind in CASES]
)
each_loss = pytest.mark.parametrize("loss", LOSSES.values())


def draw(rng, loss, kind, members=(), samples=4, classes=3):
    """Return scores with no margin near its kink, labels or targets, and weights, on the host."""
    shape = (*members, samples)
    weights = {}
    for name, own in WEIGHTS[kind].items():
        size = classes if name == "class_weights" else samples
        weights[name] = rng.random((*members, size) if own else (size,)) + 0.1
    if loss is squared_loss:
        x, y = rng.standard_normal((2, *shape, classes))
        return x, y, weights
    y = rng.integers(0, classes, shape)
    while True:
        x = 2.0 * rng.standard_normal((*shape, classes))
        margins = x - np.take_along_axis(x, y[..., None], axis=-1) + 1.0
        if np.abs(margins).min() > 1e-3:
            return x, y, weights


def sample_losses(loss, x, y):
    """The loss of every sample by its definition, (..., N)."""
    if loss is squared_loss:
        return np.sum((x - y) ** 2, axis=-1)
    at_label = np.take_along_axis(x, y[..., None], axis=-1)
    if loss is softmax_loss:
        return (np.logaddexp.reduce(x, axis=-1, keepdims=True) - at_label)[..., 0]
    hot = y[..., None] == np.arange(x.shape[-1])
    return np.sum(np.where(hot, 0.0, np.maximum(x - at_label + 1.0, 0.0)), axis=-1)


def weight_of_each(x, y, weights):
    """w of every sample, (..., N)."""
    w = np.broadcast_to(weights.get("sample_weights", 1.0), x.shape[:-1])
    if "class_weights" in weights:
        of_class = np.broadcast_to(weights["class_weights"], (*x.shape[:-2], x.shape[-1]))
        w = w * np.take_along_axis(of_class, y, axis=-1)
    return w


@functools.cache  # so that JAX compiles once for all the tests of one shape
def with_weights(jitted, loss):
    return jitted(lambda x, y, weights: loss(x, y, **weights))


def called(loss, backend, jitted, x, y, weights):
    """Return loss and gradient on the host; under jit the weights are arguments too."""
    if x.dtype == np.float32:  # for the device that has no other floats
        y = y.astype(np.float32) if y.dtype.kind == "f" else y
        weights = {
            k: w.astype(np.float32) if w.dtype.kind == "f" else w for k, w in weights.items()
        }
    on_device = {name: backend.asarray(w) for name, w in weights.items()}
    function = with_weights(jitted, loss)
    value, dx = function(backend.asarray(x), backend.asarray(y), on_device)
    return backend.to_numpy(value), backend.to_numpy(dx)


@each_case
@pytest.mark.parametrize("members", [(), (2, 3)])
def test_value_and_gradient(backend64, rng, numeric_gradient, jitted, loss, kind, members):
    x, y, weights = draw(rng, loss, kind, members)
    w = weight_of_each(x, y, weights)

    def means(a):
        return np.sum(w * sample_losses(loss, a, y), axis=-1) / np.sum(w, axis=-1)

    value, dx = called(loss, backend64, jitted, x, y, weights)
    assert value.shape == members
    np.testing.assert_allclose(value, means(x), rtol=1e-13)
    numeric = numeric_gradient(lambda a: np.sum(means(a)), x)
    np.testing.assert_allclose(dx, numeric, rtol=1e-7, atol=1e-9)


@each_case
def test_members_may_share_labels_and_not_weights(backend, rng, jitted, loss, kind):
    x, y, weights = draw(rng, loss, kind, (3,))
    x, shared = x.astype(np.float32), y[0]
    found = called(loss, backend, jitted, x, shared, weights)
    known = called(loss, backend, jitted, x, np.stack([shared] * 3), weights)
    for a, b in zip(found, known, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert len(set(found[0].tolist())) == 3


@pytest.mark.parametrize("loss", [softmax_loss, svm_loss])
def test_class_weights_agree_with_torch(backend64, rng, jitted, loss):
    torch = pytest.importorskip("torch")
    x, y, weights = draw(rng, loss, "class", samples=20, classes=7)
    scores, labels = torch.tensor(x, requires_grad=True), torch.tensor(y)
    w = torch.tensor(weights["class_weights"])
    if loss is softmax_loss:
        known = torch.nn.functional.cross_entropy(scores, labels, weight=w)
    else:  # PyTorch divides by the classes, and its mean by the number of samples
        each = torch.nn.functional.multi_margin_loss(scores, labels, weight=w, reduction="none")
        known = 7 * each.sum() / w[labels].sum()
    known.backward()
    value, dx = called(loss, backend64, jitted, x, y, weights)
    np.testing.assert_allclose(value, known.item(), rtol=1e-13)
    np.testing.assert_allclose(dx, scores.grad.numpy(), rtol=1e-12, atol=1e-15)


@each_case
def test_weights_of_one_change_nothing(backend, rng, jitted, loss, kind):
    x, y, weights = draw(rng, loss, kind, (2,), samples=300)
    x = x.astype(np.float32)
    ones = {name: np.ones_like(w, dtype=np.float32) for name, w in weights.items()}
    plain = called(loss, backend, jitted, x, y, {})
    for found, known in zip(called(loss, backend, jitted, x, y, ones), plain, strict=True):
        np.testing.assert_allclose(found, known, rtol=1e-6)
        if backend.name == "numpy":
            np.testing.assert_array_equal(found, known)


@each_case
def test_whole_weights_repeat_samples(backend64, rng, jitted, loss, kind):
    x, y, weights = draw(rng, loss, kind, samples=6)
    whole = {name: rng.integers(0, 4, w.shape) for name, w in weights.items()}
    times = weight_of_each(x, y, whole).astype(int)
    assert times.max() > 1
    value, dx = called(loss, backend64, jitted, x, y, whole)
    repeated = (np.repeat(a, times, axis=0) for a in (x, y))
    known, known_dx = called(loss, backend64, jitted, *repeated, {})
    np.testing.assert_allclose(value, known, rtol=1e-13)
    starts = np.cumsum(times) - times
    summed = [known_dx[s : s + n].sum(axis=0) for s, n in zip(starts, times, strict=True)]
    np.testing.assert_allclose(dx, summed, rtol=1e-12, atol=1e-15)


@each_case
def test_a_common_factor_does_not_matter(backend64, rng, jitted, loss, kind):
    x, y, weights = draw(rng, loss, kind, (3,))
    scaled = {name: 1e6 * w for name, w in weights.items()}
    known = called(loss, backend64, jitted, x, y, weights)
    for found, expected in zip(called(loss, backend64, jitted, x, y, scaled), known, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@each_case
def test_a_stack_is_its_members(backend, rng, jitted, loss, kind):
    x, y, weights = draw(rng, loss, kind, (5,), samples=300, classes=5)
    x = x.astype(np.float32)
    value, dx = called(loss, backend, jitted, x, y, weights)
    for k in range(5):
        own = {name: w[k] if w.ndim == 2 else w for name, w in weights.items()}
        solo, solo_dx = called(loss, backend, jitted, x[k], y[k], own)
        np.testing.assert_allclose(value[k], solo, rtol=1e-5)
        np.testing.assert_allclose(dx[k], solo_dx, rtol=1e-5, atol=1e-9)
        if backend.name == "numpy":
            assert value[k] == solo
            np.testing.assert_array_equal(dx[k], solo_dx)


@each_loss
def test_a_weight_of_zero_leaves_a_sample_out(backend, rng, jitted, loss):
    x, y, _ = draw(rng, loss, "sample", samples=5)
    x = x.astype(np.float32)
    weights = {"sample_weights": np.asarray([1, 1, 0, 1, 0])}
    value, dx = called(loss, backend, jitted, x, y, weights)
    known, known_dx = called(loss, backend, jitted, x[[0, 1, 3]], y[[0, 1, 3]], {})
    np.testing.assert_allclose(value, known, rtol=1e-6)
    np.testing.assert_allclose(dx[[0, 1, 3]], known_dx, rtol=1e-5, atol=1e-8)
    assert not dx[[2, 4]].any()


@each_loss
def test_where_all_weights_are_zero_there_is_nothing_to_learn(backend, rng, jitted, loss):
    x, y, _ = draw(rng, loss, "sample", (3,))
    weights = {"sample_weights": np.ones((3, 4), np.float32)}
    weights["sample_weights"][1] = 0.0
    value, dx = called(loss, backend, jitted, x.astype(np.float32), y, weights)
    assert (value != 0).tolist() == [True, False, True]
    assert [bool(np.any(member)) for member in dx] == [True, False, True]


@each_case
def test_nan_stays_visible_under_any_weight(backend, rng, jitted, loss, kind):
    x, y, weights = draw(rng, loss, kind, (2,))
    x = x.astype(np.float32)
    x[1, 2, :] = np.nan
    zeros = {name: np.zeros_like(w) for name, w in weights.items()}
    for given in (weights, zeros):
        value, dx = called(loss, backend, jitted, x, y, given)
        assert np.isnan(value).tolist() == [False, True]
        assert np.isfinite(dx[0]).all()
        assert loss is svm_loss or np.isnan(dx[1, 2]).all()


@each_case
@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.5])
def test_refuses_bad_weights_on_the_host_and_shows_nan_elsewhere(
    backend, rng, jitted, loss, kind, bad
):
    x, y, weights = draw(rng, loss, kind, samples=3)
    name = next(iter(weights))
    weights[name][...] = 1.0
    weights[name][-1] = bad
    if loss is not squared_loss:
        y[:] = [0, 1, 2]
    if backend.name == "numpy":
        with pytest.raises(InputError, match=rf"{name} must be finite.*got {bad} at \(2,\): use 0"):
            called(loss, backend, jitted, x, y, weights)
    elif math.isnan(bad):
        value, _ = called(loss, backend, jitted, x.astype(np.float32), y, weights)
        assert np.isnan(value)


@each_case
@pytest.mark.parametrize(
    ("dtype", "weights_dtype"),
    [("float32", "float64"), ("float64", "float32"), ("float32", "int32"), ("float64", "bool")],
)
def test_keeps_the_scores_dtype_and_leaves_its_inputs(
    backend64, rng, loss, kind, dtype, weights_dtype
):
    x, y, weights = draw(rng, loss, kind, (2,))
    host = {name: np.ceil(w).astype(weights_dtype) for name, w in weights.items()}
    given = {name: backend64.asarray(w) for name, w in host.items()}
    scores = backend64.asarray(x.astype(dtype))
    for result in loss(scores, backend64.asarray(y), **given):
        assert result.dtype == backend64.dtype(dtype)
        assert backend64.name == "numpy" or device(result) == device(scores)
    for name, w in host.items():
        np.testing.assert_array_equal(backend64.to_numpy(given[name]), w)
    np.testing.assert_array_equal(backend64.to_numpy(scores), x.astype(dtype))


@pytest.mark.parametrize("loss", [softmax_loss, svm_loss])
def test_a_label_out_of_range_shows_under_class_weights(backend, jitted, loss):
    if backend.name == "numpy":
        pytest.skip("refused on the host, whatever the weights")
    x, y = np.zeros((2, 2, 3), np.float32), np.asarray([[0, 1], [0, 7]])
    with np.errstate(invalid="ignore"):  # an infinite loss under a weight of 0
        value, _ = called(loss, backend, jitted, x, y, {"class_weights": np.ones(3)})
    assert np.isfinite(value).tolist() == [True, False]


@each_case
@pytest.mark.parametrize("members", [(3,)])
def test_runs_without_data(rng, loss, kind, members):
    torch = pytest.importorskip("torch")
    x, y, weights = draw(rng, loss, kind, members)
    given = {name: torch.empty(w.shape, device="meta") for name, w in weights.items()}
    labels = torch.empty(y.shape, device="meta", dtype=getattr(torch, str(y.dtype)))
    value, dx = loss(torch.empty(x.shape, device="meta"), labels, **given)
    assert (tuple(value.shape), value.device.type) == (members, "meta")
    assert tuple(dx.shape) == x.shape


@each_case
def test_refuses_shapes_that_do_not_fit(backend, rng, loss, kind):
    x, y, weights = draw(rng, loss, kind, (2,), samples=4, classes=3)
    name = next(iter(weights))
    size = 3 if name == "class_weights" else 4
    scores = backend.asarray(x.astype(np.float32))
    labels = backend.asarray(y.astype(np.float32 if loss is squared_loss else np.int64))
    for shape in [(), (size + 1,), (1, size), (3, size), (2, size, 1), (size, 2)]:
        with pytest.raises(InputError) as caught:
            loss(scores, labels, **{name: backend.asarray(np.ones(shape, np.float32))})
        assert str(caught.value).startswith(f"{name} must be (")
        assert str(caught.value).endswith(f"for scores (2, 4, 3); got {shape}")


@each_case
def test_refuses_weights_that_are_no_numbers_or_not_of_the_library(rng, loss, kind):
    x, y, weights = draw(rng, loss, kind)
    name = next(iter(weights))
    with pytest.raises(InputError, match=f"{name} must hold real numbers; got dtype complex128"):
        loss(x, y, **{name: weights[name].astype(complex)})
    with pytest.raises(InputError, match=r"builtins\.list: move them all"):
        loss(x, y, **{name: weights[name].tolist()})


def test_losses_by_name():
    for name, loss in LOSSES.items():
        assert get_loss(name) is loss
        assert loss.__name__ == f"{name}_loss"
    with pytest.raises(
        InputError, match=r"'softmx' \(did you mean softmax\?\); choose .*, squared"
    ):
        get_loss("softmx")
    with pytest.raises(InputError, match="unknown loss 'hinge'; choose one of softmax, svm"):
        get_loss("hinge")
    with pytest.raises(InputError, match="unknown loss None"):
        get_loss(None)
