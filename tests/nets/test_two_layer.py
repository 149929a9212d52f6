import math

import numpy as np
import pytest

from xpnet.errors import BackendError, InputError
from xpnet.losses import softmax_loss
from xpnet.members import stack_members
from xpnet.nets import TwoLayerNet, Variables
from xpnet.streams import stream


def make(backend, *args, **kwargs):
    """Return a net on the backend of a fixture: on NumPy its parameters may be read-only."""
    net = TwoLayerNet(*args, device=backend.text, **kwargs)
    if backend.name == "numpy":
        net.params = {name: backend.asarray(x) for name, x in net.params.items()}
    return net


def on_host(backend, params):
    return {name: backend.to_numpy(x) for name, x in params.items()}


def by_hand(params, X, y=None, reg=0.0):
    """Return scores, or the loss, of one net: the notes' formulas in float64."""
    p = {name: np.asarray(x, dtype=np.float64) for name, x in params.items()}
    hidden = np.maximum(X.reshape(len(X), -1) @ p["W1"] + p["b1"], 0.0)
    scores = hidden @ p["W2"] + p["b2"]
    if y is None:
        return scores
    data = np.mean([np.logaddexp.reduce(row) - row[c] for row, c in zip(scores, y, strict=True)])
    return data + 0.5 * reg * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2))


def draw(rng, sizes, members=(), samples=6, shared=True):
    """Return parameters, inputs and labels on the host, with no hidden unit near its kink."""
    features, units, classes = sizes
    shapes = {
        "W1": (features, units),
        "b1": (units,),
        "W2": (units, classes),
        "b2": (classes,),
    }
    batch = () if shared else members
    while True:
        params = {name: rng.standard_normal((*members, *s)) for name, s in shapes.items()}
        X = rng.standard_normal((*batch, samples, features))
        y = rng.integers(0, classes, (*batch, samples))
        if np.abs(X @ params["W1"] + params["b1"][..., None, :]).min() > 1e-3:
            return params, X, y


@pytest.mark.parametrize("members", [None, 3])
def test_parameters(backend, members):
    net = make(backend, 6, 5, 4, members=members)
    lead = () if members is None else (members,)
    shapes = {"W1": (6, 5), "b1": (5,), "W2": (5, 4), "b2": (4,)}
    assert {name: tuple(x.shape) for name, x in net.params.items()} == {
        name: lead + shape for name, shape in shapes.items()
    }
    assert list(net.params) == ["W1", "b1", "W2", "b2"]
    assert all(x.dtype == backend.dtype("float32") for x in net.params.values())
    assert (net.input_dim, net.num_classes, net.members, net.reg) == (6, 4, members, 0.0)
    for name in ("b1", "b2"):
        assert not backend.to_numpy(net.params[name]).any()


def test_sizes_of_the_notes():
    shapes = {name: x.shape for name, x in TwoLayerNet().params.items()}
    assert shapes == {"W1": (3072, 100), "b1": (100,), "W2": (100, 10), "b2": (10,)}
    assert abs(TwoLayerNet().params["W1"].std() / 1e-3 - 1.0) < 0.01


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("initializer", [None, "xavier", "kaiming"])
def test_initial_weights_are_the_same_bits_everywhere(backend64, dtype, initializer):
    net = make(backend64, 6, 5, 4, 0.1, initializer=initializer, dtype=dtype, seed=7)
    scale = {None: 0.1, "xavier": math.sqrt(1.0 / 6.0), "kaiming": math.sqrt(2.0 / 6.0)}
    known = scale[initializer] * stream(7, "weights", 1).standard_normal((6, 5))
    found = on_host(backend64, net.params)
    assert found["W1"].dtype == dtype
    np.testing.assert_array_equal(found["W1"], known.astype(dtype))
    cpu = TwoLayerNet(6, 5, 4, 0.1, initializer=initializer, dtype=dtype, seed=7)
    for name, x in cpu.params.items():
        np.testing.assert_array_equal(found[name], x)


def test_a_callable_initializer():
    net = TwoLayerNet(3, 2, 4, initializer=lambda rng, shape: np.full(shape, rng.random()))
    for layer, shape in ((1, (3, 2)), (2, (2, 4))):
        known = np.full(shape, stream(0, "weights", layer).random(), dtype=np.float32)
        np.testing.assert_array_equal(net.params[f"W{layer}"], known)
    with pytest.raises(InputError, match=r"weights of shape \(3, 2\); got \(2, 3\)"):
        TwoLayerNet(3, 2, 4, initializer=lambda _rng, shape: np.zeros(shape[::-1]))


def test_values_of_the_notes(backend64):
    # The check values of CS231n, assignments 1 and 2.
    net = make(backend64, 5, 50, 7, dtype="float64")
    net.params = {
        "W1": backend64.asarray(np.linspace(-0.7, 0.3, 250).reshape(5, 50)),
        "b1": backend64.asarray(np.linspace(-0.1, 0.9, 50)),
        "W2": backend64.asarray(np.linspace(-0.3, 0.4, 350).reshape(50, 7)),
        "b2": backend64.asarray(np.linspace(-0.9, 0.1, 7)),
    }
    X = np.linspace(-5.5, 4.5, 15).reshape(5, 3).T
    y = np.asarray([0, 5, 1])
    scores = backend64.to_numpy(net.loss(X))
    assert scores.shape == (3, 7)
    np.testing.assert_allclose(
        scores[:, [0, -1]],
        [[11.53165108, 16.09215096], [12.05769098, 16.18839143], [12.58373087, 16.2846319]],
        atol=1e-8,
    )
    np.testing.assert_allclose(float(net.loss(X, y)[0]), 3.4702243556, atol=1e-10)
    net.reg = 1.0  # with the factor 0.5
    np.testing.assert_allclose(float(net.loss(X, y)[0]), 26.5948426952, atol=1e-10)


def test_scores_and_loss_by_hand(backend64, rng):
    params, X, y = draw(rng, (4, 5, 3))
    net = make(backend64, 4, 5, 3, reg=0.7, dtype="float64")
    net.params = {name: backend64.asarray(x) for name, x in params.items()}
    np.testing.assert_allclose(
        backend64.to_numpy(net.loss(X)), by_hand(params, X), rtol=1e-13, atol=1e-14
    )
    loss, grads = net.loss(X, y)
    assert tuple(loss.shape) == ()
    assert list(grads) == list(params)
    np.testing.assert_allclose(float(loss), by_hand(params, X, y, 0.7), rtol=1e-13)


@pytest.mark.parametrize("members", [(), (3,)])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("reg", [0.0, 0.7])
def test_gradients_are_numeric_gradients(backend64, rng, numeric_gradient, reg, shared, members):
    # As many units as members, so that an axis that is taken for another does not show in shapes.
    params, X, y = draw(rng, (4, 3, 3), members, shared=shared)
    regs = np.asarray([reg, 0.1 * reg, 2.0 * reg])[: 3 if members else 1]
    net = make(
        backend64,
        *(4, 3, 3),
        reg=regs if members else reg,
        members=members[0] if members else None,
        dtype="float64",
    )
    net.params = {name: backend64.asarray(x) for name, x in params.items()}

    def solo(k, changed):
        return {name: x[k] for name, x in {**params, **changed}.items()}

    def objective(changed):
        batch = [(X, y) if shared else (X[k], y[k]) for k in np.ndindex(members)]
        return [
            by_hand(solo(k, changed), *batch[i], regs[i]) for i, k in enumerate(np.ndindex(members))
        ]

    arguments = [backend64.asarray(X), backend64.asarray(y), net.constants()]
    variables = Variables(net.params, {})
    found = [net.loss(X, y), net.loss_and_gradients(variables, *arguments, backend64.xp)[:2]]
    if backend64.name == "jax":
        jax = pytest.importorskip("jax")
        x, labels, fixed = arguments
        given = (variables, x, labels) if reg == 0.0 else (variables, x, labels, fixed)
        # Without a penalty `reg` is a constant of the compiled function, otherwise an argument.
        found[1] = jax.jit(
            lambda v, x, y, terms=fixed: net.loss_and_gradients(v, x, y, terms, jax.numpy)[:2]
        )(*given)
    for name, x in params.items():
        known = numeric_gradient(lambda a, name=name: sum(objective({name: a})), x)
        for _, grads in found:
            np.testing.assert_allclose(backend64.to_numpy(grads[name]), known, rtol=1e-7, atol=1e-9)
    for loss, grads in found:
        assert tuple(loss.shape) == members
        assert set(grads) == set(params)
        np.testing.assert_allclose(
            backend64.to_numpy(loss), np.reshape(objective({}), members), rtol=1e-13
        )


@pytest.mark.parametrize(("members", "reg"), [(None, 0.0), (None, 0.5), (2, 0.5)])
def test_objective_is_the_loss_of_the_scores(backend, rng, reg, members):
    net = make(backend, 12, 5, 3, 1.0, reg, members=members)
    X = rng.standard_normal((6, 12)).astype(np.float32)
    y = backend.asarray(rng.integers(0, 3, 6))
    found = net.objective(net.params, net.loss(X), y, net.constants()["reg"], backend.xp)
    np.testing.assert_allclose(
        backend.to_numpy(found), backend.to_numpy(net.loss(X, y)[0]), rtol=1e-6
    )


def test_first_loss_is_that_of_guessing(backend, rng):
    X, y = rng.standard_normal((50, 20)), rng.integers(0, 10, 50)
    for initializer, within in ((None, 1e-3), ("zeros", 1e-6)):
        net = make(backend, 20, 30, 10, initializer=initializer)
        loss, _ = net.loss(X, y)
        assert abs(float(loss) - math.log(10.0)) < within


def test_a_stack_is_its_solos(backend, rng):
    scales, regs, seeds = [0.05, 0.5, 0.2], [0.0, 0.1, 1e-3], [4, 9, 4]
    # Big enough for BLAS to divide the work, with as many members as classes.
    sizes = (70, 33, 3)
    net = make(backend, *sizes, scales, regs, members=3, seed=seeds)
    X = rng.standard_normal((50, 70)).astype(np.float32)
    y = rng.integers(0, 3, 50)
    own_X, own_y = np.stack([X, 2 * X, -X]), np.stack([y, y, 2 - y])
    batches = [(X, y), (own_X, own_y), (own_X, y), (X, own_y)]
    if backend.name == "jax":  # which compiles each operation anew for each
        del batches[2:]
    for inputs, labels in batches:
        loss, grads = net.loss(inputs, labels)
        scores = net.loss(inputs)
        assert tuple(loss.shape) == (3,)
        for k in range(3):
            solo = make(backend, *sizes, scales[k], regs[k], seed=seeds[k])
            solo_X = inputs if inputs is X else inputs[k]
            solo_loss, solo_grads = solo.loss(solo_X, labels if labels is y else labels[k])
            pairs = [(scores, solo.loss(solo_X)), (loss, solo_loss)]
            pairs += [(grads[name], solo_grads[name]) for name in solo_grads]
            pairs += [(net.params[name], x) for name, x in solo.params.items()]
            for stacked, alone in pairs:
                found, known = backend.to_numpy(stacked)[k], backend.to_numpy(alone)
                np.testing.assert_allclose(found, known, rtol=1e-4, atol=1e-5)
                if backend.name == "numpy":
                    np.testing.assert_array_equal(found, known)


def test_one_seed_gives_all_members_the_same_weights():
    net = TwoLayerNet(4, 3, 2, members=3, seed=5)
    solo = TwoLayerNet(4, 3, 2, seed=5)
    for name, x in net.params.items():
        for k in range(3):
            np.testing.assert_array_equal(x[k], solo.params[name])
    assert np.any(solo.params["W1"] != TwoLayerNet(4, 3, 2, seed=6).params["W1"])


def test_member(backend, rng):
    regs = [0.1, 0.2, 0.3]
    net = make(backend, 12, 5, 3, 1.0, regs, members=3, seed=[1, 2, 3])
    X, y = rng.standard_normal((6, 12)).astype(np.float32), rng.integers(0, 3, 6)
    losses = backend.to_numpy(net.loss(X, y)[0])
    for k in (0, np.int64(2)):
        solo = net.member(k)
        assert type(solo) is TwoLayerNet
        assert (solo.members, solo.reg) == (None, regs[k])
        for name, x in solo.params.items():
            np.testing.assert_array_equal(
                backend.to_numpy(x), backend.to_numpy(net.params[name])[k]
            )
        np.testing.assert_allclose(float(solo.loss(X, y)[0]), losses[k], rtol=1e-6)


def test_a_member_has_the_shared_regularisation():
    assert TwoLayerNet(4, 5, 3, reg=0.25, members=3).member(1).reg == 0.25


def test_a_member_has_copies():
    net = TwoLayerNet(4, 5, 3, members=2)
    solo = net.member(1)
    solo.params["W1"][...] = 7.0
    assert net.params["W1"].max() < 1.0


@pytest.mark.parametrize("k", [-1, 2, 1.0, "a", None, True])
def test_refuses_a_member_that_is_not_there(k):
    with pytest.raises(InputError, match=f"no member {k!r}: the net has 2 members"):
        TwoLayerNet(4, 5, 3, members=2).member(k)


def test_a_single_net_has_no_members():
    with pytest.raises(InputError, match="no member 0: the net has no members"):
        TwoLayerNet(4, 5, 3).member(0)


def test_stack_members_makes_a_net(backend):
    solos = [make(backend, 4, 3, 2, seed=s) for s in (1, 2)]
    net = make(backend, 4, 3, 2, members=2)
    net.params = stack_members([solo.params for solo in solos])
    known = make(backend, 4, 3, 2, members=2, seed=[1, 2])
    for name, x in known.params.items():
        np.testing.assert_array_equal(backend.to_numpy(net.params[name]), backend.to_numpy(x))


@pytest.mark.parametrize("name", ["input_dim", "hidden_dim", "num_classes", "members"])
@pytest.mark.parametrize("size", [0, -3, 1.5, True, "4", [3]])
def test_refuses_a_size_that_is_no_positive_integer(name, size):
    with pytest.raises(InputError) as caught:
        TwoLayerNet(**{"input_dim": 4, "hidden_dim": 3, "num_classes": 2, name: size})
    assert str(caught.value) == f"{name} must be a positive integer; got {size!r}"


def test_takes_numpy_integers_for_sizes():
    net = TwoLayerNet(np.int64(4), np.int32(3), np.uint8(2), members=np.int64(2))
    assert net.params["W1"].shape == (2, 4, 3)
    assert type(net.input_dim) is type(net.num_classes) is int


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"reg": -0.1}, "reg must be 0 or a positive number; got -0.1"),
        ({"reg": float("nan")}, "reg must be 0 or a positive number; got nan"),
        ({"reg": float("inf")}, "reg must be .* got inf"),
        ({"reg": "big"}, "reg must be a number; got 'big'"),
        ({"reg": [0.1, 0.2]}, "reg is a sequence of 2, but the net is a single one"),
        ({"reg": [0.1, 0.2], "members": 3}, r"reg must be one number or 3 .*shape \(2,\)"),
        ({"reg": [0.1, -0.2], "members": 2}, r"reg must be 0 or .*-0\.2"),
        ({"weight_scale": -1.0}, "weight_scale must be 0 or a positive number; got -1.0"),
        ({"weight_scale": float("nan")}, "weight_scale must be .* got nan"),
        ({"weight_scale": [1.0]}, "weight_scale is a sequence of 1"),
        ({"weight_scale": [1.0], "members": 2}, "weight_scale must be one number or 2"),
        ({"seed": -1}, "seed must be .* got -1"),
        ({"seed": 0.5}, "seed must be .* got 0.5"),
        ({"seed": [1, 2]}, r"seed must be an integer .* got \[1, 2\]"),
        ({"seed": [1, 2], "members": 3}, "seed must be one integer or 3 .* got 2"),
        ({"seed": [1, -2], "members": 2}, "seed must be .* got -2"),
        ({"initializer": "he"}, "unknown initializer 'he'"),
        ({"initializer": 3}, "unknown initializer 3"),
    ],
)
def test_refuses_other_hyperparameters(given, what):
    with pytest.raises(InputError, match=what):
        TwoLayerNet(4, 3, 2, **given)


def test_refuses_dtypes_and_devices():
    with pytest.raises(BackendError, match="float32, float64, .*; got 'half'"):
        TwoLayerNet(4, 3, 2, dtype="half")
    with pytest.raises(BackendError, match="unknown device 'tpu'"):
        TwoLayerNet(4, 3, 2, device="tpu")


def test_jax_does_not_drop_float64_in_silence():
    pytest.importorskip("jax")
    with pytest.raises(BackendError, match="JAX_ENABLE_X64=1"):
        TwoLayerNet(4, 3, 2, dtype="float64", device="jax")


def test_runs_without_data():
    torch = pytest.importorskip("torch")
    net = TwoLayerNet(4, 5, 3, reg=[0.1, 0.2], members=2)
    net.params = {name: torch.empty(x.shape, device="meta") for name, x in net.params.items()}
    X = torch.empty((6, 2, 2), device="meta")
    y = torch.empty((2, 6), device="meta", dtype=torch.int64)
    assert tuple(net.loss(X).shape) == (2, 6, 3)
    loss, grads = net.loss(X, y)
    assert (tuple(loss.shape), loss.device.type) == ((2,), "meta")
    assert {name: g.shape for name, g in grads.items()} == {
        name: x.shape for name, x in net.params.items()
    }


def test_repr_tells_sizes_and_backend():
    assert repr(TwoLayerNet(4, 5, 3)).startswith("TwoLayerNet(4-5-3, relu, softmax, NumPy ")
    stack = repr(TwoLayerNet(4, 5, 3, members=2))
    assert stack.startswith("TwoLayerNet(4-5-3, relu, softmax, members=2, ")


def test_the_data_loss_is_softmax_loss(backend, rng):
    net = make(backend, 12, 5, 3, 1.0)
    X, y = rng.standard_normal((6, 12)).astype(np.float32), backend.asarray(rng.integers(0, 3, 6))
    assert float(net.loss(X, y)[0]) == float(softmax_loss(net.loss(X), y)[0])
