"""Clipping by the global norm, alone and in the Solver."""

import math

import numpy as np
import pytest

import xpnet
from xpnet import InputError, Solver, TwoLayerNet
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


# -- in the Solver -------------------------------------------------------------------------------

N, D, C, B = 60, 7, 3, 8


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((N + 20, D)), rng.integers(C, size=N + 20)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def trained(data, net, **options):
    settings = {"batch_size": B, "num_epochs": 3, "verbose": False}
    solver = Solver(net, data, **{**settings, **options})
    solver.train()
    return solver


def small_net(**options):
    return TwoLayerNet(D, 5, C, 0.5, **{"dtype": "float64", "reg": 0.1, **options})


def torch_losses(data, max_norm, rate):
    """Return the losses of the same net, clipped and moved by PyTorch."""
    torch = pytest.importorskip("torch")
    w = {n: torch.tensor(x.copy(), requires_grad=True) for n, x in small_net().params.items()}
    optimizer = torch.optim.SGD(w.values(), lr=rate)
    losses = []
    for epoch in range(3):
        for row in xpnet.data.batches.epoch_rows(N, B, [0], epoch, "shuffle"):
            x, y = torch.tensor(data["X_train"][row]), torch.tensor(data["y_train"][row])
            scores = torch.relu(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]
            penalty = 0.05 * ((w["W1"] ** 2).sum() + (w["W2"] ** 2).sum())
            loss = torch.nn.functional.cross_entropy(scores, y) + penalty
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(w.values(), max_norm)
            optimizer.step()
            losses.append(loss.item())
    return losses


@pytest.mark.parametrize("max_norm", [0.05, 0.3])
def test_the_solver_takes_pytorchs_steps(data, max_norm):
    solver = trained(data, small_net(), clip_norm=max_norm, optim_config={"learning_rate": 0.5})
    expected = torch_losses(data, max_norm, 0.5)
    np.testing.assert_allclose(solver.loss_history, expected, rtol=1e-5)  # its 1e-6 in the norm


def test_every_backend_takes_the_same_steps(backend, data):
    single = {n: x.astype(np.float32) if n[0] == "X" else x for n, x in data.items()}
    for limit in (0.1, [0.1, math.inf]):
        nets = [small_net(dtype="float32", members=2) for _ in range(2)]
        nets[1].params = {name: backend.asarray(w) for name, w in nets[1].params.items()}
        known, found = (trained(single, net, clip_norm=limit) for net in nets)
        np.testing.assert_allclose(found.loss_history, known.loss_history, rtol=2e-5)


def test_a_limit_that_is_never_reached_changes_no_bit(data):
    plain = trained(data, small_net(), update_rule="adam")
    for limit in (1e6, math.inf):
        found = trained(data, small_net(), update_rule="adam", clip_norm=limit)
        assert found.loss_history == plain.loss_history


@pytest.mark.parametrize("seeds", [0, [4, 5, 6]])
def test_a_stack_is_its_members_bit_for_bit(data, seeds):
    limits = [0.05, 0.3, math.inf]
    net = small_net(members=3, dtype="float32")
    stack = trained(data, net, clip_norm=limits, seed=seeds, update_rule="adam")
    for k, limit in enumerate(limits):
        seed = seeds if seeds == 0 else seeds[k]
        alone = small_net(dtype="float32")
        solo = trained(data, alone, clip_norm=limit, seed=seed, update_rule="adam")
        np.testing.assert_array_equal(np.asarray(stack.loss_history)[:, k], solo.loss_history)
        for name, w in alone.params.items():
            np.testing.assert_array_equal(net.params[name][k], w)


def own_sgd(w, dw, config=None):
    return w - config["learning_rate"] * dw, config


@pytest.mark.parametrize("limit", [0.1, [0.1, 0.3]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_under_a_rule_of_others_the_steps_are_the_same(data, limit, dtype):
    options = {"clip_norm": limit, "optim_config": {"learning_rate": 0.3}}
    nets = [small_net(members=2, dtype=dtype) for _ in range(2)]
    ours = trained(data, nets[0], **options)
    theirs = trained(data, nets[1], update_rule=own_sgd, **options)
    np.testing.assert_allclose(theirs.loss_history, ours.loss_history, rtol=1e-5)
    assert all(w.dtype == dtype for w in nets[1].params.values())


class ForeignModel:
    """Linear softmax in NumPy, which returns the gradient by its input too."""

    def __init__(self):
        self.params = {"W": np.zeros((D, C))}

    def loss(self, X, y=None):
        scores = X @ self.params["W"]
        if y is None:
            return scores
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        p[np.arange(len(y)), y] -= 1
        return loss, {"X": 1e9 * p @ self.params["W"].T, "W": X.T @ p / len(y)}


@pytest.mark.parametrize("rule", ["sgd", own_sgd])
def test_a_foreign_model_is_clipped_by_the_gradients_of_its_parameters(data, rule):
    options = {"clip_norm": 0.1, "optim_config": {"learning_rate": 0.5}}
    solver = trained(data, ForeignModel(), update_rule=rule, **options)
    model, losses = ForeignModel(), []
    for epoch in range(3):
        for row in xpnet.data.batches.epoch_rows(N, B, [0], epoch, "shuffle"):
            loss, grads = model.loss(data["X_train"][row], data["y_train"][row])
            losses.append(loss)
            scale = 0.1 / max(0.1, np.linalg.norm(grads["W"]))
            model.params["W"] = model.params["W"] - 0.5 * scale * grads["W"]
    np.testing.assert_allclose(solver.loss_history, losses, rtol=1e-12)


def test_a_model_without_its_gradient_is_refused_with_clipping_too(data):
    model = ForeignModel()
    original = model.loss
    model.loss = lambda X, y=None: original(X) if y is None else (1.0, {})
    with pytest.raises(InputError, match="no gradient for the parameter 'W'"):
        trained(data, model, clip_norm=1.0)


def test_clipping_keeps_a_training_that_would_diverge(data):
    far = {**data, "X_train": 1e4 * data["X_train"], "X_val": 1e4 * data["X_val"]}
    options = {"optim_config": {"learning_rate": 0.5}}
    with pytest.warns(xpnet.DivergenceWarning):
        trained(far, small_net(dtype="float32", reg=0.5), num_epochs=30, **options)
    solver = trained(far, small_net(dtype="float32", reg=0.5), clip_norm=0.01, **options)
    assert np.isfinite(solver.loss_history).all()


BAD_OPTIONS = {
    "zero": (0, "clip_norm must be a positive number; got 0"),
    "negative": (-1.0, "got -1.0"),
    "NaN": (math.nan, "got nan"),
    "text": ("1", "clip_norm must be a number; got '1'"),
    "truth": (True, "clip_norm must be a number; got True"),
    "list": ([1.0, 2.0], "clip_norm is a sequence of 2, but the net is a single one"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_the_solver_refuses_bad_limits(data, case):
    value, message = BAD_OPTIONS[case]
    with pytest.raises(InputError, match=message):
        Solver(small_net(), data, batch_size=B, clip_norm=value)


def test_a_stack_wants_one_limit_or_one_a_member(data):
    for limit, message in (([1, 2], "3 of them"), ([1, 2, 0], "must be a positive number")):
        with pytest.raises(InputError, match=message):
            Solver(small_net(members=3), data, batch_size=B, clip_norm=limit)
