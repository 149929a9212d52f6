"""PyTorch: eager as most people write it, and the whole step compiled.

The pictures are a tensor of bytes; a batch is gathered, made float and centred on the device.
"""

import os
from typing import Any

import numpy as np
import torch  # noqa: TID251 - a peer
from torch import nn  # noqa: TID251 - a peer
from torch.nn.functional import cross_entropy  # noqa: TID251 - a peer

from benchmark_peers.base import EPS, MOMENTUM, Training
from benchmark_peers.task import Task

__all__ = ["Compiled", "Eager", "make_net"]


def make_net(task: Task) -> nn.Sequential:
    """Return the task's net."""
    layers: list[nn.Module] = []
    for i, w in enumerate(task.weights):
        fan_in, fan_out = w.shape
        is_last = i == len(task.weights) - 1
        affine = nn.Linear(fan_in, fan_out, bias=is_last or not task.batchnorm)
        with torch.no_grad():
            affine.weight.copy_(torch.from_numpy(w.T))
            if affine.bias is not None:
                affine.bias.zero_()
        norm = [nn.BatchNorm1d(fan_out, EPS, 1 - MOMENTUM)] if task.batchnorm else []
        layers += [affine] if is_last else [affine, *norm, nn.ReLU()]
    return nn.Sequential(*layers)


class Eager(Training):
    """`nn.Sequential`, autograd and `torch.optim.SGD`."""

    def __init__(self, task: Task, device: str) -> None:
        super().__init__(task)
        self.device = torch.device(device)
        if device == "cpu":
            torch.set_num_threads(_cores())
        torch.manual_seed(1)
        self.X = torch.from_numpy(task.X_train).to(self.device)
        self.y = torch.from_numpy(task.y_train).to(self.device)
        self.mean = torch.from_numpy(task.mean).to(self.device)
        self.net = make_net(task).to(self.device)
        self.make_optimizer()
        self.losses: list[torch.Tensor] = []

    def make_optimizer(self) -> None:
        """Make what updates the parameters."""
        rate = self.task.learning_rate
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=rate, fused=True)

    def train(self, epochs: int) -> None:
        """Train for so many epochs more."""
        self.net.train()
        for _ in range(epochs):
            order = torch.randperm(len(self.X), device=self.device)
            for rows in order.reshape(self.task.steps, -1):
                self.losses.append(self.step(rows))
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def step(self, rows: torch.Tensor) -> torch.Tensor:
        """Take a step and return its loss."""
        x = self.X.index_select(0, rows).float().sub_(self.mean)
        loss = cross_entropy(self.net(x), self.y.index_select(0, rows))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of pictures."""
        self.net.eval()
        with torch.no_grad():
            x = torch.from_numpy(X).to(self.device).float() - self.mean
            return self.net(x).argmax(dim=1).cpu().numpy()


class Compiled(Eager):
    """Gather, loss, gradients and update as one compiled function."""

    def make_optimizer(self) -> None:
        """Compile the step."""
        self.compiled = torch.compile(self.whole_step)
        self.params = {name: p.detach() for name, p in self.net.named_parameters()}
        self.buffers = dict(self.net.named_buffers())

    def step(self, rows: torch.Tensor) -> torch.Tensor:
        """Take a step and return its loss."""
        return self.compiled(self.params, self.buffers, self.X, self.y, self.mean, rows)

    def whole_step(self, params: Any, buffers: Any, X: Any, y: Any, mean: Any, rows: Any) -> Any:
        """Update the parameters in place, and the running numbers, and return the loss."""
        x, labels = X.index_select(0, rows).float() - mean, y.index_select(0, rows)

        def loss_of(params: Any) -> Any:
            following = {name: b.clone() for name, b in buffers.items()}  # which the net writes
            scores = torch.func.functional_call(self.net, (params, following), x)
            return cross_entropy(scores, labels), following

        grads, (loss, following) = torch.func.grad_and_value(loss_of, has_aux=True)(params)
        for name, p in params.items():
            p.sub_(grads[name], alpha=self.task.learning_rate)
        for name, b in buffers.items():
            b.copy_(following[name])
        return loss


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
