"""The parts of a run that the options describe: data, preprocessing, net and Solver's options."""

import argparse
from typing import Any

import numpy as np

import xpnet
from xpnet.data import Dataset
from xpnet.errors import InputError
from xpnet.hyperparameters import optim_config
from xpnet.nets import FullyConnectedNet
from xpnet.preprocessing import BasePreprocessor, get_preprocessor

__all__ = ["fitted_preprocess", "load_data", "make_net", "solver_options"]

_MANY = 1000  # features, from which on finding principal components takes more than a second


def load_data(options: argparse.Namespace) -> Dataset:
    """Return the data set that the options name.

    Raises:
        InputError: There is none, or an option is for another.

    """
    if options.dataset != "cifar10" and (options.download or options.data_dir is not None):
        given = "--download" if options.download else "--data-dir"
        raise InputError(
            f"{given} is for --dataset cifar10, but --dataset is {options.dataset}: leave it out"
        )
    return xpnet.data.load(
        options.dataset, data_dir=options.data_dir, download=options.download, seed=options.seed
    )


def fitted_preprocess(
    options: argparse.Namespace, chosen: dict[str, Any], data: Dataset
) -> BasePreprocessor | None:
    """Return the preprocessing, fitted on the training part."""
    text: str = chosen["preprocess"]
    preprocess = get_preprocessor(text, data.picture_shape)
    if preprocess is None:
        return None
    if not options.quiet and not preprocess.keeps_shape and data.input_dim > _MANY:
        print(f"fitting {preprocess}, which may take a minute", flush=True)
    preprocess.fit(data.X_train)
    return preprocess


def make_net(
    options: argparse.Namespace,
    chosen: dict[str, Any],
    data: Dataset,
    preprocess: BasePreprocessor | None,
) -> FullyConnectedNet:
    """Return the net that the options describe, with its initial parameters."""
    net = FullyConnectedNet(
        chosen["hidden_dims"],
        data.input_dim if preprocess is None else preprocess.output_dim(data.input_dim),
        data.num_classes,
        activation=chosen["activation"],
        normalization=_or_none(chosen["normalization"]),
        dropout_keep_ratio=chosen["dropout_keep_ratio"],
        reg=chosen["reg"],
        weight_scale=chosen.get("weight_scale"),
        initializer=chosen["initializer"],
        loss=chosen["loss"],
        dtype=chosen["dtype"],
        device=options.device,
        seed=chosen["seed"],
    )
    if data.is_regression:  # start from the targets' mean, however far from 0 it lies
        mean = np.mean(data.y_train, axis=0).reshape(data.num_classes)
        with net.backend.context():  # of float16, a mean beyond 65504 diverges at the first step
            net.params[f"b{net.num_layers}"] = net.backend.asarray(mean, net.dtype)
    return net


def solver_options(options: argparse.Namespace, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters of the training, as `Solver` takes them."""
    return {
        "update_rule": chosen["update_rule"],
        "optim_config": optim_config(options, chosen),
        "lr_decay": chosen["lr_decay"],
        "batch_size": chosen["batch_size"],
        "num_epochs": chosen["num_epochs"],
        "seed": chosen["seed"],
        "sampling": chosen["sampling"],
        "lr_schedule": chosen["lr_schedule"],
        "patience": chosen["patience"],
        "clip_norm": chosen["clip_norm"],
        "class_weights": _or_none(chosen["class_weights"]),
        "label_smoothing": chosen["label_smoothing"],
        "precision": chosen["precision"],
        "threads": options.threads,
    }


def _or_none(text: str) -> str | None:
    return None if text == "none" else text
