"""The whole net against central differences of its formulas, written out for one net at a time."""

from functools import cache

import numpy as np
import pytest

from xpnet.layers import draw_dropout
from xpnet.nets import FullyConnectedNet, Variables

SIZES, SAMPLES, SEED = (4, 3, 3, 3), 7, 5  # as many units as members: a wrong axis fits in silence
REGS, RATIOS = [0.0, 0.1, 0.7], [0.5, 0.75, 1.0]

# activation, normalization, loss, reg, keep ratio, members, one batch for all members
CASES = [
    ("relu", None, "softmax", 0.0, 1.0, None, True),
    ("relu", "batchnorm", "svm", 0.3, 1.0, None, True),
    ("relu", "batchnorm", "softmax", REGS, RATIOS, 3, True),
    ("relu", "layernorm", "softmax", 0.3, 1.0, None, True),
    ("elu", "layernorm", "svm", REGS, RATIOS, 3, False),
    ("maxout", "layernorm", "squared", 0.0, 1.0, 3, True),
    ("leaky_relu", None, "svm", REGS, 1.0, 3, True),
    ("leaky_relu", "batchnorm", "squared", 0.0, 0.75, 3, False),
    ("elu", None, "squared", 0.3, 0.75, None, True),
    ("elu", "batchnorm", "softmax", REGS, 1.0, 3, False),
    ("selu", None, "softmax", 0.3, 0.75, 3, False),
    ("selu", "batchnorm", "squared", 0.0, 1.0, None, True),
    ("gelu", None, "svm", REGS, RATIOS, 3, True),
    ("gelu", "layernorm", "softmax", 0.3, 1.0, None, True),
    ("mish", None, "squared", 0.3, 1.0, 3, False),
    ("mish", "batchnorm", "softmax", 0.0, 0.75, None, True),
    ("hardshrink", None, "softmax", REGS, 1.0, 3, True),
    ("hardshrink", "batchnorm", "svm", 0.3, RATIOS, 3, False),
    ("sigmoid", None, "softmax", 0.3, 1.0, 3, True),
    ("sigmoid", "batchnorm", "squared", 0.0, 1.0, None, True),
    ("tanh", None, "svm", 0.0, RATIOS, 3, False),
    ("tanh", "batchnorm", "softmax", 0.3, 0.75, None, True),
    ("identity", None, "squared", REGS, 1.0, 3, True),
    ("identity", "batchnorm", "svm", 0.0, 1.0, None, True),
    ("maxout", None, "softmax", 0.3, 1.0, None, True),
    ("maxout", None, "softmax", REGS, RATIOS, 3, False),
    ("maxout", "batchnorm", "svm", 0.3, 1.0, 3, True),
]
ACTIVATIONS = {
    "relu": lambda s: np.where(s > 0, s, 0),
    "leaky_relu": lambda s: np.where(s > 0, s, 0.01 * s),
    "elu": lambda s: np.where(s > 0, s, np.exp(s) - 1),
    "selu": lambda s: 1.0507009873554805 * np.where(s > 0, s, 1.6732632423543772 * (np.exp(s) - 1)),
    "gelu": lambda s: s * (1 + np.tanh((2 / np.pi) ** 0.5 * (s + 0.044715 * s**3))) / 2,
    "mish": lambda s: s * np.tanh(np.log(1 + np.exp(s))),
    "hardshrink": lambda s: np.where(np.abs(s) > 0.5, s, 0),
    "sigmoid": lambda s: 1 / (1 + np.exp(-s)),
    "tanh": lambda s: (np.exp(s) - np.exp(-s)) / (np.exp(s) + np.exp(-s)),
    "identity": lambda s: s,
    "maxout": lambda s: s,
}
KINKS = {"relu": 0.0, "leaky_relu": 0.0, "elu": 0.0, "selu": 0.0, "hardshrink": 0.5}


def by_hand(case, params, X, y, reg, ratio):
    """Return the training loss of one net, and how far it is from a kink."""
    activation, normalization, loss, *_ = case
    x, kinks, drawn = X, [1.0], draw_dropout(SEED, 0, [(SAMPLES, units) for units in SIZES[1:-1]])
    for i, draws in enumerate(drawn, 1):
        w, b = params[f"W{i}"], params[f"b{i}"]
        if activation == "maxout":
            first, second = x @ w[0] + b[0], x @ w[1] + b[1]
            s = np.where(first > second, first, second)
            kinks.append(np.abs(first - second).min())
        else:
            s = x @ w + b
        if normalization is not None:
            over = {"axis": 0 if normalization == "batchnorm" else 1, "keepdims": True}
            s = (s - s.mean(**over)) / np.sqrt(s.var(**over) + 1e-5)
            s = params[f"gamma{i}"] * s + params[f"beta{i}"]
        if activation in KINKS:
            kinks.append(np.abs(np.abs(s) - KINKS[activation]).min())
        x = ACTIVATIONS[activation](s) * (draws < round(65536 * ratio) - 32768) / ratio
    s = x @ params["W3"] + params["b3"]
    if loss == "squared":
        losses = ((s - y) ** 2).sum(axis=1)
    else:
        own = s[np.arange(SAMPLES), y]
        losses = np.log(np.exp(s).sum(axis=1)) - own
    if loss == "svm":
        margins = s - own[:, None] + 1
        margins[np.arange(SAMPLES), y] = -1
        losses = np.maximum(margins, 0).sum(axis=1)
        kinks.append(np.abs(margins).min())
    squares = sum((params[f"W{i}"] ** 2).sum() for i in (1, 2, 3))
    return losses.mean() + 0.5 * reg * squares, min(kinks)


def of_member(value, k):
    return value[k] if isinstance(value, list) else value


def net_of(case, device="cpu"):
    activation, normalization, loss, reg, ratio, members, _ = case
    return FullyConnectedNet(
        *(SIZES[1:-1], SIZES[0], SIZES[-1]),
        activation=activation,
        normalization=normalization,
        dropout_keep_ratio=ratio,
        reg=reg,
        loss=loss,
        members=members,
        dtype="float64",
        device=device,
        seed=SEED,
    )


@cache
def known(number):
    """Return parameters, a batch, the losses, and their numeric gradients, all on the host."""
    case = CASES[number]
    *_, loss, reg, ratio, members, shared = case
    rng = np.random.default_rng(number)
    shapes = {name: w.shape for name, w in net_of(case).params.items()}
    lead, batch = (members or 1,), (1,) if shared else (members,)
    while True:
        params = {
            name: rng.standard_normal(shape if members else (1, *shape))
            for name, shape in shapes.items()
        }
        X = rng.standard_normal((*batch, SAMPLES, SIZES[0]))
        y = rng.integers(SIZES[-1], size=(*batch, SAMPLES))
        y = rng.standard_normal((*batch, SAMPLES, SIZES[-1])) if loss == "squared" else y

        def loss_of(k, own, X=X, y=y):
            at = 0 if shared else k
            return by_hand(case, own, X[at], y[at], of_member(reg, k), of_member(ratio, k))

        solos = [{name: w[k] for name, w in params.items()} for k in range(*lead)]
        if min(loss_of(k, own)[1] for k, own in enumerate(solos)) > 1e-3:
            break
    losses = np.asarray([loss_of(k, own)[0] for k, own in enumerate(solos)])
    gradients = {name: np.empty_like(w) for name, w in params.items()}
    for k, own in enumerate(solos):
        for name, w in own.items():
            for index in np.ndindex(w.shape):
                ends = []
                for step in (1e-5, -1e-5):
                    changed = w.copy()
                    changed[index] += step
                    ends.append(loss_of(k, {**own, name: changed})[0])
                gradients[name][(k, *index)] = (ends[0] - ends[1]) / 2e-5
    if members is None:
        losses = losses[0]
        params, gradients = ({n: w[0] for n, w in part.items()} for part in (params, gradients))
    return params, X[0] if shared else X, y[0] if shared else y, losses, gradients


def name_of(number):
    activation, normalization, loss, _, _, members, _ = CASES[number]
    return f"{activation}-{normalization}-{loss}-{members or 1}"


@pytest.mark.parametrize("number", range(len(CASES)), ids=name_of)
def test_gradients_are_numeric_gradients(backend64, jitted, number):
    params, X, y, losses, gradients = known(number)
    net = net_of(CASES[number], backend64.text)
    net.params = {name: backend64.asarray(w) for name, w in params.items()}
    net.state = {name: backend64.asarray(w) for name, w in net.state.items()}
    terms = net.constants() | {n: backend64.asarray(d) for n, d in net.draws(0, SAMPLES).items()}
    arrays = {name: term for name, term in terms.items() if hasattr(term, "shape")}
    fixed = {name: term for name, term in terms.items() if name not in arrays}

    def pure(variables, x, y, arrays):
        return net.loss_and_gradients(variables, x, y, {**fixed, **arrays}, backend64.xp)

    variables = Variables(net.params, net.state)
    found = [jitted(pure)(variables, backend64.asarray(X), backend64.asarray(y), arrays)[:2]]
    if backend64.name != "jax" or number == 2:  # JAX compiles each operation by itself here
        found.append(net.loss(X, y))
    for loss, grads in found:
        assert list(grads) == list(params) or backend64.name == "jax"  # jit sorts by name
        np.testing.assert_allclose(backend64.to_numpy(loss), losses, rtol=1e-12)
        for name, numeric in gradients.items():
            np.testing.assert_allclose(
                backend64.to_numpy(grads[name]), numeric, rtol=1e-7, atol=1e-8, err_msg=name
            )


@pytest.mark.parametrize("activation", ["tanh", "elu"])
def test_differences_of_the_nets_own_loss(numeric_gradient, activation, rng):
    """The loss draws other masks at each call, unless the number of the draw is set back."""
    net = FullyConnectedNet(
        *([5, 4], 6, 3),
        activation=activation,
        normalization="batchnorm",
        dropout_keep_ratio=0.7,
        reg=0.1,
        dtype="float64",
    )
    X, y = rng.standard_normal((8, 6)), rng.integers(3, size=8)

    def loss(name, changed):
        kept, net.params = net.params, {**net.params, name: changed}
        net.num_draws = 3
        result = net.loss(X, y)
        net.params = kept
        return result

    _, grads = loss("W1", net.params["W1"])
    for name, w in net.params.items():
        numeric = numeric_gradient(lambda a, name=name: loss(name, a)[0], w)
        np.testing.assert_allclose(grads[name], numeric, rtol=1e-7, atol=1e-9)
