"""Regression: the same nets and Solver on real targets."""

import re

import numpy as np
import pytest

import xpnet
from xpnet import DivergenceWarning, InputError, Solver
from xpnet.data import Dataset, load
from xpnet.metrics import Accuracy, RSquared
from xpnet.nets import FullyConnectedNet

N, D, B = 60, 5, 8


@pytest.fixture
def smooth():
    """A smooth function of two inputs, with a little noise."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (600, 2)).astype(np.float32)
    y = np.sin(X[:, 0]) * X[:, 1] + 0.05 * rng.standard_normal(600)
    return {"X_train": X[:500], "y_train": y[:500], "X_val": X[500:], "y_val": y[500:]}


def linear(outputs=None, seed=5):
    """Return targets that hang together with the inputs, (N,) or (N, outputs)."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N + 30, D))
    y = X @ rng.standard_normal((D, outputs or 1)) + 0.1 * rng.standard_normal((N + 30, 1))
    y = y if outputs else y[:, 0]
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def make_net(outputs=1, hidden=(6,), **options):
    settings = {"loss": "squared", "dtype": "float64", **options}
    return FullyConnectedNet(hidden, D, outputs, **settings)


def make(net, data, **options):
    # few boundaries, as JAX compiles a stretch of each length
    settings = {"batch_size": B, "num_epochs": 3, "verbose": False, "print_every": 1000}
    return Solver(net, data, **{**settings, **options})


def trained(net, data, **options):
    solver = make(net, data, **options)
    solver.train()
    return solver


# -- what it learns ------------------------------------------------------------------------------


def test_a_smooth_function_is_learnt(backend, smooth):
    net = FullyConnectedNet([32, 32], 2, 1, loss="squared", device=backend.text)
    solver = Solver(
        net,
        smooth,
        update_rule="adam",
        optim_config={"learning_rate": 2e-2},
        batch_size=50,
        num_epochs=10,
        preprocess="mean",
        lr_schedule="cosine",
        print_every=1000,
        verbose=False,
    )
    solver.train()
    assert solver.best_val_acc > 0.9
    assert solver.val_acc_history[0] < 0.5


@pytest.mark.parametrize("shape", [None, 1, 4])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_pytorch_takes_the_same_steps(shape, rule):
    torch = pytest.importorskip("torch")
    data = linear(shape)
    net = make_net(shape or 1, reg=0.1)
    w = {n: torch.tensor(x.copy(), requires_grad=True) for n, x in net.params.items()}
    optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[rule](w.values(), lr=0.02)
    losses = []
    for epoch in range(3):
        for row in xpnet.data.batches.epoch_rows(N, B, [0], epoch, "shuffle"):
            x, y = torch.tensor(data["X_train"][row]), torch.tensor(data["y_train"][row])
            found = torch.relu(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]
            loss = ((found - y.reshape(B, -1)) ** 2).sum(dim=1).mean()
            loss = loss + 0.05 * ((w["W1"] ** 2).sum() + (w["W2"] ** 2).sum())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    solver = trained(net, data, update_rule=rule, optim_config={"learning_rate": 0.02})
    np.testing.assert_allclose(solver.loss_history, losses, rtol=1e-9)


def test_a_linear_net_finds_the_least_squares():
    """Full batches without hidden layers end at the solution of the normal equations."""
    data = linear(2)
    net = make_net(2, hidden=())
    config = {"learning_rate": 0.2}
    trained(net, data, batch_size=N, num_epochs=400, optim_config=config, print_every=400)
    ones = np.ones((N, 1))
    known, *_ = np.linalg.lstsq(np.hstack([data["X_train"], ones]), data["y_train"], rcond=None)
    loss = lambda w, b: ((data["X_train"] @ w + b - data["y_train"]) ** 2).sum(axis=1).mean()  # noqa: E731
    best = loss(known[:-1], known[-1])
    last = trained(make_net(2, hidden=()), data, batch_size=N, num_epochs=400, optim_config=config)
    assert last.loss_history[-1] == pytest.approx(best, rel=1e-9)
    scores = trained(net, data, num_epochs=1, optim_config={"learning_rate": 1e-9})
    assert scores.best_val_acc > 0.99


# -- the score -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "members"), [(None, None), (1, 3), (4, None), (None, 3)])
def test_scores_and_predictions(backend, shape, members):
    r2_score = pytest.importorskip("sklearn.metrics").r2_score
    data = linear(shape)
    net = make_net(shape or 1, dtype="float32", device=backend.text, members=members)
    solver = trained(net, data, preprocess="mean", num_epochs=1)
    found = solver.predict(data["X_val"])
    stack = () if members is None else (members,)
    assert found.shape == (*stack, 30, *(() if shape is None else (shape,)))
    assert found.dtype == np.float32
    accuracy = solver.check_accuracy(data["X_val"], data["y_val"])
    if members is None:
        assert accuracy == pytest.approx(r2_score(data["y_val"], found), rel=1e-4)
        assert accuracy == pytest.approx(solver.best_val_acc, rel=1e-5)
        assert isinstance(accuracy, float)
    else:
        expected = [r2_score(data["y_val"], one) for one in found]
        np.testing.assert_allclose(accuracy, expected, rtol=1e-4)
        np.testing.assert_allclose(accuracy, solver.best_val_acc, rtol=1e-5)


def test_the_score_does_not_depend_on_the_batches():
    data = linear(3)
    solver = trained(make_net(3), data)
    values = [
        solver.check_accuracy(data["X_train"], data["y_train"], batch_size=size)
        for size in (1, 7, N, 1000)
    ]
    np.testing.assert_allclose(values, values[0], rtol=1e-13)
    some = solver.check_accuracy(data["X_train"], data["y_train"], num_samples=20)
    assert some != values[0]
    assert some < 1


def test_validation_beyond_a_batch_is_the_whole():
    """The Solver checks itself in batches of 250."""
    data = linear(2)
    long = {
        **data,
        "X_val": np.tile(data["X_val"], (21, 1)),
        "y_val": np.tile(data["y_val"], (21, 1)),
    }
    runs = [trained(make_net(2), one) for one in (data, long)]
    np.testing.assert_allclose(runs[0].val_acc_history, runs[1].val_acc_history, rtol=1e-12)
    np.testing.assert_allclose(runs[0].val_loss_history, runs[1].val_loss_history, rtol=1e-12)


def test_scores_of_some_samples_are_against_the_mean_of_these():
    r2_score = pytest.importorskip("sklearn.metrics").r2_score
    data = linear()
    solver = trained(make_net(), data, num_val_samples=12, num_train_samples=15, num_epochs=1)
    rows = xpnet.data.batches.sample_rows(30, 12, 0)
    expected = r2_score(data["y_val"][rows], solver.predict(data["X_val"][rows]))
    assert solver.best_val_acc == pytest.approx(expected, rel=1e-9)


def test_a_large_mean_of_the_targets_is_no_error_of_the_score():
    r2_score = pytest.importorskip("sklearn.metrics").r2_score
    data = linear()
    far = {n: x + 1000.0 if n[0] == "y" else x for n, x in data.items()}
    solver = trained(make_net(dtype="float32"), far, optim_config={"learning_rate": 1e-6})
    expected = r2_score(far["y_val"], solver.predict(far["X_val"]))
    assert solver.best_val_acc == pytest.approx(expected, rel=1e-4)
    assert expected < 0


def test_constant_targets_score_no_infinity():
    data = {**linear(), "y_val": np.full(30, 0.1)}
    solver = trained(make_net(), data)
    assert solver.val_acc_history == [0.0] * 4


# -- stacks, backends, options -------------------------------------------------------------------


@pytest.mark.parametrize("shape", [None, 3])
@pytest.mark.parametrize("seeds", [0, [4, 5, 6]], ids=["one seed", "three seeds"])
def test_a_stack_is_its_members_bit_for_bit(shape, seeds):
    data, rates = linear(shape), [0.05, 0.01, 0.002]
    net = make_net(shape or 1, members=3, dtype="float32", seed=[1, 2, 3])
    common = {"num_epochs": 6, "patience": 2, "preprocess": "mean"}
    stack = trained(net, data, seed=seeds, optim_config={"learning_rate": rates}, **common)
    assert isinstance(stack.metric, RSquared)
    for k, rate in enumerate(rates):
        alone = make_net(shape or 1, dtype="float32", seed=k + 1)
        config = {"learning_rate": rate}
        seed = seeds if seeds == 0 else seeds[k]
        solo = trained(alone, data, seed=seed, optim_config=config, **common)
        losses = np.asarray(stack.loss_history)[: solo.step, k]
        np.testing.assert_array_equal(losses, solo.loss_history)
        np.testing.assert_allclose(stack.best_val_acc[k], solo.best_val_acc, rtol=1e-12)
        for name, w in alone.params.items():
            np.testing.assert_array_equal(net.params[name][k], w)


@pytest.mark.parametrize(("shape", "members"), [(None, 2), (3, 2), (None, None)])
def test_every_backend_takes_the_same_steps(backend, shape, members):
    data = linear(shape)
    options = {"seed": [1, 2] if members else 1, "clip_norm": 5.0}
    nets = [make_net(shape or 1, members=members, dtype="float32") for _ in range(2)]
    nets[1].params = {name: backend.asarray(w) for name, w in nets[1].params.items()}
    known, found = (trained(net, data, **options) for net in nets)
    np.testing.assert_allclose(found.loss_history, known.loss_history, rtol=1e-4)
    np.testing.assert_allclose(found.val_acc_history, known.val_acc_history, rtol=1e-3, atol=1e-4)


def own_sgd(w, dw, config=None):
    return w - config["learning_rate"] * dw, config


@pytest.mark.parametrize("shape", [None, 1, 3])
@pytest.mark.parametrize("members", [None, 2])
def test_a_rule_of_others_takes_the_same_steps(shape, members):
    data = linear(shape)
    config = {"optim_config": {"learning_rate": 0.02}, "seed": [1, 2] if members else 1}
    nets = [make_net(shape or 1, members=members) for _ in range(2)]
    ours = trained(nets[0], data, **config)
    theirs = trained(nets[1], data, update_rule=own_sgd, **config)
    np.testing.assert_allclose(theirs.loss_history, ours.loss_history, rtol=1e-10)
    np.testing.assert_allclose(theirs.val_acc_history, ours.val_acc_history, rtol=1e-10)


def test_a_stack_under_a_rule_of_others_takes_pictures_in_rows_of_its_own():
    data = linear(3)
    shaped = {n: x.reshape(-1, 1, D) if n[0] == "X" else x for n, x in data.items()}
    runs = [
        trained(
            make_net(3, members=2),
            one,
            update_rule=own_sgd,
            seed=[1, 2],
            optim_config={"learning_rate": 0.02},
            preprocess="mean",
        )
        for one in (data, shaped)
    ]
    np.testing.assert_array_equal(runs[0].loss_history, runs[1].loss_history)


class ForeignModel:
    """Somebody else's linear regression."""

    def __init__(self, outputs):
        self.params = {"W": np.zeros((D, outputs))}

    def loss(self, X, y=None):
        scores = X @ self.params["W"]
        if y is None:
            return scores
        difference = scores - y.reshape(scores.shape)
        return float((difference**2).sum(axis=1).mean()), {"W": 2 * X.T @ difference / len(X)}


@pytest.mark.parametrize("shape", [None, 1, 3])
def test_a_foreign_model_is_scored_by_r_squared(shape):
    r2_score = pytest.importorskip("sklearn.metrics").r2_score
    data = linear(shape)
    solver = trained(ForeignModel(shape or 1), data, optim_config={"learning_rate": 0.05})
    found = solver.predict(data["X_val"])
    assert found.shape == data["y_val"].shape
    assert solver.best_val_acc == pytest.approx(r2_score(data["y_val"], found), rel=1e-12)
    assert solver.best_val_acc > 0.9


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", ">f8", np.longdouble])
@pytest.mark.parametrize("device", ["cpu", "torch:cpu"])
def test_targets_of_every_floating_type(device, dtype):
    if device != "cpu":
        pytest.importorskip("torch")
    data = linear(2)
    typed = {n: x.astype(dtype) if n[0] == "y" else x for n, x in data.items()}
    solver = trained(make_net(2, dtype="float32", device=device), typed, num_epochs=1)
    known = trained(make_net(2, dtype="float32"), data, num_epochs=1)
    np.testing.assert_allclose(solver.loss_history, known.loss_history, rtol=2e-3)


def test_lists_and_other_libraries_are_taken(backend):
    data = linear()
    known = trained(make_net(dtype="float32"), data, num_epochs=1)
    given = {n: backend.asarray(x.astype(np.float32)) for n, x in data.items()}
    found = trained(make_net(dtype="float32"), given, num_epochs=1)
    np.testing.assert_allclose(found.loss_history, known.loss_history, rtol=1e-5)
    lists = {n: x.tolist() for n, x in data.items()}
    listed = trained(make_net(dtype="float32"), lists, num_epochs=1)
    assert listed.loss_history == known.loss_history


def test_the_callers_targets_are_not_written():
    data = linear(2)
    before = {n: x.copy() for n, x in data.items()}
    trained(make_net(2), data)
    for name, x in data.items():
        np.testing.assert_array_equal(x, before[name])


# -- from a file, and what is said ---------------------------------------------------------------


def test_from_a_file_to_a_score(tmp_path):
    parts = linear()
    X, y = (np.concatenate([parts[f"{k}_train"], parts[f"{k}_val"]]) for k in "Xy")
    np.savez(tmp_path / "mine.npz", X=X, y=y)
    data = load(str(tmp_path / "mine.npz"))
    net = FullyConnectedNet([6], data.input_dim, data.num_classes, loss="squared")
    config = {"learning_rate": 0.03}
    solver = trained(net, data, num_epochs=30, update_rule="adam", optim_config=config)
    assert solver.num_classes == 1
    assert solver.check_accuracy(data.X_test, data.y_test) > 0.9


def test_a_data_set_of_real_targets_is_taken():
    data = linear(2)
    whole = Dataset(
        "mine", **data, X_test=None, y_test=None, class_names=(), picture_shape=None, source="here"
    )
    assert trained(make_net(2), whole).loss_history == trained(make_net(2), data).loss_history


def test_the_lines_say_r2(capsys):
    trained(make_net(), linear(), verbose=True)
    out = capsys.readouterr().out
    assert re.search(r"\(Epoch 3 / 3\) train R2: -?\d+\.\d{6}; val_R2: -?\d+\.\d{6}\n", out)
    assert "acc" not in out


def test_the_metric_is_that_of_the_targets():
    solver = make(make_net(), linear())
    assert solver.metric.name == "R squared"
    labels = {n: (x > 0).astype(int) if n[0] == "y" else x for n, x in linear().items()}
    assert isinstance(make(make_net(2, loss="softmax"), labels).metric, Accuracy)


def test_a_divergence_says_that_targets_are_large():
    data = {n: 1e4 * x if n[0] == "y" else x for n, x in linear().items()}
    config = {"learning_rate": 1.0}
    with pytest.warns(
        DivergenceWarning, match=r"scale the targets, which are as large as \d\.\de\+04"
    ):
        trained(make_net(dtype="float32"), data, optim_config=config)
    with pytest.warns(DivergenceWarning) as caught:
        trained(make_net(dtype="float32"), linear(), optim_config=config)
    assert "targets" not in str(caught[0].message)


# -- bad input -----------------------------------------------------------------------------------

L = {n: (x > 0).astype(np.int64) if n[0] == "y" else x for n, x in linear().items()}
R, R3 = linear(), linear(3)
BAD = {
    "labels for squared": (
        make_net(),
        L,
        r"the net has the squared loss, so that y_train.*got int64: .*y_train.astype\(numpy.float32"
        r"\), or make the net with loss='softmax'",
    ),
    "targets for softmax": (
        make_net(2, loss="softmax"),
        R,
        r"a loss of class labels, so that y_train.*got float64: .*astype\(numpy.int64\).*'squared'",
    ),
    "targets for svm": (make_net(2, loss="svm"), R, "a loss of class labels"),
    "outputs": (
        make_net(2),
        R3,
        "y_train has 3 real targets a sample, but the model gives 2 scores: .*num_classes=3",
    ),
    "one output": (make_net(2), R, "y_train has 1 real target a sample.*2 scores.*num_classes=1"),
    "float labels of a foreign model": (
        ForeignModel(3),
        {n: (x > 0) * 1.0 if n[0] == "y" else x for n, x in R.items()},
        r"y_train has 1 real target a sample.*3 scores.*y_train.astype\(numpy.int64\)",
    ),
    "val of labels": (
        make_net(),
        {**R, "y_val": L["y_val"]},
        r"y_val must hold real targets, as y_train does; got int64: .*y_val.astype\(numpy.float32",
    ),
    "train of labels": (
        make_net(2, loss="softmax"),
        {**L, "y_val": R["y_val"]},
        "y_val must hold integer labels; got dtype float64",
    ),
    "val of another shape": (
        make_net(),
        {**R, "y_val": R["y_val"][:, None]},
        r"y_train and y_val must hold targets of one shape; got \(N\) and \(N, 1\)",
    ),
    "too few": (make_net(), {**R, "y_train": R["y_train"][:-1]}, r"y_train has shape \(59,\)"),
    "three axes": (make_net(3), {**R3, "y_train": R3["y_train"][..., None]}, r"\(60, 3, 1\)"),
    "NaN": (make_net(), {**R, "y_val": np.full(30, np.nan)}, "y_val holds nan in row 0"),
    "beyond float32": (
        make_net(dtype="float32"),
        {**R, "y_train": 1e39 * R["y_train"]},
        r"y_train holds numbers beyond 3.4e\+38, the largest of float32",
    ),
    "complex": (make_net(), {**R, "y_train": R["y_train"] * 1j}, "y_train.*complex128"),
    "text": (make_net(), {**R, "y_train": R["y_train"].astype(str)}, "y_train.*<U"),
}


@pytest.mark.parametrize("case", BAD)
def test_data_that_does_not_fit_is_refused(case):
    net, data, message = BAD[case]
    with pytest.raises(InputError, match=message) as caught:
        make(net, data)
    assert "\n" not in str(caught.value)


def test_the_score_asks_for_targets_like_those_of_the_training():
    solver = make(make_net(3), R3)
    for y, message in (
        (L["y_val"], "y must hold real targets"),
        (R["y_val"], r"y_train and y must hold targets of one shape; got \(N, 3\) and \(N\)"),
        (R3["y_val"][:5], r"y has shape \(5, 3\) but its X has 30 rows"),
    ):
        with pytest.raises(InputError, match=message):
            solver.check_accuracy(R["X_val"], y)
