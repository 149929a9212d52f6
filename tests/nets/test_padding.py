"""Units of zeros stay zeros, and a net that is filled up is the smaller one."""

import numpy as np
import pytest

from xpnet import FullyConnectedNet, Solver
from xpnet.layers import ACTIVATIONS
from xpnet.nets import can_be_padded, cut, padded_stack
from xpnet.optim import RULES

N, D, C = 60, 5, 3
OWN = [[3, 4], [7, 2], [8, 8], [3, 4]]
SEEDS = [5, 6, 7, 8]
KEEPING = [name for name, one in ACTIVATIONS.items() if one.keeps_zero]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    y = rng.integers(C, size=N + 20)
    X = rng.standard_normal((N + 20, D)) + np.eye(C, D)[y]
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def stack(activation="relu", normalization=None, device="cpu", **options):
    def make(dims, members):
        return FullyConnectedNet(
            dims,
            D,
            C,
            activation=activation,
            normalization=normalization,
            seed=[SEEDS[k] for k in members],
            members=len(members),
            device=device,
            **options,
        )

    return padded_stack(OWN, [8, 8], make)


def train(net, data, rule="adam", seed=0, **options):
    solver = Solver(
        net,
        data,
        update_rule=rule,
        batch_size=10,
        num_epochs=4,
        seed=seed,
        verbose=False,
        **options,
    )
    solver.train()
    return solver


@pytest.mark.parametrize("rule", RULES)
def test_it_is_the_smaller_net_by_every_rule(data, rule):
    check(data, rule=rule)


@pytest.mark.parametrize("normalization", [None, "batchnorm"])
@pytest.mark.parametrize("activation", KEEPING)
def test_it_is_the_smaller_net_with_every_activation_that_keeps_zero(
    data, activation, normalization
):
    check(data, activation=activation, normalization=normalization)


def check(data, rule="adam", **options):
    """Hold each member against a net of its sizes that was trained alone, in float64."""
    options = {"dtype": "float64", "reg": 0.1, **options}
    together = train(stack(**options), data, rule, SEEDS, clip_norm=1.0)
    for k, own in enumerate(OWN):
        alone = train(
            FullyConnectedNet(own, D, C, seed=SEEDS[k], **options),
            data,
            rule,
            SEEDS[k],
            clip_norm=1.0,
        )
        losses = np.asarray(together.loss_history)[:, k]
        np.testing.assert_allclose(losses, alone.loss_history, rtol=1e-9)
        member = together.model.member(k)
        for i, size in enumerate(own, 1):  # what was added is as it was
            assert not member.params[f"W{i}"][:, size:].any()
            assert not member.params[f"b{i}"][size:].any()
            assert not member.params[f"W{i + 1}"][size:].any()
        small = cut(member, own)
        assert small.layer_sizes == alone.model.layer_sizes
        small.check()
        for name, w in {**alone.model.params, **alone.model.state}.items():
            found = {**small.params, **small.state}[name]
            np.testing.assert_allclose(found, w, rtol=1e-6, atol=1e-9, err_msg=name)
        np.testing.assert_array_equal(small.predict(data["X_val"]), alone.predict(data["X_val"]))


def test_on_every_backend(backend):
    net = stack(device=backend.text)
    for k, own in enumerate(OWN):
        alone = FullyConnectedNet(own, D, C, seed=SEEDS[k])
        small = cut(net.member(k), own)
        for name, w in alone.params.items():
            np.testing.assert_array_equal(backend.to_numpy(small.params[name]), w)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "sigmoid"},  # makes 1/2 of zero
        {"activation": "maxout"},
        {"normalization": "layernorm"},  # a mean over the units
        {"dropout_keep_ratio": 0.5},  # draws by their number
    ],
)
def test_what_cannot_be_filled_up(options):
    assert not can_be_padded(options)
    assert can_be_padded({"activation": "tanh", "normalization": "batchnorm"})
