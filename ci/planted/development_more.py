"""Further development cases, made after the suite had been scored once. They are in no score."""

from functools import partial

import numpy as np

from planted import changes as change, data
from planted.run import Case, own, run

__all__ = ["MORE"]

LR, S = (("learning rate", "update ratio"), {"preprocess": "standard"})  # fmt: skip
d1 = run("d1", partial(data.digits, 301), (50, 50), "nesterov_momentum", 0.008, num_epochs=15, **S)  # fmt: skip
d2 = run("d2", partial(data.digits, 302), (120,), "rmsprop", 0.001, num_epochs=20, preprocess="mean")  # fmt: skip
b1 = run("b1", partial(data.blobs, 303, 2000, 25, 8, 0.9), (50,), "sgd_momentum", 0.02, num_epochs=12)  # fmt: skip
b2 = run("b2", partial(data.blobs, 304, 700, 3, 2, 1.5), (10,), "sgd", 0.1, num_epochs=30, batch_size=20)  # fmt: skip
sp = run("sp", partial(data.spiral, 305, 1000, 2), (50,), "adam", 0.008, num_epochs=60, batch_size=32)  # fmt: skip
w = run("w", partial(data.waves, 306, 800), (40,), "adam", 0.01, num_epochs=60, batch_size=32)  # fmt: skip


def _flip_val(d):
    """Take the next class for each validation row."""
    y = d["y_val"].copy()
    return {**d, "y_val": (y + 1) % (y.max() + 1)}


def _perm_features_val(d):
    """Permute the features of validation."""
    return {**d, "X_val": d["X_val"][:, np.random.default_rng(1).permutation(d["X_val"].shape[1])]}


def _bias_all(m):
    """Set the first biases far below 0."""
    m.params["b1"] = m.params["b1"] - 1000


def _dupl(d):
    """Repeat forty rows."""
    i = np.arange(len(d["X_train"])) % 40
    return {**d, "X_train": d["X_train"][i], "y_train": d["y_train"][i]}


def _noise_inputs(d):
    """Put noise in the place of the inputs."""
    rng = np.random.default_rng(0)
    return {n: rng.normal(size=x.shape) if n[0] == "X" else x for n, x in d.items()}


MORE = [
    *(
        Case(one)
        for one in (
            d1,
            d2,
            b1,
            b2,
            sp,
            w,
            run("gelu", partial(data.digits, 307), (60,), "adam", 0.002, num_epochs=20, **S, net={"activation": "gelu"}),
            run("selu deep", partial(data.digits, 308), (50,) * 5, "adam", 0.001, num_epochs=20, **S, net={"activation": "selu"}),
            run("mish ln", partial(data.digits, 309), (60, 30), "adamw", 0.002, num_epochs=15, **S, net={"activation": "mish", "normalization": "layernorm"}),
            run("tiny batch", partial(data.blobs, 310, 400, 5, 3, 1.2), (8,), "sgd", 0.01, num_epochs=10, batch_size=1),
            run("full batch", partial(data.blobs, 311, 400, 5, 3, 1.2), (16,), "adam", 0.02, num_epochs=80, batch_size=300),
            run("reg strong-ish", partial(data.digits, 312), (60,), "adam", 0.003, num_epochs=30, **S, net={"reg": 0.1}),
            run("keep .5", partial(data.digits, 313), (200,), "adam", 0.002, num_epochs=30, **S, net={"dropout_keep_ratio": 0.5}),
            run("deep tanh 6", partial(data.digits, 314), (40,) * 6, "adam", 0.001, num_epochs=25, **S, net={"activation": "tanh"}),
            run("sigmoid 3", partial(data.digits, 315), (40,) * 3, "adam", 0.01, num_epochs=30, **S, net={"activation": "sigmoid"}),
            run("svm blobs", partial(data.blobs, 316, 1000, 10, 4, 1.0), (20,), "sgd_momentum", 0.003, num_epochs=15, batch_size=50, net={"loss": "svm"}),
            run("multi reg", partial(data.linear, 317, 1200, 20, 5), (40,), "adam", 0.003, num_epochs=20, batch_size=50),
            run("step sched", partial(data.digits, 318), (60,), "sgd_momentum", 0.02, num_epochs=20, lr_schedule="step:8:0.1", **S),
        )
    ),
    Case(d1.but(data=_flip_val), "val labels off by one", ("label agreement",)),
    Case(d2.but(data=_perm_features_val), "val features permuted", ("parts alike", "label agreement")),
    Case(d1.but(data=_noise_inputs), "inputs are noise", ("label agreement",)),
    Case(b1.but(data=_dupl), "40 rows repeated", ("train/validation gap",)),
    Case(d2.but(spoil=_bias_all), "bias -1000", ("dead units",)),
    *(Case(r.but(rate=f), f"rate {f}", LR) for r in (d1, d2, b1, b2, sp, w) for f in (100.0, 0.01, 1000.0, 0.001)),
    Case(d1.but(hidden=(40,) * 10, net={"activation": "sigmoid"}), "sig 10", ("gradients by layer",)),
    Case(d1.but(net={"weight_scale": 1e-06}), "weights 1e-6", ("activations by layer", "gradients by layer", "dead units", "learning rate")),
    Case(b2.but(data=change.shuffled_labels(0.3, 5)), "30% of 2 shuffled", ("label agreement",)),
    Case(b1.but(data=change.shuffled_labels(0.15, 5)), "15% shuffled", ("label agreement",)),
    Case(sp.but(data=change.shuffled_labels(0.5, 5, ("train",))), "50% train", ("label agreement",)),
    Case(w.but(data=change.shifted_rows(0.0)), "targets slip", ("label agreement",)),
    Case(w.but(data=change.shifted_rows(0.5)), "targets slip half", ("label agreement",)),
    Case(w.but(data=change.shuffled_labels(0.3, 6)), "targets 30% shuffled", ("label agreement",)),
    Case(d1.but(data=lambda d: {**d, "X_val": 0.0 * d["X_val"] + d["X_train"].mean(0)}), "val constant", ("parts alike", "label agreement")),
    Case(b1.but(data=change.inputs(lambda x: x.astype(np.float64) + 10000.0)), "inputs 1e4", ("input centring",)),
    Case(d2.but(net={"reg": 3.0}), "reg 3", ("regularisation strength",)),
    Case(d1.but(options={"lr_schedule": "exponential:0.3"}), "exp .3", ("learning-rate schedule",)),
    Case(b2.but(hidden=(1,), data=lambda d: data.rings(320, 800, 3, 2)), "1 unit on rings", ("capacity",)),
    Case(own("o1", partial(data.blobs, 321, 900, 8, 3), 16, "sgd", 0.05, num_epochs=15, batch_size=30).but(spoil=change.same_weights(0.1)), "own equal", ("symmetry",)),
]  # fmt: skip
