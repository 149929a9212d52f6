"""The gradients of the whole net, against the automatic ones of JAX and PyTorch."""

from contextlib import nullcontext

import numpy as np
import pytest

from xpnet import TwoLayerNet, get_backend
from xpnet.nets import FullyConnectedNet, Variables

MEMBERS = [None, 3]
NETS = {
    "relu": lambda **options: TwoLayerNet(6, 5, 4, 0.7, **options),
    "batchnorm and tanh": lambda **options: FullyConnectedNet(
        [5, 3], 6, 4, activation="tanh", normalization="batchnorm", **options
    ),
}


@pytest.fixture(params=MEMBERS, ids=["single", "stack"])
def members(request):
    return request.param


@pytest.fixture(params=NETS)
def case(request, members):
    """Return a net in float64 and a batch, away from the kinks of ReLU."""
    rng = np.random.default_rng(3)
    reg = 0.3 if members is None else [0.0, 0.1, 0.3]
    net = NETS[request.param](reg=reg, members=members, dtype="float64", seed=1)
    for name, w in net.params.items():
        if name[0] != "W":
            net.params[name] = w + rng.standard_normal(w.shape)
    return net, rng.standard_normal((8, 6)), rng.integers(4, size=8)


def test_gradients_are_those_of_jax(case):
    jax = pytest.importorskip("jax")
    net, X, y = case
    _, expected = net.loss(X, y)
    last = net.num_layers

    def total(params, x, labels, strength):
        for i in range(1, last):
            x = x @ params[f"W{i}"] + params[f"b{i}"][..., None, :]
            if net.normalization is None:
                x = jax.numpy.maximum(x, 0)
                continue
            x = jax.nn.standardize(x, axis=-2, epsilon=1e-5)
            x = jax.numpy.tanh(
                params[f"gamma{i}"][..., None, :] * x + params[f"beta{i}"][..., None, :]
            )
        scores = x @ params[f"W{last}"] + params[f"b{last}"][..., None, :]
        chosen = jax.nn.log_softmax(scores)[..., np.arange(8), labels]
        weights = [params[f"W{i}"] for i in range(1, last + 1)]
        squares = sum(jax.numpy.sum(w**2, axis=(-2, -1)) for w in weights)
        return jax.numpy.sum(0.5 * strength * squares - chosen.mean(axis=-1))

    with jax.enable_x64(True):
        params = {name: jax.numpy.asarray(w) for name, w in net.params.items()}
        found = jax.jit(jax.grad(total))(params, X, y, np.asarray(net.reg))
        for name, gradient in expected.items():
            np.testing.assert_allclose(gradient, np.asarray(found[name]), rtol=1e-10, atol=1e-13)


def test_gradients_are_those_of_torch(case):
    torch = pytest.importorskip("torch")
    net, X, y = case
    _, expected = net.loss(X, y)
    last = net.num_layers
    params = {name: torch.tensor(w, requires_grad=True) for name, w in net.params.items()}
    x = torch.tensor(X)
    for i in range(1, last):
        x = x @ params[f"W{i}"] + params[f"b{i}"].unsqueeze(-2)
        if net.normalization is None:
            x = torch.relu(x)
            continue
        var, mean = torch.var_mean(x, dim=-2, keepdim=True, correction=0)
        x = params[f"gamma{i}"].unsqueeze(-2) * (x - mean) / torch.sqrt(var + 1e-5)
        x = torch.tanh(x + params[f"beta{i}"].unsqueeze(-2))
    scores = x @ params[f"W{last}"] + params[f"b{last}"].unsqueeze(-2)
    log_softmax = torch.log_softmax(scores, dim=-1)
    chosen = log_softmax[..., torch.arange(8), torch.tensor(y)]
    squares = sum((params[f"W{i}"] ** 2).sum(dim=(-2, -1)) for i in range(1, last + 1))
    (
        0.5 * torch.tensor(net.reg, dtype=torch.float64) * squares - chosen.mean(dim=-1)
    ).sum().backward()
    for name, gradient in expected.items():
        np.testing.assert_allclose(gradient, params[name].grad.numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_the_nets_own_loss_can_be_differentiated(library, members):
    """Its forward pass alone, with the draws of dropout as constants."""
    module = pytest.importorskip(library)
    ratio = 0.7 if members is None else [0.7, 1.0, 0.5]
    net = NETS["batchnorm and tanh"](
        reg=0.3, members=members, dtype="float64", dropout_keep_ratio=ratio, seed=1
    )
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((8, 6)), rng.integers(4, size=8)
    terms = net.constants() | net.draws(0, 8)
    with module.enable_x64(True) if library == "jax" else nullcontext():
        backend = get_backend(library)
        x, labels = backend.asarray(X), backend.asarray(y)
        terms = {
            n: t if isinstance(t, float | int) else backend.asarray(t) for n, t in terms.items()
        }
        params, state = (
            {name: backend.asarray(w) for name, w in part.items()}
            for part in (net.params, net.state)
        )

        def total(given):
            variables = Variables(given, state)
            return backend.xp.sum(
                net.loss_and_gradients(variables, x, labels, terms, backend.xp)[0]
            )

        if library == "jax":
            found = module.jit(module.grad(total))(params)
        else:
            for w in params.values():
                w.requires_grad_()
            total(params).backward()
            found = {name: w.grad for name, w in params.items()}
        _, expected = net.loss(X, y)
        for name, gradient in expected.items():
            automatic = backend.to_numpy(found[name])
            np.testing.assert_allclose(gradient, automatic, rtol=1e-10, atol=1e-13)
