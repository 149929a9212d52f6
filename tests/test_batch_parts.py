"""Batches in parts that stay in the cache: the same training, but for rounding."""

import numpy as np
import pytest

import xpnet
from xpnet import batch_parts, training_step
from xpnet.backends import get_backend
from xpnet.backends.base import Backend
from xpnet.nets import FullyConnectedNet

B, PART = 24, 8


@pytest.fixture
def data(rng):
    return {
        "X_train": rng.integers(0, 256, size=(72, 6), dtype=np.uint8),
        "y_train": rng.integers(0, 3, size=72),
        "X_val": rng.integers(0, 256, size=(30, 6), dtype=np.uint8),
        "y_val": rng.integers(0, 3, size=30),
    }


@pytest.fixture
def sizes(monkeypatch):
    """Return the sizes of parts that steps have asked for."""
    asked, original = [], batch_parts.mean_over_parts

    def noted(gradients, rows, size):
        asked.append(size)
        return original(gradients, rows, size)

    monkeypatch.setattr(training_step, "mean_over_parts", noted)
    return asked


def let_parts_have(monkeypatch, size):
    for kind in (Backend, type(get_backend("cpu"))):
        monkeypatch.setattr(kind, "samples_at_once", lambda _backend, _batch, _features: size)


def train(data, device, *, net=None, **options):
    model = FullyConnectedNet(
        **{"hidden_dims": [5], "input_dim": 6, "num_classes": 3, "reg": 0.1} | (net or {}),
        dtype="float64",
        device=device,
    )
    solver = xpnet.Solver(
        model,
        data,
        **{"preprocess": "standard", "update_rule": "adam"} | options,
        optim_config={"learning_rate": 1e-2},
        batch_size=B,
        num_epochs=4,
        verbose=False,
    )
    solver.train()
    return solver


RUNS = {
    "plain": {},
    "layernorm": {"net": {"normalization": "layernorm"}},
    "no hidden layer": {"net": {"hidden_dims": []}},
    "svm": {"net": {"loss": "svm"}},
    "clipped": {"clip_norm": 0.1, "label_smoothing": 0.1},
    "stack": {"net": {"members": 2, "seed": [1, 2]}, "seed": [3, 3]},
    "other orders": {"net": {"members": 2, "reg": [0.0, 0.5]}, "seed": [3, 4]},
}


@pytest.mark.parametrize("name", RUNS)
def test_the_same_training_in_parts(data, backend64, name, monkeypatch, sizes):
    found = {}
    for size in (PART, B):
        let_parts_have(monkeypatch, size)
        solver = train(data, backend64.text, **RUNS[name])
        params = {n: backend64.to_numpy(w) for n, w in solver.model.params.items()}
        found[size] = params | {"loss": solver.loss_history, "val": solver.val_loss_history}
        assert set(sizes) == {size}
        sizes.clear()
    for key, expected in found[B].items():
        np.testing.assert_allclose(found[PART][key], expected, rtol=1e-9, atol=1e-12, err_msg=key)


WHOLE = {
    "batchnorm": {"net": {"normalization": "batchnorm"}},
    "dropout": {"net": {"dropout_keep_ratio": 0.5}},
    "class weights": {"class_weights": "balanced"},
    "sample weights": {"sample_weights": np.arange(72)},
}


@pytest.mark.parametrize("name", WHOLE)
def test_samples_that_depend_on_each_other_stay_together(data, name, monkeypatch, sizes):
    let_parts_have(monkeypatch, PART)
    train(data, "cpu", **WHOLE[name])
    assert set(sizes) == {B}


def test_a_net_of_others_gets_whole_batches(data, monkeypatch, sizes):
    class OwnNet(FullyConnectedNet):
        takes_samples_alone = False

    let_parts_have(monkeypatch, PART)
    net = OwnNet([5], 6, 3)
    xpnet.Solver(net, data, batch_size=B, num_epochs=1, verbose=False, preprocess="mean").train()
    assert set(sizes) == {B}


def test_streamed_batches_stay_whole(data, tmp_path, monkeypatch, sizes):
    np.save(tmp_path / "X.npy", data["X_train"])
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    let_parts_have(monkeypatch, PART)
    train(data | {"X_train": mapped}, "cpu")
    assert set(sizes) == {B}


@pytest.mark.parametrize(
    ("batch_size", "num_features", "size"),
    [
        (100, 64, 100),
        (100, 3072, 100),
        (500, 3072, 500),
        (1000, 64, 1000),
        (1000, 3072, 250),
        (2048, 3072, 256),
        (1009, 3072, 1009),  # a prime number
        (2000, 8000, 100),
        (2000, 8001, 2000),  # parts of 99 samples would be too small
        (4, 10**6, 4),
    ],
)
def test_large_batches_have_parts_on_numpy(batch_size, num_features, size):
    assert get_backend("cpu").samples_at_once(batch_size, num_features) == size
