import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from xpnet.backends import get_backend
from xpnet.errors import BackendError, InputError
from xpnet.members import stack_members
from xpnet.nets import FullyConnectedNet, TwoLayerNet, Variables
from xpnet.streams import stream


def make(backend, *args, **kwargs):
    """Return a net on the backend of a fixture: on NumPy its arrays may be read-only."""
    net = FullyConnectedNet(*args, device=backend.text, **kwargs)
    if backend.name == "numpy":
        net.params, net.state = (
            {name: backend.asarray(x) for name, x in part.items()}
            for part in (net.params, net.state)
        )
    return net


def on_host(backend, arrays):
    return {name: backend.to_numpy(x) for name, x in arrays.items()}


def shapes_of(arrays):
    return {name: tuple(x.shape) for name, x in arrays.items()}


PARTS = {
    "linear": ({"hidden_dims": []}, {"W1": (6, 4), "b1": (4,)}, {}),
    "linear, all options": (
        {
            "hidden_dims": (),
            "activation": "maxout",
            "normalization": "batchnorm",
            "dropout_keep_ratio": 0.5,
        },
        {"W1": (6, 4), "b1": (4,)},
        {},
    ),
    "two layers": (
        {"hidden_dims": [5]},
        {"W1": (6, 5), "b1": (5,), "W2": (5, 4), "b2": (4,)},
        {},
    ),
    "batchnorm": (
        {"hidden_dims": (5, 3), "normalization": "batchnorm"},
        {"W1": (6, 5), "b1": (5,), "gamma1": (5,), "beta1": (5,)}
        | {"W2": (5, 3), "b2": (3,), "gamma2": (3,), "beta2": (3,), "W3": (3, 4), "b3": (4,)},
        {"running_mean1": (5,), "running_var1": (5,), "running_mean2": (3,), "running_var2": (3,)},
    ),
    "maxout": (
        {"hidden_dims": np.asarray([5, 3]), "activation": "maxout", "normalization": "batchnorm"},
        {"W1": (2, 6, 5), "b1": (2, 5), "gamma1": (5,), "beta1": (5,)}
        | {"W2": (2, 5, 3), "b2": (2, 3), "gamma2": (3,), "beta2": (3,), "W3": (3, 4), "b3": (4,)},
        {"running_mean1": (5,), "running_var1": (5,), "running_mean2": (3,), "running_var2": (3,)},
    ),
    "five layers": (
        {"hidden_dims": [7, 6, 5, 3], "activation": "tanh", "dropout_keep_ratio": 0.5},
        {"W1": (6, 7), "b1": (7,), "W2": (7, 6), "b2": (6,), "W3": (6, 5), "b3": (5,)}
        | {"W4": (5, 3), "b4": (3,), "W5": (3, 4), "b5": (4,)},
        {},
    ),
}


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize("case", PARTS)
def test_parameters_and_state(backend, case, members):
    options, params, state = PARTS[case]
    net = make(backend, **options, input_dim=6, num_classes=4, members=members)
    lead = () if members is None else (members,)
    for found, known in ((net.params, params), (net.state, state)):
        assert list(found) == list(known)
        assert shapes_of(found) == {name: (*lead, *shape) for name, shape in known.items()}
        assert all(x.dtype == backend.dtype("float32") for x in found.values())
    assert (net.shapes(), net.state_shapes()) == (params, state)
    for name, x in on_host(backend, net.params | net.state).items():
        if name[0] != "W":
            assert (x == float(name[0] == "g" or "var" in name)).all()
    assert (net.input_dim, net.num_classes, net.members) == (6, 4, members)
    assert net.layer_sizes == (6, *options["hidden_dims"], 4)
    net.check()


def test_sizes_of_the_course():
    net = FullyConnectedNet([100])
    assert shapes_of(net.params) == shapes_of(TwoLayerNet().params)
    assert (net.input_dim, net.num_classes) == (3072, 10)


FITTING = {
    "relu": 2.0,
    "leaky_relu": 2.0,
    "elu": 2.0,
    "selu": 1.0,
    "gelu": 2.0,
    "mish": 2.0,
    "hardshrink": 1.0,
    "maxout": 1.0,
    "sigmoid": 1.0,
    "tanh": 1.0,
    "identity": 1.0,
}


@pytest.mark.parametrize("activation", FITTING)
def test_initial_weights_fit_the_activation(activation):
    net = FullyConnectedNet([200, 100], 300, 200, activation=activation)
    for i, fan_in in enumerate((300, 200, 100), 1):
        scale = math.sqrt(FITTING[activation] / fan_in)
        assert abs(net.params[f"W{i}"].std() / scale - 1.0) < 0.02
        assert abs(net.params[f"W{i}"].mean() / scale) < 0.02


def test_the_gaussian_of_the_notes_when_asked_for():
    for options, scale in (
        ({"weight_scale": 0.05}, 0.05),
        ({"initializer": "gaussian"}, 1e-3),
        ({"initializer": "gaussian", "weight_scale": 0.05}, 0.05),
    ):
        w = FullyConnectedNet([200], 300, **options).params["W1"]
        known = scale * stream(0, "weights", 1).standard_normal((300, 200))
        np.testing.assert_array_equal(w, known.astype(np.float32))


def test_pieces_of_maxout_start_apart():
    w = FullyConnectedNet([5], 6, 4, activation="maxout", seed=2).params["W1"]
    rng = stream(2, "weights", 1)
    for piece in w:
        known = math.sqrt(1 / 6) * rng.standard_normal((6, 5))
        np.testing.assert_array_equal(piece, known.astype(np.float32))


def test_values_per_member(backend):
    seeds, scales, regs, ratios = [4, 9], [0.1, 0.5], [0.0, 0.2], [0.5, 1.0]
    options = {"input_dim": 6, "num_classes": 4, "normalization": "batchnorm"}
    net = make(
        backend,
        [5, 3],
        **options,
        members=2,
        seed=seeds,
        weight_scale=scales,
        reg=regs,
        dropout_keep_ratio=ratios,
    )
    for k in range(2):
        solo = make(
            *(backend, [5, 3]),
            **options,
            seed=seeds[k],
            weight_scale=scales[k],
            reg=regs[k],
            dropout_keep_ratio=ratios[k],
        )
        for name, x in on_host(backend, net.params).items():
            np.testing.assert_array_equal(x[k], backend.to_numpy(solo.params[name]))
        member = net.member(k)
        assert (member.reg, member.dropout_keep_ratio) == (regs[k], ratios[k])
        assert member.seeds == solo.seeds
        assert (member.constants().keys(), repr(member)) == (solo.constants().keys(), repr(solo))


def test_two_layer_net_is_its_case(rng):
    two = TwoLayerNet(6, 5, 4, 0.5, 0.1, seed=3)
    net = FullyConnectedNet([5], 6, 4, weight_scale=0.5, reg=0.1, seed=3)
    assert isinstance(two, FullyConnectedNet)
    X, y = rng.standard_normal((7, 6)).astype(np.float32), rng.integers(4, size=7)
    (expected, their_grads), (loss, grads) = two.loss(X, y), net.loss(X, y)
    assert loss == expected
    for name, grad in grads.items():
        np.testing.assert_array_equal(grad, their_grads[name])


def test_values_of_the_notes():
    # The check values of CS231n, assignment 2, of a net of two layers.
    net = FullyConnectedNet([50], 5, 7, dtype="float64")
    net.params = {
        "W1": np.linspace(-0.7, 0.3, 250).reshape(5, 50),
        "b1": np.linspace(-0.1, 0.9, 50),
        "W2": np.linspace(-0.3, 0.4, 350).reshape(50, 7),
        "b2": np.linspace(-0.9, 0.1, 7),
    }
    X, y = np.linspace(-5.5, 4.5, 15).reshape(5, 3).T, np.asarray([0, 5, 1])
    for reg, known in ((0.0, 3.4702243556), (1.0, 26.5948426952)):
        net.reg = reg
        np.testing.assert_allclose(float(net.loss(X, y)[0]), known, atol=1e-10)


@pytest.mark.parametrize("hidden_dims", [[], [20, 30]])
@pytest.mark.parametrize(("loss", "known"), [("softmax", math.log(10)), ("svm", 9.0)])
def test_first_loss_is_that_of_guessing(hidden_dims, loss, known, rng):
    # The course's sanity check: ln 10 = 2.303, and a margin of 1 for each wrong class.
    net = FullyConnectedNet(hidden_dims, 15, loss=loss, weight_scale=1e-3)
    X, y = rng.standard_normal((50, 15)), rng.integers(10, size=50)
    assert float(net.loss(X, y)[0]) == pytest.approx(known, abs=0.02)


def full(backend, members=None, **options):
    """Return a net with all parts, and a batch."""
    rng = np.random.default_rng(6)
    settings = {
        "hidden_dims": [5, 4],
        "input_dim": 6,
        "activation": "leaky_relu",
        "normalization": "batchnorm",
        "dropout_keep_ratio": 0.6 if members is None else [0.5, 1.0, 0.8],
        "reg": 0.1 if members is None else [0.1, 0.0, 0.3],
        "seed": 2 if members is None else [3, 4, 3],
        "members": members,
    }
    net = make(backend, num_classes=3, **{**settings, **options})
    X, y = rng.standard_normal((9, 6)).astype(np.float32), rng.integers(3, size=9)
    return net, X, y


def full_on_cpu(members=None, **options):
    return full(get_backend("cpu"), members, **options)


def test_each_loss_draws_other_masks(backend):
    net, X, y = full(backend)
    start = net.state
    losses = []
    for draw in (0, 1, 0):
        net.num_draws, net.state = draw, start
        losses.append(float(net.loss(X, y)[0]))
        assert net.num_draws == draw + 1
    assert losses[0] == losses[2] != losses[1]
    net.loss(X)
    assert net.num_draws == 1  # testing draws nothing


def test_masks_are_those_of_the_stream(backend):
    net, *_ = full(backend)
    again = make(backend, [5, 4], 6, 3, dropout_keep_ratio=0.6, seed=2)
    for draws in (net.draws(7, 9), again.draws(7, 9)):
        words = stream(2, "dropout", 7).bit_generator.random_raw(12 + 9)
        first, second = (part.astype("<u8").view("<i2") for part in (words[:12], words[12:]))
        np.testing.assert_array_equal(draws["dropout1"], first[:45].reshape(9, 5))
        np.testing.assert_array_equal(draws["dropout2"], second.reshape(9, 4))
        assert {draw.dtype for draw in draws.values()} == {np.dtype(np.int16)}
    assert make(backend, [5, 4], 6, 3).draws(7, 9) == {}
    assert make(backend, [], 6, 3, dropout_keep_ratio=0.5).draws(7, 9) == {}


def test_members_of_one_seed_share_their_masks():
    options = {"members": 3, "dropout_keep_ratio": 0.5}
    assert FullyConnectedNet([4], 6, 3, seed=1, **options).draws(0, 9)["dropout1"].shape == (9, 4)
    own = FullyConnectedNet([4], 6, 3, seed=[1, 2, 1], **options).draws(0, 9)["dropout1"]
    assert own.shape == (3, 9, 4)
    np.testing.assert_array_equal(own[0], own[2])
    assert (own[0] != own[1]).any()


def test_a_share_of_the_units_is_dropped_and_the_mean_stays():
    net = FullyConnectedNet(
        *([100_000], 1, 1),
        activation="identity",
        loss="squared",
        initializer=lambda _rng, shape: np.ones(shape),
        dropout_keep_ratio=0.3,
    )
    X, y = np.ones((1, 1)), np.zeros((1, 1))
    assert float(net.loss(X)[0, 0]) == 100_000.0
    loss, grads = net.loss(X, y)
    assert math.sqrt(loss) == pytest.approx(100_000.0, rel=0.01)
    assert (grads["b1"] == 0).mean() == pytest.approx(0.7, abs=0.01)


def test_dropout_follows_its_ratio(backend):
    """Also where it was assigned: switched off and on again, and other than at the start."""
    plain, X, y = full(backend, dropout_keep_ratio=1.0)
    dropped, *_ = full(backend)
    without, expected = float(plain.loss(X, y)[0]), float(dropped.loss(X, y)[0])
    assert without != expected
    plain.num_draws = dropped.num_draws = 0
    plain.dropout_keep_ratio, dropped.dropout_keep_ratio = 0.6, 1.0
    assert (float(plain.loss(X, y)[0]), float(dropped.loss(X, y)[0])) == (expected, without)
    assert "dropout" in repr(plain)
    assert "dropout" not in repr(dropped)
    for ratio in (0, 1.5, [0.5, 0.5]):
        plain.dropout_keep_ratio = ratio
        with pytest.raises(InputError, match="dropout_keep_ratio"):
            plain.loss(X)


@pytest.mark.parametrize("members", [None, 3])
def test_state_is_bound_anew_and_nothing_is_written(backend, members):
    net, X, y = full(backend, members)
    params, state = dict(net.params), net.state
    kept = [on_host(backend, part) for part in (params, state)]
    kept = [{name: x.copy() for name, x in part.items()} for part in kept]
    net.loss(X)
    assert net.state is state
    net.loss(X, y)
    assert list(net.state) == list(state)
    for name, x in net.state.items():
        assert x is not state[name]
        assert (x.dtype, x.shape) == (state[name].dtype, state[name].shape)
        assert (backend.to_numpy(x) != kept[1][name]).any()
    for part, before in zip((params, state), kept, strict=True):
        for name, x in on_host(backend, part).items():
            np.testing.assert_array_equal(x, before[name])
    assert all(net.params[name] is x for name, x in params.items())


def test_running_numbers_after_steps(rng):
    net = FullyConnectedNet([5], 6, 3, activation="tanh", normalization="batchnorm", seed=1)
    mean, var = np.zeros(5), np.ones(5)
    for _ in range(4):
        X, y = rng.standard_normal((9, 6)), rng.integers(3, size=9)
        net.loss(X, y)
        units = X @ net.params["W1"]
        mean, var = 0.9 * mean + 0.1 * units.mean(axis=0), 0.9 * var + 0.1 * units.var(axis=0)
    np.testing.assert_allclose(net.state["running_mean1"], mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net.state["running_var1"], var, rtol=1e-5)
    normalised = (X @ net.params["W1"] - mean) / np.sqrt(var + 1e-5)
    known = np.tanh(normalised) @ net.params["W2"]
    np.testing.assert_allclose(net.loss(X), known, rtol=1e-4, atol=1e-5)


def test_testing_takes_a_sample_by_itself_and_training_takes_none_alone():
    net, X, y = full_on_cpu()
    np.testing.assert_allclose(net.loss(X[:1]), net.loss(X)[:1], rtol=1e-5, atol=1e-6)
    state = net.state
    with pytest.raises(InputError, match="a batch needs two samples or more in training"):
        net.loss(X[:1], y[:1])
    assert (net.state, net.num_draws) == (state, 0)
    for normalization in (None, "layernorm"):
        other, *_ = full_on_cpu(normalization=normalization, dropout_keep_ratio=1.0)
        assert not other.state
        loss, grads = other.loss(X[:1], y[:1])
        twice, same = other.loss(np.concat([X[:1]] * 2), np.concat([y[:1]] * 2))
        np.testing.assert_allclose(twice, loss, rtol=1e-6)
        for name, grad in grads.items():
            np.testing.assert_allclose(same[name], grad, rtol=1e-5, atol=1e-6)


# The others are compared with formulas of one net, in test_net_gradients.py.
@pytest.mark.parametrize("backend", ["numpy", "array-api-strict", "torch"], indirect=True)
@pytest.mark.parametrize("activation", ["leaky_relu", "maxout"])
def test_a_stack_is_its_members(backend, activation, rng):
    # Big enough for BLAS to divide the work, with as many members as classes.
    net, _, _ = full(backend, 3, hidden_dims=[33, 20], input_dim=70, activation=activation)
    state = {name: 0.5 + rng.random(x.shape, dtype=np.float32) for name, x in net.state.items()}
    net.state = {name: backend.asarray(x) for name, x in state.items()}
    X, y = rng.standard_normal((50, 70)).astype(np.float32), rng.integers(3, size=50)
    batches = [(X, y), (np.stack([X, 2 * X, -X]), np.stack([y, 2 - y, y]))]
    solos = [net.member(k) for k in range(3)]
    for inputs, labels in batches:
        scores, (loss, grads) = net.loss(inputs), net.loss(inputs, labels)
        for k, solo in enumerate(solos):
            own, own_y = (inputs, labels) if inputs is X else (inputs[k], labels[k])
            own_scores, (own_loss, own_grads) = solo.loss(own), solo.loss(own, own_y)
            pairs = [(scores, own_scores), (loss, own_loss)]
            pairs += [(grads[name], own_grads[name]) for name in own_grads]
            pairs += [(net.state[name], x) for name, x in solo.state.items()]
            for stacked, alone in pairs:
                found, known = backend.to_numpy(stacked)[k], backend.to_numpy(alone)
                np.testing.assert_allclose(found, known, rtol=1e-4, atol=1e-4)
                if backend.name == "numpy":
                    np.testing.assert_array_equal(found, known)


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=6),
    members=st.integers(1, 4),
    samples=st.integers(2, 5),
    activation=st.sampled_from(sorted(FITTING)),
    normalization=st.sampled_from([None, "batchnorm", "layernorm"]),
    loss=st.sampled_from(["softmax", "svm", "squared"]),
    ratio=st.sampled_from([1.0, 0.7]),
    shared=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_stack_is_its_members(
    sizes, members, samples, activation, normalization, loss, ratio, shared, seed
):
    rng = np.random.default_rng(seed)
    net = FullyConnectedNet(
        *(sizes[1:-1], sizes[0], sizes[-1]),
        activation=activation,
        normalization=normalization,
        dropout_keep_ratio=ratio,
        reg=rng.random(members),
        loss=loss,
        members=members,
        dtype="float64",
        seed=rng.integers(9, size=members),
    )
    net.params = {name: rng.standard_normal(w.shape) for name, w in net.params.items()}
    batch = () if shared else (members,)
    X = rng.standard_normal((*batch, samples, sizes[0]))
    y = rng.integers(sizes[-1], size=(*batch, samples))
    if loss == "squared":
        y = rng.standard_normal((*batch, samples, sizes[-1]))
    solos = [net.member(k) for k in range(members)]
    scores, (total, grads) = net.loss(X), net.loss(X, y)
    for k, solo in enumerate(solos):
        own = (X, y) if shared else (X[k], y[k])
        np.testing.assert_allclose(scores[k], solo.loss(own[0]), rtol=1e-11, atol=1e-12)
        own_loss, own_grads = solo.loss(*own)
        np.testing.assert_allclose(total[k], own_loss, rtol=1e-11)
        for name, grad in own_grads.items():
            np.testing.assert_allclose(grads[name][k], grad, rtol=1e-8, atol=1e-9)
        for name, x in solo.state.items():
            np.testing.assert_allclose(net.state[name][k], x, rtol=1e-11, atol=1e-12)


def test_a_stack_of_solos_again():
    solos = [full_on_cpu(seed=seed)[0] for seed in (1, 2)]
    net, X, y = full_on_cpu(members=2, seed=[1, 2], reg=0.1, dropout_keep_ratio=0.6)
    net.params = stack_members([solo.params for solo in solos])
    net.state = stack_members([solo.state for solo in solos])
    losses, _ = net.loss(X, y)
    assert losses.tolist() == [float(solo.loss(X, y)[0]) for solo in solos]


def test_member(backend):
    net, X, y = full(backend, 3)
    net.loss(X, y)
    scores = backend.to_numpy(net.loss(X))
    for k in (0, np.int64(2)):
        solo = net.member(k)
        assert (type(solo), solo.members) == (FullyConnectedNet, None)
        assert (solo.reg, solo.dropout_keep_ratio) == ((0.1, 0.5) if k == 0 else (0.3, 0.8))
        solo.check()
        np.testing.assert_allclose(backend.to_numpy(solo.loss(X)), scores[k], rtol=1e-5, atol=1e-6)
        assert all(x is not net.state[name] for name, x in solo.state.items())
    for k in (-1, 3, True, 1.0, "0"):
        with pytest.raises(InputError, match=f"no member {k!r}: the net has 3 members"):
            net.member(k)
    with pytest.raises(InputError, match="no member 0: the net has no members"):
        net.member(0).member(0)


@pytest.mark.parametrize(("loss", "members"), [("softmax", None), ("svm", 3), ("squared", 3)])
def test_objective_is_the_loss_without_dropout(loss, members):
    options = {"normalization": None, "dropout_keep_ratio": 1.0, "loss": loss}
    net, X, y = full_on_cpu(members, **options)
    y = y if loss != "squared" else X[:, :3]
    found = net.objective(net.params, net.loss(X), y, net.constants()["reg"], np)
    np.testing.assert_allclose(found, net.loss(X, y)[0], rtol=1e-6)


def test_options_of_the_loss_reach_it(rng):
    net = FullyConnectedNet([5], 6, 3, dtype="float64")
    X, y = rng.standard_normal((9, 6)), rng.integers(3, size=9)
    weights = rng.random(9)
    variables, terms = Variables(net.params, {}), net.constants()
    per_sample = [
        float(net.loss_and_gradients(variables, X[n : n + 1], y[n : n + 1], terms, np)[0])
        for n in range(9)
    ]
    terms["sample_weights"] = weights
    found, _, _ = net.loss_and_gradients(variables, X, y, terms, np)
    assert float(found) == pytest.approx(np.average(per_sample, weights=weights), rel=1e-12)
    terms["class_weights"] = np.asarray([1.0, 2.0, 0.5])
    found, _, _ = net.loss_and_gradients(variables, X, y, terms, np)
    weights = weights * terms["class_weights"][y]
    assert float(found) == pytest.approx(np.average(per_sample, weights=weights), rel=1e-12)
    smooth = {**net.constants(), "label_smoothing": 0.2}
    found, _, _ = net.loss_and_gradients(variables, X, y, smooth, np)
    assert float(found) > float(net.loss(X, y)[0]) * 0.8


def test_runs_without_data():
    torch = pytest.importorskip("torch")
    net, X, y = full_on_cpu(3)
    net.params, net.state = (
        {name: torch.empty(x.shape, device="meta") for name, x in part.items()}
        for part in (net.params, net.state)
    )
    X, y = torch.empty(X.shape, device="meta"), torch.empty(9, device="meta", dtype=torch.int64)
    assert tuple(net.loss(X).shape) == (3, 9, 3)
    loss, grads = net.loss(X, y)
    assert (tuple(loss.shape), loss.device.type) == ((3,), "meta")
    assert shapes_of(grads) == shapes_of(net.params)


def test_repr_tells_its_parts():
    assert repr(FullyConnectedNet([], 4, 3)).startswith("FullyConnectedNet(4-3, relu, softmax, Nu")
    net = FullyConnectedNet(
        *([6, 5], 4, 3),
        activation="maxout",
        normalization="batchnorm",
        dropout_keep_ratio=[0.5, 1.0],
        loss="svm",
        members=2,
    )
    known = "FullyConnectedNet(4-6-5-3, maxout, svm, batchnorm, dropout, members=2, NumPy "
    assert repr(net).startswith(known)


def test_takes_numpy_integers_for_sizes():
    net = FullyConnectedNet(np.asarray([3, 2]), np.int64(4), np.uint8(5), members=np.int32(2))
    assert net.layer_sizes == (4, 3, 2, 5)
    assert type(net.member(np.int64(1)).input_dim) is int


BAD_ARGUMENTS = {
    "a number": ({"hidden_dims": 5}, "hidden_dims must list the units .*; got 5"),
    "a text": ({"hidden_dims": "50"}, "hidden_dims must list the units .*; got '50'"),
    "bytes": ({"hidden_dims": b"50"}, "hidden_dims must list the units .*; got b'50'"),
    "an iterator": ({"hidden_dims": iter([5])}, "hidden_dims must list the units"),
    "an array of no axes": ({"hidden_dims": np.asarray(5)}, r"hidden_dims must list .* array\(5\)"),
    "an array of two axes": ({"hidden_dims": np.ones((1, 2), int)}, "hidden_dims must list"),
    "no units": ({"hidden_dims": [5, 0]}, "hidden_dims must be a positive integer; got 0"),
    "half a unit": ({"hidden_dims": [2.5]}, "hidden_dims must be a positive integer; got 2.5"),
    "a flag": ({"hidden_dims": [True]}, "hidden_dims must be a positive integer; got True"),
    "input_dim": ({"input_dim": 0}, "input_dim must be a positive integer; got 0"),
    "num_classes": ({"num_classes": -1}, "num_classes must be a positive integer; got -1"),
    "members": ({"members": 0}, "members must be a positive integer; got 0"),
    "activation": (
        {"activation": "swish"},
        "unknown activation 'swish': choose .* maxout",
    ),
    "no activation": ({"activation": None}, "unknown activation None"),
    "a list": ({"activation": ["relu", "tanh"]}, r"unknown activation \['relu', 'tanh'\]"),
    "normalization": (
        {"normalization": "groupnorm"},
        "unknown normalization 'groupnorm': choose one of None, batchnorm, layernorm",
    ),
    "loss": ({"loss": "hinge"}, "unknown loss 'hinge'.*softmax, svm, squared"),
    "ratio 0": ({"dropout_keep_ratio": 0}, "dropout_keep_ratio must be above 0.*; got 0"),
    "ratio 1e-6": ({"dropout_keep_ratio": 1e-6}, "dropout_keep_ratio must .* 1/65536 .* got 1e-06"),
    "ratio 1.1": ({"dropout_keep_ratio": 1.1}, "dropout_keep_ratio must .* at most 1.*; got 1.1"),
    "ratio NaN": ({"dropout_keep_ratio": float("nan")}, "dropout_keep_ratio must .*; got nan"),
    "ratio text": ({"dropout_keep_ratio": "half"}, "dropout_keep_ratio must be a number"),
    "ratios": ({"dropout_keep_ratio": [0.5, 1]}, "dropout_keep_ratio is a sequence of 2"),
    "reg": ({"reg": -0.1}, "reg must be 0 or a positive number; got -0.1"),
    "weight_scale": ({"weight_scale": -1}, "weight_scale must be 0 or a positive number; got -1"),
    "initializer": ({"initializer": "he"}, "unknown initializer 'he'"),
    "seed": ({"seed": -1}, "seed must be .* got -1"),
    "seeds": ({"seed": [1, 2], "members": 3}, "seed must be one integer or 3 .* got 2"),
    "regs": ({"reg": [1, 2], "members": 3}, "reg must be one number or 3 of them"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_refuses_other_arguments(case):
    given, message = BAD_ARGUMENTS[case]
    with pytest.raises(InputError, match=message):
        FullyConnectedNet(**{"hidden_dims": [5], "input_dim": 6, "num_classes": 4, **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dtype": "bfloat16"}, "has no bfloat16"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
    ],
)
def test_refuses_dtypes_and_devices(given, message):
    with pytest.raises(BackendError, match=message):
        FullyConnectedNet([5], 6, 4, **given)


BAD_PARTS = {
    "no W2": (lambda p, s: p.pop("W2"), "params needs W1, W2, W3"),
    "no gamma2": (lambda p, s: p.pop("gamma2"), "params has no 'gamma2'; it has W1, b1"),
    "gamma": (lambda p, s: p.update(gamma1=p["gamma2"]), r"gamma1 must have the shape \(5,\); got"),
    "a layer more": (lambda p, s: p.update(W4=p["W3"]), "params has 'W4', which no layer .*W1, b1"),
    "no mean": (lambda p, s: s.pop("running_mean1"), "state has no 'running_mean1'; it has runn"),
    "variance": (
        lambda p, s: s.update(running_var2=s["running_var1"]),
        r"running_var2 must have the shape \(4,\); got \(5,\)",
    ),
    "a state more": (lambda p, s: s.update(steps=p["b1"]), "state has 'steps', which no layer"),
    "dtypes": (
        lambda p, s: s.update(running_mean1=np.zeros(5)),
        "one real floating dtype, and so the state, .*running_mean1 float64",
    ),
}


@pytest.mark.parametrize("case", BAD_PARTS)
def test_parts_that_do_not_fit_are_refused(case):
    change, message = BAD_PARTS[case]
    net, X, _ = full_on_cpu()
    change(net.params, net.state)
    with pytest.raises(InputError, match=message):
        net.loss(X)


def test_state_of_another_library_is_refused():
    torch = pytest.importorskip("torch")
    net, X, _ = full_on_cpu()
    net.params = {name: torch.tensor(w) for name, w in net.params.items()}
    with pytest.raises(InputError, match=r"torch.*numpy|numpy.*torch"):
        net.loss(X)
