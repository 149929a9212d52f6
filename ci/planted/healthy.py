"""Healthy runs that are scored: other data, shapes, nets, rules and seeds than in development."""

from functools import partial

from planted import changes as change, data
from planted.models import sign_descent
from planted.run import Run, own, run

__all__ = ["HEALTHY", "with_cifar10"]

_STD = {"preprocess": "standard"}

HEALTHY = [
    run("digits adam", partial(data.digits, 101), (100,), "adam", 3e-3, num_epochs=40, lr_decay=0.97, preprocess="mean", net={"reg": 0.03}),
    run("digits sgd leaky", partial(data.digits, 102), (80,), "sgd", 3e-2, num_epochs=40, **_STD, net={"activation": "leaky_relu"}),
    run("digits bn deep", partial(data.digits, 103), (80, 60, 40), "adam", 2e-3, num_epochs=15, **_STD, net={"normalization": "batchnorm"}),
    run("digits svm momentum", partial(data.digits, 104), (70,), "sgd_momentum", 2e-3, num_epochs=25, **_STD, net={"loss": "svm", "reg": 1e-3}),
    run("digits dropout elu", partial(data.digits, 105), (150, 80), "adam", 1e-3, num_epochs=30, **_STD, net={"activation": "elu", "dropout_keep_ratio": 0.7}),
    run("digits tanh layernorm", partial(data.digits, 106), (70, 50), "rmsprop", 2e-3, num_epochs=15, preprocess="mean", net={"activation": "tanh", "normalization": "layernorm"}),
    run("digits sigmoid nesterov", partial(data.digits, 107), (90,), "nesterov_momentum", 5e-2, num_epochs=40, **_STD, net={"activation": "sigmoid"}),
    run("digits maxout pca", partial(data.digits, 108), (45,), "adamw", 2e-3, num_epochs=20, preprocess="standard+pca:0.95", net={"activation": "maxout"}),
    run("digits linear svm", partial(data.digits, 109), (), "sgd", 1e-2, num_epochs=30, **_STD, net={"loss": "svm"}),
    run("digits cosine", partial(data.digits, 110), (64,), "sgd_momentum", 3e-2, num_epochs=20, lr_schedule="warmup:1+cosine", **_STD, patience=5),
    run("blobs 7 classes", partial(data.blobs, 111, 1400, 16, 7), (40,), "adam", 5e-3, num_epochs=20, batch_size=64),
    run("blobs overlapping", partial(data.blobs, 112, 1600, 8, 3, 0.45), (24,), "sgd_momentum", 1e-2, num_epochs=12, batch_size=32),
    run("blobs few", partial(data.blobs, 113, 160, 6, 2, 1.0), (12,), "adam", 1e-2, num_epochs=40, batch_size=20),
    run("blobs wide", partial(data.blobs, 114, 900, 120, 5, 0.6), (30,), "adam", 1e-3, num_epochs=15, batch_size=45),
    run("moons", partial(data.moons, 115, 1000, 0.2), (40, 20), "adam", 5e-3, num_epochs=40, batch_size=40),
    run("spiral of 4", partial(data.spiral, 116, 1600, 4), (80,), "rmsprop", 5e-3, num_epochs=50, batch_size=40),
    run("rings bn", partial(data.rings, 117, 1400, 4, 4), (80, 40), "adam", 5e-3, num_epochs=40, batch_size=50, net={"normalization": "batchnorm"}),
    run("board tanh", partial(data.board, 118, 1600, 2), (40,), "adam", 1e-2, num_epochs=50, batch_size=50, net={"activation": "tanh"}),
    run("rare class weighed", lambda: change.rare_class(0.07, 119)(data.blobs(119, 1600, 9, 3, 1.1)), (30,), "adam", 4e-3, num_epochs=20, batch_size=50, class_weights="balanced"),
    run("friedman", partial(data.friedman, 120, 1500, 10, 1.0), (80,), "adam", 4e-3, num_epochs=40, batch_size=50),
    run("friedman momentum", partial(data.friedman, 121, 1000, 6), (50, 30), "sgd_momentum", 5e-3, num_epochs=40, batch_size=25),
    run("linear, 3 targets", partial(data.linear, 122, 1000, 15, 3), (), "sgd", 2e-2, num_epochs=30, batch_size=50),
    run("waves elu", partial(data.waves, 123, 1000), (80,), "adam", 1e-2, num_epochs=60, batch_size=40, net={"activation": "elu"}),
    run("digits float16", partial(data.digits, 124), (60,), "adam", 2e-3, num_epochs=20, **_STD, net={"dtype": "float16"}),
    own("own digits reg", partial(data.digits, 125), 60, "adam", 2e-3, num_epochs=20, **_STD, net={"reg": 0.01}),
    own("own blobs sgd", partial(data.blobs, 126, 1300, 14, 4), 30, "sgd", 5e-2, num_epochs=25, batch_size=40),
    own("own rule", partial(data.blobs, 127, 1200, 9, 5, 1.3), 25, sign_descent, 2e-3, num_epochs=20, batch_size=40),
]  # fmt: skip


def with_cifar10(arrays: data.Arrays) -> list[Run]:
    """Return healthy runs on CIFAR-10."""
    source = lambda: arrays  # noqa: E731
    return [
        run("CIFAR-10, the notes' run", source, (50,), "sgd", 1e-3, num_epochs=10, lr_decay=0.95, preprocess="mean", net={"weight_scale": 1e-3}),
        run("CIFAR-10 deep", source, (100, 50), "adam", 1e-3, num_epochs=10, preprocess="mean", lr_schedule="cosine", net={"normalization": "batchnorm"}),
    ]  # fmt: skip
