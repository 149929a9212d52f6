"""In float32, as nets are trained, the pieces agree with PyTorch to 1e-5."""

import numpy as np
import pytest

from xpnet import layers, losses
from xpnet.layers import BatchNormState
from xpnet.optim import RULES

torch = pytest.importorskip("torch")

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture
def x(rng):
    return rng.normal(0.5, 2.0, (32, 7)).astype(np.float32)


def leaf(array):
    return torch.tensor(array, requires_grad=True)


@pytest.mark.parametrize("kind", ["batchnorm", "layernorm"])
def test_normalisation(x, rng, kind):
    gamma, beta = rng.standard_normal((2, 7)).astype(np.float32)
    dout = rng.standard_normal((32, 7)).astype(np.float32)
    theirs = [leaf(a) for a in (x, gamma, beta)]
    if kind == "batchnorm":
        mean, var = torch.zeros(7), torch.ones(7)
        known = torch.nn.functional.batch_norm(
            theirs[0], mean, var, theirs[1], theirs[2], training=True, momentum=0.1
        )
        state = BatchNormState(np.zeros(7, np.float32), np.ones(7, np.float32))
        out, after, cache = layers.batchnorm_forward(x, gamma, beta, state, train=True)
        np.testing.assert_allclose(after.mean, mean.numpy(), **CLOSE)
        unbiased = 0.9 + (after.var - 0.9) * 32 / 31  # PyTorch keeps the unbiased variance
        np.testing.assert_allclose(unbiased, var.numpy(), **CLOSE)
        grads = layers.batchnorm_backward(dout, cache)
    else:
        known = torch.nn.functional.layer_norm(theirs[0], (7,), theirs[1], theirs[2])
        out, cache = layers.layernorm_forward(x, gamma, beta)
        grads = layers.layernorm_backward(dout, cache)
    known.backward(torch.tensor(dout))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, known.detach().numpy(), **CLOSE)
    for found, their in zip(grads, theirs, strict=True):
        np.testing.assert_allclose(found, their.grad.numpy(), **CLOSE)


def test_dropouts_scale():
    """What is kept is multiplied by the same number, to the bit."""
    ones = np.ones((100, 50), np.float32)
    [draws] = layers.draw_dropout(3, 0, [(100, 50)])
    for keep in (0.25, 0.5, 0.8):
        out, _ = layers.dropout_forward(ones, draws, keep)
        torch.manual_seed(0)
        theirs = torch.nn.functional.dropout(torch.tensor(ones), 1 - keep).numpy()
        np.testing.assert_allclose(np.unique(out), np.unique(theirs), rtol=1e-6)
        assert abs(out.mean() - 1) < 0.05


@pytest.mark.parametrize("name", ["softmax", "svm", "squared"])
def test_losses(x, rng, name):
    y = rng.integers(7, size=32)
    scores, labels = leaf(x), torch.tensor(y)
    if name == "softmax":
        known = torch.nn.functional.cross_entropy(scores, labels)
    elif name == "svm":
        known = 7 * torch.nn.functional.multi_margin_loss(scores, labels)
    else:
        y = rng.standard_normal((32, 7)).astype(np.float32)
        known = 7 * torch.nn.functional.mse_loss(scores, torch.tensor(y))
    known.backward()
    loss, dx = losses.LOSSES[name](x, y)
    assert dx.dtype == np.float32
    np.testing.assert_allclose(loss, known.item(), rtol=1e-5)
    np.testing.assert_allclose(dx, scores.grad.numpy(), **CLOSE)


OPTIMISERS = {
    "sgd": (lambda p: torch.optim.SGD(p, lr=0.1), {"learning_rate": 0.1}),
    "sgd_momentum": (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), {"learning_rate": 0.1}),
    "nesterov_momentum": (
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        {"learning_rate": 0.1},
    ),
    "rmsprop": (
        lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.99, eps=1e-8),
        {"learning_rate": 0.01},
    ),
    "adam": (lambda p: torch.optim.Adam(p, lr=0.01), {"learning_rate": 0.01}),
    "adamw": (
        lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
        {"learning_rate": 0.01, "weight_decay": 0.1},
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_twenty_steps_of_each_rule(x, rng, name):
    make, config = OPTIMISERS[name]
    their = leaf(x)
    optimiser = make([their])
    w = x
    for _ in range(20):
        dw = rng.standard_normal(x.shape).astype(np.float32)
        their.grad = torch.tensor(dw)
        optimiser.step()
        w, config = RULES[name](w, dw, config)
    assert w.dtype == np.float32
    np.testing.assert_allclose(w, their.detach().numpy(), **CLOSE)
