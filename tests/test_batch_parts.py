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
        monkeypatch.setattr(kind, "samples_at_once", lambda *_given: size)


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
    "maxout": {"net": {"activation": "maxout"}},
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


class OwnNet(FullyConnectedNet):
    """Sees what a batch is."""

    def loss_and_gradients(self, variables, x, y, terms, xp):
        return super().loss_and_gradients(variables, x - xp.mean(x, axis=0), y, terms, xp)


class OwnCentring:
    """Likewise."""

    def fit(self, X):
        return self

    def transform(self, X):
        return X - X.mean(axis=0)

    def numbers(self):
        return {}

    def apply(self, x, numbers, xp):
        return x - xp.mean(x, axis=0)

    def output_dim(self, input_dim):
        return input_dim


@pytest.mark.parametrize("part", ["net", "preprocessing"])
def test_code_of_others_gets_whole_batches(data, monkeypatch, sizes, part):
    let_parts_have(monkeypatch, PART)
    net = (OwnNet if part == "net" else FullyConnectedNet)([5], 6, 3)
    preprocess = OwnCentring() if part == "preprocessing" else "mean"
    options = {"batch_size": B, "num_epochs": 1, "verbose": False}
    xpnet.Solver(net, data, preprocess=preprocess, **options).train()
    assert set(sizes) == {B}


def test_members_in_parts_are_single_nets_in_parts(data, monkeypatch):
    let_parts_have(monkeypatch, PART)
    stack = train(data, "cpu", net={"members": 2, "seed": [1, 2], "reg": [0.0, 0.5]}, seed=[3, 4])
    for k, (seed, reg, order) in enumerate([(1, 0.0, 3), (2, 0.5, 4)]):
        alone = train(data, "cpu", net={"seed": seed, "reg": reg}, seed=order)
        np.testing.assert_array_equal([loss[k] for loss in stack.loss_history], alone.loss_history)


def test_streamed_batches_stay_whole(data, tmp_path, monkeypatch, sizes):
    np.save(tmp_path / "X.npy", data["X_train"])
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    let_parts_have(monkeypatch, PART)
    train(data | {"X_train": mapped}, "cpu")
    assert set(sizes) == {B}


@pytest.mark.parametrize(
    ("batch_size", "num_features", "num_parameters", "size"),
    [
        (100, 64, 3_760, 100),
        (100, 3072, 154_160, 100),
        (500, 3072, 154_160, 500),
        (1000, 64, 3_760, 1000),
        (1000, 3072, 154_160, 250),
        (2048, 3072, 154_160, 256),
        (1000, 3072, 1_541_510, 1000),  # gradients as large as a part of the batch
        (3000, 3072, 154_160, 3000),  # more parts than a recording should hold
        (1009, 3072, 154_160, 1009),  # a prime number
        (1000, 8000, 100_000, 100),
        (1000, 8001, 100_000, 1000),  # parts of 99 samples would be too small
        (4, 10**6, 10_000, 4),
    ],
)
def test_large_batches_have_parts_on_numpy(batch_size, num_features, num_parameters, size):
    backend = get_backend("cpu")
    assert backend.samples_at_once(batch_size, num_features, num_parameters) == size
