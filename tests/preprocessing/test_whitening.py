import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.preprocessing import PCA, Whitening


@pytest.fixture(name="X")
def inputs(rng):
    return 10 + rng.standard_normal((60, 8)) @ rng.standard_normal((8, 8))


@pytest.mark.parametrize("n_components", [None, 5, 0.9])
def test_without_epsilon_the_covariance_is_the_identity(X, n_components):
    fitted = Whitening(n_components, epsilon=0).fit(X)
    Z = fitted.transform(X)
    np.testing.assert_allclose(np.cov(Z.T), np.eye(fitted.output_dim(8)), atol=1e-9)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-10)


@pytest.mark.parametrize("epsilon", [1e-5, 0.1, 10])
def test_with_epsilon_variances_are_below_one(X, epsilon):
    fitted = Whitening(epsilon=epsilon).fit(X)
    variances = fitted.explained_variance
    np.testing.assert_allclose(
        np.cov(fitted.transform(X).T), np.diag(variances / (variances + epsilon)), atol=1e-9
    )
    np.testing.assert_allclose(fitted.scale, np.sqrt(variances + epsilon), rtol=1e-14)


@pytest.mark.parametrize("shape", [(60, 8), (20, 30)])
def test_against_scikit_learn(rng, shape):
    decomposition = pytest.importorskip("sklearn.decomposition")
    X, new = rng.standard_normal((2, *shape)) @ rng.standard_normal((shape[1], shape[1]))
    known = decomposition.PCA(6, whiten=True, svd_solver="full").fit(X)
    fitted = Whitening(6, epsilon=0).fit(X)
    signs = np.sign((fitted.components * known.components_).sum(axis=1))
    np.testing.assert_allclose(fitted.transform(new), known.transform(new) * signs, atol=1e-7)


def test_it_is_pca_and_a_division(X):
    pca, fitted = PCA(4).fit(X), Whitening(4).fit(X)
    np.testing.assert_array_equal(fitted.components, pca.components)
    np.testing.assert_allclose(
        fitted.transform(X), pca.transform(X) / np.sqrt(pca.explained_variance + 1e-5), rtol=1e-12
    )
    numbers = fitted.numbers()
    assert {name: x.shape for name, x in numbers.items()} == {
        "mean": (8,),
        "components": (4, 8),
        "scale": (4,),
    }
    np.testing.assert_allclose(
        (X - numbers["mean"]) @ numbers["components"].T / numbers["scale"], fitted.transform(X)
    )


def test_directions_without_variance_are_not_blown_up(rng):
    """Samples of a few directions, and new ones that leave them."""
    X = rng.standard_normal((50, 2)) @ rng.standard_normal((2, 6))
    fitted = Whitening().fit(X)
    assert fitted.output_dim(6) == 2
    assert np.abs(fitted.transform(X + rng.standard_normal((50, 6)))).max() < 20


@pytest.mark.parametrize("epsilon", [-1e-9, float("nan"), float("inf"), "1", None])
def test_other_epsilons_are_refused(epsilon):
    with pytest.raises(InputError, match="epsilon of whiten must be 0 or a positive number; got"):
        Whitening(epsilon=epsilon)


@pytest.mark.parametrize(
    ("parameter", "n_components", "epsilon", "text"),
    [
        ("", None, 1e-5, "whiten"),
        ("100", 100, 1e-5, "whiten:100"),
        ("0.9", 0.9, 1e-5, "whiten:0.9"),
        ("epsilon=0.1", None, 0.1, "whiten:epsilon=0.1"),
        ("epsilon=0", None, 0.0, "whiten:epsilon=0.0"),
        ("100,epsilon=1e20", 100, 1e20, "whiten:100,epsilon=1e20"),
        ("0.5,epsilon=1e-3", 0.5, 1e-3, "whiten:0.5,epsilon=0.001"),
        ("7,epsilon=1e-05", 7, 1e-5, "whiten:7"),
    ],
)
def test_text(parameter, n_components, epsilon, text):
    for made in (Whitening.parse(parameter), Whitening.parse(text.partition(":")[2])):
        assert (made.n_components, made.epsilon, made.text) == (n_components, epsilon, text)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("x", "whiten takes a number of components"),
        ("1.5", "got 1.5"),
        ("100,eps=1", "got '100,eps=1'"),
        ("x,epsilon=1", "got 'x'"),
        ("epsilon=", "epsilon of whiten"),
        ("epsilon=small", "got 'small'"),
        ("epsilon=-1", "got -1"),
    ],
)
def test_other_parameters_are_refused(parameter, message):
    with pytest.raises(InputError, match=message):
        Whitening.parse(parameter)


def test_too_many_components_are_refused_by_its_own_name(X):
    with pytest.raises(InputError, match="whiten:9 asks for 9 components, but 60 training samples"):
        Whitening(9).fit(X)
