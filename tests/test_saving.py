"""A net comes back from its file bit for bit, and a file that holds none is refused."""

import io
import json

import numpy as np
import pytest

import xpnet
from xpnet import FullyConnectedNet, InputError, Solver

KINDS = {
    "plain": {},
    "maxout": {"activation": "maxout"},
    "batchnorm, dropout": {"normalization": "batchnorm", "dropout_keep_ratio": 0.7},
    "layernorm": {"normalization": "layernorm"},
    "float64": {"dtype": "float64", "activation": "elu"},
    "stack": {
        "members": 3,
        "reg": [0.0, 0.1, 1.0],
        "seed": [1, 2, 3],
        "normalization": "batchnorm",
    },
    "svm": {"loss": "svm"},
}


@pytest.fixture(scope="module")
def digits():
    return xpnet.data.load("digits")


def trained(digits, preprocess="mean", device="cpu", **options):
    inputs = {"standard+pca:20": 20}.get(preprocess, 64)
    net = FullyConnectedNet([12, 9], inputs, 10, device=device, **options)
    Solver(net, digits, num_epochs=2, verbose=False, preprocess=preprocess).train()
    return net


@pytest.mark.parametrize("kind", KINDS)
def test_a_net_comes_back_bit_for_bit(digits, tmp_path, kind):
    net = trained(digits, **KINDS[kind])
    xpnet.save(net, tmp_path / "net.npz")
    found = xpnet.load(tmp_path / "net.npz")
    for part in ("params", "state"):
        assert list(getattr(found, part)) == list(getattr(net, part))
        for name, w in getattr(net, part).items():
            assert getattr(found, part)[name].dtype == w.dtype
            np.testing.assert_array_equal(getattr(found, part)[name], w)
    np.testing.assert_array_equal(found.predict(digits.X_test), net.predict(digits.X_test))
    assert found.class_names == digits.class_names
    assert (found.members, found.loss_name) == (net.members, net.loss_name)
    np.testing.assert_array_equal(found.reg, net.reg)
    draws, known = found.draws(3, 5), net.draws(3, 5)
    assert all(np.array_equal(draws[name], known[name]) for name in known)


@pytest.mark.parametrize("preprocess", [None, "mean", "standard+pca:20", "whiten"])
def test_the_preprocessing_comes_along(digits, tmp_path, preprocess):
    if preprocess == "whiten":  # finds by itself in how many directions the digits vary
        net = FullyConnectedNet([8], 61, 10)
        Solver(net, digits, num_epochs=1, verbose=False, preprocess=preprocess).train()
    else:
        net = trained(digits, preprocess)
    xpnet.save(net, tmp_path / "net.npz")
    found = xpnet.load(tmp_path / "net.npz")
    np.testing.assert_array_equal(
        found.predict_proba(digits.X_test), net.predict_proba(digits.X_test)
    )


def test_from_one_backend_to_another(backend, digits, tmp_path):
    xpnet.save(trained(digits, device=backend.text), tmp_path / "net.npz")
    on_host, there = (xpnet.load(tmp_path / "net.npz", device=d) for d in ("cpu", backend.text))
    assert there.backend.name == backend.name
    for name, w in there.params.items():
        np.testing.assert_array_equal(backend.to_numpy(w), on_host.params[name])
    raw = digits.X_test[:20]
    np.testing.assert_array_equal(there.predict(raw), on_host.predict(raw))


def test_a_run_folder_holds_such_a_file(digits, tmp_path):
    from xpnet.train import main

    assert main(["--quiet", "--num-epochs", "3", "--out", str(tmp_path)]) == 0
    net = xpnet.load(tmp_path / "best_params.npz")
    summary = json.loads((tmp_path / "summary.json").read_text())
    accuracy = np.mean(net.predict(digits.X_test) == digits.y_test)
    assert accuracy == summary["test_accuracy"]


@pytest.mark.parametrize("preprocess", ["channel-mean", "mean", "channel-mean+pca:5"])
def test_pictures_keep_their_shape(tmp_path, rng, preprocess):
    X = rng.integers(0, 256, (60, 3, 4, 5)).astype(np.uint8)
    y = rng.integers(2, size=60)
    data = xpnet.data.Dataset("p", X, y, X, y, None, None, ("a", "b"), (3, 4, 5), "made up")
    net = FullyConnectedNet([4], 5 if "pca" in preprocess else 60, 2)
    Solver(net, data, num_epochs=1, batch_size=20, verbose=False, preprocess=preprocess).train()
    xpnet.save(net, tmp_path / "net.npz")
    found = xpnet.load(tmp_path / "net.npz")
    np.testing.assert_array_equal(found.predict_proba(X), net.predict_proba(X))
    for other in (net, found):
        with pytest.raises(InputError, match=r"fitted on samples of shape \(3, 4, 5\)"):
            other.predict(X.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 2)])
def test_a_regression_predicts_in_the_shape_of_its_targets(tmp_path, rng, shape):
    X, y = rng.standard_normal((40, 3)), rng.standard_normal(shape)
    net = FullyConnectedNet([4], 3, y[0].size, loss="squared")
    data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    solver = Solver(net, data, num_epochs=1, batch_size=10, verbose=False)
    solver.train()
    xpnet.save(net, tmp_path / "net.npz")
    for predicted in (
        solver.predict(X),
        net.predict(X),
        xpnet.load(tmp_path / "net.npz").predict(X),
    ):
        assert predicted.shape == shape


# What is refused


@pytest.fixture
def good(digits, tmp_path):
    """A file, as the arrays in it."""
    xpnet.save(trained(digits), tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as file:
        return dict(file)


def with_config(arrays, change):
    config = json.loads(str(arrays["config"]))
    change(config)
    return {**arrays, "config": np.asarray(json.dumps(config))}


BAD = {
    "a data set": (lambda a: {"X": a["W1"], "y": a["b1"]}, "holds no net"),
    "no JSON": (lambda a: {**a, "config": np.asarray("{")}, "config is damaged"),
    "deep JSON": (lambda a: {**a, "config": np.asarray("[" * 10**5)}, "config is damaged"),
    "a number": (lambda a: {**a, "config": np.asarray("3")}, "config is damaged"),
    "another format": (
        lambda a: with_config(a, lambda c: c.update(format=99)),
        "another format: it wants another xpnet",
    ),
    "an argument of nobody": (
        lambda a: with_config(a, lambda c: c["net"].update(extra=1)),
        "another format",
    ),
    "sizes beyond all memory": (
        lambda a: with_config(a, lambda c: c["net"].update(hidden_dims=[10**12, 9])),
        "its weights have the shapes",
    ),
    "members beyond all memory": (
        lambda a: with_config(a, lambda c: c["net"].update(members=10**12)),
        "members 1000000000000",
    ),
    "members as many as features": (
        lambda a: with_config(a, lambda c: c["net"].update(members=64)),
        "members 64, but its weights",
    ),
    "pictures beyond all memory": (
        lambda a: with_config(a, lambda c: c.update(sample_shape=[10**9])),
        "samples have the shape",
    ),
    "sizes that are no list": (
        lambda a: with_config(a, lambda c: c["net"].update(hidden_dims=None)),
        "does not fit its arrays",
    ),
    "a parameter missing": (
        lambda a: {k: v for k, v in a.items() if k != "b2"},
        r"needs b2 of shape \(9,\); the file has none",
    ),
    "a weight missing": (
        lambda a: {k: v for k, v in a.items() if k != "W2"},
        "does not fit its arrays",
    ),
    "integers": (lambda a: {**a, "b2": a["b2"].astype(int)}, r"the file has int64 \(9,\)"),
    "another shape": (lambda a: {**a, "b2": a["b2"][:3]}, r"the file has float32 \(3,\)"),
    "no mean": (lambda a: {k: v for k, v in a.items() if k != "mean"}, "no 'mean'"),
    "a mean of other inputs": (
        lambda a: {**a, "mean": a["mean"][:3]},
        "was fitted|numbers for 3|could not be broadcast|shape",
    ),
    "unknown preprocessing": (
        lambda a: {**a, "preprocess": np.asarray("magic")},
        "unknown preprocess",
    ),
    "names that are numbers": (
        lambda a: {**a, "class_names": np.arange(3)},
        "no text 'class_names'",
    ),
    "unknown activation": (
        lambda a: with_config(a, lambda c: c["net"].update(activation="magic")),
        "unknown activation",
    ),
    "Python objects": (lambda a: {**a, "b1": np.asarray([None])}, "Python objects"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_net_is_refused(good, tmp_path, case):
    change, message = BAD[case]
    path = tmp_path / "bad.npz"
    np.savez(path, **change(good))
    with pytest.raises(InputError, match=message) as caught:
        xpnet.load(path)
    assert str(path) in str(caught.value)


def test_truncated_files_are_refused(good, tmp_path):
    file = io.BytesIO()
    np.savez(file, **good)
    whole = file.getvalue()
    for length in (0, 1, 2, 100, len(whole) // 2, len(whole) - 1):
        path = tmp_path / "cut.npz"
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.npz"):
            xpnet.load(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        xpnet.load(tmp_path / "nowhere.npz")


def test_a_foreign_net_cannot_be_saved(tmp_path):
    with pytest.raises(InputError, match="only xpnet's own nets"):
        xpnet.save(object(), tmp_path / "net.npz")


def test_a_foreign_preprocessing_cannot_be_saved(tmp_path):
    net = FullyConnectedNet([3], 4, 2)
    net.preprocess = object()
    with pytest.raises(InputError, match="none of xpnet's"):
        xpnet.save(net, tmp_path / "net.npz")
