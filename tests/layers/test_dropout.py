import hashlib
import struct

import numpy as np
import pytest

from xpnet.backends import device
from xpnet.errors import InputError
from xpnet.layers import (
    DropoutCache,
    draw_dropout,
    dropout_backward,
    dropout_forward,
    keep_threshold,
)
from xpnet.streams import stream

EVERY_DRAW = np.arange(-(2**15), 2**15).astype(np.int16).reshape(256, 256)
RATIOS = [2**-16, 0.1, 0.5, 0.8, 1 - 2**-16, 1.0]

# x, draws, keep_ratio: single, shared draws with one ratio or one a member, own draws. As many
# members as samples or features too, so that no axis hides behind another.
SHAPES = [
    ((5, 4), (5, 4), ()),
    ((3, 5, 4), (5, 4), ()),
    ((3, 5, 4), (5, 4), (3,)),
    ((3, 5, 4), (3, 5, 4), (3,)),
    ((3, 3, 3), (3, 3), (3,)),
    ((2, 3, 5, 4), (5, 4), (2, 3)),
    ((2, 3, 5, 4), (2, 3, 5, 4), (2, 3)),
]


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()


def make(x_shape, draws_shape, ratio_shape):
    """Return x, draws, ratios and dout on the host; one ratio for all is a Python number."""
    rng = np.random.default_rng(5)
    (draws,) = draw_dropout(1, 2, [draws_shape])
    ratios = rng.uniform(0.3, 1.0, ratio_shape).astype(np.float32) if ratio_shape else 0.625
    x, dout = rng.standard_normal(x_shape), rng.standard_normal(x_shape)
    return x, draws, ratios, dout


def known_mask(x, draws, ratios):
    """Return the mask of x's shape, element by element in whole numbers."""
    mask = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        ratio = float(np.asarray(ratios)[index[: np.ndim(ratios)]])
        draw = int(draws[index[-draws.ndim :]])
        mask[index] = (draw + 32768 < round(ratio * 65536)) / ratio
    return mask


def on(backend, value):
    return backend.asarray(value) if isinstance(value, np.ndarray) else value


def test_values_by_hand(backend):
    x = backend.asarray(np.float32([[1.0, 2.0, -3.0, 4.0]]))
    draws = backend.asarray(np.int16([[-32768, -16385, -16384, 32767]]))
    out, cache = dropout_forward(x, draws, 0.25)
    assert isinstance(cache, DropoutCache)
    assert backend.to_numpy(out).tolist() == [[4.0, 8.0, 0.0, 0.0]]
    dout = backend.asarray(np.float32([[10.0, 20.0, 30.0, 40.0]]))
    assert backend.to_numpy(dropout_backward(dout, cache)).tolist() == [[40.0, 80.0, 0.0, 0.0]]


@pytest.mark.parametrize("shapes", SHAPES)
def test_forward_and_backward_are_the_definition(backend64, shapes, jitted):
    x, draws, ratios, dout = make(*shapes)
    mask = known_mask(x, draws, ratios)
    ratios = ratios if isinstance(ratios, float) else ratios.astype(np.float64)
    given = [on(backend64, a) for a in (x, draws, ratios)]
    for options in ({}, {"threshold": on(backend64, keep_threshold(ratios))}):
        out, cache = jitted(dropout_forward)(*given, **options)
        assert out.shape == x.shape
        np.testing.assert_allclose(backend64.to_numpy(out), x * mask, rtol=1e-7)
        dx = jitted(dropout_backward)(backend64.asarray(dout), cache)
        np.testing.assert_allclose(backend64.to_numpy(dx), dout * mask, rtol=1e-7)


@pytest.mark.parametrize("shapes", SHAPES[::2])
def test_backward_is_the_numeric_gradient(numeric_gradient, shapes):
    x, draws, ratios, dout = make(*shapes)
    known = numeric_gradient(lambda a: np.sum(dropout_forward(a, draws, ratios)[0] * dout), x)
    _, cache = dropout_forward(x, draws, ratios)
    np.testing.assert_allclose(dropout_backward(dout, cache), known, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("ratio", RATIOS)
def test_of_all_draws_just_the_ratio_is_kept(backend, ratio, also_jitted):
    x, draws = backend.asarray(np.ones((256, 256), np.float32)), backend.asarray(EVERY_DRAW)
    for forward in also_jitted(lambda x, draws: dropout_forward(x, draws, ratio)):
        out = backend.to_numpy(forward(x, draws)[0])
        assert np.count_nonzero(out) == round(ratio * 65536)
        assert set(np.unique(out)) <= {np.float32(0.0), np.float32(1.0) / np.float32(ratio)}
        # What is left out is missing from the mean, and the scale makes up for it.
        rounding = 2**-17 / ratio  # of the ratio, to a whole number of draws
        np.testing.assert_allclose(out.mean(dtype=np.float64), 1.0, rtol=rounding + 1e-6)


def test_kept_share_and_mean_of_drawn_numbers():
    x = np.ones((400, 500))
    for step, ratio in enumerate((0.1, 0.5, 0.9)):
        (draws,) = draw_dropout(11, step, [x.shape])
        out, _ = dropout_forward(x, draws, ratio)
        five_sigma = 5 * np.sqrt(ratio * (1 - ratio) / x.size)
        assert abs(np.count_nonzero(out) / x.size - ratio) < five_sigma
        assert abs(out.mean() - 1.0) < five_sigma / ratio


def test_masks_of_a_seed_are_the_same_everywhere(backend, also_jitted):
    (draws,) = draw_dropout(7, 3, [(100, 50)])
    x, given = backend.asarray(np.ones((100, 50), np.float32)), backend.asarray(draws)
    for forward in also_jitted(lambda x, draws: dropout_forward(x, draws, 0.8)):
        kept = backend.to_numpy(forward(x, given)[0]) > 0
        known = "d628d6659cab21138e6dcaa080b915bd67aeb01becf756dd999017bbe90ea694"
        assert digest(kept) == known


def test_members_that_share_draws_keep_more_with_a_greater_ratio(backend):
    draws = backend.asarray(EVERY_DRAW)
    x = backend.asarray(np.ones((3, 256, 256), np.float32))
    ratios = backend.asarray(np.float32([0.25, 0.5, 1.0]))
    kept = backend.to_numpy(dropout_forward(x, draws, ratios)[0]) > 0
    assert kept.sum(axis=(1, 2)).tolist() == [2**14, 2**15, 2**16]
    assert (kept[0] <= kept[1]).all()
    assert kept[2].all()


@pytest.mark.parametrize("shapes", SHAPES[1:])
def test_a_stack_is_its_members(backend, shapes, jitted):
    x, draws, ratios, dout = make(*shapes)
    members = x.shape[:-2]
    x, dout = x.astype(np.float32), dout.astype(np.float32)
    forward, backward = jitted(dropout_forward), jitted(dropout_backward)
    out, cache = forward(*(on(backend, a) for a in (x, draws, ratios)))
    dx = backend.to_numpy(backward(backend.asarray(dout), cache))
    for k in np.ndindex(members):
        own_draws = draws if draws.ndim == 2 else draws[k]
        own_ratio = ratios if isinstance(ratios, float) else float(ratios[k])
        solo, cache = dropout_forward(
            backend.asarray(x[k]), backend.asarray(own_draws), own_ratio, xp=backend.xp
        )
        np.testing.assert_allclose(
            backend.to_numpy(out)[k], backend.to_numpy(solo), rtol=2e-7, atol=0
        )
        solo_dx = backend.to_numpy(dropout_backward(backend.asarray(dout[k]), cache))
        np.testing.assert_allclose(dx[k], solo_dx, rtol=2e-7, atol=0)


def test_keeps_nan(backend, also_jitted):
    x = backend.asarray(np.float32([[np.nan, np.nan, 1.0]]))
    draws = backend.asarray(np.int16([[-32768, 32767, 0]]))
    for forward in also_jitted(lambda x, draws: dropout_forward(x, draws, 0.5)):
        out = backend.to_numpy(forward(x, draws)[0])
        np.testing.assert_array_equal(out, [[np.nan, np.nan, 0.0]])


@pytest.mark.parametrize("shapes", SHAPES[::3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_dtype_and_device_and_leaves_its_inputs(backend64, shapes, dtype):
    host = [a.astype(dtype) if hasattr(a, "shape") else a for a in make(*shapes)]
    host[1] = host[1].astype(np.int16)
    x, draws, ratios, dout = (on(backend64, a) for a in host)
    for options in ({}, {"xp": backend64.xp}):
        out, cache = dropout_forward(x, draws, ratios, **options)
        for result in (out, dropout_backward(dout, cache, **options)):
            assert result.dtype == backend64.dtype(dtype)
            assert device(result) == device(x)
    for array, before in zip((x, draws, dout), (*host[:2], host[3]), strict=True):
        np.testing.assert_array_equal(backend64.to_numpy(array), before)


@pytest.mark.parametrize("ratio", [0.5, np.float64(0.5), np.asarray(0.5), np.asarray([0.5, 0.5])])
def test_a_ratio_of_another_dtype_does_not_promote(ratio):
    x = np.ones((2, 3, 4), np.float32)
    (draws,) = draw_dropout(0, 0, [(3, 4)])
    out, cache = dropout_forward(x, draws, ratio)
    assert (out.dtype, cache.mask.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("shapes", SHAPES)
def test_runs_without_data(shapes):
    torch = pytest.importorskip("torch")
    x, ratios = (torch.empty(shape, device="meta") for shape in shapes[::2])
    draws = torch.empty(shapes[1], device="meta", dtype=torch.int16)
    out, cache = dropout_forward(x, draws, ratios)
    assert (out.shape, out.device.type) == (x.shape, "meta")
    assert dropout_backward(out, cache).shape == x.shape


class TestThreshold:
    @pytest.mark.parametrize(
        ("ratio", "known"),
        [(1.0, 32768), (1, 32768), (0.5, 0), (0.25, -16384), (2**-16, -32767), (0.8, 19661)],
    )
    def test_of_one_number(self, ratio, known):
        for given in (ratio, np.float32(ratio), np.float64(ratio), np.asarray(ratio)):
            found = keep_threshold(given)
            assert (type(found), found) == (int, known)

    def test_host_and_device_come_to_the_same(self, backend64, rng):
        # Halfway between two thresholds float64 would decide by digits that float32 has not.
        halves = (rng.integers(1, 2**16, 500) + 0.5) / 2**16
        ratios = np.concatenate([halves * (1 + 1e-9), halves * (1 - 1e-9), rng.uniform(0.1, 1, 99)])
        known = keep_threshold(ratios)
        assert known.dtype == np.int32
        assert known.tolist() == [keep_threshold(float(ratio)) for ratio in ratios]
        for dtype in ("float32", "float64"):
            found = keep_threshold(backend64.asarray(ratios.astype(dtype)))
            assert found.dtype == backend64.xp.int32
            np.testing.assert_array_equal(backend64.to_numpy(found), known)

    @pytest.mark.parametrize("ratio", [0.0, -0.1, 1.0001, 2**-17, float("nan"), float("inf")])
    def test_refuses_a_ratio_out_of_range(self, ratio):
        for given in (ratio, np.asarray([0.5, ratio])):
            with pytest.raises(InputError, match="keep_ratio must be above 0, .* and at most 1"):
                keep_threshold(given)
            x, draws = np.ones((2, 3, 4)), np.zeros((3, 4), np.int16)
            for options in ({}, {"threshold": 0}):
                with pytest.raises(InputError, match="keep_ratio must be above 0"):
                    dropout_forward(x, draws, given, **options)

    @pytest.mark.parametrize("ratio", ["0.5", None, True, [[0.5], [0.5, 0.5]]])
    def test_refuses_what_is_no_number(self, ratio):
        with pytest.raises(InputError, match="keep_ratio must be a number; got"):
            keep_threshold(ratio)


class TestDraws:
    def test_numbers_are_those_of_every_earlier_release(self):
        # A change here changes every run with dropout that was ever made.
        drawn = draw_dropout(7, 3, [(100, 50), (3,), (0, 4)])
        assert [(a.dtype, a.shape) for a in drawn] == [
            (np.int16, shape) for shape in ((100, 50), (3,), (0, 4))
        ]
        assert drawn[0][0, :5].tolist() == [29578, -25109, -7600, -17103, 8892]
        assert drawn[1].tolist() == [28501, 666, -9843]
        assert (
            digest(np.concatenate([a.ravel() for a in drawn]).astype("<i2"))
            == "690cb09071aad65061a6cb0adbbf517fc666dca9807c62800be6849f7af64a91"
        )

    def test_they_are_the_words_of_the_stream(self):
        words = stream(2, "dropout", 9).integers(0, 2**64, size=4, dtype=np.uint64)
        halves = [struct.unpack("<4h", int(word).to_bytes(8, "little")) for word in words]
        first, second = draw_dropout(2, 9, [(2, 3), (2, 2, 2)])
        # Each layer begins with a word of its own.
        assert first.ravel().tolist() == [*halves[0], *halves[1][:2]]
        assert second.ravel().tolist() == [*halves[2], *halves[3]]

    def test_a_step_does_not_depend_on_those_before(self):
        again = [draw_dropout(1, 4, [(8, 8)])[0] for _ in range(2)]
        np.testing.assert_array_equal(*again)

    def test_seeds_steps_and_layers_differ(self):
        drawn = {
            digest(array)
            for seed in (0, 1)
            for step in (0, 1, 10**6)
            for array in draw_dropout(seed, step, [(8, 8), (8, 8)])
        }
        assert len(drawn) == 2 * 3 * 2

    def test_every_value_is_as_likely(self):
        (drawn,) = draw_dropout(3, 1, [(1000, 1000)])
        counts = np.bincount((drawn.astype(np.int64).ravel() + 32768) // 4096, minlength=16)
        assert len(counts) == 16
        assert np.abs(counts / drawn.size - 1 / 16).max() < 5 * np.sqrt(1 / 16 / drawn.size)

    def test_refuses_a_seed_that_is_none(self):
        with pytest.raises(InputError, match="seed must be an integer"):
            draw_dropout(-1, 0, [(2, 2)])


@pytest.mark.parametrize(
    ("x_shape", "draws_shape"),
    [((4,), (4,)), ((5, 4), (4, 5)), ((5, 4), (4,)), ((3, 5, 4), (1, 5, 4)), ((5, 4), (1, 5, 4))],
)
def test_refuses_shapes_that_do_not_fit(backend, x_shape, draws_shape):
    x = backend.asarray(np.ones(x_shape, np.float32))
    draws = backend.asarray(np.ones(draws_shape, np.int16))
    with pytest.raises(InputError, match=r"draws \(N, D\) or \(\.\.\., N, D\); got") as caught:
        dropout_forward(x, draws, 0.5)
    assert f"x {x_shape} and draws {draws_shape}" in str(caught.value)


@pytest.mark.parametrize(
    ("members", "shape"), [((3,), (4,)), ((3,), (3, 1)), ((2, 3), (3,)), ((), (5,))]
)
def test_refuses_ratios_of_another_shape(backend, members, shape):
    x = backend.asarray(np.ones((*members, 5, 4), np.float32))
    draws = backend.asarray(np.ones((5, 4), np.int16))
    with pytest.raises(InputError, match="one number or of the member shape") as caught:
        dropout_forward(x, draws, backend.asarray(np.full(shape, 0.5, np.float32)))
    assert f"{members}; got shape {shape}" in str(caught.value)


def test_refuses_draws_of_another_dtype(backend):
    x = backend.asarray(np.ones((5, 4), np.float32))
    for dtype in (np.int32, np.float32):
        with pytest.raises(InputError, match="draws must be int16; got dtype .*: take them from"):
            dropout_forward(x, backend.asarray(np.ones((5, 4), dtype)), 0.5)


def test_refuses_integers(backend):
    draws = backend.asarray(np.ones((5, 4), np.int16))
    with pytest.raises(InputError, match="dropout: x must be real floating; got dtype .*int16"):
        dropout_forward(draws, draws, 0.5)


def test_refuses_a_dout_of_another_shape(backend):
    dout = backend.asarray(np.ones((5, 4), np.float32))
    _, cache = dropout_forward(dout, backend.asarray(np.ones((5, 4), np.int16)), 0.5)
    for wrong in (dout[:4, :], dout[0, :]):
        with pytest.raises(InputError, match=r"which ends with \(5, 4\); got \(4"):
            dropout_backward(wrong, cache)


def test_refuses_arrays_of_two_libraries():
    torch = pytest.importorskip("torch")
    x, draws = np.ones((5, 4)), np.ones((5, 4), np.int16)
    tensors = torch.ones((5, 4)), torch.ones((5, 4), dtype=torch.int16), torch.tensor(0.5)
    for wrong in [(tensors[0], draws, 0.5), (x, tensors[1], 0.5), (x, draws, tensors[2])]:
        with pytest.raises(InputError, match=r"torch\.Tensor"):
            dropout_forward(*wrong)
    with pytest.raises(InputError, match=r"builtins\.list"):
        dropout_forward(x, draws, [0.5])
    _, cache = dropout_forward(x, draws, 0.5)
    with pytest.raises(InputError, match=r"torch\.Tensor"):
        dropout_backward(tensors[0], cache)
