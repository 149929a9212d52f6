import numpy as np
import pytest

from xpnet import FullyConnectedNet, InputError
from xpnet.preprocessing import Standardization


def make(backend, **options):
    return FullyConnectedNet([7], 6, 4, device=backend.text, **options)


@pytest.fixture(name="X")
def inputs(rng):
    return rng.normal(5, 3, (601, 2, 3)).astype(np.float32)  # more than two batches


@pytest.mark.parametrize("members", [None, 2])
def test_predictions_are_those_of_the_scores(backend, X, members):
    net = make(backend, members=members, normalization="batchnorm")
    scores = backend.to_numpy(net.loss(X)).astype(np.float64)
    np.testing.assert_array_equal(net.predict(X), scores.argmax(axis=-1))
    exps = np.exp(scores)
    probabilities = net.predict_proba(X)
    np.testing.assert_allclose(probabilities, exps / exps.sum(axis=-1, keepdims=True), rtol=1e-4)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0, rtol=1e-12)
    lead = () if members is None else (members,)
    assert net.predict(X).shape == (*lead, 601)
    assert probabilities.shape == (*lead, 601, 4)


def test_raw_inputs_are_preprocessed(backend, X):
    net = make(backend)
    known = backend.to_numpy(net.loss(Standardization().fit(X).transform(X))).argmax(axis=-1)
    net.preprocess = Standardization().fit(X)
    np.testing.assert_array_equal(net.predict(X), known)
    np.testing.assert_array_equal(net.predict(backend.asarray(X)), known)
    np.testing.assert_array_equal(net.predict(X[:5].tolist()), known[:5])


def test_one_feature_a_row_is_no_batch_of_a_members_own(backend, rng):
    net = FullyConnectedNet([4], 7, 3, members=3, device=backend.text)
    X = rng.standard_normal((3, 1, 7)).astype(np.float32)
    assert net.predict(X).shape == (3, 3)
    np.testing.assert_array_equal(net.predict(X), net.predict(X.reshape(3, 7)))


def test_bytes_are_inputs(backend, X):
    net = make(backend)
    pictures = X.clip(0, 255).astype(np.uint8)
    np.testing.assert_array_equal(net.predict(pictures), net.predict(pictures.astype(np.float32)))


def test_probabilities_of_extreme_scores(backend):
    net = make(backend)
    net.params["W1"] = net.params["W1"] * 1e6
    probabilities = net.predict_proba(np.ones((3, 6), np.float32) * 1e4)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0)


def test_a_regression_predicts_its_targets(backend, X):
    net = make(backend, loss="squared")
    np.testing.assert_allclose(net.predict(X), backend.to_numpy(net.loss(X)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", ["svm", "squared"])
def test_scores_of_other_losses_are_no_probabilities(X, loss):
    with pytest.raises(InputError, match=f"net with the {loss} loss are no log-probabilities"):
        FullyConnectedNet([7], 6, 4, loss=loss).predict_proba(X)


@pytest.mark.parametrize("given", [np.ones((0, 6)), np.ones(6), [], 3.0])
def test_no_samples_are_refused(given):
    with pytest.raises(InputError, match="X must hold samples"):
        FullyConnectedNet([7], 6, 4).predict(given)


def test_other_features_are_refused():
    with pytest.raises(InputError, match="X must have 6 features"):
        FullyConnectedNet([7], 6, 4).predict(np.ones((3, 5)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(bad):
    with pytest.raises(InputError, match="X holds NaN or infinity"):
        FullyConnectedNet([7], 6, 4).predict(np.full((2, 6), bad))
