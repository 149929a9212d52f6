"""The course's layers and losses, called as its notebooks call them.

What is "published" was printed by the course's notebooks with these seeds of numpy.random.
"""

import numpy as np
import pytest

from xpnet.cs231n import (
    affine_backward,
    affine_forward,
    affine_relu_backward,
    affine_relu_forward,
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
    svm_loss,
)
from xpnet.errors import InputError


def rel_error(x, y):
    """Return the largest relative error, as the notebooks define it."""
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def assert_gradients(forward, backward, arrays, dout, largest):
    """Hold a layer's gradients by all its arrays against numerical ones, as the notebooks do."""
    _, cache = forward(*arrays)
    found = backward(dout, cache)
    found = found if type(found) is tuple else (found,)
    for i, (array, gradient) in enumerate(zip(arrays, found, strict=True)):
        numeric = eval_numerical_gradient_array(
            lambda a, i=i: forward(*arrays[:i], a, *arrays[i + 1 :])[0], array, dout
        )
        assert gradient.dtype == np.float64
        assert rel_error(numeric, gradient) < largest, i


def test_affine_forward():
    shape = (4, 5, 6)
    x = np.linspace(-0.1, 0.5, num=2 * 120).reshape(2, *shape)
    w = np.linspace(-0.2, 0.3, num=120 * 3).reshape(120, 3)
    out, _ = affine_forward(x, w, np.linspace(-0.3, 0.1, num=3))
    published = [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
    assert rel_error(out, np.asarray(published)) < 1e-8


@pytest.mark.parametrize(
    ("forward", "backward", "shapes", "out"),
    [
        (affine_forward, affine_backward, [(10, 2, 3), (6, 5), (5,)], (10, 5)),
        (relu_forward, relu_backward, [(10, 10)], (10, 10)),
        (affine_relu_forward, affine_relu_backward, [(2, 3, 4), (12, 10), (10,)], (2, 10)),
    ],
)
def test_affine_and_relu_gradients(forward, backward, shapes, out):
    arrays = [np.random.randn(*shape) for shape in shapes]
    assert_gradients(forward, backward, arrays, np.random.randn(*out), 1e-9)


@pytest.mark.parametrize(
    ("loss", "published"), [(svm_loss, 8.999602749096233), (softmax_loss, 2.3025458445007376)]
)
def test_losses(loss, published):
    x, y = 0.001 * np.random.randn(50, 10), np.random.randint(10, size=50)
    found, dx = loss(x, y)
    assert found == pytest.approx(published, rel=1e-15)
    numeric = eval_numerical_gradient(lambda x: loss(x, y)[0], x, verbose=False)
    assert rel_error(numeric, dx) < 1e-7


def test_batchnorm_in_training_gives_means_beta_and_deviations_gamma():
    X, W1, W2 = np.random.randn(200, 50), np.random.randn(50, 60), np.random.randn(60, 3)
    a = np.maximum(0, X.dot(W1)).dot(W2)
    for gamma, beta in ((np.ones(3), np.zeros(3)), (np.arange(1.0, 4.0), np.arange(11.0, 14.0))):
        out, _ = batchnorm_forward(a, gamma, beta, {"mode": "train"})
        np.testing.assert_allclose(out.mean(axis=0), beta, atol=1e-12)
        np.testing.assert_allclose(out.std(axis=0), gamma, rtol=1e-6)


def test_batchnorm_in_testing_goes_by_the_batches_seen():
    W1, W2 = np.random.randn(50, 60), np.random.randn(60, 3)
    gamma, beta, bn_param = np.ones(3), np.zeros(3), {"mode": "train"}
    for _ in range(50):
        X = np.random.randn(200, 50)
        batchnorm_forward(np.maximum(0, X.dot(W1)).dot(W2), gamma, beta, bn_param)
    bn_param["mode"] = "test"
    X = np.random.randn(200, 50)
    before = {name: bn_param[name].copy() for name in ("running_mean", "running_var")}
    out, _ = batchnorm_forward(np.maximum(0, X.dot(W1)).dot(W2), gamma, beta, bn_param)
    published = [-0.03927354, -0.04349152, -0.10452688], [1.01531428, 1.01238373, 0.97819988]
    np.testing.assert_allclose(out.mean(axis=0), published[0], atol=1e-8)
    np.testing.assert_allclose(out.std(axis=0), published[1], atol=1e-8)
    for name, kept in before.items():
        np.testing.assert_array_equal(bn_param[name], kept)


def test_running_averages_start_from_zero_and_follow_the_momentum():
    x, one = np.random.randn(6, 3).astype(np.float32), np.ones(3, np.float32)
    bn_param = {"mode": "train", "momentum": 0.75, "eps": 1e-3}
    for _ in range(3):
        batchnorm_forward(x, one, one, bn_param)
    np.testing.assert_allclose(bn_param["running_mean"], (1 - 0.75**3) * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(bn_param["running_var"], (1 - 0.75**3) * x.var(0), rtol=1e-5)
    assert bn_param["running_var"].dtype == np.float32
    assert (bn_param["mode"], bn_param["momentum"], bn_param["eps"]) == ("train", 0.75, 1e-3)
    # eps counts: 3 more than the variance of 1 halves the output
    pair = np.asarray([[1.0], [3.0]])
    out, _ = batchnorm_forward(pair, np.ones(1), np.zeros(1), {"mode": "train", "eps": 3.0})
    np.testing.assert_allclose(out, [[-0.5], [0.5]])


@pytest.mark.parametrize("mode", ["train", "test"])
def test_batchnorm_gradients(mode):
    x, gamma, beta = 5 * np.random.randn(4, 5) + 12, np.random.randn(5), np.random.randn(5)
    dout = np.random.randn(4, 5)
    bn_param = {"mode": mode, "running_mean": np.full(5, 11.0), "running_var": np.full(5, 20.0)}

    def forward(*arrays):
        return batchnorm_forward(*arrays, bn_param)

    assert_gradients(forward, batchnorm_backward, (x, gamma, beta), dout, 1e-8)
    _, cache = forward(x, gamma, beta)
    both = zip(batchnorm_backward(dout, cache), batchnorm_backward_alt(dout, cache), strict=True)
    assert all(rel_error(one, other) < 1e-12 for one, other in both)


def test_layernorm():
    X, W1, W2 = np.random.randn(4, 50), np.random.randn(50, 60), np.random.randn(60, 3)
    a = np.maximum(0, X.dot(W1)).dot(W2)
    out, _ = layernorm_forward(a, np.full(3, 3.0), np.full(3, 5.0), {})
    np.testing.assert_allclose(out.mean(axis=1), 5.0, atol=1e-12)
    np.testing.assert_allclose(out.std(axis=1), 3.0, rtol=1e-5)
    x, gamma, beta = 5 * np.random.randn(4, 5) + 12, np.random.randn(5), np.random.randn(5)
    dout = np.random.randn(4, 5)
    assert_gradients(
        lambda *arrays: layernorm_forward(*arrays, {}),
        layernorm_backward,
        (x, gamma, beta),
        dout,
        1e-8,
    )
    pair = np.asarray([[1.0, 3.0]])
    out, _ = layernorm_forward(pair, np.ones(2), np.zeros(2), {"eps": 3.0})
    np.testing.assert_allclose(out, [[-0.5, 0.5]])


def test_dropout_forward():
    x = np.random.randn(500, 500) + 10
    # mean of the output, share of zeros; the masks are the course's, to 1/65536 of the elements
    published = {
        0.25: (10.014059116977283, 0.749784),
        0.4: (9.977917658761159, 0.600796),
        0.7: (9.987811912159426, 0.30074),
    }
    for p, (mean, zeros) in published.items():
        out, _ = dropout_forward(x, {"mode": "train", "p": p})
        test, _ = dropout_forward(x, {"mode": "test", "p": p})
        exact = p == 0.25  # a multiple of 1/65536
        assert out.mean() == pytest.approx(mean, rel=1e-12 if exact else 1e-4)
        assert (out == 0).mean() == pytest.approx(zeros, abs=0 if exact else 1 / 65536)
        np.testing.assert_array_equal(test, x)
        np.testing.assert_allclose(out[out != 0], x[out != 0] / p, rtol=1e-12)


def test_dropout_gradients():
    x, dout = np.random.randn(10, 10) + 10, np.random.randn(10, 10)
    for param in ({"mode": "train", "p": 0.2, "seed": 123}, {"mode": "test", "p": 0.2}):
        assert_gradients(
            lambda x, param=param: dropout_forward(x, param),
            dropout_backward,
            (x,),
            dout,
            1e-9,
        )
    np.random.seed(123)
    kept = np.random.rand(10, 10) < 0.25
    out, _ = dropout_forward(x, {"mode": "train", "p": 0.25, "seed": 123})
    np.testing.assert_allclose(out, x * kept / 0.25, rtol=1e-12)


def test_dropout_draws_anew_without_a_seed_and_leaves_the_notebooks_numbers_with_one():
    x = np.ones((20, 20))
    first, second = (dropout_forward(x, {"mode": "train", "p": 0.5})[0] for _ in range(2))
    assert (first != second).any()
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    dropout_forward(x, {"mode": "train", "p": 0.5, "seed": 1})
    assert np.random.rand() == expected


def test_float32_stays():
    x, one = np.random.randn(6, 3).astype(np.float32), np.ones(3, np.float32)
    for out, cache, backward in (
        (*batchnorm_forward(x, one, one, {"mode": "train"}), batchnorm_backward),
        (*layernorm_forward(x, one, one, {}), layernorm_backward),
        (*dropout_forward(x, {"mode": "train", "p": 0.5}), dropout_backward),
        (*affine_forward(x, np.ones((3, 3), np.float32), one), affine_backward),
    ):
        found = backward(out, cache)
        for array in (out, *(found if type(found) is tuple else (found,))):
            assert array.dtype == np.float32


def test_arrays_of_other_libraries():
    torch = pytest.importorskip("torch")
    x, one = torch.randn(6, 3), torch.ones(3)
    bn_param = {"mode": "train"}
    out, cache = batchnorm_forward(x, one, one, bn_param)
    assert all(isinstance(a, torch.Tensor) for a in (*batchnorm_backward(out, cache), out))
    assert isinstance(bn_param["running_mean"], torch.Tensor)
    out, cache = dropout_forward(x, {"mode": "train", "p": 0.5})
    assert isinstance(dropout_backward(out, cache), torch.Tensor)


@pytest.mark.parametrize("param", [{}, {"mode": "training"}, {"mode": None}, {"mode": ["test"]}])
def test_refuses_an_unknown_mode(param):
    x, one = np.ones((4, 3)), np.ones(3)
    with pytest.raises(InputError, match="batchnorm: the mode must be 'train' or 'test'; got"):
        batchnorm_forward(x, one, one, param)
    with pytest.raises(InputError, match="dropout: the mode must be 'train' or 'test'; got"):
        dropout_forward(x, {**param, "p": 0.5})
    assert "running_mean" not in param


@pytest.mark.parametrize(
    ("p", "what"),
    [
        (0, "keep_ratio must be above 0, .*; got 0"),
        (1.5, "keep_ratio must be .* at most 1; got 1.5"),
        (None, "p must be a number; got None"),
        ("half", "p must be a number; got 'half'"),
    ],
)
def test_refuses_a_keep_probability_out_of_range(p, what):
    with pytest.raises(InputError, match=f"dropout: {what}"):
        dropout_forward(np.ones((4, 3)), {"mode": "train", "p": p})
