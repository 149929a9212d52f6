"""The gradients of the whole net, against the automatic ones of JAX and PyTorch."""

import numpy as np
import pytest

from xpnet import TwoLayerNet

MEMBERS = [None, 3]


@pytest.fixture(params=MEMBERS, ids=["single", "stack"])
def case(request):
    """Return a net in float64 and a batch, away from the kinks of ReLU."""
    rng = np.random.default_rng(3)
    reg = 0.3 if request.param is None else [0.0, 0.1, 0.3]
    net = TwoLayerNet(6, 5, 4, 0.7, reg, members=request.param, dtype="float64", seed=1)
    for name in ("b1", "b2"):
        net.params[name] = rng.standard_normal(net.params[name].shape)
    return net, rng.standard_normal((8, 6)), rng.integers(4, size=8)


def test_gradients_are_those_of_jax(case):
    jax = pytest.importorskip("jax")
    net, X, y = case
    _, expected = net.loss(X, y)
    reg = np.asarray(net.reg)

    def total(params, x, labels, strength):
        hidden = jax.numpy.maximum(x @ params["W1"] + params["b1"][..., None, :], 0)
        scores = hidden @ params["W2"] + params["b2"][..., None, :]
        chosen = jax.nn.log_softmax(scores)[..., np.arange(8), labels]
        squares = sum(jax.numpy.sum(params[w] ** 2, axis=(-2, -1)) for w in ("W1", "W2"))
        return jax.numpy.sum(0.5 * strength * squares - chosen.mean(axis=-1))

    with jax.enable_x64(True):
        params = {name: jax.numpy.asarray(w) for name, w in net.params.items()}
        found = jax.grad(total)(params, X, y, reg)
        for name, gradient in expected.items():
            np.testing.assert_allclose(gradient, np.asarray(found[name]), rtol=1e-10, atol=1e-13)


def test_gradients_are_those_of_torch(case):
    torch = pytest.importorskip("torch")
    net, X, y = case
    _, expected = net.loss(X, y)
    params = {name: torch.tensor(w, requires_grad=True) for name, w in net.params.items()}
    hidden = torch.relu(torch.tensor(X) @ params["W1"] + params["b1"].unsqueeze(-2))
    scores = hidden @ params["W2"] + params["b2"].unsqueeze(-2)
    log_softmax = torch.log_softmax(scores, dim=-1)
    chosen = log_softmax[..., torch.arange(8), torch.tensor(y)]
    squares = sum((params[w] ** 2).sum(dim=(-2, -1)) for w in ("W1", "W2"))
    (
        0.5 * torch.tensor(net.reg, dtype=torch.float64) * squares - chosen.mean(dim=-1)
    ).sum().backward()
    for name, gradient in expected.items():
        np.testing.assert_allclose(gradient, params[name].grad.numpy(), rtol=1e-10, atol=1e-13)
