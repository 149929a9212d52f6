"""A training stops for the device at its boundaries and nowhere else."""

from collections import Counter

import numpy as np
import pytest

from xpnet import Solver, TwoLayerNet, get_backend
from xpnet.nets import FullyConnectedNet

N, D, C = 60, 7, 3
ALL_OPTIONS = {
    "lr_schedule": "warmup:1+cosine",
    "lr_decay": 0.9,
    "patience": 50,
    "clip_norm": 0.5,
    "class_weights": "balanced",
    "sample_weights": range(N),
    "label_smoothing": 0.1,
}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((N, D)).astype(np.float32), rng.integers(C, size=N)
    return {"X_train": X, "y_train": y, "X_val": X[:20], "y_val": y[:20]}


@pytest.fixture
def transfers(backend, monkeypatch):
    """Count what goes to the host and to the device by the backend's own doors."""
    counts, inside = Counter(), []
    kind = type(get_backend(backend.text))

    def count(name, way):
        original = getattr(kind, name)

        def counted(*args, **kwargs):
            counts[way] += not inside  # a door may lead through another
            inside.append(name)
            try:
                return original(*args, **kwargs)
            finally:
                inside.pop()

        monkeypatch.setattr(kind, name, counted)

    for name in ("to_numpy", "stacked_on_host"):
        count(name, "to the host")
    for name in ("asarray", "as_argument"):
        count(name, "to the device")
    return counts


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize("kind", ["plain", "all options", "regression"])
def test_one_transfer_a_stretch_and_one_a_check(backend, transfers, data, members, kind):
    """On array-api-strict's device1 every other way to the host is refused by the library."""
    loss = "squared" if kind == "regression" else "softmax"
    net = FullyConnectedNet([5], D, C, device=backend.text, members=members, reg=0.1, loss=loss)
    options = {}
    if kind != "plain":
        options = dict(ALL_OPTIONS, clip_norm=0.5 if members is None else [0.1, 0.5, np.inf])
    if kind == "regression":
        del options["class_weights"], options["label_smoothing"]
        data = {n: np.eye(C)[x] if n[0] == "y" else x for n, x in data.items()}
    solver = Solver(
        net,
        data,
        **options,
        update_rule="adam",
        batch_size=6,
        num_epochs=3,
        print_every=4,
        preprocess="mean",
        verbose=False,
    )
    transfers.clear()
    solver.train()
    boundaries = {1, 5, 9, 13, 17, 21, 25, 29} | {10, 20, 30}
    checks = {1, 10, 20, 30}
    assert solver.step == 30
    assert transfers["to the host"] == len(boundaries) + len(checks)


def two_layers(device):
    return TwoLayerNet(D, 5, C, device=device)


def all_parts(device):
    """Return a net with state and with draws."""
    options = {"normalization": "batchnorm", "dropout_keep_ratio": 0.8}
    return FullyConnectedNet([5], D, C, **options, device=device)


@pytest.mark.parametrize(
    ("make", "options"),
    [(two_layers, {}), (all_parts, {}), (all_parts, ALL_OPTIONS)],
    ids=["two layers", "all parts", "all options"],
)
def test_transfers_do_not_grow_with_the_steps(backend, transfers, data, make, options):
    counted = []
    for batch_size in (30, 3):  # 2 steps, and 20
        net = make(backend.text)
        solver = Solver(
            net,
            data,
            batch_size=batch_size,
            num_epochs=1,
            print_every=100,
            preprocess="mean",
            verbose=False,
            **options,
        )
        transfers.clear()
        solver.train()
        counted.append(dict(transfers))
    assert counted[0] == counted[1]
