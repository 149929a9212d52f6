"""What is trained: nets, batches, learning rates, and the real data."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import xpnet
from benchmark_peers.task import Task

__all__ = ["WORKLOADS", "Workload", "data_label", "load_data", "make_task"]

_PUBLISHED = (59, 43, 50)  # so the first picture of the archive from Toronto begins


@dataclass(frozen=True)
class Workload:
    """A training that every peer does.

    Attributes:
        dataset: "digits" or "cifar10".
        hidden: The hidden layers' sizes.
        batch_size: Samples a step.
        learning_rate: Small enough to train stably, and the same for all.
        steps: About so many a round, in whole epochs.
        scale: Standard deviation of the initial weights; None for sqrt(2 / fan_in).
        batchnorm: Whether batch normalisation stands before each ReLU.

    """

    dataset: str
    hidden: tuple[int, ...]
    batch_size: int
    learning_rate: float
    steps: int
    scale: float | None = None
    batchnorm: bool = False

    def net(self, input_dim: int) -> str:
        """Return the net's sizes as text."""
        sizes = "-".join(str(n) for n in (input_dim, *self.hidden, 10))
        return f"{sizes} with BatchNorm" if self.batchnorm else sizes


WORKLOADS = {
    "digits-50": Workload("digits", (50,), 100, 1e-2, 3500),
    "cifar10-50": Workload("cifar10", (50,), 100, 1e-3, 490, scale=1e-3),
    "cifar10-100": Workload("cifar10", (100,), 100, 1e-3, 490, scale=1e-3),
    "cifar10-50-batch-1000": Workload("cifar10", (50,), 1000, 1e-3, 49, scale=1e-3),
    "cifar10-5-layers": Workload("cifar10", (100,) * 4, 100, 1e-2, 490, batchnorm=True),
}


def load_data(name: str, data_dir: str | None) -> xpnet.data.Dataset:
    """Return the data set; CIFAR-10 from `data_dir` or where `xpnet.data.load` looks."""
    return xpnet.data.load(name, data_dir=data_dir)


def data_label(data: xpnet.data.Dataset, note: str | None) -> str:
    """Return what tables call the data: CIFAR-10 is told by its bytes, or by a note."""
    if data.name != "cifar10":
        return data.name
    if note is None:
        note = "" if tuple(data.X_train[0, :3]) == _PUBLISHED else "JPEG-rounded"
    return f"CIFAR-10, {note}" if note else "CIFAR-10"


def make_task(workload: Workload, data: xpnet.data.Dataset, num_train: int | None) -> Task:
    """Return the task, of the first `num_train` pictures or of all, in whole batches."""
    B = workload.batch_size
    stop = min(num_train or len(data.X_train), len(data.X_train)) // B * B
    sizes, rng = (data.input_dim, *workload.hidden, data.num_classes), np.random.default_rng(0)
    weights = [
        rng.standard_normal((n, m)) * (workload.scale or np.sqrt(2 / n)) for n, m in pairwise(sizes)
    ]
    return Task(
        np.ascontiguousarray(data.X_train[:stop]),
        data.y_train[:stop],
        data.X_val,
        data.y_val,
        data.X_test,
        data.y_test,
        weights,
        B,
        workload.learning_rate,
        workload.batchnorm,
    )
