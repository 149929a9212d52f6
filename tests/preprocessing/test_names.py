import numpy as np
import pytest

from xpnet import preprocessing
from xpnet.errors import InputError
from xpnet.preprocessing import (
    PCA,
    PREPROCESSORS,
    BasePreprocessor,
    Chain,
    ChannelMeanSubtraction,
    MeanSubtraction,
    Standardization,
    Whitening,
    forms,
    get_preprocessor,
    transformed,
)


def test_names():
    assert {
        "mean": MeanSubtraction,
        "channel-mean": ChannelMeanSubtraction,
        "standard": Standardization,
        "pca": PCA,
        "whiten": Whitening,
    } == PREPROCESSORS
    assert get_preprocessor(None) is None
    assert get_preprocessor("none") is None
    for name, kind in PREPROCESSORS.items():
        first, second = get_preprocessor(name), get_preprocessor(name)
        assert type(first) is kind
        assert first is not second
        assert first.text == name
        assert get_preprocessor(first) is first
        assert kind.form.startswith(name)
        assert kind.form in forms()


def test_every_preprocessor_has_a_name():
    kinds = [
        kind
        for name in preprocessing.__all__
        if isinstance(kind := getattr(preprocessing, name), type)
        and issubclass(kind, BasePreprocessor)
    ]
    assert set(kinds) - {BasePreprocessor, Chain} == set(PREPROCESSORS.values())


@pytest.mark.parametrize(
    "text",
    [
        "pca:50",
        "pca:0.95",
        "whiten:100",
        "whiten:0.9,epsilon=0.1",
        "channel-mean:3",
        "channel-mean:3,last",
        "standard+pca:0.99",
        "mean+standard",
        "mean+pca:5+whiten:epsilon=1e20",
    ],
)
def test_texts(text):
    made = get_preprocessor(text)
    assert made.text == text
    assert isinstance(made, Chain) == ("+" in text)


def test_spaces_around_the_plus():
    assert get_preprocessor(" standard + pca:5").text == "standard+pca:5"


def test_channels_are_those_of_the_pictures():
    assert get_preprocessor("channel-mean", (3, 32, 32)).text == "channel-mean:3"
    assert get_preprocessor("channel-mean", (1, 8, 8)).text == "channel-mean:1"
    assert get_preprocessor("mean+channel-mean", (3, 2, 2)).text == "mean+channel-mean:3"
    for text in ("channel-mean:4", "channel-mean:last", "mean", "pca:3"):
        assert get_preprocessor(text, (3, 32, 32)).text == text
    own = ChannelMeanSubtraction()
    assert get_preprocessor(own, (3, 32, 32)) is own
    assert get_preprocessor(None, (3, 32, 32)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fft", "unknown preprocess 'fft': choose one of none, mean, "),
        ("pca50", r"'pca50' \(did you mean pca\?\)"),
        ("whitening", r"did you mean whiten\?"),
        ("", "unknown preprocess ''"),
        ("mean+", "unknown preprocess ''"),
        ("mean+none", "unknown preprocess 'none'"),
        ("none:3", "unknown preprocess 'none'"),
        ("Mean", r"unknown preprocess 'Mean' \(did you mean mean\?\)"),
        ("pca:", "'pca:' has a colon and no parameter"),
        ("mean:3", "mean takes no parameter; got mean:3"),
        ("standard+pca:1.5", "pca takes a number of components.*got 1.5"),
    ],
)
def test_texts_that_are_refused(text, message):
    with pytest.raises(InputError, match=message) as caught:
        get_preprocessor(text)
    assert "\n" not in str(caught.value)


def test_refuses_an_object_without_the_methods():
    class Half:
        def fit(self, X):
            return self

        def transform(self, X):
            return X

    with pytest.raises(InputError, match="Half lacks numbers, apply, output_dim"):
        get_preprocessor(Half())
    with pytest.raises(InputError, match="int lacks fit, transform, numbers, apply, output_dim"):
        get_preprocessor(3)


def test_the_class_itself_is_no_preprocessor():
    with pytest.raises(InputError, match="the class MeanSubtraction: call it first"):
        get_preprocessor(MeanSubtraction)


def test_transformed():
    X = np.ones((3, 2))
    assert transformed(None, X) is X
    np.testing.assert_array_equal(transformed(MeanSubtraction().fit(X), X), 0.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean,whiten", "mean+whiten"),
        ("standard, pca:0.9", "standard+pca:0.9"),
        ("whiten:100,epsilon=0.1,mean", "whiten:100,epsilon=0.1+mean"),
        ("channel-mean:3,last+pca:5", "channel-mean:3,last+pca:5"),
    ],
)
def test_a_comma_before_a_name_joins_too(text, expected):
    assert get_preprocessor(text).text == get_preprocessor(expected).text
