"""Class weights, sample weights and label smoothing in the Solver."""

import math

import numpy as np
import pytest

import xpnet
from xpnet import InputError, Solver, TwoLayerNet
from xpnet.nets import FullyConnectedNet
from xpnet.weighting import check_sample_weights, loss_terms

N, D, C, B = 60, 7, 3, 8
LOSSES = ["softmax", "svm", "squared"]


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((N + 20, D)), rng.integers(C, size=N + 20)
    y[:30] = 0  # classes of different size
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


@pytest.fixture
def real_data(data):
    rng = np.random.default_rng(6)
    targets = {n: rng.standard_normal((len(x), C)) for n, x in data.items() if n[0] == "y"}
    return {**data, **targets}


def make_net(loss="softmax", **options):
    settings = {"dtype": "float64", "reg": 0.1, "loss": loss}
    return FullyConnectedNet([5], D, C, **{**settings, **options})


def trained(data, net, **options):
    settings = {"batch_size": B, "num_epochs": 2, "verbose": False, "print_every": 1000}
    solver = Solver(net, data, **{**settings, **options})
    solver.train()
    return solver


# -- one full batch is what the definition says --------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", ["sample", "class", "both"])
def test_whole_weights_are_repeated_rows(data, real_data, rng, loss, kind):
    if loss == "squared" and kind != "sample":
        pytest.skip("there are no classes")
    given = real_data if loss == "squared" else data
    times = np.ones(N, dtype=int)
    options = {}
    if kind != "class":
        options["sample_weights"] = rng.integers(0, 4, N)
        times *= options["sample_weights"]
    if kind != "sample":
        options["class_weights"] = [1, 3, 2]
        times *= np.asarray([1, 3, 2])[data["y_train"]]
    repeated = {n: np.repeat(x, times, axis=0) if "train" in n else x for n, x in given.items()}
    weighted, plain = make_net(loss), make_net(loss)
    common = {"num_epochs": 3, "num_train_samples": None, "optim_config": {"learning_rate": 0.3}}
    found = trained(given, weighted, batch_size=N, **options, **common)
    known = trained(repeated, plain, batch_size=int(times.sum()), **common)
    np.testing.assert_allclose(found.loss_history, known.loss_history, rtol=1e-12)
    np.testing.assert_allclose(found.val_loss_history, known.val_loss_history, rtol=1e-12)
    for name, w in plain.params.items():
        np.testing.assert_allclose(weighted.params[name], w, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("loss", ["softmax", "svm"])
def test_balanced_weights_are_scikit_learns(data, loss):
    weigh = pytest.importorskip("sklearn.utils.class_weight").compute_class_weight
    expected = weigh("balanced", classes=np.arange(C), y=data["y_train"])
    terms = loss_terms(make_net(loss), data["y_train"], C, "balanced", 0.0)
    np.testing.assert_allclose(terms["class_weights"], expected, rtol=1e-15)
    balanced = trained(data, make_net(loss), class_weights="balanced")
    given = trained(data, make_net(loss), class_weights=expected)
    np.testing.assert_allclose(balanced.loss_history, given.loss_history, rtol=1e-13)


def test_balanced_weights_leave_out_a_class_without_samples(data):
    y = np.where(data["y_train"] == 1, 0, data["y_train"])
    solver = trained({**data, "y_train": y}, make_net(), class_weights="balanced")
    assert np.isfinite(solver.loss_history).all()


@pytest.mark.parametrize("smoothing", [0.1, np.float32(0.25)])
def test_the_smoothed_loss_is_pytorchs(data, smoothing):
    torch = pytest.importorskip("torch")
    net = make_net()
    w = {n: torch.tensor(x.copy(), requires_grad=True) for n, x in net.params.items()}
    losses = []
    for epoch in range(2):
        for row in xpnet.data.batches.epoch_rows(N, B, [0], epoch, "shuffle"):
            x, y = torch.tensor(data["X_train"][row]), torch.tensor(data["y_train"][row])
            scores = torch.relu(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]
            loss = torch.nn.functional.cross_entropy(scores, y, label_smoothing=float(smoothing))
            loss = loss + 0.05 * ((w["W1"] ** 2).sum() + (w["W2"] ** 2).sum())
            grads = torch.autograd.grad(loss, list(w.values()))
            with torch.no_grad():
                for tensor, g in zip(w.values(), grads, strict=True):
                    tensor.sub_(0.3 * g)
            losses.append(loss.item())
    options = {"label_smoothing": smoothing, "optim_config": {"learning_rate": 0.3}}
    solver = trained(data, net, **options)
    np.testing.assert_allclose(solver.loss_history, losses, rtol=1e-12)


def test_the_validation_loss_has_no_weights_and_no_smoothing(data):
    options = {"class_weights": [1, 5, 0.1], "label_smoothing": 0.2, "sample_weights": range(N)}
    net = make_net()
    solver = trained(data, net, num_epochs=1, **options)
    net.params = solver.best_params
    loss, _ = net.loss(data["X_val"], data["y_val"])
    checks = zip(solver.val_acc_history, solver.val_loss_history, strict=True)
    _, best = max(checks, key=lambda check: (check[0], -check[1]))
    assert best == pytest.approx(float(loss), rel=1e-12)


def test_weights_follow_their_rows_through_the_shuffle(data):
    """A sample without weight is never learnt from, wherever it comes."""
    weights = np.ones(N)
    weights[::3] = 0
    spoilt = {**data, "X_train": data["X_train"].copy(), "y_train": data["y_train"].copy()}
    spoilt["X_train"][::3] = 1e3
    spoilt["y_train"][::3] = 2
    options = {"num_train_samples": None, "sample_weights": weights}
    runs = [trained(one, make_net(), **options) for one in (data, spoilt)]
    assert runs[0].loss_history == runs[1].loss_history


# -- bits ----------------------------------------------------------------------------------------


def test_equal_weights_change_no_bit(data):
    plain = trained(data, make_net(dtype="float32"))
    for factor in (1.0, 2.0**-40, 2.0**90, 2.0**1000):
        options = {"sample_weights": np.full(N, factor), "class_weights": [factor] * C}
        found = trained(data, make_net(dtype="float32"), **options)
        np.testing.assert_allclose(found.loss_history, plain.loss_history, rtol=1e-6)


def test_a_factor_that_float32_does_not_have_does_not_matter(data):
    """Importance weights are often exponentials."""
    weights = np.random.default_rng(0).random(N)
    common = {"dtype": "float32"}
    plain = trained(data, make_net(**common), sample_weights=weights)
    for power in (-300, 100, 300):
        scaled = trained(data, make_net(**common), sample_weights=np.ldexp(weights, power))
        assert scaled.loss_history == plain.loss_history


@pytest.mark.parametrize("seeds", [0, [4, 5, 6]], ids=["one seed", "three seeds"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_stack_is_its_members_bit_for_bit(data, real_data, rng, loss, seeds):
    given = real_data if loss == "squared" else data
    options = {"sample_weights": rng.random(N)}
    options |= {} if loss == "squared" else {"class_weights": [1.0, 2.0, 0.5]}
    options |= {"label_smoothing": 0.1} if loss == "softmax" else {}
    net = make_net(loss, members=3, dtype="float32", seed=[1, 2, 3])
    stack = trained(given, net, seed=seeds, **options)
    for k in range(3):
        alone = make_net(loss, dtype="float32", seed=k + 1)
        solo = trained(given, alone, seed=seeds if seeds == 0 else seeds[k], **options)
        np.testing.assert_array_equal(np.asarray(stack.loss_history)[:, k], solo.loss_history)
        for name, w in alone.params.items():
            np.testing.assert_array_equal(net.params[name][k], w)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("members", [None, 2])
def test_every_backend_takes_the_same_steps(backend, data, real_data, rng, loss, members):
    given = real_data if loss == "squared" else data
    options = {"sample_weights": rng.random(N), "seed": [1, 2] if members else 1}
    options |= {} if loss == "squared" else {"class_weights": "balanced"}
    options |= {"label_smoothing": 0.1} if loss == "softmax" else {}
    nets = [make_net(loss, members=members, dtype="float32") for _ in range(2)]
    nets[1].params = {name: backend.asarray(w) for name, w in nets[1].params.items()}
    known, found = (trained(given, net, num_epochs=1, **options) for net in nets)
    np.testing.assert_allclose(found.loss_history, known.loss_history, rtol=2e-5)


def test_an_array_of_the_nets_library_is_taken(backend, data):
    net = make_net(device=backend.text, dtype="float32")
    weights = {
        "sample_weights": backend.asarray(np.ones(N, dtype=np.float32)),
        "class_weights": backend.asarray(np.ones(C, dtype=np.float32)),
    }
    assert np.isfinite(trained(data, net, num_epochs=1, **weights).loss_history).all()


# -- refusals ------------------------------------------------------------------------------------

BAD = {
    "too few": ({"sample_weights": [1.0, 2.0]}, r"each row of X_train, shape \(60,\).*\(2,\)"),
    "a column": ({"sample_weights": np.ones((N, 1))}, r"shape \(60,\); got shape \(60, 1\)"),
    "one number": ({"sample_weights": 1.0}, r"shape \(60,\); got shape \(\)"),
    "text": ({"sample_weights": "balanced"}, "sample_weights must be 60 numbers; got 'balanced'"),
    "long text": (
        {"sample_weights": ["a"] * N},
        r"must be 60 numbers; got \['a', 'a', .*\.\.\.\]$",
    ),
    "flags": ({"sample_weights": [True] * N}, "must be 60 numbers"),
    "negative": ({"sample_weights": [1.0] * 59 + [-1.0]}, "must be 0 or positive; got -1.0 at 59"),
    "NaN": ({"sample_weights": [1.0, math.nan] * 30}, "must be 0 or positive; got nan at 1"),
    "infinite": ({"sample_weights": [math.inf] * N}, "got inf at 0"),
    "all zero": ({"sample_weights": np.zeros(N)}, "are all 0, so that nothing would be learnt"),
    "classes too few": (
        {"class_weights": [1, 2]},
        r"one number for each class, shape \(3,\).*\(2,\)",
    ),
    "class text": ({"class_weights": "inverse"}, "must be 'balanced' or 3 numbers; got 'inverse'"),
    "class dictionary": ({"class_weights": {0: 1.0}}, r"must be 3 numbers; got \{0: 1.0\}"),
    "class negative": ({"class_weights": [1, -2, 1]}, "got -2.0 at 1"),
    "class zero": ({"class_weights": [0, 0, 0]}, "class_weights are all 0"),
    "smoothing of 1": ({"label_smoothing": 1}, "from 0 up to, not including, 1; got 1"),
    "smoothing negative": ({"label_smoothing": -0.1}, "got -0.1"),
    "smoothing NaN": ({"label_smoothing": math.nan}, "got nan"),
    "smoothing text": ({"label_smoothing": "0.1"}, "got '0.1'"),
    "smoothing None": ({"label_smoothing": None}, "got None"),
    "smoothing truth": ({"label_smoothing": True}, "got True"),
    "smoothing array": ({"label_smoothing": np.ones(3)}, "label_smoothing must be a number"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_values_are_refused(data, case):
    options, message = BAD[case]
    with pytest.raises(InputError, match=message) as caught:
        Solver(make_net(), data, batch_size=B, **options)
    assert len(str(caught.value)) < 200


def test_classes_that_nobody_has_cannot_carry_all_the_weight(data):
    y = np.zeros(N, dtype=int)
    with pytest.raises(InputError, match="class_weights are 0 for every class in y_train"):
        Solver(make_net(), {**data, "y_train": y}, batch_size=B, class_weights=[0, 1, 1])


def test_smoothing_is_for_softmax(data, real_data):
    for loss, given in (("svm", data), ("squared", real_data)):
        with pytest.raises(InputError, match=f"for the softmax loss, and the net has {loss}"):
            Solver(make_net(loss), given, batch_size=B, label_smoothing=0.1)


@pytest.mark.parametrize("weights", ["balanced", [1, 1, 1]])
def test_class_weights_are_for_labels(real_data, weights):
    with pytest.raises(InputError, match="class_weights are for labels.*sample_weights"):
        Solver(make_net("squared"), real_data, batch_size=B, class_weights=weights)


class ForeignModel:
    def __init__(self):
        self.params = {"W": np.zeros((D, C))}

    def loss(self, X, y=None):
        return X @ self.params["W"] if y is None else (0.0, {"W": np.zeros((D, C))})


def own_rule(w, dw, config=None):
    return w, config


@pytest.mark.parametrize(
    "options",
    [
        {"sample_weights": np.ones(N)},
        {"class_weights": "balanced"},
        {"class_weights": [1, 2, 3]},
        {"label_smoothing": 0.1},
    ],
    ids=["sample", "balanced", "class", "smoothing"],
)
@pytest.mark.parametrize("foreign", ["model", "rule", "loss"])
def test_models_and_rules_of_others_take_none_of_them(data, options, foreign):
    net = ForeignModel() if foreign == "model" else TwoLayerNet(D, 5, C)
    if foreign == "loss":
        original = net.loss
        net.loss = lambda X, y=None: original(X, y)
    rule = own_rule if foreign == "rule" else "sgd"
    name = next(iter(options))
    with pytest.raises(InputError, match=f"{name} is for xpnet's own nets with its own update"):
        Solver(net, data, batch_size=B, update_rule=rule, **options)


@pytest.mark.parametrize("nothing", [{"label_smoothing": 0}, {"class_weights": None}])
def test_no_weights_are_no_option(data, nothing):
    Solver(ForeignModel(), data, batch_size=B, **nothing)
    assert check_sample_weights(None, N) is None
    assert loss_terms(None, data["y_train"], C, None, 0.0) == {}
