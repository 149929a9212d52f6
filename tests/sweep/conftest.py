"""A small data set, and the training of one configuration by itself."""

import numpy as np
import pytest

from xpnet import FullyConnectedNet, Solver

N, D, C = 80, 6, 3
FIXED = {"num_epochs": 8, "batch_size": 10, "preprocess": "mean", "update_rule": "adam"}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(2)
    y = rng.integers(C, size=N + 40)
    X = (rng.standard_normal((N + 40, D)) + np.eye(C, D)[y]).astype(np.float32)
    return {
        **{"X_train": X[:N], "y_train": y[:N], "X_val": X[N : N + 20], "y_val": y[N : N + 20]},
        **{"X_test": X[N + 20 :], "y_test": y[N + 20 :]},
    }


@pytest.fixture
def alone():
    """Return what trains one configuration by itself, with Adam and the options of FIXED."""

    def train(data, values, **options):
        net = FullyConnectedNet(
            values.get("hidden_dims", [100]),
            D,
            C,
            activation=values.get("activation", "relu"),
            reg=values.get("reg", 0.0),
            seed=values.get("seed", 0),
        )
        config = {"learning_rate": values["learning_rate"]} if "learning_rate" in values else {}
        settings = {**FIXED, "seed": values.get("seed", 0), **options}
        solver = Solver(net, data, optim_config=config, verbose=False, **settings)
        solver.train()
        return solver

    return train
