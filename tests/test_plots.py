"""The pictures: values, sizes, and what cannot be drawn."""

from types import SimpleNamespace

import numpy as np
import pytest

from xpnet.errors import InputError
from xpnet.metrics import Accuracy, RSquared

pytest.importorskip("matplotlib")

from matplotlib.image import imread

from xpnet.plots import plot_curves, plot_weights, weight_grid

BLUE, ORANGE = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)


def share_of(picture, colour):
    """Return the share of the pixels that have just this colour."""
    near = np.abs(picture[..., :3] * 255 - colour).max(axis=-1) < 1
    return near.mean()


@pytest.mark.parametrize(
    ("units", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2), (10, 4, 3)]
)
@pytest.mark.parametrize("padding", [0, 2])
def test_grid_is_nearly_square_with_padding_all_round(rng, units, columns, rows, padding):
    grid = weight_grid(rng.normal(size=(9, units)), (1, 3, 3), padding)
    assert grid.shape == (rows * (3 + padding) + padding, columns * (3 + padding) + padding)


def test_values_are_zero_to_one(rng):
    grid = weight_grid(1e3 * rng.normal(size=(48, 7)), (3, 4, 4))
    assert grid.shape == (3 * 6 + 2, 3 * 6 + 2, 3)
    assert grid.min() == 0
    assert grid.max() == 1


def test_each_unit_is_stretched_by_itself_and_put_in_its_place():
    """A weak unit is seen as well as a strong one; units run by rows from the top left."""
    first = np.array([[0.0, 1.0], [2.0, 4.0]])
    weights = np.stack([first.ravel(), 1e-6 * first.ravel() - 5, -first.ravel()], axis=1)
    grid = weight_grid(weights, (1, 2, 2), padding=1)
    expected = np.array([[0, 0.25], [0.5, 1]])
    np.testing.assert_allclose(grid[1:3, 1:3], expected, atol=1e-12)
    np.testing.assert_allclose(grid[1:3, 4:6], expected, atol=1e-9)
    np.testing.assert_allclose(grid[4:6, 1:3], 1 - expected, atol=1e-12)
    for white in (grid[0], grid[3], grid[:, 0], grid[:, 3], grid[4:6, 4:6]):
        np.testing.assert_array_equal(white, 1)


def test_a_constant_unit_does_not_divide_by_zero(rng):
    weights = np.concatenate([np.full((4, 1), 7.0), rng.normal(size=(4, 1))], axis=1)
    grid = weight_grid(weights, (1, 2, 2), padding=0)
    np.testing.assert_array_equal(grid[:, :2], 0)
    assert np.isfinite(grid).all()


def test_three_channels_are_planes_of_the_input():
    """As in CIFAR-10: all of red, then green, then blue."""
    red = [1, 0, 0, 0]
    green = [0, 1, 0, 0]
    blue = [0, 0, 0, 1]
    grid = weight_grid(np.array([red + green + blue]).T, (3, 2, 2), padding=0)
    np.testing.assert_array_equal(grid[0, 0], [1, 0, 0])
    np.testing.assert_array_equal(grid[0, 1], [0, 1, 0])
    np.testing.assert_array_equal(grid[1, 0], [0, 0, 0])
    np.testing.assert_array_equal(grid[1, 1], [0, 0, 1])


def test_over_a_hundred_units_are_cut_to_the_first_hundred(rng):
    weights = rng.normal(size=(6, 130))
    grid = weight_grid(weights, (1, 2, 3))
    assert grid.shape == (12 * 4 + 2, 9 * 5 + 2), "about as wide as it is high"
    np.testing.assert_array_equal(grid, weight_grid(weights[:, :100], (1, 2, 3)))


def test_the_weights_are_not_written_into(rng):
    weights = rng.normal(size=(6, 4)).astype(np.float32)
    weights.flags.writeable = False
    weight_grid(weights, (1, 2, 3))


@pytest.mark.parametrize("shape", [(2, 2, 3), (4, 1, 3), (12, 1, 1), (1, 3, 3), (3, 2, 3)])
def test_what_is_no_such_picture_is_refused(rng, shape):
    with pytest.raises(InputError, match=r"weights of 12 inputs") as caught:
        weight_grid(rng.normal(size=(12, 4)), shape)
    assert str(shape) in str(caught.value)
    assert "1 or 3 channels" in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 4, 6), (3, 2, 4)])
def test_plot_weights_writes_a_picture(rng, shape, tmp_path):
    plot_weights(rng.normal(size=(24, 9)), shape, tmp_path / "w.png", "nine units")
    picture = imread(tmp_path / "w.png")
    assert picture.shape[1] == 960
    assert len(np.unique(picture[::5, ::5].reshape(-1, picture.shape[-1]), axis=0)) > 50


def test_narrow_pictures_do_not_make_a_tower(rng, tmp_path):
    """A time series (T, 1) counts as a picture; 960 by 90,000 pixels of it are of use to nobody."""
    plot_weights(rng.normal(size=(40, 16)), (1, 40, 1), tmp_path / "w.png", "sixteen units")
    height, width = imread(tmp_path / "w.png").shape[:2]
    assert height <= 5 * width


def history(steps, checks):
    """Return what the curves read of a Solver."""
    accuracies = np.linspace(0.1, 0.9, len(checks)).tolist()
    return SimpleNamespace(
        steps_per_epoch=10,
        loss_history=np.linspace(2.3, 0.3, steps).tolist(),
        val_loss_history=np.linspace(2.3, 0.5, len(checks)).tolist(),
        train_acc_history=accuracies,
        val_acc_history=accuracies,
        check_steps=checks,
        num_classes=10,
        metric=Accuracy(),
    )


@pytest.mark.parametrize(
    ("steps", "checks"), [(1, [1]), (2, [1, 2]), (30, [1, 10, 20, 30]), (1000, [1, 500, 1000])]
)
def test_plot_curves_draws_both_colours(steps, checks, tmp_path):
    plot_curves(history(steps, checks), tmp_path / "c.png", "curves")
    picture = imread(tmp_path / "c.png")
    assert picture.shape[:2] == (960, 960)
    assert share_of(picture, BLUE) > 1e-5
    assert share_of(picture, ORANGE) > 1e-4


def test_plot_curves_with_no_check_or_nan_does_not_fail(tmp_path):
    """As after a divergence in the first step."""
    run = history(3, [1])
    run.loss_history = [2.3, float("inf"), float("nan")]
    run.val_loss_history = run.train_acc_history = run.val_acc_history = [float("nan")]
    plot_curves(run, tmp_path / "c.png", "diverged")
    assert imread(tmp_path / "c.png").shape[:2] == (960, 960)


def axes_of_scores(run, tmp_path, monkeypatch):
    """Return the lower axes of the curves."""
    made = []
    monkeypatch.setattr("xpnet.plots.Figure.savefig", lambda figure, *_, **__: made.append(figure))
    plot_curves(run, tmp_path / "c.png", "curves")
    return made[0].axes[1]


def test_accuracies_have_a_line_at_chance_and_an_axis_from_zero(tmp_path, monkeypatch):
    axes = axes_of_scores(history(30, [1, 30]), tmp_path, monkeypatch)
    assert axes.get_ylabel() == "accuracy"
    assert axes.get_ylim() == (0.0, 1.03)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["train", "val", "chance, 0.1"]


@pytest.mark.parametrize(
    ("scores", "bottom"),
    [
        ([0.1, 0.9], 0.0),
        ([-0.5, 0.9], -0.55),
        ([-1e6, 0.9], -1.0),
        ([-50.0, -10.0], -11.0),
        ([float("nan"), -0.5], -0.55),
        ([float("nan")], 0.0),
    ],
)
def test_r_squared_has_no_chance_and_an_axis_that_shows_it(scores, bottom, tmp_path, monkeypatch):
    run = history(30, list(range(1, 1 + len(scores))))
    run.metric, run.train_acc_history, run.val_acc_history = RSquared(), scores, scores
    axes = axes_of_scores(run, tmp_path, monkeypatch)
    assert axes.get_ylabel() == "R squared"
    assert axes.get_ylim() == pytest.approx((bottom, 1.03))
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["train", "val"]


def test_the_title_is_drawn(tmp_path):
    pictures = []
    for title in ("one", "another"):
        plot_curves(history(30, [1, 30]), tmp_path / "c.png", title)
        pictures.append(imread(tmp_path / "c.png"))
    assert pictures[0].shape == pictures[1].shape
    assert (pictures[0] != pictures[1]).any()
