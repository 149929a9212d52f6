import functools

import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.losses import softmax_loss

EPSILONS = [0.0, 0.1, 0.9]


def smoothed(epsilon):
    return functools.partial(softmax_loss, label_smoothing=epsilon)


def draw(rng, members=(), samples=4, classes=3):
    x = 2.0 * rng.standard_normal((*members, samples, classes))
    return x, rng.integers(0, classes, (*members, samples))


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_agrees_with_torch(backend64, rng, epsilon, jitted):
    torch = pytest.importorskip("torch")
    x, y = draw(rng, samples=20, classes=7)
    scores = torch.tensor(x, requires_grad=True)
    known = torch.nn.functional.cross_entropy(scores, torch.tensor(y), label_smoothing=epsilon)
    known.backward()
    value, dx = jitted(smoothed(epsilon))(backend64.asarray(x), backend64.asarray(y))
    np.testing.assert_allclose(backend64.to_numpy(value), known.item(), rtol=1e-13)
    np.testing.assert_allclose(backend64.to_numpy(dx), scores.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_agrees_with_torch_where_samples_are_weighted(backend64, rng, jitted):
    torch = pytest.importorskip("torch")
    x, y = draw(rng, samples=20, classes=7)
    w = rng.random(20)
    scores = torch.tensor(x, requires_grad=True)
    each = torch.nn.functional.cross_entropy(
        scores, torch.tensor(y), label_smoothing=0.2, reduction="none"
    )
    known = (torch.tensor(w) * each).sum() / w.sum()
    known.backward()
    value, dx = jitted(lambda x, y, w: smoothed(0.2)(x, y, sample_weights=w))(
        *map(backend64.asarray, (x, y, w))
    )
    np.testing.assert_allclose(backend64.to_numpy(value), known.item(), rtol=1e-13)
    np.testing.assert_allclose(backend64.to_numpy(dx), scores.grad.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("members", [(), (3,), (2, 3)])
def test_gradient(backend64, rng, numeric_gradient, members, jitted):
    x, y = draw(rng, members)
    targets = 0.7 * (y[..., None] == np.arange(3)) + 0.3 / 3

    def total(a):
        log_softmax = a - np.logaddexp.reduce(a, axis=-1, keepdims=True)
        return -np.sum(targets * log_softmax) / a.shape[-2]

    value, dx = jitted(smoothed(0.3))(backend64.asarray(x), backend64.asarray(y))
    assert tuple(value.shape) == members
    np.testing.assert_allclose(backend64.to_numpy(value).sum(), total(x), rtol=1e-13)
    np.testing.assert_allclose(
        backend64.to_numpy(dx), numeric_gradient(total, x), rtol=1e-7, atol=1e-9
    )


def test_nothing_to_learn_at_the_smoothed_targets(backend64, jitted):
    # x = log of the targets: softmax(x) is what is wanted, and the loss their entropy.
    targets = np.asarray([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    value, dx = jitted(smoothed(0.3))(
        backend64.asarray(np.log(targets)), backend64.asarray(np.asarray([0, 2]))
    )
    entropy = -np.sum(targets[0] * np.log(targets[0]))
    np.testing.assert_allclose(backend64.to_numpy(value), entropy, rtol=1e-14)
    np.testing.assert_allclose(backend64.to_numpy(dx), 0.0, atol=1e-16)


def test_no_smoothing_gives_the_same_bits(backend, rng):
    x, y = draw(rng, (2,), samples=300)
    x, y = backend.asarray(x.astype(np.float32)), backend.asarray(y)
    for plain, none in zip(softmax_loss(x, y), smoothed(0)(x, y), strict=True):
        np.testing.assert_array_equal(backend.to_numpy(plain), backend.to_numpy(none))


def test_extreme_scores_stay_finite(backend, also_jitted):
    x = backend.asarray(np.float32([[1e4, -1e4], [1e4, -1e4], [1e4, 1e4]]))
    y = backend.asarray(np.asarray([0, 1, 0]))
    for function in also_jitted(smoothed(0.1)):
        loss, dx = function(x, y)
        known = (0.05 * 2e4 + 0.95 * 2e4 + np.log(2.0)) / 3.0
        np.testing.assert_allclose(backend.to_numpy(loss), known, rtol=1e-6)
        known = np.asarray([[0.05, -0.05], [0.95, -0.95], [-0.45, 0.45]]) / 3.0
        np.testing.assert_allclose(backend.to_numpy(dx), known, rtol=1e-5)


def test_keeps_float32_for_a_number_of_numpy(backend, rng):
    x, y = draw(rng)
    for result in smoothed(np.float64(0.1))(
        backend.asarray(x.astype(np.float32)), backend.asarray(y)
    ):
        assert result.dtype == backend.dtype("float32")


@pytest.mark.parametrize("epsilon", [-0.1, 1.0, 2, np.nan, True, "0.1", None, [0.1]])
def test_refuses_what_is_no_share(epsilon):
    with pytest.raises(InputError, match="label_smoothing must be a number from 0 up to, but not"):
        softmax_loss(np.zeros((1, 2)), np.zeros(1, np.int64), label_smoothing=epsilon)
