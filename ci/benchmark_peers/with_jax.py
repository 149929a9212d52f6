"""JAX: a jitted step, and an epoch of steps as one jitted scan."""

from functools import partial
from typing import Any

import jax  # noqa: TID251 - a peer
import jax.numpy as jnp  # noqa: TID251 - a peer
import numpy as np

from benchmark_peers.base import EPS, MOMENTUM, Training
from benchmark_peers.task import Task

__all__ = ["Jitted", "Scanned"]


def forward(params: Any, state: Any, x: Any, *, train: bool) -> Any:
    """Return scores and the next running numbers; `state` is empty without batch normalisation."""
    following = []
    for i, layer in enumerate(params):
        x = x @ layer["w"] + layer.get("b", 0)
        if i == len(params) - 1:
            return x, following
        if "gamma" in layer:
            mean, var = (x.mean(axis=0), x.var(axis=0)) if train else state[i]
            x = (x - mean) / jnp.sqrt(var + EPS) * layer["gamma"] + layer["beta"]
            was, now = jnp.stack(state[i]), jnp.stack([mean, var])
            following.append(tuple(MOMENTUM * was + (1 - MOMENTUM) * now))
        x = jnp.maximum(x, 0)
    raise AssertionError  # a net has a last layer


def step(carry: Any, rows: Any, data: Any, rate: float) -> Any:
    """Take a step on a batch; return parameters and state, and the loss."""
    X, y, mean = data
    x, labels = X[rows].astype(jnp.float32) - mean, y[rows]
    params, state = carry

    def loss_of(params: Any) -> Any:
        scores, following = forward(params, state, x, train=True)
        log_p = jax.nn.log_softmax(scores)
        return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean(), following

    (loss, state), grads = jax.value_and_grad(loss_of, has_aux=True)(params)
    return (jax.tree.map(lambda p, g: p - rate * g, params, grads), state), loss


def first_carry(task: Task) -> Any:
    """Return the initial parameters and running numbers."""
    params, state = [], []
    for i, w in enumerate(task.weights):
        width, layer = w.shape[1], {"w": jnp.asarray(w, dtype=jnp.float32)}
        if task.batchnorm and i < len(task.weights) - 1:
            layer |= {"gamma": jnp.ones(width), "beta": jnp.zeros(width)}
            state.append((jnp.zeros(width), jnp.ones(width)))
        else:
            layer["b"] = jnp.zeros(width)
        params.append(layer)
    return params, state


class Scanned(Training):
    """The fastest form: XLA sees a whole epoch."""

    def __init__(self, task: Task, platform: str) -> None:
        super().__init__(task)
        jax.config.update("jax_default_device", jax.devices(platform)[0])
        jax.config.update("jax_default_matmul_precision", "highest")  # float32 on GPUs too
        self.data = jnp.asarray(task.X_train), jnp.asarray(task.y_train), jnp.asarray(task.mean)
        self.carry = first_carry(task)
        self.losses: list[Any] = []
        self.compile()

    def compile(self) -> None:
        """Make the compiled function; JAX compiles it at its first call."""
        rate = self.task.learning_rate

        @partial(jax.jit, donate_argnums=0)
        def epoch(carry: Any, batches: Any, data: Any) -> Any:
            return jax.lax.scan(lambda inner, rows: step(inner, rows, data, rate), carry, batches)

        self.compiled = epoch

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        for _ in range(epochs):
            self.epoch(self.task.shuffled(self.rng))
        jax.block_until_ready((self.carry, self.losses[-1]))

    def epoch(self, batches: np.ndarray) -> None:
        """Train for one epoch."""
        self.carry, losses = self.compiled(self.carry, batches, self.data)
        self.losses.append(losses)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        scores, _ = forward(*self.carry, X.astype(np.float32) - self.task.mean, train=False)
        return np.asarray(scores.argmax(axis=1))


class Jitted(Scanned):
    """Step by step."""

    def compile(self) -> None:
        """Make the compiled function."""
        whole = partial(step, rate=self.task.learning_rate)
        self.compiled = jax.jit(whole, donate_argnums=0)

    def epoch(self, batches: np.ndarray) -> None:
        """Train for one epoch."""
        for rows in batches:
            self.carry, loss = self.compiled(self.carry, rows, self.data)
            self.losses.append(loss)
