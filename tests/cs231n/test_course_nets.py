"""The course's nets, called as its notebooks call them.

What is "published" was printed by the course's notebooks with these seeds of numpy.random.
"""

import numpy as np
import pytest

import xpnet
from xpnet.cs231n import FullyConnectedNet, TwoLayerNet, eval_numerical_gradient
from xpnet.errors import InputError

N, D, H1, H2, C = 2, 15, 20, 30, 10


def rel_error(x, y):
    """Return the largest relative error, as the notebooks define it."""
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def assert_gradients(model, X, y, largest, most=300):
    """Hold gradients of up to `most` numbers each against numerical ones, as the notebooks do."""
    _, grads = model.loss(X, y)
    assert list(grads) == list(model.params)
    for name in sorted(name for name, grad in grads.items() if grad.size <= most):
        numeric = eval_numerical_gradient(
            lambda _: model.loss(X, y)[0], model.params[name], verbose=False, h=1e-5
        )
        assert rel_error(numeric, grads[name]) < largest, name


def batch():
    return np.random.randn(N, D), np.random.randint(C, size=(N,))


def test_two_layer_net_starts_as_asked():
    model = TwoLayerNet(input_dim=5, hidden_dim=50, num_classes=7, weight_scale=1e-3)
    shapes = {"W1": (5, 50), "b1": (50,), "W2": (50, 7), "b2": (7,)}
    assert {name: w.shape for name, w in model.params.items()} == shapes
    for name in ("W1", "W2"):
        assert abs(model.params[name].std() - 1e-3) < 1e-4
    assert not model.params["b1"].any()
    assert not model.params["b2"].any()
    np.random.seed(231)
    np.testing.assert_allclose(model.params["W1"], 1e-3 * np.random.randn(5, 50), rtol=1e-15)
    default = TwoLayerNet()
    assert default.params["W1"].shape == (3072, 100)
    assert (default.params["W2"].shape, default.reg) == ((100, 10), 0.0)


def test_two_layer_net_scores_losses_and_gradients():
    n, d, h, c = 3, 5, 50, 7
    model = TwoLayerNet(input_dim=d, hidden_dim=h, num_classes=c)
    model.params["W1"] = np.linspace(-0.7, 0.3, num=d * h).reshape(d, h)
    model.params["b1"] = np.linspace(-0.1, 0.9, num=h)
    model.params["W2"] = np.linspace(-0.3, 0.4, num=h * c).reshape(h, c)
    model.params["b2"] = np.linspace(-0.9, 0.1, num=c)
    X, y = np.linspace(-5.5, 4.5, num=n * d).reshape(d, n).T, np.asarray([0, 5, 1])
    published = [
        [11.53165108, 12.2917344, 13.05181771, 13.81190102, 14.57198434, 15.33206765, 16.09215096],
        [12.05769098, 12.74614105, 13.43459113, 14.1230412, 14.81149128, 15.49994135, 16.18839143],
        [12.58373087, 13.20054771, 13.81736455, 14.43418138, 15.05099822, 15.66781506, 16.2846319],
    ]
    assert np.abs(model.loss(X) - published).sum() < 1e-6
    assert abs(model.loss(X, y)[0] - 3.4702243556) < 1e-10
    model.reg = 1.0
    assert abs(model.loss(X, y)[0] - 26.5948426952) < 1e-10
    for reg in (0.0, 0.7):
        model.reg = reg
        assert_gradients(model, X, y, 1e-6, most=350)


@pytest.mark.parametrize(
    ("normalization", "published"),
    [
        (None, {0: 2.3004790897684924, 3.14: 7.052114776533016}),
        ("batchnorm", {0: 2.2611955101340957, 3.14: 6.996533220108303}),
    ],
)
def test_initial_losses_and_gradients(normalization, published):
    X, y = batch()
    for reg, loss in published.items():
        model = FullyConnectedNet(
            [H1, H2],
            input_dim=D,
            num_classes=C,
            reg=reg,
            weight_scale=5e-2,
            dtype=np.float64,
            normalization=normalization,
        )
        assert model.loss(X, y)[0] == pytest.approx(loss, rel=1e-14)
        # Without regularisation some gradients by weights are so small that rounding counts.
        assert_gradients(model, X, y, 1e-5, most=300 if reg else 50)


def test_layernorm():
    X, y = batch()
    for reg in (0, 3.14):
        model = FullyConnectedNet(
            [7, 6], D, C, normalization="layernorm", reg=reg, weight_scale=5e-2, dtype=np.float64
        )
        assert_gradients(model, X, y, 1e-6)
        assert model.loss(X[:1], y[:1])[0] > 2.0  # a batch of one


def test_dropout_with_a_seed_can_be_checked():
    X, y = batch()
    published = {1: 2.3004790897684924, 0.75: 2.302371489704412, 0.5: 2.3042759220785896}
    for ratio, loss in published.items():
        model = FullyConnectedNet(
            [H1, H2],
            input_dim=D,
            num_classes=C,
            weight_scale=5e-2,
            dtype=np.float64,
            dropout_keep_ratio=ratio,
            seed=123,
        )
        assert model.loss(X, y)[0] == pytest.approx(loss, rel=1e-14)
        assert_gradients(model, X, y, 1e-6, most=50)
        if ratio == 0.75:  # where the course's own seeding leaves numpy.random
            np.random.seed(123)
            np.random.rand(N, H2)


def test_dropout_without_a_seed_draws_anew():
    X, y = batch()
    model = FullyConnectedNet([H1], D, C, dropout_keep_ratio=0.5, weight_scale=1.0)
    assert model.loss(X, y)[0] != model.loss(X, y)[0]
    np.testing.assert_array_equal(model.loss(X), model.loss(X))


@pytest.mark.parametrize("normalization", [None, "batchnorm", "layernorm"])
def test_names_and_dtypes_of_the_parameters(normalization):
    norm = [] if normalization is None else ["gamma", "beta"]
    names = [f"{a}{i}" for i in (1, 2) for a in ("W", "b", *norm)] + ["W3", "b3"]
    model = FullyConnectedNet([5, 4], 6, 3, normalization=normalization)
    assert list(model.params) == names
    for name, w in model.params.items():
        assert isinstance(w, np.ndarray)
        assert w.flags.writeable
        assert w.dtype == np.float32
        if name[0] != "W":
            assert (w == (name[0] == "g")).all()
    assert FullyConnectedNet([5], dtype=np.float64).params["W1"].dtype == np.float64
    assert FullyConnectedNet([5]).params["W1"].shape == (3072, 5)


def test_pictures_and_their_classes():
    model = FullyConnectedNet([7, 6], weight_scale=5e-2)
    X = np.random.randn(4, 3, 32, 32)
    assert np.argmax(model.loss(X), axis=1).shape == (4,)
    loss, _ = model.loss(X, np.asarray([0, 9, 3, 3]))
    assert f"{loss:.1f}" == "2.3"


def test_a_saved_net_comes_back(tmp_path):
    model = FullyConnectedNet([7], 6, 5, normalization="batchnorm", dtype=np.float64)
    X = np.random.randn(4, 6)
    model.save(str(tmp_path / "best_net.npy"))
    loaded = xpnet.load(tmp_path / "best_net.npy")
    np.testing.assert_array_equal(loaded.loss(X), model.loss(X))


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"normalization": "groupnorm"}, "unknown normalization 'groupnorm'"),
        ({"dropout_keep_ratio": 0}, "dropout_keep_ratio must be above 0"),
        ({"weight_scale": -1.0}, "weight_scale must be 0 or a positive number"),
        ({"dtype": np.int64}, "int64"),
        ({"hidden_dims": 5}, "hidden_dims must list"),
    ],
)
def test_refuses_what_the_library_refuses(options, what):
    with pytest.raises(InputError, match=what):
        FullyConnectedNet(**{"hidden_dims": [5], "input_dim": 4, "num_classes": 3, **options})
