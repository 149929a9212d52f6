import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.preprocessing import PCA


@pytest.fixture(name="X")
def inputs(rng):
    """Correlated features, far from zero."""
    return 10 + rng.standard_normal((60, 8)) @ rng.standard_normal((8, 8))


def with_variances(variances, n=50):
    """Return rows whose covariance is diagonal, with exactly these variances."""
    q, _ = np.linalg.qr(
        np.random.default_rng(1).standard_normal((n, len(variances) + 1)) + np.eye(1, n).T
    )
    ones = np.ones((n, 1)) / np.sqrt(n)
    q, _ = np.linalg.qr(np.hstack([ones, q[:, : len(variances)]]))
    return q[:, 1:] * np.sqrt((n - 1) * np.asarray(variances))


@pytest.mark.parametrize("shape", [(60, 8), (200, 30), (20, 30), (9, 8), (8, 8), (7, 8)])
def test_against_scikit_learn(rng, shape):
    decomposition = pytest.importorskip("sklearn.decomposition")
    X, new = rng.standard_normal((2, *shape)) @ rng.standard_normal((shape[1], shape[1]))
    rank = min(shape[0] - 1, shape[1])
    known = decomposition.PCA(rank, svd_solver="full").fit(X)
    fitted = PCA().fit(X)
    assert fitted.components.shape == (rank, shape[1])
    signs = np.sign((fitted.components * known.components_).sum(axis=1))
    np.testing.assert_allclose(fitted.components, signs[:, None] * known.components_, atol=1e-8)
    np.testing.assert_allclose(fitted.explained_variance, known.explained_variance_, rtol=1e-8)
    np.testing.assert_allclose(
        fitted.explained_variance_ratio, known.explained_variance_ratio_, rtol=1e-8
    )
    np.testing.assert_allclose(fitted.mean, known.mean_, atol=1e-12)
    np.testing.assert_allclose(fitted.transform(new), known.transform(new) * signs, atol=1e-7)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.99, 0.999999])
def test_shares_are_scikit_learns(X, share):
    decomposition = pytest.importorskip("sklearn.decomposition")
    known = decomposition.PCA(share, svd_solver="full").fit(X)
    assert PCA(share).fit(X).output_dim(8) == known.n_components_


def test_the_fewest_components_that_reach_the_share():
    X = with_variances([4, 3, 2, 1])
    for share, n in [(0.39, 1), (0.41, 2), (0.69, 2), (0.71, 3), (0.89, 3), (0.91, 4)]:
        fitted = PCA(share).fit(X)
        assert fitted.output_dim(4) == n, share
        assert fitted.explained_variance_ratio.sum() >= share
        assert fitted.explained_variance_ratio[:-1].sum() < share
    # rounding must not ask for more than there are
    assert PCA(1 - 1e-16).fit(X).output_dim(4) == 4


def test_projections_are_uncorrelated_and_have_the_variances(X):
    fitted = PCA().fit(X)
    np.testing.assert_allclose(
        np.cov(fitted.transform(X).T), np.diag(fitted.explained_variance), atol=1e-10
    )
    assert (np.diff(fitted.explained_variance) < 0).all()
    assert fitted.explained_variance_ratio.sum() == pytest.approx(1, abs=1e-12)


def test_all_components_are_a_rotation(X):
    fitted = PCA().fit(X)
    np.testing.assert_allclose(fitted.components @ fitted.components.T, np.eye(8), atol=1e-12)
    np.testing.assert_allclose(fitted.transform(X) @ fitted.components + fitted.mean, X, atol=1e-11)


def test_few_components_are_the_first_of_all(X):
    some, every = PCA(3).fit(X), PCA().fit(X)
    np.testing.assert_array_equal(some.components, every.components[:3])
    np.testing.assert_array_equal(some.explained_variance, every.explained_variance[:3])
    np.testing.assert_allclose(some.transform(X), every.transform(X)[:, :3], atol=1e-12)
    assert some.components.base is None, "a view would keep the whole matrix"


def test_the_largest_entry_of_each_component_is_positive(X):
    for given in (X, -X, X[:5]):
        components = PCA().fit(given).components
        largest = np.abs(components).argmax(axis=1)
        assert (components[np.arange(len(components)), largest] > 0).all()


def test_both_ways_to_the_axes_agree(rng):
    """Fewer samples than features go by the singular vectors; repeated, by the covariance."""
    X = rng.standard_normal((10, 12)) * np.arange(1, 13)
    few, many = PCA().fit(X), PCA().fit(np.tile(X, (3, 1)))
    assert few.components.shape == many.components.shape == (9, 12)
    np.testing.assert_allclose(few.components, many.components, atol=1e-10)
    np.testing.assert_allclose(few.explained_variance * 9 / 10, many.explained_variance * 29 / 30)


@pytest.mark.parametrize("n", [2, 5, 9, 40])
def test_directions_without_variance_are_left_out(rng, n):
    X = rng.standard_normal((n, 3)) @ rng.standard_normal((3, 6)) + 100
    X = np.hstack([X, np.full((n, 2), 0.1), X[:, :1]])
    fitted = PCA().fit(X)
    assert fitted.output_dim(9) == min(3, n - 1)
    np.testing.assert_allclose(fitted.transform(X) @ fitted.components + fitted.mean, X, atol=1e-9)


def test_pictures_become_rows(rng):
    X = rng.integers(0, 256, (30, 3, 2, 2), dtype=np.uint8)
    fitted = PCA(5).fit(X)
    assert fitted.transform(X).shape == (30, 5)
    assert fitted.components.shape == (5, 12)
    np.testing.assert_allclose(
        fitted.transform(X), PCA(5).fit(X.reshape(30, 12)).transform(X.reshape(30, 12)), rtol=1e-6
    )
    assert not fitted.keeps_shape


def test_output_dim(X):
    assert PCA(3).output_dim(8) == 3
    assert PCA(3).fit(X).output_dim(8) == 3
    assert PCA(0.999999).fit(X).output_dim(8) == 8
    with pytest.raises(InputError, match="pca:3 was fitted on 8 features; got 7"):
        PCA(3).fit(X).output_dim(7)
    with pytest.raises(InputError, match="pca:9 asks for 9 components of 8 features: .* 8 or"):
        PCA(9).output_dim(8)
    for unknown in (PCA(), PCA(0.5)):
        with pytest.raises(InputError, match=r"how many components it keeps in fit\(X_train\)"):
            unknown.output_dim(8)


@pytest.mark.parametrize(
    ("n", "shape", "rank"), [(9, (60, 8), 8), (8, (8, 8), 7), (5, (5, 20), 4), (61, (70, 60), 60)]
)
def test_more_components_than_directions_are_refused(rng, n, shape, rank):
    with pytest.raises(InputError) as caught:
        PCA(n).fit(rng.standard_normal(shape))
    assert str(caught.value) == (
        f"pca:{n} asks for {n} components, but {shape[0]} training samples of {shape[1]} features "
        f"vary in {rank} directions: ask for {rank} or fewer"
    )
    PCA(rank).fit(rng.standard_normal(shape))


@pytest.mark.parametrize("X", [np.ones((1, 4)), np.ones((9, 4)), np.full((3, 4), 0.1)])
def test_samples_that_are_all_equal_are_refused(X):
    for n_components in (None, 1, 0.5):
        with pytest.raises(InputError, match=f"all training samples, {len(X)}, are equal"):
            PCA(n_components).fit(X)


@pytest.mark.parametrize(
    "n_components", [0, -1, 0.0, 1.0, 1.5, -0.1, float("nan"), True, "all", [3], np.float64(2)]
)
def test_other_counts_are_refused(n_components):
    with pytest.raises(InputError, match="pca takes a number of components.*got"):
        PCA(n_components)


@pytest.mark.parametrize(
    ("parameter", "n_components", "text"),
    [
        ("", None, "pca"),
        ("50", 50, "pca:50"),
        ("0.95", 0.95, "pca:0.95"),
        (".5", 0.5, "pca:0.5"),
        ("1e-05", 1e-5, "pca:1e-05"),
    ],
)
def test_text(parameter, n_components, text):
    made = PCA.parse(parameter)
    assert made.n_components == n_components
    assert type(made.n_components) is type(n_components)
    assert made.text == text
    assert PCA.parse(text.partition(":")[2]).n_components == n_components


@pytest.mark.parametrize("parameter", ["x", "1.0", "0", "50%", "-3", "nan", "3,4"])
def test_other_parameters_are_refused(parameter):
    with pytest.raises(InputError, match="pca takes a number of components such as 50"):
        PCA.parse(parameter)


def test_numpys_numbers_are_taken():
    assert PCA(np.int64(5)).text == "pca:5"
    assert PCA(np.float32(0.5)).text == "pca:0.5"


def test_note_and_repr(X):
    fitted = PCA(3).fit(X)
    share = fitted.explained_variance_ratio.sum()
    assert fitted.note == f"3 components of 8 features, {share:.4f} of the variance"
    assert repr(fitted) == f"PCA(pca:3, fitted on (8,), {fitted.note})"
    assert repr(PCA(0.5)) == "PCA(pca:0.5, not fitted)"
    assert PCA().fit(X).note.endswith("1.0000 of the variance")


def test_before_fit_there_is_nothing():
    new = PCA()
    assert (new.mean, new.components, new.explained_variance) == (None, None, None)
    assert new.explained_variance_ratio is None


def test_loaded_components_must_be_those_asked_for(X):
    numbers = PCA(3).fit(X).numbers()
    assert PCA(0.5).with_numbers(numbers).output_dim(8) == 3
    assert PCA().with_numbers(numbers).explained_variance is None
    with pytest.raises(InputError, match=r"pca:4 cannot have .*components of \(3, 8\)"):
        PCA(4).with_numbers(numbers)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_extreme_values(X, scale):
    fitted = PCA(3).fit(X * scale)
    np.testing.assert_allclose(fitted.components, PCA(3).fit(X).components, atol=1e-9)
    np.testing.assert_allclose(
        fitted.transform((X * scale).astype(np.float32)),
        PCA(3).fit(X).transform(X) * scale,
        atol=1e-4 * scale,
    )


def test_squares_that_overflow_are_refused(X):
    for given in (X * 1e160, X[:5] * 1e160):
        with pytest.raises(InputError, match="too large to add up or to square"):
            PCA().fit(given)
