"""What each layer does on a batch, against NumPy by hand, alone and in a stack, everywhere."""

import math
from functools import partial

import numpy as np
import pytest

from xpnet import FullyConnectedNet, InputError
from xpnet.diagnostics import BINS, EDGES, STATISTICS, layer_statistics, validation_statistics
from xpnet.diagnostics.histogram import spread, value_shares
from xpnet.nets import Variables

N, D, C = 12, 6, 3
NETS = {
    "linear": {"hidden_dims": []},
    "relu": {"hidden_dims": [5, 4]},
    "sigmoid": {"hidden_dims": [5], "activation": "sigmoid", "weight_scale": 3.0},
    "tanh, layernorm": {"hidden_dims": [5, 4], "activation": "tanh", "normalization": "layernorm"},
    "relu, batchnorm": {"hidden_dims": [5], "normalization": "batchnorm"},
    "maxout, svm": {"hidden_dims": [5, 4], "activation": "maxout", "loss": "svm"},
    "elu, squared": {"hidden_dims": [5], "activation": "elu", "loss": "squared"},
}


def make(backend, members=None, **options):
    return FullyConnectedNet(
        **{"hidden_dims": [5], "input_dim": D, "num_classes": C, "device": backend.text} | options,
        members=members,
        seed=7 if members is None else list(range(7, 7 + members)),
    )


def batch(backend, rng, net):
    x = rng.standard_normal((N, D)).astype(np.float32)
    y = rng.integers(C, size=N)
    if net.is_regression:
        y = rng.standard_normal((N, C)).astype(np.float32)
    return x, backend.asarray(x), backend.asarray(y)


def look(backend, net, x, y, update=None):
    """Return the statistics on the host; on device1 every other way there is refused."""
    terms = net.constants() | {"reg": 0.0}
    with backend.context():
        found = layer_statistics(net, Variables(net.params, net.state), x, y, terms, update=update)
    return {name: backend.to_numpy(value) for name, value in found.items()}


def host(backend, arrays):
    return {name: backend.to_numpy(w) for name, w in arrays.items()}


def test_two_layers_by_hand(backend, rng):
    """The whole of a ReLU net with the softmax loss, written out."""
    net = make(backend)
    params = host(backend, net.params)
    params["b1"] = np.asarray([0.3, -0.2, -100.0, 0.1, 0.0], dtype=np.float32)  # one is dead
    net.params = {name: backend.asarray(w) for name, w in params.items()}
    x, x_there, y_there = batch(backend, rng, net)
    y = backend.to_numpy(y_there)
    found = look(backend, net, x_there, y_there, moved)

    hidden = np.maximum(x @ params["W1"] + params["b1"], 0)
    scores = hidden @ params["W2"] + params["b2"]
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    dscores = (exps / exps.sum(axis=1, keepdims=True) - np.eye(C)[y]) / N
    dhidden = dscores @ params["W2"].T
    grads = x.T @ (dhidden * (hidden > 0)), hidden.T @ dscores
    weights = params["W1"], params["W2"]
    norm = np.linalg.norm
    known = {
        "activation_mean": [hidden.mean(), scores.mean()],
        "activation_std": [hidden.std(), scores.std()],
        "zero_share": [(hidden == 0).mean(), 0],
        "dead_share": [(hidden == 0).all(axis=0).mean(), 0],
        "saturated_share": [0, 0],
        "nonfinite_share": [0, 0],
        "output_gradient_norm": [norm(dhidden), norm(dscores)],
        "gradient_norm": [norm(dw) for dw in grads],
        "weight_norm": [norm(w) for w in weights],
        "update_ratio": [0.1 * norm(dw) / norm(w) for w, dw in zip(weights, grads, strict=True)],
    }
    assert known["dead_share"][0] >= 0.2
    assert set(known) == set(STATISTICS)
    for name, value in known.items():
        assert found[name].shape == (2,)
        np.testing.assert_allclose(found[name], value, rtol=2e-5, atol=1e-6, err_msg=name)

    for i, out in enumerate((hidden, scores)):
        deviations = np.clip((out - out.mean()) / out.std(), -2.999, 2.999)
        counts, _ = np.histogram(deviations, EDGES["activations"])
        np.testing.assert_allclose(found["activations"][i], counts / out.size, atol=0.02)
    for i, dw in enumerate(grads):
        with np.errstate(divide="ignore"):
            sizes = np.clip(np.log10(np.abs(dw)), -9.999, 1.999)
        counts, _ = np.histogram(sizes, EDGES["gradients"])
        np.testing.assert_allclose(found["gradients"][i], counts / dw.size, atol=0.04)


def moved(params, grads):
    return {name: params[name] - 0.1 * grads[name] for name in params}


@pytest.mark.parametrize("kind", NETS)
def test_a_stack_is_its_members(backend, rng, jitted, kind):
    """On JAX under jit, where no number may go to the host."""
    stack = make(backend, members=3, **NETS[kind])
    _, x, y = batch(backend, rng, stack)

    def looked(net):
        terms = net.constants() | {"reg": 0.0}
        return jitted(lambda *given: layer_statistics(net, *given, terms, update=moved))

    together = host(backend, looked(stack)(Variables(stack.params, stack.state), x, y))
    layers, of_member = stack.num_layers, looked(stack.member(0))
    for k in range(3):
        solo = stack.member(k)
        alone = host(backend, of_member(Variables(solo.params, solo.state), x, y))
        for name, value in alone.items():
            assert value.shape == ((layers, BINS) if name in EDGES else (layers,))
            atol = 0.05 if name in EDGES else 1e-6  # a value on an edge may fall on either side
            np.testing.assert_allclose(together[name][k], value, rtol=1e-4, atol=atol, err_msg=name)
            if name in EDGES:
                np.testing.assert_allclose(value.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize(("activation", "limit"), [("tanh", 0.97), ("sigmoid", 0.985)])
def test_saturated_where_the_slope_is_below_six_percent(backend, rng, activation, limit):
    net = make(backend, activation=activation, weight_scale=2.0)
    x, x_there, y = batch(backend, rng, net)
    params = host(backend, net.params)
    sums = x @ params["W1"]
    out = np.tanh(sums) if activation == "tanh" else 1 / (1 + np.exp(-sums))
    slope = 1 - out**2 if activation == "tanh" else 4 * out * (1 - out)
    share = (slope < 1 - 0.97**2).mean()
    low = -limit if activation == "tanh" else 1 - limit
    assert share == ((out > limit) | (out < low)).mean()  # the same, in terms of the output
    assert 0.2 < share < 0.9
    np.testing.assert_allclose(look(backend, net, x_there, y)["saturated_share"], [share, 0])


def test_numbers_that_are_not_finite(backend, rng):
    net = make(backend, hidden_dims=[5, 4])
    w = backend.to_numpy(net.params["W2"]).copy()
    w[:, 1] = np.nan
    net.params["W2"] = backend.asarray(w)
    _, x, y = batch(backend, rng, net)
    found = look(backend, net, x, y)
    np.testing.assert_allclose(found["nonfinite_share"], [0, 0.25, 1])
    assert np.isfinite(found["activation_mean"][0])
    np.testing.assert_allclose(found["activations"].sum(axis=-1), 1, rtol=1e-5)


def test_no_update_and_weights_of_zero(backend, rng):
    net = make(backend, initializer="zeros")
    _, x, y = batch(backend, rng, net)
    assert np.isnan(look(backend, net, x, y)["update_ratio"]).all()
    found = look(backend, net, x, y, lambda params, _: params)
    np.testing.assert_array_equal(found["update_ratio"], [0, 0])
    np.testing.assert_array_equal(found["dead_share"], [1, 1])
    np.testing.assert_array_equal(found["activation_std"], [0, 0])
    assert found["gradients"][0][0] == 1  # all are 0


def test_the_whole_of_a_part_in_batches(backend, rng):
    """A unit is dead if no sample of any batch moves it."""
    net = make(backend, hidden_dims=[4])
    w = np.zeros((D, 4), dtype=np.float32)
    w[0, 0] = w[1, 1] = w[2, 2] = 1  # the last unit has no input
    net.params["W1"] = backend.asarray(w)
    x = np.full((9, D), -1.0, dtype=np.float32)
    x[0, 0] = x[8, 1] = 1  # the third moves in no batch, the second in the last alone
    x = backend.asarray(x)
    variables = Variables(net.params, net.state)
    parts = [x[:4, ...], x[4:8, ...], x[8:, ...]]
    found = validation_statistics(net, variables, parts)
    np.testing.assert_allclose(backend.to_numpy(found["dead_share"])[0], 0.5)
    found = validation_statistics(net, variables, parts[:2])
    np.testing.assert_allclose(backend.to_numpy(found["dead_share"])[0], 0.75)
    with pytest.raises(InputError, match="one batch or more; got none"):
        validation_statistics(net, variables, [])


def test_saturation_in_batches_is_that_of_all(backend, rng):
    net = make(backend, members=2, activation="tanh", weight_scale=2.0)
    x = backend.asarray(rng.standard_normal((10, D)).astype(np.float32))
    variables = Variables(net.params, net.state)
    whole, parts = (
        backend.to_numpy(validation_statistics(net, variables, batches)["saturated_share"])
        for batches in ([x], [x[:7, ...], x[7:, ...]])
    )
    assert whole.shape == (2, 2)
    assert (whole[:, 0] > 0.1).all()
    np.testing.assert_allclose(parts, whole, rtol=1e-5)


def test_bins_hold_their_lower_edge_and_the_ends_all_beyond(backend):
    values = backend.asarray(np.asarray([-np.inf, -50, -10, -9.59, 0.01, 5, np.inf, np.nan], "f4"))
    shares = backend.to_numpy(value_shares(values, "gradients", backend.xp)) * 8
    known = np.zeros(BINS)
    known[0], known[1], known[25], known[-1] = 3, 1, 1, 3
    np.testing.assert_allclose(shares, known, atol=1e-5)


def test_no_share_is_below_0_and_their_sum_is_1(backend, rng):
    for count in (3, 7, 49, 1000):  # whose reciprocals are rounded
        values = backend.asarray(10.0 ** rng.uniform(-12, 4, size=(2, count)).astype(np.float32))
        shares_of = partial(value_shares, name="gradients", xp=backend.xp)
        shares_of = backend.compile(shares_of) if backend.always_compiles else shares_of
        shares = backend.to_numpy(shares_of(values))
        assert shares.min() >= 0
        np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-6)


@pytest.mark.parametrize("shape", [(100, 100), (3072, 50), (64, 2049), (7, 3)])
def test_a_part_of_many_values_is_of_all_columns(shape):
    values = np.arange(math.prod(shape)).reshape(shape)
    part = spread(values, 2, np)
    assert part.shape[-1] <= 1024
    if math.prod(shape) <= 1024:
        np.testing.assert_array_equal(part, values.reshape(-1))
    elif shape[1] < 1000:
        counts = np.bincount(part % shape[1], minlength=shape[1])
        assert counts.min() >= counts.max() - 1


def test_a_histogram_of_a_part_is_near_that_of_all():
    values = np.random.default_rng(0).standard_normal((3072, 50)).astype(np.float32)
    shares = value_shares(spread(values, 2, np), "activations", np)
    known, _ = np.histogram(np.clip(values, -2.99, 2.99), EDGES["activations"])
    np.testing.assert_allclose(shares, known / values.size, atol=0.02)


class OwnLoss(FullyConnectedNet):
    def loss_and_gradients(self, *args):
        return super().loss_and_gradients(*args)


def test_a_net_whose_layers_cannot_be_seen():
    net = OwnLoss([3], D, C)
    x, y = np.zeros((2, D), np.float32), np.zeros(2, np.int64)
    with pytest.raises(InputError, match="own loss_and_gradients, can be looked into; got OwnLoss"):
        layer_statistics(net, Variables(net.params, {}), x, y, {"reg": 0.0})
