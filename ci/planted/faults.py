"""Planted faults that are scored: other data, shapes, nets, rules and seeds than in development.

Each names the verdicts that count as having named it, written down before the first score.
"""

from functools import partial

import numpy as np

import xpnet
from planted import changes as change, data
from planted.models import FAULTS as OWN_FAULTS, uphill
from planted.run import Case, own, run

__all__ = ["FAULTS", "with_cifar10"]

_RATE = ("learning rate", "update ratio")
_LABELS = ("label agreement",)
_FLOW = ("gradients by layer", "activations by layer")
_STD = {"preprocess": "standard"}

digits = run(
    "digits adam", partial(data.digits, 201), (90,), "adam", 3e-3, num_epochs=25, preprocess="mean"
)
dsgd = run("digits sgd", partial(data.digits, 202), (70,), "sgd", 5e-2, num_epochs=25, **_STD)
dmom = run(
    "digits momentum",
    partial(data.digits, 203),
    (60, 40),
    "sgd_momentum",
    1e-2,
    num_epochs=20,
    **_STD,
)
blobs = run(
    "blobs",
    partial(data.blobs, 204, 1500, 15, 5),
    (40,),
    "adam",
    4e-3,
    num_epochs=15,
    batch_size=60,
)
rings = run(
    "rings", partial(data.rings, 205, 1600, 4, 3), (64,), "adam", 5e-3, num_epochs=30, batch_size=50
)
moons = run(
    "moons",
    partial(data.moons, 206, 1100, 0.15),
    (32,),
    "rmsprop",
    5e-3,
    num_epochs=30,
    batch_size=40,
)
fried = run(
    "friedman",
    partial(data.friedman, 207, 1300, 9),
    (64,),
    "adam",
    4e-3,
    num_epochs=30,
    batch_size=50,
)
lin = run(
    "linear", partial(data.linear, 208, 1000, 10, 2), (), "sgd", 3e-2, num_epochs=20, batch_size=50
)
ownd = own(
    "own digits",
    partial(data.digits, 209),
    50,
    "sgd_momentum",
    1e-2,
    num_epochs=12,
    **_STD,
    net={"reg": 0.02},
)
ownb = own(
    "own blobs",
    partial(data.blobs, 210, 1200, 12, 6),
    30,
    "adam",
    4e-3,
    num_epochs=15,
    batch_size=50,
    net={"reg": 0.01},
)

_OWN = {
    "no_reg_gradient": ("gradient check",),
    "half_reg": ("gradient check",),
    "no_reg_loss": ("gradient check", "regularisation"),
    "samples_axis": ("loss over samples", "gradient check", "initial loss"),
    "sum_loss": ("loss over samples", "initial loss"),
    "sum_gradient": ("gradient check", "loss over samples"),
    "divided_twice": ("loss over samples", "initial loss"),
    "no_relu_mask": ("gradient check",),
    "writes_inputs": ("loss over samples",),
    "uphill": ("gradient check", "learning rate"),
    "no_bias_gradient": ("gradient check",),
    "mean_bias": ("gradient check",),
    "transposed": ("gradient check",),
    "labels_off": ("overfit 20 samples", "training result", "initial loss", "evaluation"),
    "plain_exp": ("initial loss",),
    "first_gradient_scaled": ("gradient check",),
    "relu_of_scores": ("gradient check",),
}


def _last_bias(model: xpnet.FullyConnectedNet) -> None:
    """Start sure of the first class."""
    model.params["b2"][0] = 60.0


def _outlier(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[::200, 3] = 9999.0  # as files write what is missing
    return x


def _fitted_on_all(d: data.Arrays) -> xpnet.preprocessing.Preprocessor:
    return xpnet.preprocessing.get_preprocessor("standard").fit(
        np.concatenate([d["X_train"], d["X_val"]])
    )


FAULTS = [
    # inputs
    Case(digits.but(options={"preprocess": None}), "no mean subtraction", ("input centring",)),
    Case(blobs.but(data=change.inputs(lambda x: 3.0 * x + 30.0)), "inputs around 30", ("input centring",)),
    Case(moons.but(data=change.inputs(lambda x: x + np.asarray([1900.0, 0.0]))), "years as they are", ("input centring", "input scale")),
    Case(rings.but(data=change.inputs(lambda x: x * [1.0, 1.0, 5e3, 1.0])), "one feature in other units", ("input scale",)),
    Case(fried.but(data=change.inputs(lambda x: x * np.where(np.arange(9) < 3, 1e-3, 1.0))), "three features / 1000", ("input scale",)),
    Case(rings.but(data=change.inputs(lambda x: x / 65025.0)), "divided by 255 twice", ("input scale",)),
    Case(blobs.but(data=change.inputs(_outlier)), "9999 for what is missing", ("input scale", "missing values")),
    Case(dsgd.but(data=change.wrapped_bytes), "bytes wrapped round", ("input values",)),
    Case(dsgd.but(data=change.nan_inputs), "a NaN", ("input values",)),
    Case(rings.but(data=change.inputs(lambda x: x * 1e6), net={"dtype": "float16"}), "float16 overflows", ("input values",)),
    Case(blobs.but(data=change.same_inputs), "one row for all", ("input values",)),
    # labels
    Case(dsgd.but(data=change.shuffled_labels(0.12, 11)), "12% of the labels shuffled", _LABELS),
    Case(blobs.but(data=change.shuffled_labels(0.3, 12)), "30% of the labels shuffled", _LABELS),
    Case(moons.but(data=change.shuffled_labels(0.4, 13)), "40% of two labels shuffled", _LABELS),
    Case(digits.but(data=change.shuffled_labels(0.3, 14, ("train",))), "30% of y_train shuffled", _LABELS),
    Case(rings.but(data=change.shuffled_labels(1.0, 15)), "all labels shuffled", _LABELS),
    Case(digits.but(data=change.shifted_rows(0.0)), "y_train slips by a row", _LABELS),
    Case(blobs.but(data=change.shifted_rows(0.6)), "y_train slips after 60%", _LABELS),
    Case(dsgd.but(data=change.shuffled_labels(0.5, 16, ("val",))), "half of y_val shuffled", (*_LABELS, "train/validation gap")),
    Case(fried.but(data=change.shuffled_labels(1.0, 17)), "targets shuffled", _LABELS),
    Case(lin.but(data=change.shifted_rows(0.0)), "targets slip by a row", _LABELS),
    Case(blobs.but(data=change.constant_labels, net={"num_classes": 5}), "constant labels", ("labels",)),
    Case(dsgd.but(data=change.labels(lambda y: y + 1), net={"num_classes": 10}), "labels 1 to 10", ("labels",)),
    Case(blobs.but(net={"num_classes": 8}), "three classes too many", ("labels",)),
    Case(blobs.but(data=change.rare_class(0.03, 18)), "a rare class", ("class balance",)),
    Case(digits.but(options={"class_weights": [1.0] * 9 + [0.01]}), "a class that does not count", ("class balance",)),
    Case(digits.but(options={"label_smoothing": 0.9}), "labels smoothed to nothing", ("label smoothing",)),
    # parts
    Case(dsgd.but(data=change.sorted_parts), "rows sorted by class", ("labels", "parts alike")),
    Case(rings.but(data=change.copied_rows(0.25)), "a quarter of validation is training", ("leak",)),
    Case(digits.but(data=change.copied_rows(0.05)), "5% of validation is training", ("leak",)),
    Case(rings.but(data=change.near_copies(0.3, 1e-3, 19)), "augmented before the split", ("leak",)),
    Case(blobs.but(data=change.centred_by_all), "standardised by all rows", ("preprocessing",)),
    Case(rings.but(data=change.min_max_by_all), "scaled by all rows", ("preprocessing",)),
    Case(digits.but(options={"preprocess": _fitted_on_all(data.digits(201))}), "preprocessor fitted on all rows", ("preprocessing",)),
    Case(blobs.but(data=change.mean_each), "each part its own mean", ("preprocessing",)),
    Case(blobs.but(data=change.val_inputs(lambda x: x * 10.0)), "validation in other units", ("parts alike",)),
    Case(dsgd.but(data=change.val_inputs(lambda x: x / 16.0)), "validation scaled otherwise", ("parts alike",)),
    Case(dsgd.but(data=change.val_inputs(lambda x: x.reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64))), "validation upside down", ("parts alike", *_LABELS)),
    # the net
    Case(dmom.but(spoil=change.same_weights(0.0)), "zero weights", ("symmetry",)),
    Case(blobs.but(spoil=change.same_weights(0.05)), "equal weights", ("symmetry",)),
    Case(rings.but(spoil=change.copies_of_units("W1")), "units that are copies", ("symmetry",)),
    Case(ownb.but(spoil=change.same_weights(0.0)), "zero weights, own net", ("symmetry",)),
    Case(dsgd.but(spoil=change.scaled_weights(100.0)), "weights 100 times too large", ("initial loss",)),
    Case(blobs.but(spoil=_last_bias), "sure of one class", ("initial loss",)),
    Case(fried.but(data=change.targets(lambda y: 500.0 + 20.0 * y)), "targets around 500", ("initial loss",)),
    Case(dmom.but(hidden=(40,) * 8, net={"activation": "sigmoid"}), "sigmoid in 8 layers", _FLOW),
    Case(blobs.but(hidden=(30,) * 6, net={"weight_scale": 1e-2}), "weights of 0.01 in 6 layers", _FLOW),
    Case(blobs.but(hidden=(60,) * 5, net={"weight_scale": 1.0}), "weights of 1 in 5 layers", (*_FLOW, "initial loss")),
    Case(dmom.but(net={"activation": "tanh", "weight_scale": 1.5}), "tanh saturated", ("saturation",)),
    Case(dmom.but(options={"preprocess": "mean"}, data=change.inputs(lambda x: x * 16.0), net={"activation": "sigmoid"}), "grey levels of 255 into sigmoids", ("saturation",)),
    Case(rings.but(spoil=change.biases("b1", -50.0)), "dead ReLUs by their biases", ("dead units",)),
    Case(dmom.but(spoil=change.biases("b2", -30.0)), "dead second layer", ("dead units",)),
    Case(digits.but(hidden=(1,)), "one hidden unit", ("capacity",)),
    Case(rings.but(hidden=()), "a linear net on rings", ("capacity",)),
    Case(moons.but(hidden=(30, 30), net={"activation": "identity"}), "no activation", ("capacity", "training result")),
    Case(blobs.but(net={"normalization": "batchnorm"}, options={"batch_size": 1}), "BatchNorm on batches of 1", ("batch normalization",)),
    Case(digits.but(net={"normalization": "batchnorm"}, options={"batch_size": 2, "num_epochs": 3}), "BatchNorm on batches of 2", ("batch normalization",)),
    Case(dsgd.but(net={"dropout_keep_ratio": 0.08}), "8% of the units kept", ("dropout",)),
    # the training
    *(
        Case(one.but(rate=factor), f"learning rate times {factor:g}", _RATE)
        for one in (digits, dsgd, dmom, blobs, rings, fried, lin, ownd)
        for factor in (100.0, 0.01)
    ),
    Case(digits.but(options={"lr_decay": 0.4}), "rate decays to nothing", ("learning-rate schedule",)),
    Case(dsgd.but(options={"lr_schedule": "step:2:0.1"}), "a tenth every 2 epochs", ("learning-rate schedule",)),
    Case(blobs.but(options={"lr_decay": 1.5}), "rate grows", ("learning-rate schedule", *_RATE)),
    Case(dsgd.but(net={"reg": 5.0}), "reg 5", ("regularisation strength",)),
    Case(rings.but(net={"reg": 1.0}), "reg 1", ("regularisation strength",)),
    Case(blobs.but(options={"update_rule": "adamw", "optim_config": {"learning_rate": 4e-3, "weight_decay": 50.0}}), "weight decay of 50", ("regularisation strength",)),
    Case(dmom.but(options={"clip_norm": 1e-5}), "gradients clipped to nothing", _RATE),
    Case(dmom.but(options={"optim_config": {"learning_rate": 1e-2, "momentum": 0.9999}}), "momentum 0.9999", (*_RATE, "training result")),
    Case(run("few blobs", partial(data.blobs, 211, 400, 30, 4, 0.22), (150,), "adam", 3e-3, num_epochs=60, batch_size=20).but(data=change.few_rows(80)), "80 samples, 150 units", ("train/validation gap",)),
    Case(digits.but(options={"num_epochs": 1}, rate=0.3), "one epoch", ("training result", *_RATE)),
    Case(own("uphill", partial(data.blobs, 212, 900, 8, 3), 20, uphill, 1e-2, num_epochs=10, batch_size=50), "a rule that goes uphill", ("learning rate",)),
    # own models
    *(Case(ownd.but(net={"fault": fault}, data=change.inputs(lambda x: 500.0 * x) if fault == "plain_exp" else None, options={"preprocess": "mean"} if fault == "plain_exp" else None), f"own net: {fault}", _OWN[fault]) for fault in OWN_FAULTS),
    *(Case(ownb.but(net={"fault": fault}), f"own net: {fault}", _OWN[fault]) for fault in ("no_reg_gradient", "samples_axis", "sum_loss", "no_relu_mask")),
]  # fmt: skip


def with_cifar10(arrays: data.Arrays) -> list[Case]:
    """Return faults on CIFAR-10."""
    notes = run(
        "CIFAR-10, the notes' run", lambda: arrays, (50,), "sgd", 1e-3, num_epochs=10,
        lr_decay=0.95, preprocess="mean", net={"weight_scale": 1e-3},
    )  # fmt: skip
    return [
        Case(notes.but(rate=100.0), "learning rate times 100", _RATE),
        Case(notes.but(rate=0.01), "learning rate times 0.01", _RATE),
        Case(notes.but(options={"preprocess": None}), "no mean subtraction", ("input centring",)),
        Case(notes.but(data=change.shifted_rows(0.0)), "y_train slips by a row", _LABELS),
        Case(
            notes.but(data=change.copied_rows(0.2)), "a fifth of validation is training", ("leak",)
        ),
    ]
