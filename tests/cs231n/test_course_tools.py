"""The course's numerical gradients, its grid of pictures, and its names as a whole."""

import re

import numpy as np
import pytest

import xpnet.cs231n
from xpnet.cs231n import eval_numerical_gradient, eval_numerical_gradient_array, visualize_grid
from xpnet.errors import InputError


def test_a_gradient_of_a_number(capsys):
    x = np.asarray([[1.0, -2.0], [3.0, 0.5]])
    before = x.copy()
    grad = eval_numerical_gradient(lambda x: np.sum(x**3), x)
    np.testing.assert_allclose(grad, 3 * before**2, rtol=1e-9)
    np.testing.assert_array_equal(x, before)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(") ")[0] + ")" for line in lines] == ["(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)"]
    eval_numerical_gradient(lambda x: x.sum(), x, verbose=False)
    assert capsys.readouterr().out == ""


def test_a_gradient_of_an_array():
    x, df = np.random.randn(3, 2), np.random.randn(2, 2)
    w = np.random.randn(2, 3)
    grad = eval_numerical_gradient_array(lambda x: w @ x, x, df, h=1e-4)
    np.testing.assert_allclose(grad, w.T @ df, rtol=1e-9)
    # f may hand back its own argument, or a part of it
    np.testing.assert_allclose(eval_numerical_gradient_array(lambda x: x, x, x + 1), x + 1)


def test_the_function_may_read_the_array_that_is_changed():
    x = np.asarray([2.0, 3.0])
    grad = eval_numerical_gradient(lambda _: x[0] * x[1], x, verbose=False)
    np.testing.assert_allclose(grad, [3.0, 2.0], rtol=1e-9)


def test_the_array_comes_back_also_after_an_error():
    x = np.ones(3)

    def broken(x):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        eval_numerical_gradient(broken, x)
    assert x.tolist() == [1.0] * 3


def test_refuses_what_cannot_be_changed_by_a_small_step():
    frozen = np.ones(3)
    frozen.flags.writeable = False
    for x, what in ((np.arange(3), "ndarray of int64"), ([1.0], "list"), (frozen, "ndarray")):
        with pytest.raises(InputError, match=f"x must be a NumPy array of floats .*got {what}"):
            eval_numerical_gradient(lambda x: 0.0, x)


def test_grid_of_pictures():
    Xs = np.random.randn(5, 4, 3, 2)
    grid = visualize_grid(Xs, ubound=100.0, padding=2)
    assert grid.shape == (3 * 4 + 2 * 2, 3 * 3 + 2 * 2, 2)  # rows of three, the last one empty
    for i, picture in enumerate(Xs):
        top, left = 6 * (i // 3), 5 * (i % 3)
        stretched = 100 * (picture - picture.min()) / (picture.max() - picture.min())
        np.testing.assert_allclose(grid[top : top + 4, left : left + 3], stretched, rtol=1e-12)
        grid[top : top + 4, left : left + 3] = 0
    assert not grid.any()
    assert visualize_grid(Xs[:1], padding=3).shape == (4, 3, 2)
    assert visualize_grid(Xs, padding=0).shape == (12, 9, 2)
    assert visualize_grid(Xs).max() == 255


def test_a_picture_of_one_colour_is_0():
    assert not visualize_grid(np.full((2, 3, 3, 1), 7)).any()


@pytest.mark.parametrize("shape", [(4, 3, 2), (0, 4, 3, 2)])
def test_refuses_what_is_no_pictures(shape):
    with pytest.raises(InputError, match=re.escape(f"(N, H, W, C); got {shape}")):
        visualize_grid(np.ones(shape))


# As the cells of the notebooks begin; all but numpy is to come from these imports.
NOTEBOOK = """
import numpy as np
from cs231n.classifiers.fc_net import *
from cs231n.data_utils import get_CIFAR10_data
from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs231n.solver import Solver
from cs231n.vis_utils import visualize_grid
from cs231n.layers import *
from cs231n.layer_utils import affine_relu_forward, affine_relu_backward
from cs231n.optim import sgd_momentum
from cs231n.optim import rmsprop, adam

out, cache = affine_forward(np.ones((2, 3)), np.ones((3, 4)), np.zeros(4))
model = TwoLayerNet(input_dim=3, hidden_dim=4, num_classes=5)
data = {name: value for part in ("train", "val")
        for name, value in ((f"X_{part}", np.ones((20, 3))), (f"y_{part}", np.arange(20) % 5))}
solver = Solver(model, data, num_epochs=1, batch_size=10, verbose=False)
solver.train()
"""


def test_a_notebooks_imports_are_pointed_here_by_the_line_in_the_docstring():
    pattern, replacement = re.search(r"'s/(.*?)/(.*)/'", xpnet.cs231n.__doc__).groups()
    assert "import" not in pattern
    names: dict = {}
    exec(re.sub(pattern, replacement, NOTEBOOK), names)
    assert len(names["solver"].loss_history) == 2
    assert {*xpnet.cs231n.__all__} <= {*names}
