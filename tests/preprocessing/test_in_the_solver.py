"""Preprocessing in the Solver: inside its steps, on every backend, with nets and other models."""

import numpy as np
import pytest

from xpnet import InputError, Solver, TwoLayerNet, net_trainer
from xpnet.data import Dataset
from xpnet.preprocessing import PCA, Chain, Standardization, get_preprocessor

SHAPE, D, C = (3, 2, 2), 12, 3
# By the scale that each leaves: pixels of up to 255, or numbers of about 1.
RATES = {
    "channel-mean": 1e-3,
    "pca:5": 1e-3,
    "standard": 0.1,
    "whiten:0.9": 0.1,
    "standard+pca:4+whiten": 0.1,
}


@pytest.fixture
def data(rng):
    """Pictures as bytes, whose classes lie apart, and with a pixel that never changes."""
    y = rng.integers(C, size=90)
    centres = rng.integers(40, 200, (C, D))
    X = np.clip(centres[y] + 12 * rng.standard_normal((90, D)), 0, 255).astype(np.uint8)
    X[:, 7] = 5
    X = X.reshape(90, *SHAPE)
    return {"X_train": X[:60], "y_train": y[:60], "X_val": X[60:], "y_val": y[60:]}


def prepared(text, data):
    """Return the data as floats that were preprocessed beforehand."""
    fitted = get_preprocessor(text).fit(data["X_train"])
    return {
        name: fitted.transform(x.astype(np.float64)).reshape(len(x), -1) if name[0] == "X" else x
        for name, x in data.items()
    }


def net_for(text, data, **options):
    input_dim = prepared(text, data)["X_train"].shape[1]
    return TwoLayerNet(input_dim, 6, C, **{"initializer": "kaiming", **options})


def train(net, data, preprocess, **options):
    settings = {"batch_size": 10, "num_epochs": 10, "print_every": 6, "verbose": False}
    settings["optim_config"] = {"learning_rate": RATES.get(preprocess, 1e-3)}
    solver = Solver(net, data, preprocess=preprocess, **{**settings, **options})
    solver.train()
    return solver


@pytest.mark.parametrize("when", ["at once", "by batches"])
@pytest.mark.parametrize("text", RATES)
def test_training_is_that_on_inputs_prepared_beforehand(backend, data, text, when, monkeypatch):
    if when == "by batches":
        monkeypatch.setattr(net_trainer, "_SMALL", 0)
    found = train(net_for(text, data, device=backend.text), data, text)
    options = {"optim_config": {"learning_rate": RATES[text]}}
    known = train(net_for(text, data), prepared(text, data), None, **options)
    np.testing.assert_allclose(found.loss_history, known.loss_history, rtol=1e-3)
    np.testing.assert_allclose(found.val_loss_history, known.val_loss_history, rtol=1e-3)
    assert found.best_val_acc > 0.9
    # and from raw inputs
    assert found.check_accuracy(data["X_val"], data["y_val"]) == found.best_val_acc
    classes = found.predict(data["X_val"])
    assert np.mean(classes == data["y_val"]) == pytest.approx(found.best_val_acc)
    assert found._loop.parts.train.is_preprocessed == (when == "at once")


def test_a_mean_is_subtracted_to_the_same_bits_at_once_and_by_batches(data, monkeypatch):
    at_once = train(net_for("channel-mean", data), data, "channel-mean")
    monkeypatch.setattr(net_trainer, "_SMALL", 0)
    by_batches = train(net_for("channel-mean", data), data, "channel-mean")
    assert at_once.loss_history == by_batches.loss_history


def test_somebody_elses_preprocessing_is_done_to_every_batch(data):
    """It may turn pictures at random, and not the same ones each time."""

    class Noise(Standardization):
        calls = 0

        def apply(self, x, numbers, xp):
            self.calls += 1
            return super().apply(x, numbers, xp)

    noise = Noise().fit(data["X_train"])
    solver = train(net_for("standard", data), data, noise, num_epochs=2)
    assert noise.calls >= solver.step == 12


@pytest.mark.parametrize("text", RATES)
def test_in_float64_to_the_last_digits(data, text):
    found = train(net_for(text, data, dtype="float64"), data, text)
    options = {"optim_config": {"learning_rate": RATES[text]}}
    known = train(net_for(text, data, dtype="float64"), prepared(text, data), None, **options)
    np.testing.assert_allclose(found.loss_history, known.loss_history, rtol=1e-9)
    assert found.val_acc_history == known.val_acc_history


@pytest.mark.parametrize("text", ["standard+pca:4+whiten"])
def test_members_with_batches_of_their_own(backend, data, text):
    """Their batches are of shape (members, B, D)."""
    options = {"num_epochs": 3, "lr_decay": 0.9}
    net = net_for(text, data, members=2, seed=[1, 2], device=backend.text)
    stack = train(net, data, text, seed=[3, 4], **options)
    for k in range(2):
        solo = train(net_for(text, data, seed=k + 1), data, text, seed=k + 3, **options)
        np.testing.assert_allclose(
            np.asarray(stack.loss_history)[:, k], solo.loss_history, rtol=1e-3
        )
    assert stack.predict(data["X_val"]).shape == (2, 30)


def test_the_validation_part_has_no_part_in_it(data):
    one = train(net_for("whiten:4", data), data, "whiten:4")
    other = train(net_for("whiten:4", data), {**data, "X_val": 255 - data["X_val"]}, "whiten:4")
    for name, x in one.preprocess.numbers().items():
        np.testing.assert_array_equal(other.preprocess.numbers()[name], x)
    assert one.loss_history == other.loss_history


def test_a_net_of_another_size_is_refused(data):
    message = (
        r"X_train has samples of shape \(3, 2, 2\), 12 features, 5 after pca:5, but the net takes "
        r"12: make it with input_dim=5"
    )
    with pytest.raises(InputError, match=message):
        train(TwoLayerNet(D, 6, C), data, "pca:5")
    with pytest.raises(InputError, match=r"4 after standard\+pca:4, but the net takes 5"):
        train(TwoLayerNet(5, 6, C), data, "standard+pca:4")
    with pytest.raises(InputError, match="12 features, but the net takes 5: .*input_dim=12"):
        train(TwoLayerNet(5, 6, C), data, "standard")


def test_other_samples_are_refused_later(data):
    solver = train(net_for("pca:5", data), data, "pca:5", num_epochs=1)
    for use in (solver.predict, lambda X: solver.check_accuracy(X, np.zeros(2, dtype=int))):
        with pytest.raises(InputError, match="pca:5 was fitted on 12 features; got 5"):
            use(np.zeros((2, 5)))


def test_more_components_than_there_are_is_refused(data):
    with pytest.raises(InputError, match="pca:12 asks for 12 components, but 60 training samples"):
        train(TwoLayerNet(D, 6, C), data, "pca:12")


def test_the_callers_object_is_left_as_it_was(data):
    pca = PCA(4)
    chain = Chain([Standardization(), pca])
    first = train(TwoLayerNet(4, 6, C), data, chain)
    before = first.check_accuracy(data["X_val"], data["y_val"])
    train(TwoLayerNet(4, 6, C), {**data, "X_train": 255 - data["X_train"]}, chain)
    assert not chain.fitted
    assert not pca.fitted
    assert first.check_accuracy(data["X_val"], data["y_val"]) == before


def test_an_object_that_is_fitted_keeps_its_numbers(data):
    """So that a net which was saved with its preprocessing can be trained on."""
    fitted = PCA(4).fit(255 - data["X_train"])
    loaded = PCA(4).with_numbers(fitted.numbers())
    for given in (fitted, loaded):
        solver = train(TwoLayerNet(4, 6, C), data, given, num_epochs=1)
        assert solver.preprocess is given
        np.testing.assert_array_equal(solver.preprocess.components, fitted.components)


@pytest.mark.parametrize("text", ["mean", "standard", "pca:4"])
def test_an_object_fitted_on_other_samples_is_refused(data, text):
    fitted = get_preprocessor(text).fit(np.eye(20))
    with pytest.raises(InputError, match=r"fitted on (samples of shape \(20,\)|20 features)"):
        train(TwoLayerNet(4 if text == "pca:4" else D, 6, C), data, fitted)


def test_an_own_object_with_the_methods_alone(data):
    class Scaled:
        def fit(self, X):
            self.largest = np.asarray(float(X.max()))
            return self

        def transform(self, X):
            return X.astype(np.float32) / self.largest.astype(np.float32)

        def numbers(self):
            return {"largest": self.largest}

        def apply(self, x, numbers, xp):
            return x / numbers["largest"]

        def output_dim(self, input_dim):
            return input_dim

    config = {"optim_config": {"learning_rate": 0.3}}
    solver = train(TwoLayerNet(D, 6, C, initializer="kaiming"), data, Scaled(), **config)
    assert solver.best_val_acc > 0.9
    assert np.mean(solver.predict(data["X_val"]) == data["y_val"]) == solver.best_val_acc


class LinearModel:
    """Somebody else's model, which tells what it was given."""

    def __init__(self, features):
        self.params = {"W": np.zeros((features, C))}
        self.shapes = set()

    def loss(self, X, y=None):
        self.shapes.add(X.shape[1:])
        scores = X.reshape(len(X), -1) @ self.params["W"]
        if y is None:
            return scores
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        return 1.0, {"W": X.reshape(len(X), -1).T @ p / len(y)}


@pytest.mark.parametrize(
    ("text", "shape"), [("standard", SHAPE), ("channel-mean", SHAPE), ("standard+pca:5", (5,))]
)
def test_other_models_get_what_transform_gives(data, text, shape):
    model = LinearModel(int(np.prod(shape)))
    solver = train(model, data, text, num_epochs=20, optim_config={"learning_rate": 0.01})
    assert model.shapes == {shape}
    assert solver.best_val_acc > 0.9
    assert np.mean(solver.predict(data["X_val"]) == data["y_val"]) == solver.best_val_acc


def test_rows_of_pictures_have_the_channels_of_their_data_set(data):
    """As CIFAR-10, whose samples are rows."""
    rows = {name: x.reshape(len(x), -1) if name[0] == "X" else x for name, x in data.items()}
    dataset = Dataset(
        name="rows",
        **rows,
        X_test=None,
        y_test=None,
        class_names=("a", "b", "c"),
        picture_shape=SHAPE,
        source="here",
    )
    found = train(net_for("mean", data), dataset, "channel-mean")
    known = train(net_for("mean", data), data, "channel-mean")
    assert found.loss_history == known.loss_history
    assert str(found.preprocess) == "channel-mean:3"
    with pytest.raises(InputError, match="as in channel-mean:3"):
        train(net_for("mean", data), rows, "channel-mean")
