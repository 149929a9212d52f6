import numpy as np
import pytest

from xpnet.backends import get_backend
from xpnet.errors import InputError
from xpnet.initializers import kaiming
from xpnet.nets.initial import (
    check_choice,
    check_keep_ratio,
    check_size,
    check_sizes,
    initial_params,
    initial_state,
    place_members,
)
from xpnet.streams import stream


@pytest.mark.parametrize("size", [3, np.int32(3), np.uint8(3)])
def test_sizes_become_ints(size):
    assert type(check_size("input_dim", size)) is int
    assert check_sizes("hidden_dims", (size, 4)) == [3, 4]


@pytest.mark.parametrize("size", [0, -1, 2.0, True, None, "3", [3], np.float32(3)])
def test_other_sizes_are_refused(size):
    with pytest.raises(InputError) as caught:
        check_size("input_dim", size)
    assert str(caught.value) == f"input_dim must be a positive integer; got {size!r}"
    with pytest.raises(InputError, match="hidden_dims must be a positive integer; got"):
        check_sizes("hidden_dims", [3, size])


@pytest.mark.parametrize("sizes", [3, "3", b"3", bytearray(b"3"), {3}, None, np.asarray(3)])
def test_what_lists_no_sizes_is_refused(sizes):
    with pytest.raises(InputError) as caught:
        check_sizes("hidden_dims", sizes)
    known = f"hidden_dims must list the units of each hidden layer; got {sizes!r}"
    assert str(caught.value) == known


def test_choices():
    assert check_choice("normalization", None, (None, "batchnorm")) is None
    with pytest.raises(InputError, match="unknown side 'up': choose one of left, right"):
        check_choice("side", "up", ("left", "right"))


@pytest.mark.parametrize("ratio", [1, 0.5, 2**-16])
def test_ratios(ratio):
    assert check_keep_ratio(ratio, None) == ratio
    assert check_keep_ratio([ratio, 1.0], 2).tolist() == [ratio, 1.0]


@pytest.mark.parametrize("ratio", [0, 2**-17, -0.5, 1.5, float("nan"), float("inf")])
def test_other_ratios_are_refused(ratio):
    with pytest.raises(
        InputError, match="dropout_keep_ratio must be above 0, by 1/65536"
    ) as caught:
        check_keep_ratio(ratio, None)
    assert str(caught.value).endswith(f"got {ratio!r}")
    with pytest.raises(InputError, match="dropout_keep_ratio must be above 0"):
        check_keep_ratio([0.5, ratio], 2)


def test_the_stream_of_a_layer_is_its_number():
    params = initial_params([4, 3, 2], kaiming, 7, pieces=None, has_norm=True)
    assert list(params) == ["W1", "b1", "gamma1", "beta1", "W2", "b2"]
    for layer, shape in ((1, (4, 3)), (2, (3, 2))):
        known = kaiming(stream(7, "weights", layer), shape)
        np.testing.assert_array_equal(params[f"W{layer}"], known)
        assert not params[f"b{layer}"].any()
    assert (params["gamma1"].tolist(), params["beta1"].tolist()) == ([1, 1, 1], [0, 0, 0])


def test_the_last_layer_has_one_piece():
    params = initial_params([4, 3, 2], kaiming, 7, pieces=2, has_norm=False)
    shapes = {name: w.shape for name, w in params.items()}
    assert shapes == {"W1": (2, 4, 3), "b1": (2, 3), "W2": (3, 2), "b2": (2,)}


def test_running_numbers_start_at_those_of_a_standard_normal():
    state = initial_state({"running_mean1": (3,), "running_var1": (3,)})
    assert {name: x.tolist() for name, x in state.items()} == {
        "running_mean1": [0, 0, 0],
        "running_var1": [1, 1, 1],
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_members_are_stacked_on_the_device(backend64, dtype):
    draws = [{"W1": np.full((2, 3), 0.1 * k)} for k in range(3)]
    there = backend64.dtype(dtype), get_backend(backend64.text)
    solo = place_members(lambda k: draws[k], None, *there)
    stack = place_members(lambda k: draws[k], 3, *there)
    assert (tuple(solo["W1"].shape), tuple(stack["W1"].shape)) == ((2, 3), (3, 2, 3))
    for params in (solo, stack):
        assert params["W1"].dtype == backend64.dtype(dtype)
        assert str(params["W1"].device) == str(backend64.device) or backend64.name == "numpy"
    np.testing.assert_array_equal(
        backend64.to_numpy(stack["W1"]), np.stack([draw["W1"] for draw in draws]).astype(dtype)
    )
    assert place_members(lambda _: {}, 3, *there) == {}


def test_weights_beyond_float32_are_infinite_without_a_warning():
    weights = {"W1": np.full((1, 1), 1e300)}
    params = place_members(lambda _: weights, None, np.float32, get_backend("cpu"))
    assert np.isinf(params["W1"]).all()
