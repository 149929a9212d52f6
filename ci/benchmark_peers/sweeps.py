"""Peers of the sweep: the same grid of two-layer nets by scikit-learn, JAX and PyTorch.

Each takes the data set, the space and the epochs, trains a net for each combination by SGD on the
centred inputs, and returns the best validation accuracy, taken once at the end.
"""

import itertools
import warnings
from functools import partial

import numpy as np

import xpnet

__all__ = ["BATCH", "by_sklearn", "by_torch", "by_torch_func", "by_vmap", "combined"]

BATCH = 100


def combined(space: dict) -> list[dict]:
    """Return all combinations."""
    return [dict(zip(space, one, strict=True)) for one in itertools.product(*space.values())]


def fit_sklearn(
    one: dict, X: np.ndarray, y: np.ndarray, X_val: np.ndarray, y_val: np.ndarray, epochs: int
) -> float:
    """Return the validation accuracy of one MLPClassifier; it has no decay of this kind."""
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier(
        one["hidden_dims"],
        solver="sgd",
        momentum=0.0,
        batch_size=BATCH,
        alpha=one["reg"],
        learning_rate_init=one["learning_rate"],
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(X, y)
    return float(net.score(X_val, y_val))


def by_sklearn(data: xpnet.data.Dataset, space: dict, epochs: int) -> float:
    """Return the best of scikit-learn's, by joblib on all cores."""
    from joblib import Parallel, delayed

    parts = centred(data)
    fits = (delayed(fit_sklearn)(one, *parts, epochs) for one in combined(space))
    return max(Parallel(n_jobs=-1)(fits))


def by_vmap(data: xpnet.data.Dataset, space: dict, epochs: int) -> float:
    """Return the best of nets whose step is mapped over the members, by jax.vmap and scan."""
    import jax
    import jax.numpy as jnp

    X, y, X_val, y_val = map(jnp.asarray, centred(data))

    def loss(params: tuple, x: jnp.ndarray, labels: jnp.ndarray, reg: jnp.ndarray) -> jnp.ndarray:
        w1, b1, w2, b2 = params
        scores = jax.nn.relu(x @ w1 + b1) @ w2 + b2
        losses = -jax.nn.log_softmax(scores)[jnp.arange(len(labels)), labels]
        return losses.mean() + 0.5 * reg * ((w1 * w1).sum() + (w2 * w2).sum())

    def step(params: tuple, rows: jnp.ndarray, rate: jnp.ndarray, reg: jnp.ndarray) -> tuple:
        grads = jax.grad(loss)(params, X[rows], y[rows], reg)
        return tuple(w - rate * g for w, g in zip(params, grads, strict=True))

    members = jax.vmap(step, in_axes=(0, None, 0, 0))

    @partial(jax.jit, donate_argnums=0)
    def epoch(params: tuple, batches: jnp.ndarray, rate: jnp.ndarray, reg: jnp.ndarray) -> tuple:
        return jax.lax.scan(lambda p, rows: (members(p, rows, rate, reg), None), params, batches)[0]

    rng, best = np.random.default_rng(0), 0.0
    for (size,) in space["hidden_dims"]:
        own = [one for one in combined(space) if one["hidden_dims"] == [size]]
        rate, reg, decay = (
            jnp.asarray([one[name] for one in own], jnp.float32)
            for name in ("learning_rate", "reg", "lr_decay")
        )
        shapes = [(X.shape[1], size), (size,), (size, 10), (10,)]
        start = [rng.standard_normal(s) * np.sqrt(2 / s[0]) * (len(s) == 2) for s in shapes]
        params = tuple(jnp.asarray(np.stack([w] * len(own)), jnp.float32) for w in start)
        for k in range(epochs):
            rows = rng.permutation(len(X))[: len(X) // BATCH * BATCH].reshape(-1, BATCH)
            params = epoch(params, jnp.asarray(rows), rate * decay**k, reg)
        w1, b1, w2, b2 = params
        scores = jax.nn.relu(X_val @ w1 + b1[:, None]) @ w2 + b2[:, None]
        best = max(best, float((scores.argmax(-1) == y_val).mean(-1).max()))
    return best


def centred(data: xpnet.data.Dataset) -> tuple[np.ndarray, ...]:
    """Return X_train, y_train, X_val and y_val, less the mean of the training part."""
    mean = data.X_train.mean(axis=0)
    return (
        (data.X_train - mean).astype(np.float32),
        data.y_train,
        (data.X_val - mean).astype(np.float32),
        data.y_val,
    )


def by_torch(data: xpnet.data.Dataset, space: dict, epochs: int, device: str = "cpu") -> float:
    """Return the best of PyTorch's modules, one after the other."""
    import torch
    from torch import nn

    X, y, X_val, y_val = (torch.as_tensor(x, device=device) for x in centred(data))
    best = 0.0
    for one in combined(space):
        torch.manual_seed(0)
        (size,) = one["hidden_dims"]
        net = nn.Sequential(nn.Linear(X.shape[1], size), nn.ReLU(), nn.Linear(size, 10)).to(device)
        rule = torch.optim.SGD(net.parameters(), lr=one["learning_rate"], weight_decay=one["reg"])
        decay = torch.optim.lr_scheduler.ExponentialLR(rule, one["lr_decay"])
        loss = nn.CrossEntropyLoss()
        for _ in range(epochs):
            order = torch.randperm(len(X), device=device)
            for rows in order[: len(X) // BATCH * BATCH].reshape(-1, BATCH):
                rule.zero_grad(set_to_none=True)
                loss(net(X[rows]), y[rows]).backward()
                rule.step()
            decay.step()
        with torch.no_grad():
            best = max(best, float((net(X_val).argmax(-1) == y_val).float().mean()))
    return best


def by_torch_func(data: xpnet.data.Dataset, space: dict, epochs: int, device: str = "cpu") -> float:
    """Return the best of nets whose step is mapped over the members by torch.func."""
    import torch
    from torch.func import grad, vmap

    X, y, X_val, y_val = (torch.as_tensor(x, device=device) for x in centred(data))

    def loss(params: tuple, x: object, labels: object, reg: object) -> object:
        w1, b1, w2, b2 = params
        scores = torch.relu(x @ w1 + b1) @ w2 + b2
        data_loss = torch.nn.functional.cross_entropy(scores, labels)
        return data_loss + 0.5 * reg * ((w1 * w1).sum() + (w2 * w2).sum())

    gradients = vmap(grad(loss), in_dims=(0, None, None, 0))
    best = 0.0
    for (size,) in space["hidden_dims"]:
        own = [one for one in combined(space) if one["hidden_dims"] == [size]]
        rate, reg, decay = (
            torch.tensor([one[name] for one in own], device=device)
            for name in ("learning_rate", "reg", "lr_decay")
        )
        torch.manual_seed(0)
        shapes = [(X.shape[1], size), (size,), (size, 10), (10,)]
        params = tuple(
            (torch.randn(s) * (2 / s[0]) ** 0.5 * (len(s) == 2))
            .to(device)
            .repeat(len(own), *[1] * len(s))
            for s in shapes
        )
        for k in range(epochs):
            order = torch.randperm(len(X), device=device)
            now = rate * decay**k
            for rows in order[: len(X) // BATCH * BATCH].reshape(-1, BATCH):
                found = gradients(params, X[rows], y[rows], reg)
                params = tuple(
                    w.sub_(now.reshape(-1, *[1] * (w.ndim - 1)) * g)
                    for w, g in zip(params, found, strict=True)
                )
        w1, b1, w2, b2 = params
        scores = torch.relu(X_val @ w1 + b1[:, None]) @ w2 + b2[:, None]
        best = max(best, float((scores.argmax(-1) == y_val).float().mean(-1).max()))
    return best
