"""The cases that checks and thresholds were made with. They are in no score."""

import numpy as np

from planted import changes as change, data
from planted.models import FAULTS, sign_descent, uphill
from planted.run import Case, own, run

__all__ = ["CASES", "HEALTHY"]
LR, LABELS = (("learning rate", "update ratio"), ("label agreement",))
digits = run("digits 64-60-10", lambda: data.digits(1), (60,), "adam", 0.002, num_epochs=20, lr_decay=0.97, preprocess="mean")  # fmt: skip
HEALTHY = [
    digits,
    run("digits sgd", lambda: data.digits(2), (50,), "sgd", 0.05, num_epochs=30, preprocess="standard"),
    run("digits linear", lambda: data.digits(3), (), "adam", 0.01, num_epochs=20, preprocess="standard"),
    run("digits bn", lambda: data.digits(4), (60, 40), "adam", 0.003, num_epochs=15, preprocess="standard", net={"normalization": "batchnorm"}),
    run("digits svm", lambda: data.digits(5), (60,), "adam", 0.003, num_epochs=20, preprocess="mean", net={"loss": "svm"}),
    run("digits dropout", lambda: data.digits(6), (120,), "adam", 0.003, num_epochs=30, preprocess="standard", net={"dropout_keep_ratio": 0.6}),
    run("digits tanh", lambda: data.digits(7), (60, 60), "sgd_momentum", 0.01, num_epochs=20, preprocess="standard", net={"activation": "tanh"}),
    run("digits sigmoid", lambda: data.digits(8), (60,), "adam", 0.01, num_epochs=20, preprocess="standard", net={"activation": "sigmoid"}),
    run("digits pca", lambda: data.digits(9), (60,), "rmsprop", 0.003, num_epochs=20, preprocess="pca:30"),
    run("digits deep", lambda: data.digits(10), (64, 64, 64, 64), "adam", 0.001, num_epochs=20, preprocess="standard"),
    run("digits layernorm elu", lambda: data.digits(11), (64, 64), "adam", 0.002, num_epochs=15, preprocess="mean", net={"activation": "elu", "normalization": "layernorm"}),
    run("digits maxout", lambda: data.digits(12), (40,), "adam", 0.002, num_epochs=15, preprocess="mean", net={"activation": "maxout"}),
    run("blobs", lambda: data.blobs(1), (32,), "adam", 0.003, num_epochs=20, batch_size=50),
    run("blobs hard", lambda: data.blobs(2, apart=0.5), (32,), "adam", 0.003, num_epochs=10, batch_size=50),
    run("blobs near", lambda: data.blobs(3, apart=0.45, c=3), (16,), "sgd_momentum", 0.01, num_epochs=10, batch_size=50),
    run("moons", lambda: data.moons(1), (32,), "adam", 0.01, num_epochs=40, batch_size=50),
    run("spiral", lambda: data.spiral(1), (64,), "adam", 0.01, num_epochs=50, batch_size=50),
    run("rings", lambda: data.rings(1), (64,), "adam", 0.003, num_epochs=40, batch_size=50),
    run("board", lambda: data.board(1), (32,), "adam", 0.01, num_epochs=40, batch_size=50),
    run("friedman", lambda: data.friedman(1), (64,), "adam", 0.003, num_epochs=40, batch_size=50),
    run("linear regression", lambda: data.linear(1), (), "sgd", 0.03, num_epochs=20, batch_size=50),
    run("waves", lambda: data.waves(1), (64,), "adam", 0.01, num_epochs=60, batch_size=50),
    own("own digits", lambda: data.digits(13), 50, "sgd_momentum", 0.01, num_epochs=15, preprocess="standard"),
    own("own blobs reg", lambda: data.blobs(4), 20, "adam", 0.003, num_epochs=20, batch_size=50, net={"reg": 0.01}),
    own("own sign", lambda: data.blobs(5), 20, sign_descent, 0.001, num_epochs=20, batch_size=50),
]  # fmt: skip


def onehot(seed, n=1200, k=6, f=4):
    """Return categories as one-hot rows, many of which come twice."""
    rng = np.random.default_rng(seed)
    c = rng.integers(0, k, size=(n, f))
    y = (c[:, 0] + c[:, 1] > k - 1).astype(np.int64)
    return data.parts(np.eye(k)[c].reshape(n, -1), y, n // 4)


def many(seed, n=3000, c=30):
    """Return many classes."""
    return data.blobs(seed, n, 20, c, 1.0)


HARDER = [
    run("few samples", lambda: data.blobs(20, n=120, d=5, c=2, apart=1.2), (16,), "adam", 0.01, num_epochs=40, batch_size=20),
    run("one-hot", lambda: onehot(1), (16,), "adam", 0.01, num_epochs=20, batch_size=50),
    run("one-hot svm", lambda: onehot(2), (16,), "sgd_momentum", 0.01, num_epochs=30, batch_size=50, net={"loss": "svm"}),
    run("many classes", lambda: many(1), (64,), "adam", 0.003, num_epochs=20),
    run("imbalance weighed", lambda: change.rare_class(0.08, 3)(data.blobs(21, apart=1.2)), (32,), "adam", 0.005, num_epochs=20, batch_size=50, class_weights="balanced"),
    run("noisy regression", lambda: data.linear(22, noise=2.0, targets=1), (16,), "adam", 0.003, num_epochs=15, batch_size=50),
    run("noisy wide regression", lambda: data.linear(23, n=400, d=30, noise=0.5, targets=1), (), "sgd", 0.01, num_epochs=20, batch_size=25, net={"reg": 0.1}),
    run("digits float16", lambda: data.digits(24), (50,), "adam", 0.003, num_epochs=15, preprocess="mean", net={"dtype": "float16"}),
    run("digits nesterov smooth", lambda: data.digits(25), (50,), "nesterov_momentum", 0.01, num_epochs=20, preprocess="standard", label_smoothing=0.1, clip_norm=5.0),
    run("digits adamw cosine", lambda: data.digits(26), (80, 40), "adamw", 0.003, num_epochs=20, preprocess="standard", lr_schedule="warmup:2+cosine"),
    run("digits two sigmoids", lambda: data.digits(27), (64, 32), "adam", 0.01, num_epochs=25, preprocess="standard", net={"activation": "sigmoid"}),
    run("digits reg", lambda: data.digits(28), (64,), "sgd_momentum", 0.02, num_epochs=25, preprocess="standard", net={"reg": 0.05}, lr_decay=0.95),
    run("digits whitened", lambda: data.digits(29), (64,), "adam", 0.002, num_epochs=15, preprocess="whiten"),
    run("digits over 16", lambda: change.inputs(lambda x: x / 16.0)(data.digits(30)), (64,), "adam", 0.005, num_epochs=25, preprocess="mean"),
    run("overlap", lambda: data.blobs(31, apart=0.25, c=2), (16,), "adam", 0.003, num_epochs=10, batch_size=50),
    run("overlap 3", lambda: data.blobs(32, apart=0.3, c=3, d=6), (16,), "adam", 0.005, num_epochs=10, batch_size=50),
    run("wide", lambda: data.blobs(33, n=300, d=200, c=3, apart=0.4), (20,), "sgd", 0.02, num_epochs=10, batch_size=25, net={"reg": 0.1}),
    run("moons noisy", lambda: data.moons(34, noise=0.3), (32,), "adam", 0.01, num_epochs=20, batch_size=50),
    run("heavy tails", lambda: change.inputs(lambda x: np.sign(x) * np.abs(x) ** 1.7)(data.blobs(35)), (32,), "adam", 0.003, num_epochs=20, batch_size=50, preprocess="standard"),
    run("digits lower rate", lambda: data.digits(36), (100,), "adam", 0.0005, num_epochs=40, preprocess="mean"),
    run("digits higher rate", lambda: data.digits(37), (100,), "adam", 0.01, num_epochs=30, preprocess="standard"),
    run("digits small batch", lambda: data.digits(38), (40,), "sgd", 0.01, num_epochs=5, batch_size=10, preprocess="standard"),
    run("leaky deep", lambda: data.digits(39), (50, 50, 50), "rmsprop", 0.001, num_epochs=20, preprocess="standard", net={"activation": "leaky_relu"}),
]  # fmt: skip
ownb = own("own blobs", lambda: data.blobs(6, c=5), 24, "sgd", 0.1, num_epochs=20, batch_size=40, net={"reg": 0.01})  # fmt: skip
blobs = run("blobs", lambda: data.blobs(7, d=12), (32,), "adam", 0.003, num_epochs=20, batch_size=50)  # fmt: skip
bsgd = run("blobs sgd", lambda: data.blobs(8, d=12), (32,), "sgd", 0.1, num_epochs=20, batch_size=50)  # fmt: skip
spiral = run("spiral", lambda: data.spiral(2), (64,), "adam", 0.01, num_epochs=50, batch_size=50)
fried = run("friedman", lambda: data.friedman(2), (64,), "adam", 0.003, num_epochs=40, batch_size=50)  # fmt: skip
dsgd = run("digits sgd", lambda: data.digits(2), (50,), "sgd", 0.05, num_epochs=30, preprocess="standard")  # fmt: skip
OWN = {
    "no_reg_gradient": ("gradient check",),
    "half_reg": ("gradient check",),
    "no_reg_loss": ("gradient check", "regularisation"),
    "samples_axis": ("loss over samples", "gradient check"),
    "sum_loss": ("loss over samples", "initial loss"),
    "sum_gradient": ("gradient check", "loss over samples"),
    "divided_twice": ("loss over samples", "initial loss"),
    "no_relu_mask": ("gradient check",),
    "writes_inputs": ("loss over samples",),
    "uphill": ("gradient check", "learning rate"),
    "no_bias_gradient": ("gradient check",),
    "mean_bias": ("gradient check",),
    "transposed": ("gradient check",),
    "labels_off": ("training result", "overfit 20 samples", "initial loss", "loss over samples"),
    "plain_exp": ("initial loss", "learning rate"),
    "first_gradient_scaled": ("gradient check",),
    "relu_of_scores": ("gradient check",),
}
CASES = [
    *(Case(one) for one in (*HEALTHY, *HARDER)),
    Case(digits.but(options={"preprocess": None}), "no mean subtraction", ("input centring",)),
    Case(blobs.but(data=change.inputs(lambda x: x + 50.0)), "offset 50", ("input centring",)),
    Case(blobs.but(data=change.inputs(lambda x: x * np.where(np.arange(x.shape[1]) == 2, 1000.0, 1.0))), "one feature x1000", ("input scale",)),
    Case(blobs.but(data=change.inputs(lambda x: x * np.where(np.arange(x.shape[1]) < 4, 0.001, 1.0))), "a third of features /1000", ("input scale",)),
    Case(blobs.but(data=change.inputs(lambda x: x * 0.0001)), "inputs / 10000", ("input scale",)),
    Case(digits.but(data=change.wrapped_bytes), "bytes wrapped", ("input values",)),
    Case(digits.but(data=change.nan_inputs), "NaN", ("input values",)),
    Case(blobs.but(data=change.inputs(lambda x: (x * 100000.0).astype(np.float32)), net={"dtype": "float16"}), "float16 overflow", ("input values",)),
    Case(digits.but(data=change.same_inputs), "same inputs", ("input values",)),
    *(Case(digits.but(data=change.shuffled_labels(s, 1)), f"labels {s} shuffled", LABELS) for s in (0.1, 0.25, 1.0)),
    Case(spiral.but(data=change.shuffled_labels(0.3, 2, ("train",))), "train labels .3", LABELS),
    Case(blobs.but(data=change.shuffled_labels(0.2, 3)), "labels .2", LABELS),
    Case(digits.but(data=change.shifted_rows(0.5)), "labels slip from the half on", LABELS),
    Case(digits.but(data=change.shifted_rows(0.0)), "labels slip", LABELS),
    Case(fried.but(data=change.shuffled_labels(1.0, 4)), "targets shuffled", LABELS),
    Case(blobs.but(data=change.shuffled_labels(1.0, 5, ("val",))), "val labels shuffled", LABELS),
    Case(digits.but(data=change.constant_labels, net={"num_classes": 10}), "constant labels", ("labels",)),
    Case(digits.but(data=change.labels(lambda y: y + 1), net={"num_classes": 10}), "labels 1..10", ("labels",)),
    Case(digits.but(data=change.labels(lambda y: y + 1)), "class 0 unused", ("labels",)),
    Case(blobs.but(data=change.rare_class(0.04, 1)), "imbalance", ("class balance",)),
    Case(digits.but(data=change.sorted_parts), "sorted", ("labels", "parts alike")),
    Case(digits.but(data=change.copied_rows(0.3)), "leak .3", ("leak",)),
    Case(blobs.but(data=change.near_copies(0.2, 0.001, 1)), "near leak", ("leak",)),
    Case(blobs.but(data=change.centred_by_all), "fitted on all", ("preprocessing",)),
    Case(blobs.but(data=change.min_max_by_all), "min max on all", ("preprocessing",)),
    Case(digits.but(data=change.mean_each, options={"preprocess": None}), "each its mean", ("preprocessing",)),
    Case(digits.but(data=change.val_inputs(lambda x: x / 16.0)), "val scaled otherwise", ("parts alike",)),
    Case(digits.but(data=change.val_inputs(lambda x: x.reshape(-1, 8, 8).transpose(0, 2, 1).reshape(-1, 64))), "val transposed", ("parts alike", "label agreement")),
    Case(fried.but(data=change.targets(lambda y: 1000.0 + 5 * y)), "targets far off", ("initial loss", "learning rate")),
    Case(digits.but(spoil=change.same_weights(0.0)), "zero weights", ("symmetry",)),
    Case(digits.but(spoil=change.same_weights(0.1)), "equal weights", ("symmetry",)),
    Case(digits.but(spoil=change.copies_of_units("W1")), "copies of units", ("symmetry",)),
    Case(blobs.but(spoil=change.scaled_weights(50.0)), "weights x50", ("initial loss",)),
    Case(dsgd.but(hidden=(50,) * 8, net={"activation": "sigmoid"}), "sigmoid in 8 layers", ("gradients by layer",)),
    Case(dsgd.but(hidden=(50,) * 5, net={"weight_scale": 0.001}), "1e-3 weights in 5 layers", ("activations by layer", "gradients by layer")),
    Case(dsgd.but(hidden=(50,) * 6, net={"weight_scale": 1.0}), "weights 1 in 6 layers", ("activations by layer", "initial loss", "gradients by layer")),
    Case(dsgd.but(spoil=change.scaled_weights(30.0), net={"activation": "tanh"}), "saturated tanh", ("saturation",)),
    Case(digits.but(spoil=change.biases("b1", -100.0)), "dead relus", ("dead units",)),
    Case(digits.but(rate=100.0), "rate x100", LR),
    Case(digits.but(rate=0.01), "rate /100", LR),
    Case(dsgd.but(rate=100.0), "rate x100", LR),
    Case(dsgd.but(rate=0.01), "rate /100", LR),
    Case(bsgd.but(rate=100.0), "rate x100", LR),
    Case(bsgd.but(rate=0.01), "rate /100", LR),
    Case(fried.but(rate=100.0), "rate x100", LR),
    Case(fried.but(rate=0.01), "rate /100", LR),
    Case(spiral.but(rate=100.0), "rate x100", LR),
    Case(spiral.but(rate=0.01), "rate /100", LR),
    Case(blobs.but(rate=100.0), "rate x100", LR),
    Case(blobs.but(rate=0.01), "rate /100", LR),
    Case(digits.but(options={"lr_decay": 0.3}), "decay .3", ("learning-rate schedule",)),
    Case(digits.but(options={"lr_schedule": "step:1:0.1"}), "step 1", ("learning-rate schedule",)),
    Case(digits.but(net={"reg": 10.0}), "reg 10", ("regularisation strength",)),
    Case(bsgd.but(net={"reg": 3.0}), "reg 3", ("regularisation strength",)),
    Case(digits.but(net={"dropout_keep_ratio": 0.05}), "keep .05", ("dropout",)),
    Case(digits.but(net={"normalization": "batchnorm"}, options={"batch_size": 1, "num_epochs": 1}), "bn batch 1", ("batch normalization",)),
    Case(run("few blobs", lambda: data.blobs(12, d=20, apart=0.25), (200,), "adam", 0.003, num_epochs=60, batch_size=20).but(data=change.few_rows(60)), "overfit", ("train/validation gap",)),
    Case(digits.but(hidden=(2,)), "2 units", ("capacity",)),
    Case(spiral.but(hidden=()), "linear on spiral", ("capacity",)),
    Case(dsgd.but(options={"clip_norm": 0.0001}), "clip 1e-4", LR),
    Case(own("own uphill", lambda: data.blobs(9), 20, uphill, 0.01, num_epochs=10, batch_size=50), "uphill rule", ("learning rate",)),
    *(Case(ownb.but(net={"fault": f}, data=change.inputs(lambda x: 300.0 * x) if f == "plain_exp" else None), f, OWN[f]) for f in FAULTS),
]  # fmt: skip
