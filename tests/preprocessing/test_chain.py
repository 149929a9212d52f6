import copy

import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.preprocessing import (
    PCA,
    Chain,
    ChannelMeanSubtraction,
    MeanSubtraction,
    Standardization,
    Whitening,
)


@pytest.fixture(name="X")
def inputs(rng):
    X = rng.integers(0, 256, (50, 3, 2, 2), dtype=np.uint8)
    X[:, 0, 0, 0] = 9
    return X


def test_it_is_its_parts_in_their_order(X):
    fitted = Chain([Standardization(), PCA(0.9), Standardization()]).fit(X)
    x = X.astype(np.float64)
    for part in (Standardization(), PCA(0.9), Standardization()):
        x = part.fit(x).transform(x)
    np.testing.assert_allclose(fitted.transform(X.astype(np.float64)), x, atol=1e-10)
    np.testing.assert_allclose(x.std(axis=0), 1)


def test_the_order_matters(X):
    one = Chain([Standardization(), PCA(4)]).fit(X).transform(X)
    other = Chain([PCA(4), Standardization()]).fit(X).transform(X)
    assert np.abs(one - other).max() > 0.1


def test_parts_see_the_shape_that_is_left_to_them(X):
    fitted = Chain([Standardization(), ChannelMeanSubtraction(), Whitening(4)]).fit(X)
    assert [part.sample_shape for part in fitted.parts] == [(3, 2, 2)] * 3
    with pytest.raises(InputError, match=r"takes pictures.*got samples of shape \(4,\)"):
        Chain([PCA(4), ChannelMeanSubtraction()]).fit(X)


def test_it_fits_copies_of_its_parts(X):
    mean, pca = MeanSubtraction(), PCA(3)
    chain = Chain([mean, pca])
    copied = copy.copy(chain)
    copied.fit(X)
    assert not mean.fitted
    assert not pca.fitted
    assert not chain.fitted
    assert chain.parts == (mean, pca)
    assert copied.fitted
    assert all(part.fitted for part in copied.parts)


def test_parts_that_are_fitted_are_fitted_anew(X):
    mean = MeanSubtraction().fit(X + 1)
    chain = Chain([mean, PCA(3)])
    assert not chain.fitted
    np.testing.assert_array_equal(chain.fit(X).parts[0].mean, X.mean(axis=0))
    np.testing.assert_array_equal(mean.mean, (X + 1).mean(axis=0))


def test_names_of_the_numbers_are_unique(X):
    fitted = Chain([Standardization(), Whitening(3), Standardization()]).fit(X)
    assert {name: x.shape for name, x in fitted.numbers().items()} == {
        "1.mean": (12,),
        "1.scale": (12,),
        "2.mean": (12,),
        "2.components": (3, 12),
        "2.scale": (3,),
        "3.mean": (3,),
        "3.scale": (3,),
    }


def test_text_note_and_repr(X):
    chain = Chain([Standardization(), PCA(4)])
    assert chain.text == str(chain) == "standard+pca:4"
    assert repr(chain) == "Chain(standard+pca:4, not fitted)"
    chain.fit(X)
    assert chain.note.startswith(
        "1 of 12 features is constant: left undivided; 4 components of 12 features, 0."
    )
    assert chain.note in repr(chain)


def test_a_chain_in_a_chain_is_its_parts(X):
    inner = Chain([MeanSubtraction(), Standardization()])
    outer = Chain([inner, PCA(3)])
    assert outer.text == "mean+standard+pca:3"
    np.testing.assert_array_equal(
        outer.fit(X).transform(X),
        Chain([MeanSubtraction(), Standardization(), PCA(3)]).fit(X).transform(X),
    )


def test_shapes(X):
    kept = Chain([MeanSubtraction(), Standardization()]).fit(X)
    assert kept.keeps_shape
    assert kept.transform(X).shape == X.shape
    assert kept.output_dim(12) == 12
    projected = Chain([PCA(5), MeanSubtraction(), PCA(2)])
    assert not projected.keeps_shape
    assert projected.output_dim(12) == 2
    assert projected.fit(X).output_dim(12) == 2
    with pytest.raises(InputError, match="pca:5 was fitted on 12 features; got 11"):
        projected.output_dim(11)
    with pytest.raises(InputError, match="pca:6 asks for 6 components of 5 features"):
        Chain([PCA(5), PCA(6)]).output_dim(12)


@pytest.mark.parametrize("parts", [[], [MeanSubtraction()]])
def test_fewer_than_two_parts_are_refused(parts):
    with pytest.raises(InputError, match=f"two parts or more; got {len(parts)}"):
        Chain(parts)


@pytest.mark.parametrize("part", ["mean", None, MeanSubtraction])
def test_what_is_no_preprocessor_is_refused(part):
    with pytest.raises(InputError, match="made of preprocessors such as PCA.*goes to get_pre"):
        Chain([MeanSubtraction(), part])


def test_a_refused_part_leaves_it_as_it_was(X):
    chain = Chain([MeanSubtraction(), PCA(100)])
    with pytest.raises(InputError, match="pca:100 asks for 100 components"):
        chain.fit(X)
    assert not chain.fitted


def test_an_own_part_with_the_same_base(X):
    """As its docstring says: `find` and `apply`, and the rest follows."""

    class Halved(MeanSubtraction):
        name = "halved"

        def find(self, rows):
            return {"mean": rows.mean() / 2}, {}

    fitted = Chain([Halved(), Standardization()]).fit(X)
    assert fitted.text == "halved+standard"
    np.testing.assert_allclose(
        fitted.transform(X), Standardization().fit(X).transform(X), atol=1e-5
    )
