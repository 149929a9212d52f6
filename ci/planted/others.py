"""Development cases from data, nets and mistakes of other people's kind. They are in no score.

All were written down before any of them was diagnosed: 37 of 48 faults were named then, and 28 of
31 healthy runs left alone; the other three were of inputs that had been centred over all rows.
"""

from functools import partial

import numpy as np
import sklearn.datasets

from planted import changes as change, data
from planted.others_models import DeepNet, adagrad, lion, no_step, normalised_steps
from planted.run import Case, run

__all__ = ["OTHERS"]

S = {"preprocess": "standard"}
RATE = ("learning rate", "update ratio")
GRADIENT = ("gradient check",)


def measured(name, seed, num_val=None):
    """Return a data set of scikit-learn, dealt out; real targets have the deviation 1."""
    X, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(X))
    X, y = X[order], y[order]
    if name == "diabetes":
        X, y = X / X.std(), (y - y.mean()) / y.std()
    return data.parts(
        X, y.astype(np.float64 if name == "diabetes" else np.int64), num_val or len(X) // 5
    )


def made(seed, n=2000, d=30, c=5, informative=12, **options):
    """Return scikit-learn's classes, of several clusters each."""
    X, y = sklearn.datasets.make_classification(
        n, d, n_informative=informative, n_classes=c, random_state=seed, **options
    )
    return data.parts(X, y.astype(np.int64), n // 5)


def swiss(seed, n=1200):
    """Return a regression: how far along a rolled sheet."""
    X, t = sklearn.datasets.make_swiss_roll(n, noise=0.3, random_state=seed)
    rows = slice(n - n // 5)  # the training part
    X, t = (X - X[rows].mean(0)) / X[rows].std(0), (t - t[rows].mean()) / t[rows].std()
    return data.parts(X, t, n // 5)


def odd_even(seed):
    """Return the digits in two classes."""
    return change.labels(lambda y: y % 2)(data.digits(seed))


def shares(seed, of, n=1500, d=10, apart=1.0):
    """Return blobs with these shares of the classes."""
    rng = np.random.default_rng(seed)
    y = rng.choice(len(of), n, p=of)
    centres = rng.normal(size=(len(of), d)) * apart
    return data.parts(centres[y] + rng.normal(size=(n, d)), y, n // 5)


def sine2(seed, n=1500):
    """Return a smooth function of two features."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, size=(n, 2))
    return data.parts(X, np.sin(2 * X[:, 0]) * np.cos(X[:, 1]) + 0.05 * rng.normal(size=n), n // 5)


def float32(d):
    """Return the inputs in float32."""
    return {n: x.astype(np.float32) if n[0] == "X" else x for n, x in d.items()}


def own(name, made_data, sizes, rule, rate, *, loss="softmax", relu=False, fault="", **rest):
    """Return a run of a DeepNet."""
    one = run(name, made_data, (), rule, rate, **rest)
    return one.but(own_model=partial(DeepNet, sizes, loss, fault, relu))


HEALTHY = [
    run("iris", partial(measured, "iris", 1), (10,), "adam", 1e-2, num_epochs=60, batch_size=10, **S),
    run("wine", partial(measured, "wine", 2), (16,), "adam", 1e-2, num_epochs=40, batch_size=16, **S),
    run("breast cancer", partial(measured, "breast_cancer", 3), (30,), "sgd_momentum", 1e-2, num_epochs=30, batch_size=32, **S),
    run("breast cancer linear", partial(measured, "breast_cancer", 4), (), "sgd", 0.1, num_epochs=30, batch_size=32, **S),
    run("clusters bn dropout", partial(made, 7, 4000), (128, 64), "adam", 1e-3, num_epochs=20, batch_size=64, net={"normalization": "batchnorm", "dropout_keep_ratio": 0.8}),
    run("clusters wide net", partial(made, 8, 6000, 20, 3), (512,), "adam", 1e-3, num_epochs=15, batch_size=128),
    run("odd and even", partial(odd_even, 9), (50,), "rmsprop", 1e-3, num_epochs=20, preprocess="mean"),
    run("pyramid", partial(data.digits, 10), (256, 128, 64), "adam", 1e-3, num_epochs=20, **S, net={"dropout_keep_ratio": 0.5}),
    run("100 classes", partial(data.blobs, 11, 8000, 40, 100, 1.2), (128,), "adam", 2e-3, num_epochs=20, batch_size=100),
    run("70, 20 and 10 of 100", partial(shares, 12, (0.7, 0.2, 0.1)), (32,), "adam", 3e-3, num_epochs=20, batch_size=50),
    run("balanced 90/10", partial(shares, 13, (0.9, 0.1)), (16,), "adamw", 3e-3, num_epochs=20, batch_size=50, class_weights="balanced"),
    run("two-feature function, tanh", partial(sine2, 14), (40, 40), "adam", 3e-3, num_epochs=50, batch_size=50, net={"activation": "tanh"}),
    run("swiss roll", partial(swiss, 15), (64, 64), "adam", 3e-3, num_epochs=40, batch_size=32),
    run("ten layers bn", partial(data.digits, 16), (50,) * 10, "adam", 1e-3, num_epochs=20, **S, net={"normalization": "batchnorm"}),
    run("eight selu layers", partial(data.digits, 17), (64,) * 8, "adam", 5e-4, num_epochs=20, **S, net={"activation": "selu"}),
    run("full batches", partial(data.digits, 18), (80,), "adam", 1e-2, num_epochs=150, batch_size=1447, **S),
    run("momentum .95", partial(data.digits, 19), (80,), "sgd_momentum", 3e-3, num_epochs=30, **S, lr_schedule="cosine", net={"reg": 1e-3}).but(options={"optim_config": {"learning_rate": 3e-3, "momentum": 0.95}}),
    run("three epochs", partial(data.digits, 20), (100,), "adam", 5e-3, num_epochs=4, batch_size=25, **S),
    run("a little noise in the targets", partial(data.linear, 21, 1500, 8, 1, 1.5), (32,), "adam", 2e-3, num_epochs=15, batch_size=50, net={"reg": 0.03}),
    run("clip and smooth", partial(made, 22, 3000, 20, 4, 10), (64,), "nesterov_momentum", 2e-2, num_epochs=20, clip_norm=1.0, label_smoothing=0.1),
    run("digits float64 svm deep", partial(data.digits, 23), (60, 60), "adam", 1e-3, num_epochs=20, **S, net={"loss": "svm", "dtype": "float64"}),
    run("pictures of two axes", lambda: change.inputs(lambda x: x.reshape(-1, 8, 8) / 16.0)(data.digits(24)), (64,), "adam", 5e-3, num_epochs=25, preprocess="mean"),
    own("own three layers", lambda: float32(data.digits(25)), (64, 50, 30, 10), "adam", 2e-3, num_epochs=20, **S),
    own("own relu, adagrad", lambda: data.blobs(26, 1200, 10, 4), (10, 32, 4), adagrad, 0.1, num_epochs=20, batch_size=40, relu=True),
    own("own lion", lambda: float32(data.digits(27)), (64, 50, 10), lion, 3e-4, num_epochs=20, **S, relu=True),
    own("own binary loss", partial(data.moons, 28), (2, 24, 24, 2), "adam", 5e-3, num_epochs=40, batch_size=40, loss="binary"),
    own("own huber", partial(data.friedman, 29), (8, 48, 1), "adam", 4e-3, num_epochs=40, batch_size=50, loss="huber"),
    own("own half squares", partial(data.waves, 30), (1, 32, 32, 1), "sgd_momentum", 2e-2, num_epochs=80, batch_size=50, loss="half_squares"),
    own("own hinge", lambda: data.blobs(31, 1500, 12, 5), (12, 40, 5), "sgd", 2e-2, num_epochs=20, batch_size=50, loss="hinge", relu=True),
]  # fmt: skip

dig = run("digits relu 2", partial(data.digits, 40), (70, 40), "adam", 2e-3, num_epochs=20, **S)  # fmt: skip
mom = run("clusters momentum", partial(made, 41, 2500, 20, 4, 10), (64,), "sgd_momentum", 1e-2, num_epochs=20, batch_size=50, net={"reg": 1e-3})  # fmt: skip
wine = run("wine", partial(measured, "wine", 42), (16,), "adam", 1e-2, num_epochs=40, batch_size=16, **S)  # fmt: skip
canc = run("breast cancer", partial(measured, "breast_cancer", 43), (30,), "sgd_momentum", 1e-2, num_epochs=30, batch_size=32, **S)  # fmt: skip
diab = run("diabetes", partial(measured, "diabetes", 44), (32,), "adam", 1e-3, num_epochs=60, batch_size=32, net={"reg": 0.03})  # fmt: skip
sheet = run("swiss roll", partial(swiss, 45), (64, 64), "adam", 3e-3, num_epochs=40, batch_size=32)


def _next_class(d):
    """Take the next class for each training row."""
    return {**d, "y_train": (d["y_train"] + 1) % (d["y_train"].max() + 1)}


def _empty_rows(share, seed):
    """Let a share of the rows be zeros, as files that were not read."""
    rng = np.random.default_rng(seed)

    def empty(x):
        x = x.copy()
        x[rng.random(len(x)) < share] = 0.0
        return x

    return change.inputs(empty)


def _answer_inside(d):
    """Put the label among the features."""
    return {
        n: np.concatenate([x, d[f"y{n[1:]}"][:, None] * 1.0], axis=1) if n[0] == "X" else x
        for n, x in d.items()
    }


def _merge_classes(seed):
    """Deal the labels of two classes out at random among both."""
    rng = np.random.default_rng(seed)

    def merge(y):
        y = y.copy()
        rows = np.flatnonzero(y <= 1)
        y[rows] = rng.permutation(y[rows])
        return y

    return change.labels(merge)


def _spoilt(name, change_of):
    """Change one parameter of the model."""

    def spoil(model):
        model.params[name] = change_of(model.params[name])

    return spoil


def _weights_of_one_class(d_seed):
    y = data.digits(d_seed)["y_train"]
    return np.where(y == 3, 1.0, 1e-3)


FAULTS = [
    Case(diab, "centred over all rows, as it comes with scikit-learn", ("preprocessing",)),
    Case(dig.but(data=_next_class), "y_train one class on", ("label agreement",)),
    Case(mom.but(data=_merge_classes(1)), "two classes mixed up", ("label agreement",)),
    Case(wine.but(options={"preprocess": None}), "wine without scaling", ("input scale", "input centring")),
    Case(canc.but(options={"preprocess": "mean"}), "cancer without scaling", ("input scale",)),
    Case(canc.but(data=change.shuffled_labels(1.0, 2)), "labels of cancer shuffled", ("label agreement",)),
    Case(mom.but(data=change.shuffled_labels(0.4, 3)), "40% of clusters shuffled", ("label agreement",)),
    Case(dig.but(data=_empty_rows(0.3, 4)), "30% of the rows are empty", ("input values", "label agreement", "leak")),
    Case(mom.but(data=_answer_inside), "the label among the features", ("leak", "label leak", "target leak")),
    Case(diab.but(data=_answer_inside), "the target among the features", ("leak", "label leak", "target leak")),
    Case(diab.but(data=change.targets(lambda y: y * 77.0 + 152.0)), "diabetes' targets as they are", ("initial loss", "learning rate", "training result")),
    Case(sheet.but(data=change.targets(lambda y: y * 1e-4)), "targets of 1e-4", ("initial loss", "learning rate", "training result", "update ratio")),
    Case(sheet.but(data=change.val_inputs(lambda x: x[:, ::-1].copy())), "columns of validation turned", ("parts alike", "label agreement")),
    Case(dig.but(data=change.val_inputs(lambda x: np.random.default_rng(5).normal(size=x.shape) * 6 + 5)), "validation is noise", ("parts alike", "label agreement")),
    Case(dig.but(spoil=_spoilt("W2", lambda w: 0 * w)), "a layer of zeros", ("symmetry", "dead units", "gradients by layer", "activations by layer")),
    Case(dig.but(spoil=_spoilt("W1", np.abs)), "positive weights only", ("initial loss", "activations by layer", "dead units", "saturation")),
    Case(dig.but(spoil=_spoilt("W3", lambda w: w * np.float32(300.0))), "last layer times 300", ("initial loss",)),
    Case(dig.but(hidden=(70, 1, 40)), "a bottleneck of one", ("capacity", "training result", "overfit 20 samples")),
    Case(dig.but(net={"dropout_keep_ratio": 0.12}), "12% kept", ("dropout",)),
    Case(dig.but(options={"sample_weights": _weights_of_one_class(40)}), "one class weighs a thousand times", ("class balance",)),
    Case(mom.but(options={"optim_config": {"learning_rate": 1e-2, "momentum": 0.999}}), "momentum .999", (*RATE, "training result", "momentum")),
    Case(dig.but(options={"optim_config": {"learning_rate": 2e-3, "epsilon": 10.0}}), "epsilon 10", (*RATE, "training result")),
    Case(dig.but(options={"optim_config": {"learning_rate": 2e-3, "beta1": 0.9999}}), "beta1 .9999", (*RATE, "training result", "momentum")),
    Case(mom.but(rate=3000.0, net={"reg": 0.1}), "rate x3000, reg .1", RATE),
    Case(mom.but(rate=1e-3), "rate x.001", RATE),
    Case(dig.but(rate=50.0), "rate x50", RATE),
    Case(canc.but(rate=1e-4), "rate x.0001", RATE),
    Case(sheet.but(rate=100.0), "rate x100", RATE),
    Case(mom.but(net={"reg": 30.0}), "reg 30", ("regularisation strength",)),
    Case(sheet.but(net={"reg": 3.0}), "reg 3", ("regularisation strength",)),
    Case(dig.but(options={"lr_schedule": "warmup:1000"}), "a warm-up of 1000 epochs", ("learning-rate schedule", *RATE)),
    Case(dig.but(options={"clip_norm": 1e-7, "update_rule": "sgd", "optim_config": {"learning_rate": 0.05}}), "clipped to 1e-7", RATE),
    Case(dig.but(hidden=(40,) * 12, net={"activation": "tanh", "weight_scale": 0.01}), "12 tanh layers from .01", ("gradients by layer", "activations by layer")),
    Case(dig.but(net={"activation": "sigmoid"}, hidden=(40,) * 7, options={"update_rule": "sgd", "optim_config": {"learning_rate": 0.05}}), "7 sigmoid layers", ("gradients by layer",)),
    *(Case(own("own digits", lambda: float32(data.digits(46)), (64, 50, 30, 10), "adam", 2e-3, num_epochs=15, **S, fault=fault), f"own: {fault}", names) for fault, names in (
        ("slope_of_sigmoid", GRADIENT), ("inputs_for_hidden", GRADIENT), ("frozen_first", GRADIENT), ("gradient_of_first_sample", (*GRADIENT, "loss over samples")),
        ("ignores_labels", ("training result", "overfit 20 samples", "own loss", "loss over samples", "initial loss")),
        ("negated_scores", ("training result", "overfit 20 samples", "learning rate", "initial loss")),
        ("labels_of_first_half", ("loss over samples", *GRADIENT, "training result")),
        ("softmax_twice", ("initial loss", "loss over samples", "learning rate", "training result", "overfit 20 samples")),
        ("one_layer_zero", ("symmetry", "training result", *RATE)),
        ("temperature", ("initial loss", "training result", *RATE)),
        ("standardises_each_batch", ("loss over samples", "initial loss", "own scores")),
        ("dropout_in_test", ("loss over samples", "own scores")),
    )),
    Case(own("own regression", partial(data.friedman, 47), (8, 48, 1), "adam", 4e-3, num_epochs=40, batch_size=50, loss="half_squares", fault="broadcast"), "own: (n, 1) - (n,)", ("loss over samples", "training result", "overfit 20 samples", "initial loss")),
    Case(own("own rule", partial(data.blobs, 48), (10, 32, 4), no_step, 0.05, num_epochs=20, batch_size=40, relu=True), "a rule that does not step", ("learning rate", "update ratio")),
    Case(own("own rule", partial(data.blobs, 49), (10, 32, 4), normalised_steps(1000.0), 0.05, num_epochs=20, batch_size=40, relu=True), "steps of one great length", RATE),
]  # fmt: skip

OTHERS = [*(Case(one) for one in HEALTHY), *FAULTS]
