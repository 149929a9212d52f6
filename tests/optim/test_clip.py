"""Clipping by the global norm, each member by itself."""

import math

import numpy as np
import pytest

from xpnet import InputError
from xpnet.optim import clip_by_global_norm

SHAPES = {"W": (4, 3), "b": (3,), "s": ()}


def draw(rng, members=(), scale=1.0, dtype=np.float64):
    return {
        name: np.asarray(scale * rng.standard_normal((*members, *shape)), dtype=dtype)
        for name, shape in SHAPES.items()
    }


def norm_of(grads):
    return math.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in grads.values()))


def clipped(backend, jitted, grads, max_norm, member_axes=0):
    """Return the result on the host; under jit an array `max_norm` is an argument too."""
    placed = {name: backend.asarray(g) for name, g in grads.items()}
    if isinstance(max_norm, np.ndarray):
        dtype = next(iter(placed.values())).dtype
        function = jitted(lambda g, norm: clip_by_global_norm(g, norm, member_axes))
        result = function(placed, backend.asarray(max_norm, dtype))
    else:
        result = jitted(lambda g: clip_by_global_norm(g, max_norm, member_axes))(placed)
    for name, g in grads.items():
        np.testing.assert_array_equal(backend.to_numpy(placed[name]), g)
        assert result[name].dtype == placed[name].dtype
    return {name: backend.to_numpy(g) for name, g in result.items()}


@pytest.mark.parametrize("max_norm", [1e-3, 0.5, 1, 3.9, 1e9])
def test_it_is_pytorchs(backend64, jitted, rng, max_norm):
    torch = pytest.importorskip("torch")
    grads = draw(rng)
    params = [torch.zeros(shape, dtype=torch.float64) for shape in SHAPES.values()]
    for w, g in zip(params, grads.values(), strict=True):
        w.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(params, max_norm)
    found = clipped(backend64, jitted, grads, max_norm)
    for w, name in zip(params, grads, strict=True):  # PyTorch adds 1e-6 to the norm
        np.testing.assert_allclose(found[name], w.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("max_norm", [1e-6, 0.1, 2.0])
def test_the_norm_becomes_what_was_asked_for_and_the_direction_stays(
    backend64, jitted, rng, max_norm
):
    grads = draw(rng)
    found = clipped(backend64, jitted, grads, max_norm)
    assert norm_of(found) == pytest.approx(max_norm, rel=1e-12)
    scale = max_norm / norm_of(grads)
    for name, g in grads.items():
        np.testing.assert_allclose(found[name], scale * g, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_short_gradients_keep_their_bits(backend64, jitted, rng, dtype):
    grads = draw(rng, dtype=dtype)
    for max_norm in (norm_of(grads) * 1.0001, 1e6, math.inf):
        for name, g in clipped(backend64, jitted, grads, max_norm).items():
            np.testing.assert_array_equal(g, grads[name])


def test_a_norm_that_is_just_reached_keeps_its_bits(backend, jitted):
    grads = {"a": np.float32([3.0]), "b": np.float32([[0.0, 4.0]])}
    for name, g in clipped(backend, jitted, grads, 5.0).items():
        np.testing.assert_array_equal(g, grads[name])


@pytest.mark.parametrize("members", [(3,), (2, 3)])
@pytest.mark.parametrize("own", [False, True])
def test_members_are_clipped_each_by_itself(backend64, jitted, rng, members, own):
    grads = draw(rng, members)
    grads["W"][..., 1, :, :] *= 100.0
    limits = np.asarray([0.5, 1.0, math.inf]) if own else np.full(3, 0.7)
    limits = np.broadcast_to(limits, members)
    found = clipped(backend64, jitted, grads, limits.copy() if own else 0.7, len(members))
    for k in np.ndindex(*members):
        alone = {name: g[k] for name, g in grads.items()}
        expected = clipped(backend64, jitted, alone, float(limits[k]))
        for name, g in expected.items():
            np.testing.assert_allclose(found[name][k], g, rtol=1e-13)
            if backend64.name == "numpy":
                np.testing.assert_array_equal(found[name][k], g)


def test_zero_gradients_stay_zero(backend, jitted):
    grads = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    for g in clipped(backend, jitted, grads, 1e-30).values():
        assert not g.any()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
def test_nan_and_infinity_stay_visible_in_their_member(backend, jitted, rng, bad):
    grads = draw(rng, (2,), dtype=np.float32)
    grads["W"][1, 2, 0] = bad
    found = clipped(backend, jitted, grads, 0.5, 1)
    assert math.isnan(found["W"][1, 2, 0])
    assert all(np.isfinite(g[0]).all() for g in found.values())


@pytest.mark.filterwarnings("ignore:overflow")
def test_squares_that_overflow_leave_the_step_out(backend, jitted, rng):
    grads = draw(rng, scale=1e25, dtype=np.float32)
    for g in clipped(backend, jitted, grads, 1.0).values():
        assert not g.any()


def test_a_limit_beyond_the_dtype_never_clips(backend, jitted, rng):
    grads = draw(rng, dtype=np.float32)
    for name, g in clipped(backend, jitted, grads, 1e300).items():
        np.testing.assert_array_equal(g, grads[name])


def test_dtypes_may_differ_and_stay(rng):
    grads = draw(rng)
    grads["b"] = grads["b"].astype(np.float32)
    for limit in (0.5, np.float32(0.5), np.float64(0.5), np.int64(1), np.asarray(0.5)):
        found = clip_by_global_norm(grads, limit)
        assert {n: g.dtype for n, g in found.items()} == {n: g.dtype for n, g in grads.items()}


G = {"W": np.ones((2, 3)), "b": np.ones(2)}
BAD = {
    "zero": ((G, 0), "max_norm must be a positive number; got 0"),
    "negative": ((G, -1.0), "got -1.0"),
    "NaN": ((G, math.nan), "got nan"),
    "text": ((G, "1"), "got '1'"),
    "None": ((G, None), "got None"),
    "truth": ((G, True), "got True"),
    "list": ((G, [1.0, 2.0]), r"got \[1.0, 2.0\]"),
    "none": (({}, 1.0), "at least one gradient; got none"),
    "integers": (({"W": np.ones(3, int)}, 1.0), "real floating; got W of dtype int64"),
    "members": (({"W": np.ones((2, 3)), "b": np.ones(3)}, 1.0, 1), r"W \(2, 3\), b \(3,\)"),
    "no members": (({"W": np.ones((2, 3)), "s": np.ones(())}, 1.0, 1), r"W \(2, 3\), s \(\)"),
    "limits": ((G, np.ones(3), 1), r"the member shape \(2,\); got shape \(3,\)"),
    "limits of one": ((G, np.ones(2)), r"the member shape \(\); got shape \(2,\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case):
    arguments, message = BAD[case]
    with pytest.raises(InputError, match=message):
        clip_by_global_norm(*arguments)
